"""A snapshot that lives in memory, and the two ways into intake with sources given as text."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from polly.intake.read import read_findings
from polly.intake.read import take as intake_of
from polly.work.issues import Inventory, Issue

Sources = Mapping[str, str | bytes]
Files = Mapping[str, str | bytes]
Take = Callable[..., Inventory]
Log = Callable[..., str]
Result = Callable[..., dict[str, Any]]


class DictSnapshot:
    """The files of a commit, held in a dictionary."""

    def __init__(self, files: Files) -> None:
        self._files = {path: _bytes(content) for path, content in files.items()}
        self.paths = frozenset(files)

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)


def _bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("repository")


@pytest.fixture(scope="session")
def take(root: Path) -> Take:
    """Intake of sources given as {name: content}, over a snapshot given as {path: content}."""

    def read(sources: Sources, files: Files | None = None, **options: Any) -> Inventory:
        for name, content in sources.items():
            (root / name).write_bytes(_bytes(content))
        snapshot = DictSnapshot(files or {})
        paths = [root / name for name in sources]
        return intake_of(paths, snapshot=snapshot, root=root, **options).inventory

    return read


@pytest.fixture(scope="session")
def rescan(root: Path) -> Callable[..., tuple[Issue, ...]]:
    """What a scanner's output, given as text, says about a snapshot."""

    def read(text: str, files: Files, **options: Any) -> tuple[Issue, ...]:
        snapshot = DictSnapshot(files)
        return read_findings(
            _bytes(text),
            format="sarif",
            name="rescan",
            snapshot=snapshot,
            root=options.pop("root", root),
            **options,
        )

    return read


@pytest.fixture(scope="session")
def log() -> Log:
    """The text of a SARIF log with these results in one run of the tool `lint`."""

    def write(*results: dict[str, Any], rules: list[dict[str, Any]] | None = None, **run: Any) -> str:
        driver = {"name": "lint", "rules": rules or []}
        return json.dumps(
            {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results, **run}]}
        )

    return write


@pytest.fixture(scope="session")
def result() -> Result:
    """A result about one place, with anything else that it shall say."""

    def write(path: str = "a.py", line: int | None = 1, **more: Any) -> dict[str, Any]:
        region = {"region": {"startLine": line}} if line else {}
        place = {"physicalLocation": {"artifactLocation": {"uri": path}, **region}}
        return {"ruleId": "R1", "message": {"text": "Something is wrong"}, "locations": [place], **more}

    return write
