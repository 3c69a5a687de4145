"""Findings that cannot be used are refused with the reason and the next step; what is odd is told."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.acceptance.conftest import Git, Polly, commit_all, is_refused, make_sample, result, sarif

_BYTES: dict[str, tuple[bytes, str]] = {
    "empty.sarif": (b"", "is empty"),
    "binary.sarif": (bytes(range(256)) * 8, "is a binary file"),
    "binary.md": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 9, "is a binary file"),
    "half.json": (b'{"version": "2.1.0", "runs": [', "is not JSON"),
    "words.json": (b"hello", "is not JSON"),
    "other.json": (b'{"name": "a package"}', "not among the formats"),
    "list.json": (b"[1, 2]", "not among the formats"),
    "old.sarif": (b'{"version": "1.0.0", "runs": []}', "SARIF 1.0.0; Polly reads SARIF 2.1.0"),
    "older.sarif": (b'{"version": "2.0.0", "runs": []}', "SARIF 2.0.0; Polly reads SARIF 2.1.0"),
    "results.sarif": (
        b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": {}}]}',
        "runs[0].results",
    ),
    "prose.md": (b"Looks good to me.\n", "without any finding"),
    "cut.sarif.gz": (gzip.compress(b'{"version": "2.1.0"}')[:-9], "cut.sarif.gz"),
}


@pytest.mark.parametrize("name", _BYTES)
def test_a_file_that_is_no_report_is_refused(sample: Path, polly: Polly, name: str) -> None:
    content, said = _BYTES[name]
    (sample / name).write_bytes(content)
    assert is_refused(polly("issues", name, cwd=sample), name, said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such.sarif"], "There is no file no-such.sarif"),
        (["src"], "src"),
        (["-"], "Standard input is empty"),
        (["REVIEW.md", "no-such.md"], "no-such.md"),
        (["REVIEW.md", "--from", "nonsense"], "There is no source format 'nonsense'"),
        (["REVIEW.md", "--only", "C11"], "Did you mean"),
        (["REVIEW.md", "--severity", "huge"], "'huge' is not one of"),
        ([], "Missing argument 'SOURCE...'"),
    ],
)
def test_words_that_name_nothing_are_refused(sample: Path, polly: Polly, words: list[str], said: str) -> None:
    assert is_refused(polly("issues", *words, cwd=sample), said)


def test_a_report_without_findings_is_not_an_error(sample: Path, polly: Polly) -> None:
    (sample / "clean.sarif").write_text(sarif(), encoding="utf-8")
    done = polly("issues", "clean.sarif", cwd=sample)
    assert done.returncode == 0
    assert "0 findings read" in done.stderr
    refused = polly("fix", "clean.sarif", "--agent", "command", "--", "git", cwd=sample)
    assert refused.returncode == 2
    assert "nothing to run" in refused.stderr


def _absolute(root: Path) -> str:
    return (root.parent / "outside.py").as_posix()


@pytest.mark.parametrize(
    "uri",
    [
        _absolute,
        lambda root: (root.parent / "outside.py").as_uri(),
        lambda _: "../outside.py",
        lambda _: "src/../../outside.py",
        lambda _: "%2e%2e/outside.py",
        lambda _: "C:/outside.py",
        lambda _: "C:\\outside.py",
        lambda _: "//server/share/outside.py",
        lambda _: ".git/config",
    ],
)
def test_a_finding_outside_the_repository_is_left_out_by_name(
    sample: Path, polly: Polly, uri: Callable[[Path], str]
) -> None:
    log = sarif(result(uri(sample)), result("src/a.py", rule="R2"))
    done = polly("issues", "-", "--format", "json", cwd=sample, stdin=log)
    inventory = json.loads(done.stdout)
    assert [issue["locations"][0]["path"] for issue in inventory["issues"]] == ["src/a.py"]
    ((reason, count),) = [(each["reason"], each["count"]) for each in inventory["excluded"]]
    assert (reason, count) == ("outside_repository", 1)


def test_a_symlink_that_leads_out_is_never_planned(tmp_path: Path, polly: Polly, git: Git) -> None:
    root = tmp_path / "linked"
    make_sample(root, git)
    (tmp_path / "secret.py").write_text("secret = 1\n", encoding="utf-8")
    try:
        (root / "out").symlink_to(tmp_path, target_is_directory=True)
        (root / "src/link.py").symlink_to(tmp_path / "secret.py")
    except OSError:
        pytest.skip("links cannot be made here")
    commit_all(git, root, "links")
    log = sarif(result("out/secret.py"), result("src/link.py", rule="R2"), result("src/a.py", rule="R3"))
    plan = json.loads(polly("plan", "-", "--format", "json", cwd=root, stdin=log).stdout)
    assert [row["path"] for row in plan["ownership"]] == ["src/a.py"]
    assert len(plan["unplanned"]) == 2


def test_a_file_that_the_base_commit_lacks_is_named_and_not_planned(sample: Path, polly: Polly) -> None:
    (sample / "src/untracked.py").write_text("x = 1\n", encoding="utf-8")
    log = sarif(result("src/untracked.py"), result("src/a.py", rule="R2"))
    done = polly("plan", "-", "--format", "json", cwd=sample, stdin=log)
    plan = json.loads(done.stdout)
    assert [row["path"] for row in plan["ownership"]] == ["src/a.py"]
    ((reason),) = [each["reason"] for each in plan["unplanned"]]
    assert "src/untracked.py" in reason


def test_an_id_that_is_there_twice_is_told_and_both_issues_stay(sample: Path, polly: Polly) -> None:
    printed = polly("issues", "REVIEW.md", "--format", "json", cwd=sample).stdout
    inventory = json.loads(printed)
    inventory["issues"][1]["id"] = inventory["issues"][0]["id"]
    (sample / "twice.json").write_text(json.dumps(inventory), encoding="utf-8")
    done = polly("issues", "twice.json", "--format", "json", cwd=sample)
    issues = json.loads(done.stdout)
    assert len({issue["id"] for issue in issues["issues"]}) == 3
    assert any("C1" in warning["message"] for warning in issues["warnings"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"inventory_version": 1', '"inventory_version": 2', "version 2"),
        ('"severity": "major"', '"severity": "huge"', "huge"),
        ('"issues": [', '"issues": {}, "x": [', "issues"),
    ],
)
def test_an_inventory_that_somebody_spoilt_is_refused(
    sample: Path, polly: Polly, old: str, new: str, said: str
) -> None:
    printed = polly("issues", "REVIEW.md", "--format", "json", cwd=sample).stdout
    assert old in printed
    (sample / "spoilt.json").write_text(printed.replace(old, new, 1), encoding="utf-8")
    assert is_refused(polly("issues", "spoilt.json", cwd=sample), "spoilt.json", said)
