"""Makes the sample of `polly demo` in a folder: a repository, a review, a scan, and a patch per finding."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from polly.demo import scanner
from polly.errors import InputError
from polly.git import Git

#: Nobody's: the demo's commits must not carry the name of whoever tries it.
_NAME, _EMAIL = "Polly demo", "demo@polly.invalid"

#: Settings of the sample's repository alone. The patches fit line ends as they are, and a signing key
#: would ask for its password in the middle of the demo.
_GIT_CONFIG = (
    ("user.name", _NAME),
    ("user.email", _EMAIL),
    ("core.autocrlf", "false"),
    ("commit.gpgsign", "false"),
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Where the parts of a sample are. `has_scanner`: its polly.toml can run the scanner again."""

    root: Path
    review: Path
    findings: Path
    patches: Path
    has_scanner: bool


def create_sample(folder: Path) -> Sample:
    """A new sample in `folder`, which is empty or does not exist yet; all of it is committed on `main`.

    Its tests and checks run with this interpreter. Raises InputError when the folder cannot be used,
    ToolError without git.
    """
    _refuse_unless_free(folder)
    found = scanner.find_scanner()
    sample = Sample(
        root=folder / "service",
        review=folder / "review.md",
        findings=folder / "findings.sarif",
        patches=folder / "patches",
        has_scanner=found is not None,
    )
    data = files("polly.demo")
    try:
        sample.root.mkdir(parents=True)
        _initialise(sample.root)
        _copy(data / "project", sample.root)
        _write(sample.root / "polly.toml", polly_toml(sys.executable, found))
        for part in (sample.review, sample.findings, sample.patches):
            _copy(data / part.name, part)
    except OSError as error:
        raise InputError(
            f"The sample cannot be written to {folder}: {error.strerror or error}",
            next_step="Name a folder that you may write to.",
        ) from error
    _commit(sample.root)
    return sample


def issue_ids() -> tuple[str, ...]:
    """The ids of the sample's findings, worst first."""
    ids = (Path(patch.name).stem for patch in (files("polly.demo") / "patches").iterdir())
    return tuple(sorted(ids, key=lambda issue: ("CMN".index(issue[0]), int(issue[1:]))))


def polly_toml(python: str, found_scanner: tuple[str, ...] | None) -> str:
    """The sample's polly.toml: its commands run with this interpreter, and this scanner if there is one."""
    template = Template((files("polly.demo") / "polly.toml.template").read_text(encoding="utf-8"))
    return "".join((template.substitute(python=_toml(python)), *_tables(python, found_scanner)))


def _tables(python: str, found_scanner: tuple[str, ...] | None) -> Iterator[str]:
    for issue in issue_ids():
        command = _toml([python, "checks/check.py", issue])
        yield f"[[checks]]\nissues = {_toml([issue])}\ncommand = {command}\n\n"
    if found_scanner is not None:
        yield f"[rescan.ruff]\ncommand = {_toml(list(scanner.scan_command(found_scanner, '{output}')))}\n"


def _toml(value: str | list[str]) -> str:
    # A JSON string is a TOML string, but for the surrogate pairs of escaped characters.
    return json.dumps(value, ensure_ascii=False)


def _refuse_unless_free(folder: Path) -> None:
    next_step = "Name a folder that is empty or does not exist yet."
    if folder.is_dir():
        if any(folder.iterdir()):
            raise InputError(f"{folder} is not empty", next_step=next_step)
    elif folder.exists() or folder.is_symlink():
        raise InputError(f"{folder} is not a folder", next_step=next_step)


def _copy(source: Traversable, target: Path) -> None:
    """Copies bytes only: an installed package keeps no file modes that could be relied on."""
    if not source.is_dir():
        target.write_bytes(source.read_bytes())
        return
    target.mkdir(exist_ok=True)
    for entry in source.iterdir():
        if entry.name != "__pycache__":
            _copy(entry, target / entry.name)


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")


def _initialise(root: Path) -> None:
    git = Git(cwd=root)
    git.run("init", "--quiet", "--template=", "--initial-branch=main")
    for key, value in _GIT_CONFIG:
        git.run("config", key, value)


def _commit(root: Path) -> None:
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", _NAME), ("EMAIL", _EMAIL))
    }
    git = Git(cwd=root, variables=identity)
    # Forced, because the user's own ignore file may name what the sample needs.
    git.run("add", "--all", "--force")
    git.run("commit", "--quiet", "--no-verify", "--message", "feat: observe what agents do")
