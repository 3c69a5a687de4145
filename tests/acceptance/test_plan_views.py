"""Looking at a plan: why it is so, as a picture, and carried on when findings are added."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from tests.acceptance.conftest import FIXER

Polly = Callable[..., CompletedProcess[str]]


def owners(plan: dict[str, Any]) -> dict[str, str]:
    return {issue: package["id"] for package in plan["packages"] for issue in package["issues"]}


_PATCH = "--- a/src/a.py\n+++ b/src/a.py\n@@ -1,2 +1,2 @@\n def a():\n-    return 1\n+    return 2\n"


def test_a_kept_plan_is_explained_and_drawn_without_its_sources(sample: Path, polly: Polly) -> None:
    assert polly("plan", "REVIEW.md", cwd=sample).returncode == 0
    kept = (sample / ".polly" / "plan.json").read_bytes()
    (sample / "REVIEW.md").unlink()

    told = polly("plan", "--explain", "wp2", cwd=sample)
    assert told.returncode == 0
    assert "src/b.py  finding  is named by M2" in told.stdout
    assert "starts at once" in told.stdout
    assert "10 min (1 stated)" in told.stdout
    as_json = json.loads(polly("plan", "--explain", "WP2", "--format", "json", cwd=sample).stdout)
    assert as_json["package"] == "WP2"
    assert as_json["groups"] == [{"issues": ["M2"], "reason": "stands alone, in src/b.py"}]

    assert ET.fromstring(polly("plan", "--format", "svg", cwd=sample).stdout).tag.endswith("svg")
    assert polly("plan", "--format", "html", cwd=sample).stdout.startswith("<!doctype html>")
    assert json.loads(polly("plan", "--format", "json", cwd=sample).stdout)["plan_version"] == 1
    assert "WP3" in polly("plan", cwd=sample).stdout
    assert (sample / ".polly" / "plan.json").read_bytes() == kept


def test_what_cannot_be_looked_at_says_what_to_do(sample: Path, polly: Polly) -> None:
    none = polly("plan", "--explain", "WP1", cwd=sample)
    assert none.returncode == 2
    assert "There is no plan" in none.stderr
    assert "polly plan SOURCE" in none.stderr
    assert polly("plan", "REVIEW.md", cwd=sample).returncode == 0
    unknown = polly("plan", "--explain", "WP9", cwd=sample)
    assert unknown.returncode == 2
    assert "no package 'WP9'" in unknown.stderr
    assert "WP1, WP2, WP3" in unknown.stderr
    pointless = polly("plan", "--agents", "2", cwd=sample)
    assert pointless.returncode == 2
    assert "no SOURCE" in pointless.stderr
    drawn = polly("plan", "--explain", "WP1", "--format", "svg", cwd=sample)
    assert drawn.returncode == 2
    assert "no svg form" in drawn.stderr


def test_an_added_finding_leaves_the_other_packages_as_they_are(sample: Path, polly: Polly) -> None:
    first = json.loads(polly("plan", "REVIEW.md", "--format", "json", cwd=sample).stdout)
    with (sample / "REVIEW.md").open("a", encoding="utf-8") as review:
        review.write(
            "\n### C0. The tool crashes\n**File**: `tools/fix.py:1`\n**Severity**: critical\n"
            "**Effort**: 90 min\n**Problem**: It crashes.\n"
        )
    carried = json.loads(polly("plan", "REVIEW.md", "--format", "json", cwd=sample).stdout)
    assert owners(carried) == {**owners(first), "C0": "WP4"}
    anew = json.loads(polly("plan", "REVIEW.md", "--anew", "--format", "json", cwd=sample).stdout)
    assert owners(anew)["C0"] == "WP1"


def test_a_spoilt_plan_is_not_carried_on_and_that_is_said(sample: Path, polly: Polly) -> None:
    assert polly("plan", "REVIEW.md", cwd=sample).returncode == 0
    (sample / ".polly" / "plan.json").write_text("{", encoding="utf-8")
    done = polly("plan", "REVIEW.md", cwd=sample)
    assert done.returncode == 0
    assert "cannot be carried on" in done.stderr


def test_what_earlier_runs_took_corrects_the_estimates(sample: Path, polly: Polly) -> None:
    finding = "\n### M{n}. `a()` has fault {n}\n**File**: `src/a.py:{n}`\n**Severity**: major\n"
    review = "# Review\n" + "".join(finding.format(n=number) for number in range(1, 7))
    (sample / "MORE.md").write_text(review, encoding="utf-8")
    before = json.loads(polly("plan", "MORE.md", "--format", "json", cwd=sample).stdout)
    polly("fix", "MORE.md", *FIXER, cwd=sample)
    after = json.loads(polly("plan", "MORE.md", "--format", "json", cwd=sample).stdout)
    assert before["packages"][0]["effort_from"] == {"stated": 0, "kind_and_size": 6, "history": 0}
    assert after["packages"][0]["effort_from"] == {"stated": 0, "kind_and_size": 0, "history": 6}
    assert after["packages"][0]["estimated_minutes"] < before["packages"][0]["estimated_minutes"]


def test_fix_plans_as_plan_does_and_can_begin_anew(sample: Path, polly: Polly) -> None:
    first = json.loads(polly("plan", "REVIEW.md", "--format", "json", cwd=sample).stdout)
    with (sample / "REVIEW.md").open("a", encoding="utf-8") as review:
        review.write(
            "\n### C0. It crashes\n**File**: `tools/fix.py:1`\n**Severity**: critical\n**Effort**: 90 min\n"
        )
    polly("fix", "REVIEW.md", *FIXER, cwd=sample)
    carried = json.loads((sample / ".polly" / "plan.json").read_text(encoding="utf-8"))
    assert owners(carried) == {**owners(first), "C0": "WP4"}
    polly("fix", "REVIEW.md", "--anew", *FIXER, cwd=sample)
    anew = json.loads((sample / ".polly" / "plan.json").read_text(encoding="utf-8"))
    assert owners(anew)["C0"] == "WP1"


def test_fix_estimates_by_what_earlier_runs_with_the_same_agent_took(sample: Path, polly: Polly) -> None:
    finding = "\n### M{n}. `a()` has fault {n}\n**File**: `src/a.py:{n}`\n**Severity**: major\n"
    review = "# Review\n" + "".join(finding.format(n=number) for number in range(1, 7))
    (sample / "MORE.md").write_text(review, encoding="utf-8")
    origins = []
    (sample / "p").mkdir()
    (sample / "p" / "M1.patch").write_text(_PATCH, encoding="utf-8")
    for agent in (FIXER, FIXER, ("--agent", "patch:p")):
        polly("fix", "MORE.md", "--anew", *agent, cwd=sample)
        made = json.loads((sample / ".polly" / "plan.json").read_text(encoding="utf-8"))
        origins.append(made["packages"][0]["effort_from"]["history"])
    assert origins == [0, 6, 0]
