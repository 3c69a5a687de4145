import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from polly.errors import InputError
from polly.git import Repository
from polly.settings import Settings, WorkspaceSettings
from polly.verification.judge import PackageJudge
from polly.work.issues import Inventory, Issue, Location, Severity, Source, count
from polly.work.plan import Files, Forecast, GateCommand, Gates, Plan, WorkPackage
from polly.workspaces.checkout import Workspaces
from polly.workspaces.store import TreeStore

Commit = Callable[[Mapping[str, str | bytes | None]], str]

#: A real scanner, small: it reports each line with FIXME as rule T1, as lines of JSON.
SCANNER = """\
import json, pathlib, sys
found = []
for file in sorted(pathlib.Path().rglob("*.txt")):
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        if "FIXME" in line:
            found.append({"path": file.as_posix(), "line": number, "message": line.strip()})
print("looked at everything", file=sys.stderr)
text = json.dumps(found)
if len(sys.argv) > 1:
    pathlib.Path(sys.argv[1]).write_text(text)
else:
    print(text)
sys.exit(1 if found else 0)
"""


def python(code: str) -> tuple[str, ...]:
    """A command that runs this code, on any system."""
    return (sys.executable, "-c", code)


@pytest.fixture
def base(repo: Path, git: Callable[..., str]) -> str:
    """The commit that packages start from: two text files with findings, and a scanner beside the code."""
    (repo / "a.txt").write_text("one\nFIXME first\n", encoding="utf-8")
    (repo / "b.txt").write_text("FIXME second\n", encoding="utf-8")
    (repo / "scan.py").write_text(SCANNER, encoding="utf-8")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "--message=base")
    return git(repo, "rev-parse", "HEAD")


@pytest.fixture
def commit(repo: Path, base: str, git: Callable[..., str]) -> Commit:
    """`commit({path: content})` is a commit on `base` with these files; None deletes one."""

    def make(files: Mapping[str, str | bytes | None]) -> str:
        git(repo, "checkout", "--quiet", "--detach", base)
        for path, content in files.items():
            file = repo / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                file.unlink()
            else:
                file.write_bytes(content.encode() if isinstance(content, str) else content)
        git(repo, "add", "--all")
        git(repo, "commit", "--quiet", "--message=change")
        return git(repo, "rev-parse", "HEAD")

    return make


@pytest.fixture
def store(repo: Path, base: str, tmp_path: Path) -> TreeStore:
    return TreeStore.create(Repository.find(repo), tmp_path / "store.git")


@pytest.fixture
def workspaces(store: TreeStore, repo: Path, tmp_path: Path) -> Workspaces:
    return Workspaces(
        store=store, root=tmp_path / "workspaces", project_root=repo, settings=WorkspaceSettings()
    )


def read_lines(text: bytes, _format: str, _root: Path) -> tuple[Issue, ...]:
    """What intake does for real formats, for the output of SCANNER."""
    try:
        found = msgspec.json.decode(text, type=list[dict[str, str | int]])
    except msgspec.DecodeError as error:
        raise InputError(f"not JSON: {error}") from error
    return tuple(
        issue(
            str(each["message"]),
            str(each["path"]),
            int(each["line"]),
            mark=f"{each['path']} {each['message']}",
        )
        for each in found
    )


def issue(
    title: str, path: str, line: int, *, mark: str = "", issue_id: str = "T", tool: str = "fixmes"
) -> Issue:
    return Issue(
        id=issue_id,
        severity=Severity.MINOR,
        title=title,
        locations=(Location(path=path, start_line=line),),
        source=Source(format="lines", tool=tool, rule="T1"),
        fingerprint=mark or f"{path} {title}",
    )


def package(package_id: str, issues: tuple[str, ...], *paths: str) -> WorkPackage:
    return WorkPackage(
        id=package_id,
        title="fix it",
        role="general",
        priority=Severity.MINOR,
        wave=1,
        issues=issues,
        files=Files(modify=paths),
        estimated_minutes=1,
    )


@pytest.fixture
def make_judge(workspaces: Workspaces, base: str) -> Callable[..., PackageJudge]:
    """`make_judge(issues, packages, …)` judges with the settings and gates given."""

    def make(
        issues: tuple[Issue, ...],
        packages: tuple[WorkPackage, ...],
        *,
        settings: Settings | None = None,
        package_gates: tuple[GateCommand, ...] = (),
        post_gates: tuple[GateCommand, ...] = (),
        role_gates: Mapping[str, tuple[GateCommand, ...]] | None = None,
    ) -> PackageJudge:
        nothing = Forecast(
            agents=1,
            sequential_minutes=0,
            parallel_minutes=0,
            critical_path_minutes=0,
            bound_minutes=0,
            speedup=1,
            efficiency=1,
        )
        return PackageJudge(
            workspaces=workspaces,
            plan=Plan(
                base_commit=base,
                packages=packages,
                gates=Gates(package=package_gates, post=post_gates),
                forecast=nothing,
            ),
            settings=settings or Settings(),
            inventory=Inventory(issues=issues, counts=count(issues, ())),
            read_findings=read_lines,
            limit=asyncio.Semaphore(2),
            serial=asyncio.Lock(),
            role_gates=role_gates,
        )

    return make
