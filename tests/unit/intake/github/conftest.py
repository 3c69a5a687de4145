"""Comments as GitHub writes them, and the way of them into an inventory."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from polly.intake.document import parse
from polly.intake.finding import Context, Reading
from polly.intake.sources.github import reader
from polly.intake.sources.registry import recognise

APP = "import os\n\n\ndef total(values):\n    result = sum(values)\n    return result\n"
HUNK = "@@ -1,3 +1,6 @@\n import os\n \n \n+def total(values):\n+    result = sum(values)"


class Files:
    """A snapshot held in a dictionary."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self.paths = frozenset(files)

    def read(self, path: str) -> bytes | None:
        return self._files[path].encode() if path in self._files else None


@pytest.fixture(scope="session")
def comment() -> Callable[..., dict[str, Any]]:
    """A review comment of the REST interface about line 5 of src/app.py, with anything else given."""

    def write(number: int = 1, body: str = "This sums twice.", **more: Any) -> dict[str, Any]:
        address = f"https://github.com/o/r/pull/7#discussion_r{number}"
        plain = {
            "id": number,
            "node_id": f"PRRC_{number}",
            "pull_request_review_id": 90,
            "diff_hunk": HUNK,
            "path": "src/app.py",
            "line": 5,
            "original_line": 5,
            "side": "RIGHT",
            "position": 5,
            "subject_type": "line",
            "user": {"login": "ann", "type": "User"},
            "body": body,
            "html_url": address,
        }
        return {**plain, **more}

    return write


@pytest.fixture(scope="session")
def read() -> Callable[..., Reading]:
    """What the reader finds in JSON values that stand after each other, or in a text."""

    def take(*values: Any, files: Mapping[str, str] | None = None, **options: Any) -> Reading:
        text = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in values)
        document = parse(text.encode("utf-8", errors="surrogatepass"), "review.json")
        assert recognise(document).name == "github"
        snapshot = Files({"src/app.py": APP} if files is None else files)
        return reader.read(document, Context(snapshot, options.get("table", {})))

    return take


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("repository")
