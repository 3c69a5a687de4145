"""The main job from findings to commits, as a person or a program would type it."""

import json
from pathlib import Path

import pytest
from tests.acceptance.conftest import FIXER, Git, Polly, commit_all, fixed_sample, result, sarif


@pytest.fixture
def sources(sample: Path, polly: Polly, git: Git) -> tuple[str, ...]:
    """A Markdown review, a scanner's SARIF and an inventory that Polly printed."""
    for name in ("d", "e"):
        (sample / f"src/{name}.py").write_text(f"def {name}():\n    return 1\n", encoding="utf-8")
    (sample / "findings.sarif").write_text(sarif(result("src/d.py")), encoding="utf-8")
    commit_all(git, sample, "more")
    (sample / "more.md").write_text(
        "### P5. e is wrong\n**File**: `src/e.py:2`\n**Fix**: 2\n", encoding="utf-8"
    )
    printed = polly("issues", "more.md", "--format", "json", cwd=sample)
    assert printed.returncode == 0
    (sample / "more.md").unlink()
    (sample / "more.json").write_text(printed.stdout, encoding="utf-8")
    commit_all(git, sample, "inventory")
    return "REVIEW.md", "findings.sarif", "more.json"


def test_findings_become_proved_commits_and_can_be_taken_back(
    sample: Path, sources: tuple[str, ...], polly: Polly, git: Git
) -> None:
    base = git(sample, "rev-parse", "HEAD")

    inventory = json.loads(polly("issues", *sources, "--format", "json", cwd=sample).stdout)
    assert inventory["inventory_version"] == 1
    assert {issue["id"] for issue in inventory["issues"]} >= {"C1", "M2", "N3", "P5"}
    counts = inventory["counts"]
    assert counts["read"] == counts["issues"] + counts["excluded"] == 5

    plan = json.loads(polly("plan", *sources, "--agents", "3", "--format", "json", cwd=sample).stdout)
    assert plan["plan_version"] == 1
    assert plan["base_commit"] == base
    assert plan["forecast"]["agents"] == 3
    assert len({(row["path"], row["wave"]) for row in plan["ownership"]}) == len(plan["ownership"])
    assert json.loads((sample / ".polly/plan.json").read_bytes()) == plan

    done = polly("run", *FIXER, cwd=sample)
    assert done.returncode == 1, "the scanner's finding and P5 have no check"
    assert "3 of 5 issues proved fixed" in done.stderr
    assert "Nothing can prove" in done.stderr

    status = json.loads(polly("status", "--format", "json", cwd=sample).stdout)
    assert status["state"] == "finished"
    assert {package["state"] for package in status["packages"]} == {"ready"}
    owner = next(package["id"] for package in plan["packages"] if "C1" in package["issues"])
    owned = sorted(row["path"] for row in plan["ownership"] if row["package"] == owner)
    assert "+    return 2" in polly("diff", owner, cwd=sample).stdout

    assert polly("approve", owner, "--note", "read", cwd=sample).returncode == 0
    assert polly("apply", cwd=sample).returncode == 0
    assert git(sample, "diff", "--name-only").splitlines() == owned
    assert polly("undo", cwd=sample).returncode == 0
    assert git(sample, "status", "--porcelain") == ""

    committed = polly("commit", cwd=sample)
    assert committed.returncode == 0
    assert git(sample, "rev-list", "--count", f"{base}..HEAD") == str(len(plan["packages"]))
    report = json.loads(polly("report", "--format", "json", cwd=sample).stdout)
    assert report["report_version"] == 1
    assert all(package["commit"] for package in report["packages"])
    (run,) = json.loads(polly("runs", "--format", "json", cwd=sample).stdout)
    assert run["committed_packages"] == len(plan["packages"])

    assert polly("undo", cwd=sample).returncode == 0
    assert git(sample, "rev-parse", "HEAD") == base
    assert git(sample, "status", "--porcelain") == ""


