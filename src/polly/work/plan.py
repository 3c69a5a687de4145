"""Plan: who may write what, and when. The JSON of these records is format "plan_version 1"."""

import enum
import functools
import re

import msgspec

from polly.work.issues import Severity, Warning


class Why(enum.StrEnum):
    """Why a package owns a file."""

    FINDING = "finding"
    NEIGHBOUR = "neighbour"
    CREATE = "create"


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """The closed set of files that a package may write: existing ones, and paths or globs to create."""

    modify: tuple[str, ...] = ()
    create: tuple[str, ...] = ()

    def owns(self, path: str) -> bool:
        """True when `path` may be written: named exactly, or matched by a glob of `create`. Case counts."""
        return (
            path in self.modify
            or path in self.create
            or any("*" in entry and glob_matches(entry, path) for entry in self.create)
        )


def glob_matches(glob: str, path: str) -> bool:
    """True when the whole path fits: `*` stays inside a folder, a segment `**` is any number of folders.

    Every other character stands for itself, so `app/[id]/page.tsx` is a plain path.
    """
    return _compiled(glob).fullmatch(path) is not None


@functools.lru_cache(maxsize=1024)
def _compiled(glob: str) -> re.Pattern[str]:
    *folders, name = glob.split("/")
    parents = ("(?:[^/]+/)*" if folder == "**" else f"{_segment(folder)}/" for folder in folders)
    return re.compile("".join(parents) + (".+" if name == "**" else _segment(name)), re.DOTALL)


def _segment(segment: str) -> str:
    first, *inner = (re.escape(part) for part in re.split(r"\*+", segment))
    if not inner:
        return first
    # Atomic: the leftmost place of each inner part is as good as any, so matching never backtracks.
    middle = "".join(f"(?>[^/]*?{part})" for part in inner[:-1])
    return f"{first}{middle}[^/]*{inner[-1]}"


class EffortFrom(msgspec.Struct, frozen=True, kw_only=True):
    """How many of a package's issues got their minutes from where."""

    stated: int = 0  # the source says so
    kind_and_size: int = 0  # severity, kind of rule, size of the files
    history: int = 0  # what earlier runs took for the like


class WorkPackage(msgspec.Struct, frozen=True, kw_only=True):
    """Issues that one agent fixes, with the files that it alone may write in its wave."""

    id: str
    title: str
    role: str
    priority: Severity
    wave: int
    issues: tuple[str, ...]
    files: Files
    estimated_minutes: int
    depends_on: tuple[str, ...] = ()
    effort_from: EffortFrom = EffortFrom()


class Ownership(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of the ownership matrix. `reason` says in words why a neighbour is one."""

    path: str
    wave: int
    package: str
    why: Why
    reason: str = ""


class Coupling(msgspec.Struct, frozen=True, kw_only=True):
    """What `package` and its gates read, `on` writes: the risk (0 to 1) that its proof depends on the other.

    `paths` are the files read, the riskiest first; the reason belongs to the first of them.
    """

    package: str
    on: str
    risk: float
    paths: tuple[str, ...]
    reason: str


class GateCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command that must succeed. A string runs through the shell of the machine, a list does not."""

    command: str | tuple[str, ...]
    name: str = ""
    serial: bool = False
    timeout_seconds: float = 600.0

    @property
    def label(self) -> str:
        """The name, or the command as a person would type it."""
        return self.name or (self.command if isinstance(self.command, str) else " ".join(self.command))


class Gates(msgspec.Struct, frozen=True, kw_only=True):
    """Gates before the run (base), on each package's tree, and on the combined tree."""

    pre: tuple[GateCommand, ...] = ()
    package: tuple[GateCommand, ...] = ()
    post: tuple[GateCommand, ...] = ()


class Unplanned(msgspec.Struct, frozen=True, kw_only=True):
    """An open issue that is in no package, with the reason."""

    issue: str
    reason: str


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan expects, in minutes of agent time. Estimates, never measurements.

    bound_minutes is the least that this many agents can take: per wave the larger of the largest
    package and total ÷ agents, added up over the waves.
    """

    agents: int
    sequential_minutes: float
    parallel_minutes: float
    critical_path_minutes: float
    bound_minutes: float
    speedup: float
    efficiency: float


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Packages, ownership and forecast for one base commit."""

    plan_version: int = 1
    base_commit: str
    packages: tuple[WorkPackage, ...] = ()
    ownership: tuple[Ownership, ...] = ()
    contracts: tuple[str, ...] = ()
    gates: Gates = Gates()
    unplanned: tuple[Unplanned, ...] = ()
    forecast: Forecast
    couplings: tuple[Coupling, ...] = ()
    max_packages: int | None = None  # the limit per wave that it was made with
    warnings: tuple[Warning, ...] = ()

    @property
    def waves(self) -> tuple[int, ...]:
        """The wave numbers in order."""
        return tuple(sorted({package.wave for package in self.packages}))

    def package(self, package_id: str) -> WorkPackage:
        """The package with this id. Raises KeyError."""
        for package in self.packages:
            if package.id == package_id:
                return package
        raise KeyError(package_id)

    def in_wave(self, wave: int) -> tuple[WorkPackage, ...]:
        """The packages of one wave, in plan order."""
        return tuple(package for package in self.packages if package.wave == wave)
