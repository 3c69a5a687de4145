"""Applies prepared patches: one file per package or issue."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from polly.errors import InputError, SettingsError
from polly.execution.agents.base import Assignment, Launch
from polly.execution.agents.listening import Listener, Silent
from polly.execution.agents.options import absolute, check_names
from polly.execution.agents.playing import Step, play


@dataclass(frozen=True, kw_only=True)
class PatchAgent:
    """Applies `<package id>.patch`, then `<issue id>.patch` in the package's order, each where it exists.

    delay_seconds: for every package, or by package or issue id; slept before the patch in question.
    """

    folder: Path
    delay_seconds: float | Mapping[str, float] = field(default_factory=dict)
    name: str = "patch"

    @property
    def spec(self) -> str:
        return f"{self.name}:{self.folder}"

    def launch(self, assignment: Assignment) -> Launch:
        """The player with the patches that there are for this package; none is no mistake."""
        every = self.delay_seconds if isinstance(self.delay_seconds, int | float) else 0
        by_id = self.delay_seconds if isinstance(self.delay_seconds, Mapping) else {}
        steps: list[Step] = [{"do": "sleep", "seconds": every}] if every else []
        for each in (assignment.package.id, *assignment.package.issues):
            patch = self.folder / patch_name(each)
            if by_id.get(each):
                steps.append({"do": "sleep", "seconds": by_id[each]})
            if patch.is_file():
                steps.append({"do": "patch", "file": str(patch)})
        return play(assignment, steps)

    def listener(self, folder: Path) -> Listener:  # noqa: ARG002 - the port's signature
        """Its output is for people."""
        return Silent()


def patch_name(key: str) -> str:
    """The name of the file for a package or an issue: an id is foreign text, and no path."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", key)
    return f"{plain}.patch"


def open_patch(argument: str, options: Mapping[str, Any]) -> PatchAgent:
    """From `--agent patch:DIR`."""
    if not argument:
        raise InputError("the agent `patch` needs a folder", next_step="Write `--agent patch:DIR`.")
    folder = absolute(argument)
    if not folder.is_dir():
        raise InputError(
            f"the folder of patches {folder} {'is a file' if folder.exists() else 'does not exist'}",
            next_step="It holds one <package id>.patch or <issue id>.patch for each.",
        )
    if not any(folder.glob("*.patch")):
        raise InputError(
            f"the folder {folder} holds no .patch file",
            next_step="Name them after packages or issues, such as WP1.patch or C1.patch.",
        )
    check_names("patch", options, ["delay_seconds"])
    return PatchAgent(folder=folder, delay_seconds=_delay(options.get("delay_seconds", {})))


def _delay(value: Any) -> float | dict[str, float]:
    if _is_seconds(value):
        return float(value)
    if isinstance(value, Mapping) and all(_is_seconds(seconds) for seconds in value.values()):
        return {str(key): float(seconds) for key, seconds in value.items()}
    raise SettingsError(
        f"[agents.patch]: delay_seconds cannot be {value!r}",
        next_step="It is a number of seconds, or a table such as { WP1 = 2, C3 = 0.5 }.",
    )


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