def test_an_applied_package_can_be_committed(sample: Path, polly: Polly, git: Git) -> None:
    fixed_sample(polly, sample)
    assert polly("approve", "WP1", cwd=sample).returncode == 0
    assert polly("apply", "WP1", cwd=sample).returncode == 0
    assert polly("commit", cwd=sample).returncode == 0
    assert git(sample, "rev-list", "--count", "HEAD") == "4"
    assert git(sample, "status", "--porcelain") == ""


def test_a_rejected_package_stays_out(sample: Path, polly: Polly, git: Git) -> None:
    fixed_sample(polly, sample)
    assert polly("reject", "WP2", "--note", "another way", cwd=sample).returncode == 0
    assert polly("commit", cwd=sample).returncode == 0
    assert git(sample, "log", "--format=%s").count("WP") == 2
    assert "return 1" in (sample / "src/b.py").read_text(encoding="utf-8")


def test_fix_with_json_prints_the_report_and_nothing_else(sample: Path, polly: Polly) -> None:
    done = polly("fix", "REVIEW.md", "--format", "json", *FIXER, cwd=sample)
    assert done.returncode == 0
    assert {issue["verdict"] for issue in json.loads(done.stdout)["issues"]} == {"fixed"}


def test_the_patch_agent_applies_a_patch_per_issue(sample: Path, polly: Polly, git: Git) -> None:
    (sample / "patches").mkdir()
    (sample / "src/a.py").write_text("def a():\n    return 2\n", encoding="utf-8")
    (sample / "patches/C1.patch").write_text(git(sample, "diff") + "\n", encoding="utf-8")
    git(sample, "checkout", "src/a.py")
    done = polly("fix", "REVIEW.md", "--agent", "patch:patches", cwd=sample)
    assert done.returncode == 1
    assert "1 of 3 issues proved fixed" in done.stderr


def test_the_scripted_agent_plays_edits_and_failures(sample: Path, polly: Polly) -> None:
    (sample / "script.yaml").write_text(
        "issues:\n  C1:\n  - replace: {path: src/a.py, old: return 1, new: return 2}\n"
        "  M2:\n  - exit: 3\n  N3: []\n",
        encoding="utf-8",
    )
    done = polly("fix", "REVIEW.md", "--agent", "scripted:script.yaml", cwd=sample)
    assert done.returncode == 1, done.stderr
    assert "1 of 3 issues proved fixed" in done.stderr
    assert "log.txt" in done.stderr, "a failed agent's log is named"


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--only", "C1", "--only", "N3"], {"C1", "N3"}),
        (["--severity", "major"], {"M2"}),
        (["--path", "src/[ab].py"], {"C1", "M2"}),
    ],
)
def test_issues_are_selected(sample: Path, polly: Polly, options: list[str], ids: set[str]) -> None:
    done = polly("issues", "REVIEW.md", *options, "--format", "json", cwd=sample)
    inventory = json.loads(done.stdout)
    assert {issue["id"] for issue in inventory["issues"]} == ids
    assert inventory["counts"]["read"] == 3


def test_standard_input_is_a_source_and_a_range_selects(sample: Path, polly: Polly) -> None:
    text = "".join(f"### P{n}. wrong\n**File**: `src/a.py:{n}`\n**Problem**: {n}\n" for n in range(1, 6))
    done = polly("issues", "-", "--only", "P2-P4", "--format", "json", cwd=sample, stdin=text)
    assert [issue["id"] for issue in json.loads(done.stdout)["issues"]] == ["P2", "P3", "P4"]


def test_the_number_of_packages_is_limited(sample: Path, polly: Polly) -> None:
    plan = json.loads(
        polly("plan", "REVIEW.md", "--max-packages", "2", "--format", "json", cwd=sample).stdout
    )
    assert len(plan["packages"]) == 2
    assert sorted(issue for package in plan["packages"] for issue in package["issues"]) == ["C1", "M2", "N3"]


def test_the_same_input_makes_the_same_plan_byte_for_byte(sample: Path, polly: Polly) -> None:
    first = polly("plan", "REVIEW.md", "--format", "json", cwd=sample).stdout
    assert polly("plan", "REVIEW.md", "--format", "json", cwd=sample).stdout == first
