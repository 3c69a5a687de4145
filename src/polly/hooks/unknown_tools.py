"""Tools that nobody has described, of servers or of a newer agent program: what they may write or run.

A tool is taken at its name: one that says that it writes is judged by every place in its input, one that says
that it runs commands by the command. All others are let through, since the tree is looked at afterwards.
"""

TYPE_CHECKING = False  # the name is what type checkers know; `typing` would be slow to load
if TYPE_CHECKING:
    from collections.abc import Iterator

#: Parts of a name that say that the tool writes, and that it runs commands.
_WRITING = (
    "write edit create move delete rename append patch replace insert remove update save copy mkdir put"
    " upload touch format refactor apply".split()
)
_RUNNING = "execute exec run shell terminal command bash powershell".split()
#: Words in the name of a field that say that it holds a place.
_PLACES = frozenset(
    "path paths file files filename filenames filepath filepaths target targets destination dest source src"
    " uri uris folder folders directory dir notebook".split()
)
_COMMANDS = ("command", "cmd", "script")
_MOST_DEPTH = 5
_MOST_VALUES = 2_000
_LONGEST_PATH = 1_000


def command_of(tool: str, fields: "dict[str, object]") -> "object | None":
    """What a tool that runs commands is told to run; None for any other tool."""
    if not _says(tool, _RUNNING):
        return None
    return next((fields[name] for name in _COMMANDS if fields.get(name)), None)


def written_by(tool: str, fields: "dict[str, object]") -> "list[str]":
    """The places that a tool which writes names in its input; none for a tool that does not say so."""
    if not _says(tool, _WRITING):
        return []
    found = []
    for number, value in enumerate(_values(fields, 0, is_place=False)):
        if number >= _MOST_VALUES:
            raise ValueError("the call names too many places")
        found.append(value)
    return found


def _says(tool: str, words: "list[str]") -> bool:
    name = tool.rpartition("__")[2].lower()
    return any(word in name for word in words)


def _values(value: object, depth: int, *, is_place: bool) -> "Iterator[str]":
    if depth > _MOST_DEPTH:
        raise ValueError("the input of the call is nested too deeply")
    if isinstance(value, str):
        path = value.removeprefix("file://")
        # Longer texts, and those with lines, are what is written, not where.
        if is_place and path and "\n" not in path and len(path) <= _LONGEST_PATH and "://" not in path:
            yield path
    elif isinstance(value, list):
        for each in value:
            yield from _values(each, depth + 1, is_place=is_place)
    elif isinstance(value, dict):
        for name, each in value.items():
            if is_place and ("/" in name or "." in name):  # `files: {path: content}`
                yield from _values(name, depth, is_place=True)
            yield from _values(each, depth + 1, is_place=not _PLACES.isdisjoint(_words(name)))


def _words(name: str) -> "list[str]":
    """`targetFile`, `target_file` and `target-file` are two words."""
    spaced = "".join(f" {each}" if each.isupper() else each if each.isalnum() else " " for each in name[:100])
    return spaced.lower().split()
