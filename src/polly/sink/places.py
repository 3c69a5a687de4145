"""Where a spool may be: the user's own folder, and where hooks write when that cannot be written.

Standard library only: hooks import this, and everything here is paid for at each start of one.
"""

import os

TYPE_CHECKING = False  # the name is what type checkers know; `typing` would be slow to load
if TYPE_CHECKING:
    from collections.abc import Mapping

#: Of the ways to name a folder for temporary files, the one that is set first counts.
_TEMPORARY = ("TMPDIR", "TEMP", "TMP")


def state_folder(environ: "Mapping[str, str]", platform: str) -> str:
    """The same folder as polly.settings.state_home, for which platformdirs is asked: a test compares them.

    It begins with "~" when nobody knows a home.
    """
    chosen = environ.get("POLLY_HOME")
    if chosen:
        return os.path.expanduser(chosen)
    if platform == "win32":
        local = environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
        return os.path.join(local, "polly")
    if platform == "darwin":
        return os.path.expanduser("~/Library/Application Support/polly")
    data = environ.get("XDG_DATA_HOME", "").strip() or "~/.local/share"
    return os.path.join(os.path.expanduser(data), "polly")


def spool_folder(environ: "Mapping[str, str]", platform: str) -> str | None:
    """The spool of this user; None without a home."""
    folder = state_folder(environ, platform)
    return None if folder.startswith("~") else os.path.join(folder, "spool")


def other_folders(environ: "Mapping[str, str]", project: str) -> list[str]:
    """Where events go when the user's spool cannot be written, in this order.

    The first is in the folder for temporary files, where others write as well: it carries the user's number
    and is only used when nobody else can write into it.
    """
    temporary = next((environ[name] for name in _TEMPORARY if environ.get(name)), "/tmp")  # noqa: S108  # nosec B108
    number = os.getuid() if hasattr(os, "getuid") else environ.get("USERNAME", "user")
    return [
        os.path.join(temporary, f"polly-{number}", "spool"),
        os.path.join(project, ".polly", "spool"),
    ]


def is_usable(folder: str) -> bool:
    """A folder that others may have put there is looked at before it is written into."""
    parent = os.path.dirname(folder)
    try:
        os.makedirs(parent, mode=0o700, exist_ok=True)
        if os.path.basename(parent) == ".polly":
            _ignore(parent)
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:
        return False
    return is_ours(parent) and is_ours(folder)


def _ignore(folder: str) -> None:
    """`.polly` ignores itself for git."""
    path = os.path.join(folder, ".gitignore")
    if not os.path.exists(path):
        file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(file, b"*\n")
        os.close(file)


def is_ours(folder: str) -> bool:
    """True for a real folder that belongs to this user and that nobody else can write into."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    if found.st_mode & 0o170000 != 0o040000:  # no folder: a link, for instance
        return False
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o022)
