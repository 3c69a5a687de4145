"""All roles: those that Polly ships, and those of the repository, which win by name."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from polly.errors import InputError, SettingsError
from polly.routing.definition import parse_role, read_role
from polly.work.routing import GENERAL_ROLE, Role

SHIPPED = "shipped"
_PREFIX = "agent-"


class Roles:
    """Roles by name, in the order of their names. One of them is the general role.

    origins: name -> `shipped`, or the file that it was read from, as messages call it.
    """

    def __init__(self, roles: Iterable[Role], origins: Mapping[str, str] | None = None) -> None:
        """Raises SettingsError when two claim one name, or the general role is missing."""
        self._roles = {role.name: role for role in sorted(roles, key=lambda role: role.name)}
        self._origins = dict(origins or {})
        if GENERAL_ROLE not in self._roles:
            raise SettingsError(
                f"the general role {GENERAL_ROLE} is not among the roles",
                next_step="It is taken where no other fits: add it.",
            )
        self._aliases = _aliases(self._roles, self._origins)

    def __iter__(self) -> Iterator[Role]:
        return iter(self._roles.values())

    def __len__(self) -> int:
        return len(self._roles)

    @property
    def general(self) -> Role:
        """The role that is taken when nothing speaks for another one."""
        return self._roles[GENERAL_ROLE]

    def get(self, name: str) -> Role | None:
        """The role of this name or alias, with or without `agent-`; None when there is none."""
        plain = name.strip().casefold()
        for each in (plain, plain.removeprefix(_PREFIX)):
            if role := self._roles.get(self._aliases.get(each, each)):
                return role
        return None

    def find(self, name: str) -> Role:
        """As `get`, but raises InputError with the nearest name when there is none."""
        role = self.get(name)
        if role is None:
            raise InputError(f"There is no role {name!r}.", next_step=self.nearest(name))
        return role

    def nearest(self, name: str) -> str:
        """`Did you mean …?`, or where all names are to be seen."""
        known = [*self._roles, *self._aliases]
        plain = name.strip().casefold().removeprefix(_PREFIX)
        close = difflib.get_close_matches(plain, known, n=1, cutoff=0.5)
        return f"Did you mean {close[0]!r}?" if close else "`polly roles list` shows all roles."

    def origin(self, name: str) -> str:
        """Where the role of this name comes from: `shipped`, or its file."""
        return self._origins.get(name, SHIPPED)


class Fault(NamedTuple):
    """A file, as messages call it, that defines no role, and why."""

    file: str
    error: SettingsError


class OwnRoles(NamedTuple):
    """What the files of a folder define, and which of them cannot be used."""

    roles: tuple[Role, ...]
    origins: Mapping[str, str]
    faults: tuple[Fault, ...]


def load_roles(folder: Path | None = None) -> Roles:
    """The shipped roles and those in `folder` (`.polly/roles`), which replace shipped ones whole.

    A folder that is not there adds nothing. Raises SettingsError for the first file that cannot be used.
    """
    own = read_folder(folder) if folder else OwnRoles((), {}, ())
    for fault in own.faults:
        raise fault.error
    return assemble(own)


def assemble(own: OwnRoles) -> Roles:
    """The shipped roles with these. Raises SettingsError when names are in each other's way."""
    roles = {role.name: role for role in (*shipped_roles(), *own.roles)}
    taken = {name for role in own.roles for name in (role.name, *role.aliases)}
    for role in roles.values():
        if role.name not in own.origins and taken.intersection(role.aliases):
            kept = tuple(alias for alias in role.aliases if alias not in taken)
            roles[role.name] = replace(role, aliases=kept)
    return Roles(roles.values(), own.origins)


@lru_cache(maxsize=1)
def shipped_roles() -> tuple[Role, ...]:
    """The roles that Polly ships, by name."""
    folder = resources.files("polly.routing").joinpath("definitions")
    files = sorted((each for each in folder.iterdir() if each.name.endswith(".yaml")), key=lambda f: f.name)
    return tuple(
        parse_role(file.read_bytes(), file.name, name=file.name.removesuffix(".yaml")) for file in files
    )


def read_folder(folder: Path) -> OwnRoles:
    """The roles defined by the files `NAME.yaml` of a folder; faults instead of errors, in file order."""
    roles: list[Role] = []
    faults: list[Fault] = []
    origins: dict[str, str] = {}
    try:
        files = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    except FileNotFoundError:
        return OwnRoles((), {}, ())
    except OSError as error:
        unread = SettingsError(
            f"{_shown(folder)} cannot be read: {error.strerror}.",
            next_step="Make it a folder of role files, or move it away.",
        )
        return OwnRoles((), {}, (Fault(_shown(folder), unread),))
    for file in files:
        if file.suffix.casefold() in (".yaml", ".yml"):
            try:
                role = _own_role(folder, file)
            except SettingsError as error:
                faults.append(Fault(_shown(file), error))
            else:
                roles.append(role)
                origins[role.name] = _shown(file)
    return OwnRoles(tuple(roles), origins, tuple(faults))


def _own_role(folder: Path, file: Path) -> Role:
    shown = _shown(file)
    if file.suffix != ".yaml":
        raise SettingsError(
            f"{shown}: a role file ends in .yaml.", next_step=f"Rename it to {file.stem}.yaml."
        )
    if file.is_symlink() and not _resolved(file).is_relative_to(folder.resolve()):
        raise SettingsError(
            f"{shown} is a link to a file outside its folder, which is not followed.",
            next_step="Put the file itself there.",
        )
    if not file.is_file():
        is_lost = file.is_symlink() and not file.exists()
        raise SettingsError(
            f"{shown} is {'a link that leads nowhere' if is_lost else 'not a file'}.",
            next_step="Make it a file, or move it away.",
        )
    return read_role(file, shown)


def _resolved(file: Path) -> Path:
    try:
        return file.resolve()
    except (OSError, RuntimeError):  # links in a circle
        return file.absolute()


def _shown(path: Path) -> str:
    """The last parts of the path, as a person knows them: `.polly/roles/x.yaml`."""
    above, polly, below = path.as_posix().rpartition("/.polly/")
    return f"{polly}{below}".removeprefix("/") if polly else above or below


def _aliases(roles: Mapping[str, Role], origins: Mapping[str, str]) -> dict[str, str]:
    """The names by their aliases."""
    aliases: dict[str, str] = {}
    for role in roles.values():
        where = origins.get(role.name, role.name)
        for alias in role.aliases:
            other = alias if alias in roles else aliases.get(alias)
            if other not in (None, role.name):
                what = "the name of another role" if alias in roles else f"an alias of {other} as well"
                raise SettingsError(
                    f"{where}: the alias {alias!r} is {what}.",
                    next_step="Choose another alias, or remove it.",
                )
            aliases[alias] = role.name
    return aliases
