"""The recorder, and who suggests roles, in the settings of an agent program: put in, taken out, looked for.

What others have registered there keeps every byte.
"""

import contextlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from polly.errors import SettingsError
from polly.hooks import json_edit
from polly.hooks.programs import is_ours, record_argv, suggest_argv, suggests

Agent = Literal["claude", "codex"]
Scope = Literal["user", "project"]

#: Every event that tells something. Left out: MessageDisplay (each piece of a text, which the agent's stream
#: has as well), FileChanged (needs the names of files), WorktreeCreate (a hook there replaces what it does).
CLAUDE_EVENTS = (
    "SessionStart",
    "Setup",
    "InstructionsLoaded",
    "UserPromptSubmit",
    "UserPromptExpansion",
    "PreToolUse",
    "PermissionRequest",
    "PermissionDenied",
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "Notification",
    "SubagentStart",
    "SubagentStop",
    "TaskCreated",
    "TaskCompleted",
    "TeammateIdle",
    "Elicitation",
    "ElicitationResult",
    "PreCompact",
    "PostCompact",
    "ConfigChange",
    "CwdChanged",
    "DirectoryAdded",
    "WorktreeRemove",
    "Stop",
    "StopFailure",
    "SessionEnd",
)
CODEX_EVENTS = (
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PermissionRequest",
    "PostToolUse",
    "PreCompact",
    "PostCompact",
    "SubagentStart",
    "SubagentStop",
    "Stop",
    "SessionEnd",
)
#: Seconds after which the agent program goes on without its recorder. Codex takes whole numbers only, and no
#: more than 3 at the end of a session.
_SECONDS, _LAST_SECONDS = 10, 3
#: Who suggests roles gives up long before, by itself.
_SUGGEST_SECONDS = 5
_BACKUP = ".before-polly"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an agent program reads hooks."""

    agent: Agent
    scope: Scope
    file: Path


@dataclass(frozen=True, kw_only=True)
class Found:
    """What stands there. events: those that call our recorder; missing: those that do not.

    is_current: all is as we would write it now. suggests_roles: prompts get a role suggested.
    """

    place: Place
    events: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    is_current: bool = False
    suggests_roles: bool = False
    problem: str | None = None

    @property
    def state(self) -> str:
        """One word for it."""
        if self.problem:
            return "unreadable"
        if not self.events:
            return "not installed"
        return "installed" if self.is_current else "outdated"


def place_of(agent: Agent, scope: Scope, project: Path, environ: Mapping[str, str]) -> Place:
    """The file: of the user, or of this person for the project, which is not shared with others."""
    home = Path(os.path.expanduser("~"))
    if agent == "claude":
        user = Path(environ.get("CLAUDE_CONFIG_DIR") or home / ".claude") / "settings.json"
        file = user if scope == "user" else project / ".claude" / "settings.local.json"
    else:
        user = Path(environ.get("CODEX_HOME") or home / ".codex") / "hooks.json"
        file = user if scope == "user" else project / ".codex" / "hooks.json"
    return Place(agent=agent, scope=scope, file=file)


def entries(agent: Agent, *, suggest_roles: bool = False) -> dict[str, Any]:
    """Event -> the group that calls the recorder, in the agent program's own words.

    suggest_roles: the prompts of Claude Code also get a role suggested.
    """
    argv = (*record_argv(), agent)
    if agent == "claude":
        handler: dict[str, Any] = {"type": "command", "command": argv[0], "args": list(argv[1:])}
        of_claude = {event: {"hooks": [{**handler, "timeout": _SECONDS}]} for event in CLAUDE_EVENTS}
        if suggest_roles:
            first, *more = suggest_argv()
            suggesting = {"type": "command", "command": first, "args": more, "timeout": _SUGGEST_SECONDS}
            of_claude["UserPromptSubmit"]["hooks"].append(suggesting)
        return of_claude
    line = subprocess.list2cmdline(argv) if sys.platform == "win32" else shlex.join(argv)
    groups = {}
    for event in CODEX_EVENTS:
        seconds = _LAST_SECONDS if event == "SessionEnd" else _SECONDS
        groups[event] = {"hooks": [{"type": "command", "command": line, "timeout": seconds}]}
    return groups


def look(place: Place) -> Found:
    """What is registered in the file; never raises for its content."""
    try:
        text = _read(place.file)
        if text is None:
            return Found(place=place)
        ours = _ours(text, place)
    except SettingsError as error:
        return Found(place=place, problem=error.what)
    suggests_roles = any(suggests(line) for _, _, group in ours for line in _command_lines(group))
    wanted = entries(place.agent, suggest_roles=suggests_roles)
    events = tuple(dict.fromkeys(event for event, _, _ in ours))
    return Found(
        place=place,
        events=events,
        missing=tuple(event for event in wanted if event not in events) if events else (),
        is_current={event: group for event, _, group in ours} == wanted and len(ours) == len(wanted),
        suggests_roles=suggests_roles,
    )


def install(place: Place, *, suggest_roles: bool | None = None) -> bool:
    """Registers the recorder; False when it was registered already, exactly so. Raises SettingsError.

    suggest_roles: whether prompts get a role suggested; None leaves that as it is.
    """
    found = look(place)
    wanted = found.suggests_roles if suggest_roles is None else suggest_roles
    if found.is_current and found.suggests_roles == wanted:
        return False
    before = _read(place.file)
    after = _with_ours(before or "", place, suggest_roles=wanted)
    _check(before, after, place)
    if before is not None and not _backup(place.file).exists():
        _write(_backup(place.file), before)
    _write(place.file, after)
    return True


def uninstall(place: Place) -> bool:
    """Takes the recorder out; False when it was not there. Raises SettingsError."""
    before = _read(place.file)
    if before is None or not _ours(before, place):
        return False
    after = _without_ours(before, place)
    _check(before, after, place)
    if after:
        _write(place.file, after)
    else:
        _target(place.file).unlink()
    backup = _backup(place.file)
    with contextlib.suppress(SettingsError):
        if _read(backup) == after:
            backup.unlink(missing_ok=True)
    return True


def _with_ours(before: str, place: Place, *, suggest_roles: bool) -> str:
    text = _without_ours(before, place)
    wanted = entries(place.agent, suggest_roles=suggest_roles)
    groups = {event: [group] for event, group in wanted.items()}
    if not text.strip():
        return json.dumps({"hooks": groups}, indent=2, ensure_ascii=False) + "\n"
    _refuse_plugin(text, place)
    _refuse_other_shapes(text, place)
    mark, text = _split(text)
    if json_edit.find(text, ["hooks"]) is None:
        return mark + json_edit.insert(text, [], "hooks", groups)
    for event, (group,) in groups.items():
        if json_edit.find(text, ["hooks", event]) is None:
            text = json_edit.insert(text, ["hooks"], event, [group])
        else:
            text = json_edit.insert(text, ["hooks", event], "", group)
    return mark + text


def _without_ours(before: str, place: Place) -> str:
    """The text without our groups; "" when there was no file before them."""
    mark, text = _split(before)
    while ours := _ours(text, place):
        event, number, _ = ours[-1]
        text = json_edit.remove(text, ["hooks", event], number)
    was_made_by_us = text == "{\n}\n" and before.startswith("{\n  ")
    return "" if was_made_by_us else mark + text


def _split(text: str) -> tuple[str, str]:
    """The byte order mark, if any, and the rest."""
    return ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)


def _read(file: Path) -> str | None:
    """The text with its byte order mark; None when there is no file."""
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(
            f"{file} cannot be read: {reason}", next_step="Nothing was changed. Mend the file and try again."
        ) from error


def _parse(text: str, file: Path) -> dict[str, Any]:
    try:
        value = json_edit.parse(text.removeprefix("\ufeff")) if text.strip("\ufeff \t\r\n") else {}
    except json_edit.DuplicateKey as error:
        reason = f"it has the key {str(error)!r} twice in one object"
    except (ValueError, RecursionError) as error:
        comment = " (comments are no JSON)" if "//" in text or "/*" in text else ""
        reason = f"it is not JSON: {error}{comment}"
    else:
        if isinstance(value, dict):
            return value
        reason = "it is not a JSON object"
    raise SettingsError(
        f"{file} cannot be edited: {reason}",
        next_step="Nothing was changed. Mend the file, or add what `polly hooks show` prints by hand.",
    )


def _ours(text: str, place: Place) -> list[tuple[str, int, Any]]:
    """Event, place in its list, and group, for each group that calls nothing but our programs."""
    hooks = _parse(text, place.file).get("hooks", {})
    found = []
    for event, groups in hooks.items() if isinstance(hooks, dict) else ():
        for number, group in enumerate(groups if isinstance(groups, list) else ()):
            if _is_our_group(group):
                found.append((event, number, group))
    return found


def _is_our_group(group: Any) -> bool:
    lines = list(_command_lines(group))
    return bool(lines) and all(map(is_ours, lines))


def _command_lines(group: Any) -> Iterator[str]:
    handlers = group.get("hooks") if isinstance(group, dict) else None
    for handler in handlers if isinstance(handlers, list) else ():
        words = (
            [handler.get("command"), *(handler.get("args") or [])] if isinstance(handler, dict) else [None]
        )
        yield " ".join(str(word) for word in words)


def _refuse_plugin(text: str, place: Place) -> None:
    plugins = _parse(text, place.file).get("enabledPlugins", {})
    for name, is_on in plugins.items() if isinstance(plugins, dict) else ():
        if is_on and name.partition("@")[0] == "polly":
            raise SettingsError(
                f"{place.file} switches on the plugin {name}, which records as well",
                next_step="One of both is enough; to have the hooks instead: `claude plugin disable polly`.",
            )


def _refuse_other_shapes(text: str, place: Place) -> None:
    hooks = _parse(text, place.file).get("hooks", {})
    lists = hooks.values() if isinstance(hooks, dict) else [None]
    if not all(isinstance(groups, list) for groups in lists):
        raise SettingsError(
            f"{place.file} cannot be edited: `hooks` is not a table of events with a list each",
            next_step="Nothing was changed. Mend the file and try again.",
        )


def _check(before: str | None, after: str, place: Place) -> None:
    """Nothing is written that changes what others have registered: it would be our mistake."""
    if _others(before or "{}", place) != _others(after or "{}", place):
        raise SettingsError(
            f"{place.file} is written in a way that Polly cannot edit",
            next_step="Nothing was changed. Add what `polly hooks show` prints by hand.",
        )


def _others(text: str, place: Place) -> Any:
    value = _parse(text, place.file)
    hooks = value.pop("hooks", {})
    kept = {}
    for event, groups in hooks.items() if isinstance(hooks, dict) else ():
        others = [each for each in groups if not _is_our_group(each)] if isinstance(groups, list) else groups
        if others:
            kept[event] = others
    return value, kept


def _backup(file: Path) -> Path:
    return file.with_name(file.name + _BACKUP)


def _target(file: Path) -> Path:
    """The file itself: settings are often links into a folder that is kept elsewhere."""
    return file.resolve() if file.is_symlink() else file


def _write(file: Path, text: str) -> None:
    """Replaces the file as a whole, with its rights. Raises SettingsError."""
    target = _target(file)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
        number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(number, "wb") as aside:
                aside.write(text.encode("utf-8"))
                aside.flush()
                os.fsync(aside.fileno())
            Path(name).chmod(mode)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SettingsError(
            f"{target} cannot be written: {error.strerror}", next_step="Nothing was changed."
        ) from error
