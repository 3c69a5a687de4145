"""The recorder and the skills as a plugin of Claude Code, in a folder."""

import json
import shutil
from pathlib import Path
from typing import Any

from polly import __version__
from polly.errors import InputError
from polly.hooks.registration import entries

_MANIFEST = Path(".claude-plugin", "plugin.json")
#: Folders in this package that are parts of the plugin as they are.
_SKILLS = Path(__file__).parent.parent / "plugin" / "skills"
_ABOUT = "Records what the agent does, tool by tool, into Polly's spool on this machine."

_README = """# Polly

Records what Claude Code does in each session on this machine: prompts, tools with their duration and outcome,
subagents, permissions asked for, compactions, failures and ends. Secrets are taken out before anything
reaches the disk. Nothing leaves the machine, and nothing needs to run: events wait in a local spool.

`polly sessions` lists what was recorded, `polly session ID` shows one session. The plugin calls the Polly
that exported it; export it again after Polly has moved.
"""


def export_plugin(folder: Path) -> tuple[Path, ...]:
    """Writes the plugin and returns its files. Raises InputError for a folder that holds anything else."""
    if folder.exists() and not _is_earlier_export(folder):
        raise InputError(
            f"{folder} is {'not empty' if folder.is_dir() else 'no folder'}",
            next_step="Name a folder that does not exist yet, or one with an earlier export of the plugin.",
        )
    if folder.exists():
        shutil.rmtree(folder)
    _write(folder / _MANIFEST, _manifest())
    hooks = {event: [group] for event, group in entries("claude").items()}
    _write(folder / "hooks" / "hooks.json", {"description": _ABOUT, "hooks": hooks})
    (folder / "README.md").write_text(_README, encoding="utf-8")
    if _SKILLS.is_dir():
        shutil.copytree(_SKILLS, folder / "skills", ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    return tuple(sorted(path for path in folder.rglob("*") if path.is_file()))


def _manifest() -> dict[str, Any]:
    return {
        "name": "polly",
        "displayName": "Polly",
        "version": __version__,
        "description": _ABOUT,
        "author": {"name": "The Polly developers"},
        "license": "MIT",
        "keywords": ["observability", "hooks"],
    }


def _is_earlier_export(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    if not any(folder.iterdir()):
        return True
    try:
        manifest = json.loads((folder / _MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    known = {".claude-plugin", "hooks", "skills", "README.md"}
    return isinstance(manifest, dict) and manifest.get("name") == "polly" and known >= set(_names(folder))


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _write(file: Path, value: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
