"""The repository that Polly works for, its settings, and the folder .polly in it."""

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from polly.errors import InputError, RepositoryError
from polly.git import Repository
from polly.intake.sources.linters.load import load_tools
from polly.intake.sources.linters.tool import Tool
from polly.routing.library import Roles, load_roles
from polly.settings import Settings, load_settings
from polly.work.issues import Inventory

#: What people write below `.polly` belongs to the repository; all else there is Polly's own, and git
#: does not see it.
_IGNORED = "/*\n!/linters/\n!/patterns/\n!/prompts/\n!/roles/\n"
#: What Polly wrote there before people had folders of their own.
_IGNORED_BEFORE = "*\n"


@dataclass(frozen=True, kw_only=True)
class Project:
    """A repository with its settings. `folder` is `.polly`, of which git sees what people wrote."""

    repository: Repository
    settings: Settings

    @classmethod
    def find(cls, start: Path) -> Self:
        """The project that `start` lies in. Raises RepositoryError or SettingsError."""
        repository = Repository.find(start)
        return cls(repository=repository, settings=load_settings(repository.root))

    @property
    def root(self) -> Path:
        """The top folder of the working tree."""
        return self.repository.root

    @property
    def folder(self) -> Path:
        """The folder .polly; it need not exist yet."""
        return self.root / ".polly"

    @property
    def plan_file(self) -> Path:
        """Where `polly plan` writes and `polly run` reads."""
        return self.folder / "plan.json"

    @property
    def inventory_file(self) -> Path:
        """The issues that the plan is about."""
        return self.folder / "inventory.json"

    def linters(self) -> tuple[Tool, ...]:
        """The linters that this repository describes in .polly/linters. Raises SettingsError."""
        return load_tools(self.folder / "linters")

    def roles(self) -> Roles:
        """The shipped roles, and those that this repository adds or overrides. Raises SettingsError."""
        self._refuse_if_no_folder()
        return self._roles

    @functools.cached_property
    def _roles(self) -> Roles:
        # Planning, the start of a run and the run itself ask for the same; reading them takes a while.
        return load_roles(self.folder / "roles")

    @property
    def runs_folder(self) -> Path:
        """One folder per run, named by its id."""
        return self.folder / "runs"

    def make_folder(self, *below: str) -> Path:
        """The folder .polly, or one below it, made if needed. Raises InputError or RepositoryError.

        It ignores itself but for the folders that people fill, so that git status stays as it is.
        """
        self._refuse_if_no_folder()
        wanted = self.folder.joinpath(*below)
        with _writing(wanted):
            self.folder.mkdir(mode=0o700, exist_ok=True)
            wanted.mkdir(parents=True, exist_ok=True)
            ignore = self.folder / ".gitignore"
            if not ignore.exists() or ignore.read_text(encoding="utf-8", errors="replace") == _IGNORED_BEFORE:
                ignore.write_text(_IGNORED, encoding="utf-8")
        return wanted

    def _refuse_if_no_folder(self) -> None:
        if self.folder.is_symlink() or (self.folder.exists() and not self.folder.is_dir()):
            raise InputError(
                f"{self.folder} is not a folder", next_step="Move it away; Polly keeps its records there."
            )


def write_whole(file: Path, content: bytes) -> None:
    """Write a file that others read: aside first, then renamed, so that nobody sees half of it."""
    aside = file.with_name(f"{file.name}.{os.getpid()}.new")
    with _writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            aside.write_bytes(content)
            aside.replace(file)
        except OSError:
            aside.unlink(missing_ok=True)
            raise


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RepositoryError(
            f"{path} cannot be written: {error.strerror}",
            next_step="Polly keeps its records in .polly: it must be a folder in which you may write.",
        ) from error


def to_json(record: msgspec.Struct) -> bytes:
    """A record as indented UTF-8 JSON with a last line end."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def read_inventory(file: Path) -> Inventory:
    """The inventory that Polly wrote beside a plan. Raises InputError when somebody has spoilt it."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Inventory)
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(
            f"{file} cannot be read: {error}", next_step="Plan again: polly plan SOURCE"
        ) from error
