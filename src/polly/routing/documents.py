"""Documents of others that name roles: plans, and registries that state how many roles they have."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from polly.errors import InputError
from polly.routing.plain_yaml import PlainYaml, read_plain_yaml

#: Bytes; a plan of thousands of packages has one or two million.
MOST_BYTES = 10_000_000

_TABLES = ("agents", "roles")
_PACKAGES = ("packages", "work_packages", "tasks")
_ROLE_KEYS = ("role", "polly_role", "agent_role", "agent")
_TOTAL = re.compile(r"total_(agents|roles)|(agent|role)s?_count|num_(agents|roles)")
_TOTAL_PACKAGES = re.compile(r"total_(work_)?(packages|tasks)")
_COUNTS = ("count", "total", "agent_count", "role_count", "total_agents", "total_roles")


class Named(NamedTuple):
    """A role that a document names, and where."""

    place: str
    name: str


class Figure(NamedTuple):
    """A number that a document states or shows: `total_agents says 50`."""

    place: str
    says: str
    number: int


class RoleDocument(NamedTuple):
    """What a document says about roles.

    figures: groups of numbers that should all be the same. entries: the roles that it defines itself.
    idle_gates: places of gates without a command.
    """

    name: str
    named: tuple[Named, ...]
    entries: tuple[Named, ...]
    figures: tuple[tuple[Figure, ...], ...]
    idle_gates: tuple[str, ...]


def read_document(data: bytes, name: str) -> RoleDocument:
    """The roles and counts of a plan (JSON) or a registry (YAML or JSON); `name` is what messages call it.

    Raises InputError for what is neither.
    """
    reading = _Reading(name, _parsed(data, name))
    if not reading.is_about_roles:
        raise InputError(
            f"{name} names no roles: it has no table `agents` or `roles` and no list of packages.",
            next_step="Give a plan that `polly plan` wrote, or a registry of roles.",
        )
    return RoleDocument(
        name=name,
        named=tuple(reading.named()),
        entries=tuple(reading.named_entries()),
        figures=tuple(group for group in reading.figures() if len(group) > 1),
        idle_gates=tuple(reading.idle_gates()),
    )


def _parsed(data: bytes, name: str) -> PlainYaml:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return read_plain_yaml(data, name, most_bytes=MOST_BYTES, error=InputError)
    if len(data) > MOST_BYTES:
        raise InputError(
            f"{name} has more than {MOST_BYTES:,} bytes, which is more than is read.",
            next_step="Give the plan or the registry alone.",
        )
    try:
        return PlainYaml(json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once), {})
    except (ValueError, RecursionError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise InputError(f"{name} is not JSON: {reason}.", next_step="Correct the place named.") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        keys = [key for key, _value in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return table


class _Entry(NamedTuple):
    path: str
    name: str
    value: Any


class _Reading:
    def __init__(self, name: str, document: PlainYaml) -> None:
        self._name = name
        self._lines = document.lines
        value = document.value
        self._top: dict[str, Any] = value if isinstance(value, dict) else {}
        self.table_key, self.entries = self._first(_TABLES)
        self.list_key, self.packages = self._first(_PACKAGES)
        _key, self._categories = self._first(("categories",))

    @property
    def is_about_roles(self) -> bool:
        """True for a plan or a registry, also an empty one."""
        return any(isinstance(self._top.get(key), dict | list) for key in (*_TABLES, *_PACKAGES))

    def named(self) -> Iterator[Named]:
        """The roles of packages, and those that a category lists."""
        for package in self.packages:
            table = package.value if isinstance(package.value, dict) else {}
            key = next((key for key in _ROLE_KEYS if isinstance(table.get(key), str)), None)
            if key and table[key].strip():
                yield Named(self._place(f"{package.path}.{key}"), table[key])
        for category in self._categories:
            for index, name in enumerate(_listed(category.value)):
                if isinstance(name, str):
                    yield Named(self._place(f"{category.path}.agents[{index}]"), name)

    def named_entries(self) -> Iterator[Named]:
        """The roles that the document's own table has."""
        for entry in self.entries:
            yield Named(self._place(entry.path), entry.name)

    def figures(self) -> Iterator[tuple[Figure, ...]]:
        """Numbers that should be the same."""
        if self.entries:
            yield (*self._stated(_TOTAL), *self._sum_of_categories(), self._length("entries", self.entries))
            yield from self._each_category()
        if self.packages:
            yield (*self._stated(_TOTAL_PACKAGES), self._length("packages", self.packages))

    def idle_gates(self) -> Iterator[str]:
        """Places of gates that have nothing to run."""
        gates = self._top.get("gates")
        for scope, commands in gates.items() if isinstance(gates, dict) else ():
            for index, gate in enumerate(commands if isinstance(commands, list) else ()):
                command = gate.get("command") if isinstance(gate, dict) else gate
                program = command[0] if isinstance(command, list) and command else command
                if not (isinstance(program, str) and program.strip()):
                    yield self._place(f"$.gates.{scope}[{index}]")

    def _first(self, keys: Sequence[str]) -> tuple[str, list[_Entry]]:
        """The first of these tables or lists that the document has, by entries with names."""
        for key in keys:
            value = self._top.get(key)
            if isinstance(value, dict) and value:
                return key, [_Entry(f"$.{key}.{name}", name, each) for name, each in value.items()]
            if isinstance(value, list) and value:
                rows = enumerate(value)
                return key, [_Entry(f"$.{key}[{index}]", _name_of(each), each) for index, each in rows]
        return "", []

    def _stated(self, pattern: re.Pattern[str]) -> Iterator[Figure]:
        """Totals at the top, or in a table there."""
        for key, value in self._top.items():
            inner = value.items() if isinstance(value, dict) and key not in (*_TABLES, "categories") else ()
            for path, name, number in (
                (f"$.{key}", key, value),
                *((f"$.{key}.{each}", each, found) for each, found in inner),
            ):
                if pattern.fullmatch(name) and _is_count(number):
                    yield Figure(self._place(path), f"{name} says {number}", number)

    def _sum_of_categories(self) -> Iterator[Figure]:
        counts = [count for each in self._categories if (count := _count_of(each.value)) is not None]
        if counts:
            total = sum(counts)
            says = f"the categories add up to {total}"
            yield Figure(self._place("$.categories"), says, total)

    def _each_category(self) -> Iterator[tuple[Figure, ...]]:
        """What each category says of itself, and how many entries say that they are of it."""
        own = [each.value.get("category") for each in self.entries if isinstance(each.value, dict)]
        if not any(own):
            return
        for category in self._categories:
            if (count := _count_of(category.value)) is not None:
                found = own.count(category.name)
                yield (
                    Figure(self._place(category.path), f"the category {category.name} says {count}", count),
                    Figure(
                        self._place(f"$.{self.table_key}"), f"{self.table_key} has {found} with it", found
                    ),
                )

    def _length(self, what: str, entries: Sequence[_Entry]) -> Figure:
        key = self.table_key if what == "entries" else self.list_key
        return Figure(self._place(f"$.{key}"), f"{key} has {len(entries)}", len(entries))

    def _place(self, path: str) -> str:
        if path in self._lines:
            return f"{self._name}:{self._lines[path]}"
        pointer = path.removeprefix("$").replace("[", "/").replace("]", "").replace(".", "/")
        return f"{self._name}#{pointer}"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _count_of(category: Any) -> int | None:
    if _is_count(category):
        return int(category)
    if isinstance(category, dict):
        stated = next((category[key] for key in _COUNTS if _is_count(category.get(key))), None)
        return stated if stated is not None else len(_listed(category)) or None
    return None


def _listed(category: Any) -> list[Any]:
    listed = category.get("agents") if isinstance(category, dict) else None
    return listed if isinstance(listed, list) else []


def _name_of(entry: Any) -> str:
    if isinstance(entry, dict):
        return str(next((entry[key] for key in ("name", "id", "role") if entry.get(key)), ""))
    return str(entry)
