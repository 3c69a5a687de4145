"""A finished run on a real repository, made without agents: packages are commits in a real TreeStore."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from polly import landing
from polly.git import Change, Repository
from polly.work.issues import Severity
from polly.work.plan import Files, Forecast, Gates, Plan, WorkPackage
from polly.work.run import (
    Evidence,
    EvidenceKind,
    EvidenceStatus,
    IssueOutcome,
    PackageRecord,
    PackageState,
    RunRecord,
    RunState,
    Verdict,
    WaveRecord,
)
from polly.workspaces.store import TreeStore

Edit = bytes | None | tuple[bytes, str]


@dataclass(kw_only=True)
class Scene:
    """A repository, the store of a run on it, and what the run made."""

    root: Path
    store: TreeStore
    base: str
    wave_bases: dict[int, str] = field(default_factory=dict)
    packages: list[WorkPackage] = field(default_factory=list)
    records: dict[str, PackageRecord] = field(default_factory=dict)
    gates: Gates = field(default_factory=Gates)
    post: tuple[Any, ...] = ()

    @property
    def repository(self) -> Repository:
        return Repository.find(self.root)

    @property
    def plan(self) -> Plan:
        forecast = Forecast(
            agents=2,
            sequential_minutes=1,
            parallel_minutes=1,
            critical_path_minutes=1,
            bound_minutes=1,
            speedup=1,
            efficiency=1,
        )
        return Plan(base_commit=self.base, packages=tuple(self.packages), gates=self.gates, forecast=forecast)

    @property
    def record(self) -> RunRecord:
        return RunRecord(
            run="20250101-120000-abcdef",
            project_path=str(self.root),
            base_commit=self.base,
            branch="main",
            agent="patch",
            agents=2,
            state=RunState.FINISHED,
            started_at=datetime(2025, 1, 1, tzinfo=UTC),
            packages=tuple(self.records.values()),
            waves=tuple(
                WaveRecord(number=number, base_commit=commit) for number, commit in self.wave_bases.items()
            ),
            gates=self.post,
        )

    def package(self, name: str, edits: Mapping[str, Edit], *, wave: int = 1, title: str = "") -> None:
        """A package that is ready: its edits on the base of its wave."""
        base = self.wave_bases[wave]
        entries = self.store.entries(base)
        changes = []
        for path, edit in edits.items():
            old = entries.get(path)
            data, mode = edit if isinstance(edit, tuple) else (edit, old.mode if old else "100644")
            new_id = (
                None
                if data is None
                else self.store.git.run("hash-object", "-w", "--stdin", stdin=data).decode().strip()
            )
            changes.append(
                Change(
                    path=path,
                    status="M",
                    old_mode=old.mode if old else "000000",
                    new_mode=mode if new_id else "000000",
                    old_id=old.id if old else None,
                    new_id=new_id,
                )
            )
        tree = self.store.overlay(base, changes)
        commit = self.store.commit(tree, base, name, f"refs/polly/{name}")
        issue = f"C{name[2:]}"
        self.packages.append(
            WorkPackage(
                id=name,
                title=title or f"Repair {name}",
                role="general",
                priority=Severity.MAJOR,
                wave=wave,
                issues=(issue,),
                files=Files(modify=tuple(edits)),
                estimated_minutes=5,
            )
        )
        check = Evidence(kind=EvidenceKind.CHECK, status=EvidenceStatus.FIXED, command="true", tree=tree)
        self.records[name] = PackageRecord(
            id=name,
            state=PackageState.READY,
            tree=tree,
            commit=commit,
            owned_changed=tuple(sorted(edits)),
            outcomes=(IssueOutcome(issue=issue, verdict=Verdict.FIXED, evidence=(check,)),),
        )

    def next_wave(self, number: int = 2) -> None:
        """All packages so far are combined into the base of the next wave."""
        commits = {name: record.commit for name, record in self.records.items() if record.commit}
        self.wave_bases[number] = self.store.combine(
            self.wave_bases[number - 1], commits, f"refs/polly/wave-{number}"
        )

    def set(self, name: str, **fields: Any) -> None:
        self.records[name] = msgspec.structs.replace(self.records[name], **fields)

    def prepare(self, *names: str) -> landing.Landing:
        return landing.prepare(
            self.repository, self.store, self.record, self.plan, names or tuple(self.records)
        )

    def undo_apply(self, *names: str) -> tuple[str, ...]:
        return landing.undo_apply(self.repository, self.store, self.record, self.plan, names)


FILES: Mapping[str, bytes] = {
    "src/a.py": b"a = 1\nb = 2\nc = 3\nd = 4\ne = 5\nf = 6\ng = 7\n",
    "src/b.py": b"b = 1\n",
    "src/gone.py": b"gone\n",
    "other.txt": b"other\n",
    "third.txt": b"third\n",
    "run.sh": b"#!/bin/sh\n",
}


@pytest.fixture
def project(repo: Path, git: Callable[..., str]) -> Path:
    """The repository with a few files and an ignore rule."""
    for name, data in FILES.items():
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_bytes(data)
    (repo / ".gitignore").write_text("*.log\n")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "files")
    return repo


@pytest.fixture
def make_scene(tmp_path: Path) -> Callable[[Path], Scene]:
    """`make_scene(root)`: an empty run on the repository at `root`, from its HEAD."""
    count = iter(range(1000))

    def make(root: Path) -> Scene:
        repository = Repository.find(root)
        store = TreeStore.create(repository, tmp_path / f"run-{next(count)}.git")
        base = repository.base_commit()
        return Scene(root=root, store=store, base=base, wave_bases={1: base})

    return make


@pytest.fixture
def scene(project: Path, make_scene: Callable[[Path], Scene]) -> Scene:
    """WP1 changes, deletes and adds files below src; WP2 changes other.txt."""
    scene = make_scene(project)
    scene.package("WP1", {"src/a.py": FILES["src/a.py"] + b"more\n", "src/gone.py": None, "new/x.py": b"x\n"})
    scene.package("WP2", {"other.txt": b"better\n"})
    return scene


def files_of(root: Path, *, git_folder: bool) -> dict[str, str]:
    """Everything below `root` (or below its git folder) by content, mode bits and link target."""
    start = Repository.find(root).common_dir if git_folder else root
    found = {}
    for folder, folders, files in os.walk(start):
        if not git_folder and ".git" in folders:
            folders.remove(".git")
        for name in (*files, *(each for each in folders if (Path(folder) / each).is_symlink())):
            file = Path(folder) / name
            key = file.relative_to(start).as_posix()
            if file.is_symlink():
                found[key] = f"-> {file.readlink()}"
            else:
                executable = "x" if file.stat().st_mode & 0o100 else ""
                found[key] = hashlib.sha256(file.read_bytes()).hexdigest() + executable
    return found


def everything(root: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The whole working tree and the whole git folder: refs, logs, index, config, objects, FETCH_HEAD."""
    return files_of(root, git_folder=False), files_of(root, git_folder=True)
