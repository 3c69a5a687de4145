"""gh is asked when it is there and logged in. A program of that name stands in for it: gh cannot be led to
another server than GitHub's without a certificate of its own."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from tests.integration.github.conftest import comment, thread

from polly.errors import ToolError
from polly.github import fetch_source

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the program that stands in for gh is a script")

SOURCE = "github:o/r#18"
_PROGRAM = """#!{python}
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "asked.jsonl").open("a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
said = json.loads((here / "answers.json").read_text())
asked = [word for word in sys.argv if word in ("auth", "graphql") or word.startswith("repos/")]
status, out, err = said.get(asked[0], [0, "[]", ""])
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(status)
"""


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[list[str]]]:
    """`gh(**answers)` puts a gh on PATH that answers so; calling it again returns what it was asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "gh"
    program.write_text(_PROGRAM.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "GH_HOST", "GITHUB_API_URL", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)

    def answers(**said: Any) -> list[list[str]]:
        if said:
            (folder / "answers.json").write_text(json.dumps(said), encoding="utf-8")
            return []
        lines = (folder / "asked.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    return answers


def threads(*nodes: dict[str, Any]) -> str:
    page = {"hasNextPage": False, "endCursor": None}
    connection = {"nodes": nodes, "pageInfo": page}
    return json.dumps({"data": {"repository": {"pullRequest": {"reviewThreads": connection}}}})


def test_gh_is_asked_for_everything(
    gh: Callable[..., list[list[str]]], polly: Callable[..., CompletedProcess[str]], repo: Path
) -> None:
    pages = json.dumps([comment(1)]) + json.dumps([comment(2)])
    gh(
        **{
            "graphql": [0, threads(thread(1, resolved=True)) + threads(), ""],
            "repos/o/r/pulls/18/comments?per_page=100": [0, pages, ""],
        }
    )
    done = polly("issues", SOURCE, "--format", "json", cwd=repo)
    assert done.returncode == 0, done.stderr
    assert [issue["title"] for issue in json.loads(done.stdout)["issues"]] == ["Finding 2."]
    asked = gh()
    assert asked[0] == ["auth", "status", "--hostname", "github.com"]
    assert [words[:4] for words in asked[1:]] == [
        ["api", "--hostname", "github.com", "graphql"],
        *[["api", "--hostname", "github.com", "--paginate"]] * 3,
    ]


def test_what_gh_says_is_told(gh: Callable[..., list[list[str]]]) -> None:
    gh(graphql=[1, "", "gh: Not Found (HTTP 404)\x1b[0m with ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"])
    with pytest.raises(
        ToolError, match=r"could not fetch the comments: gh: Not Found \(HTTP 404\)"
    ) as caught:
        fetch_source(SOURCE)
    assert "a1B2c3D4e5" not in caught.value.what
    assert "\x1b" not in caught.value.what
    assert "Check owner, repository and number" in (caught.value.next_step or "")


def test_without_a_login_the_token_of_the_environment_is_needed(gh: Callable[..., list[list[str]]]) -> None:
    gh(auth=[1, "", "not logged in"])
    with pytest.raises(ToolError, match="gh is not logged in, and GH_TOKEN is not set") as caught:
        fetch_source(SOURCE)
    assert "gh auth login --hostname github.com" in (caught.value.next_step or "")
