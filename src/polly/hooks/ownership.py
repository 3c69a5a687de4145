"""Which paths an agent of a run may write: the list in POLLY_OWNED_FILES, seen from its workspace."""

import os

TYPE_CHECKING = False  # the name is what type checkers know; `typing` would be slow to load
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Written into by everybody, and never a file.
_DEVICES = ("/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/fd", "nul", "con")
_MOST_LIST = 16 * 1024 * 1024
_MOST_NAMED = 8


class Owned:
    """The files of one agent. Raises OSError or ValueError when the list cannot be read.

    is_tracked(root, path): whether git knows the path; a glob is for files that are not there yet.
    """

    def __init__(self, environ: "Mapping[str, str]", is_tracked: "Callable[[str, str], bool]") -> None:
        self.root = os.path.realpath(_workspace(environ))
        self._is_tracked = is_tracked
        with open(environ["POLLY_OWNED_FILES"], "rb") as file:
            lines = file.read(_MOST_LIST).decode("utf-8").split("\n")
        self.paths = frozenset(line for line in lines if line)
        self._globs = tuple(path for path in sorted(self.paths) if "*" in path)
        self._result = environ.get("POLLY_RESULT_FILE", "")
        self._can_ask = bool(environ.get("POLLY_REQUESTS"))
        self._temporary = [
            os.path.realpath(environ[name]) for name in ("TMPDIR", "TEMP", "TMP") if environ.get(name)
        ]

    def refusal(self, path: str, folder: str) -> "str | None":
        """Why this path, seen from the folder, must not be written; None when it may.

        What counts is the file that would be written: links, `..` and spellings of a name are followed.
        """
        if path.lower() in _DEVICES or path.startswith("/dev/fd/"):
            return None
        wanted = os.path.join(folder, os.path.expanduser(path))
        real = os.path.realpath(wanted)
        if self._result and real == os.path.realpath(self._result):
            return None
        inside = _below(real, self.root)
        if inside is None:
            return None if self._is_scratch(real) else f"{path} is outside of this agent's workspace."
        if self.owns(inside) or self._is_spelling(real, inside):
            return None
        return f"{inside or path} is not one of this agent's files."

    def owns(self, path: str, *, is_new: "bool | None" = None) -> bool:
        """True for a path, relative to the workspace, that is named or that may be created by a glob.

        is_new: git does not know it; asked for when not given.
        """
        if path in self.paths:
            return True
        if not any(glob_matches(glob, path) for glob in self._globs):
            return False
        return not self._is_tracked(self.root, path) if is_new is None else is_new

    def advice(self, path: str) -> str:
        """What the agent can do instead."""
        named = sorted(self.paths)
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        mine = ", ".join(named[:_MOST_NAMED]) or "none"
        if self._can_ask and not self._leads_out(path):
            ask = f'polly request-file {_quoted(path)} --reason "why it must change"'
            return f"Its files: {mine}{more}. If {path} must change, ask for it: {ask}"
        return f"Its files: {mine}{more}. If {path} must change, name it in the note on the issue."

    def _leads_out(self, path: str) -> bool:
        is_elsewhere = os.path.isabs(path) and _below(os.path.realpath(path), self.root) is None
        return is_elsewhere or path.startswith(("..", "~"))

    def _is_scratch(self, real: str) -> bool:
        """In a folder for temporary files; of one in which the workspace lies too, not near the workspace.

        An attempt has a folder with its workspace and its own temporary files in it, and other attempts lie
        beside that folder.
        """
        attempts = os.path.dirname(os.path.dirname(self.root))
        for folder in self._temporary:
            if _below(real, folder) is not None:
                is_own = _below(self.root, folder) is None
                if is_own or _below(real, attempts) is None:
                    return True
        return False

    def _is_spelling(self, real: str, inside: str) -> bool:
        """True for another spelling of an owned file, where the file system takes them for the same."""
        folded = inside.casefold()
        for path in self.paths:
            if path.casefold() == folded:
                try:
                    return os.path.samefile(real, os.path.join(self.root, path))
                except OSError:
                    return False
        return False


def _quoted(path: str) -> str:
    """One word of a shell."""
    if path and all(each.isalnum() or each in "_./-" for each in path) and path.isascii():
        return path
    return "'" + path.replace("'", "'\\''") + "'"


def _workspace(environ: "Mapping[str, str]") -> str:
    """The agent's checkout: as told, else the project of the agent program, else the repository around here.

    The payload's folder follows `cd`, and an agent can make a repository anywhere: neither may move the root.
    """
    told = environ.get("POLLY_WORKSPACE") or environ.get("CLAUDE_PROJECT_DIR")
    if told:
        return told
    folder = here = os.getcwd()
    while not os.path.exists(os.path.join(folder, ".git")):
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return here
    return folder


def _below(path: str, folder: str) -> "str | None":
    """The path as seen from the folder, with `/`; "" for the folder itself, None when it is elsewhere."""
    if path == folder:
        return ""
    start = folder if folder.endswith(os.sep) else folder + os.sep
    return path[len(start) :].replace(os.sep, "/") if path.startswith(start) else None


def glob_matches(glob: str, path: str) -> bool:
    """The rule of polly.work.plan.glob_matches without `re`; a test compares them.

    `*` stays inside a folder, a segment `**` is any number of folders, every other character is itself.
    """
    return _fits(glob.split("/"), path.split("/"))


def _fits(glob: "list[str]", path: "list[str]") -> bool:
    head, *rest = glob
    if not rest:
        if head == "**":
            return path != [""]
        return len(path) == 1 and _name_fits(head, path[0])
    if head == "**":
        return _fits(rest, path) or (len(path) > 1 and path[0] != "" and _fits(glob, path[1:]))
    return len(path) > 1 and _name_fits(head, path[0]) and _fits(rest, path[1:])


def _name_fits(glob: str, name: str) -> bool:
    first, *parts = glob.split("*")
    if not parts:
        return glob == name
    last = parts.pop()
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for part in parts:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
