"""What `record` does, imported so that it is compiled once."""

import os

from polly.hooks.facts import circumstances, tell, unreadable
from polly.hooks.recording import read_input, record, session_of

TYPE_CHECKING = False  # the name is what type checkers know; `typing` would be slow to load
if TYPE_CHECKING:
    from collections.abc import Sequence


def run(names: "Sequence[str]") -> None:
    """Records one call of a hook; names: of the agent program, when the registration says it."""
    told = read_input()
    environ = os.environ
    payload = told.payload
    where = circumstances(payload or {}, environ, names[0] if names else "")
    session = session_of(payload, environ)
    project = where.project or os.getcwd()
    if payload is None:
        unread = unreadable(told.raw, told.why, where)
        unread.data["payload"]["_cut"] = told.size()
        record(lambda _: [unread], session, environ, project)
        return
    if _is_recorded_by_the_settings(environ):
        return
    is_over = payload.get("hook_event_name") == "SessionEnd"
    record(lambda marks: tell(payload, where, marks), session, environ, project, is_over=is_over)


def _is_recorded_by_the_settings(environ: "os._Environ[str]") -> bool:
    """True for the plugin's copy of the hooks when the user's or the project's settings have them as well."""
    if not environ.get("CLAUDE_PLUGIN_ROOT"):
        return False
    user = environ.get("CLAUDE_CONFIG_DIR") or os.path.join(os.path.expanduser("~"), ".claude")
    project = os.path.join(environ.get("CLAUDE_PROJECT_DIR") or os.getcwd(), ".claude")
    named = (os.path.join("hooks", "record.py"), "hooks/record.py")
    for folder, name in (
        (user, "settings.json"),
        (project, "settings.json"),
        (project, "settings.local.json"),
    ):
        try:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                text = file.read(_MOST_SETTINGS).replace("\\\\", "\\")
        except OSError:
            continue
        if "polly" in text and any(each in text for each in named):
            return True
    return False


_MOST_SETTINGS = 4 * 1024 * 1024
