"""The review says nothing about the sample that is not so."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from polly.demo.sample import Sample, issue_ids

#: What stands on the first line of each place that the review names.
FAULTY_LINES = {
    "C1": ['LOG_FOLDER = Path("/tmp'],
    "C2": ["except Exception:"],
    "C3": ["client._conn"],
    "C4": ["unknown"],
    "M6": ["return {"],
    "M7": ["BEGIN;"],
    "M8": ["actions.status"],
    "N1": ["type=bool"],
    "N3": ['"error", error='],
    "N4": ['"error" if'],
    "N5": ['choices=("ok"', '"error" if'],
    "N9": ["fromtimestamp(time.monotonic())"],
    "N10": ["0 to 100"],
    "N14": ["datetime.now()"],
}


@dataclass(frozen=True)
class Finding:
    severity: str
    places: tuple[tuple[str, int, int], ...]
    created: tuple[str, ...]
    rule: str | None
    status: str


@pytest.fixture(scope="module")
def review(sample: Sample) -> str:
    return sample.review.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def findings(review: str) -> dict[str, Finding]:
    found = {}
    for part in re.split(r"^## ", review, flags=re.MULTILINE):
        severity = re.match(r"\S+ (\w+) Issues", part)
        if severity:
            for block in re.split(r"^### ", part, flags=re.MULTILINE)[1:]:
                found[block.partition(".")[0]] = _finding(severity[1], block)
    return found


def _finding(severity: str, block: str) -> Finding:
    (files,) = re.findall(r"^\*\*File\*\*: (.+)$", block, re.MULTILINE)
    (status,) = re.findall(r"^\*\*Status\*\*: (.+)$", block, re.MULTILINE)
    rules = re.findall(r"^\*\*Rule\*\*: `ruff:(\w+)`$", block, re.MULTILINE)
    places = re.findall(r"`([^`:]+):(\d+)(?:-(\d+))?`", files)
    return Finding(
        severity=severity,
        places=tuple((path, int(first), int(last or first)) for path, first, last in places),
        created=tuple(re.findall(r"`([^`:]+)` \(new\)", files)),
        rule=rules[0] if rules else None,
        status=status,
    )


def test_each_issue_is_described_once_and_open(findings: dict[str, Finding], review: str) -> None:
    assert tuple(findings) == issue_ids()
    assert {finding.status for finding in findings.values()} == {"❌ Not fixed"}
    for key in ("File", "Status", "Effort", "Priority", "Problem", "Fix"):
        assert len(re.findall(rf"^\*\*{key}\*\*: ", review, re.MULTILINE)) >= len(findings), key


def test_every_figure_is_true(findings: dict[str, Finding], review: str) -> None:
    assert f"**Total Issues**: {len(findings)}\n" in review
    paths = {path for finding in findings.values() for path, _, _ in finding.places}
    created = {path for finding in findings.values() for path in finding.created}
    assert (
        f"**Files**: {len(paths) + len(created)} ({len(paths)} to change, {len(created)} to create)" in review
    )
    for severity, letter in (("Critical", "C"), ("Major", "M"), ("Minor", "N")):
        of_severity = [issue for issue, finding in findings.items() if finding.severity == severity]
        assert all(issue.startswith(letter) for issue in of_severity)
        assert f"**{severity}** ({len(of_severity)} issues)" in review
        assert f"{severity} Issues ({len(of_severity)})" in review


@pytest.mark.parametrize("issue", FAULTY_LINES)
def test_the_places_are_where_the_fault_is(issue: str, findings: dict[str, Finding], sample: Sample) -> None:
    places = findings[issue].places
    assert len(places) == len(FAULTY_LINES[issue])
    for (path, first, last), text in zip(places, FAULTY_LINES[issue], strict=True):
        lines = (sample.root / path).read_text(encoding="utf-8").splitlines()
        assert text in lines[first - 1]
        assert first <= last <= len(lines)


def test_a_new_file_is_not_there_yet(findings: dict[str, Finding], sample: Sample) -> None:
    created = {path for finding in findings.values() for path in finding.created}
    assert created == {"sql/migrations/001_project_context_down.sql"}
    assert not any((sample.root / path).exists() for path in created)


def test_what_the_scanner_reports_is_what_the_review_names_with_a_rule(
    findings: dict[str, Finding], sample: Sample
) -> None:
    named = {(finding.rule, *finding.places[0][:2]) for finding in findings.values() if finding.rule}
    assert named == _reported(sample.findings)


def _reported(sarif: Path) -> set[tuple[str, str, int]]:
    (run,) = json.loads(sarif.read_text(encoding="utf-8"))["runs"]
    places = [(result["ruleId"], result["locations"][0]["physicalLocation"]) for result in run["results"]]
    return {(rule, place["artifactLocation"]["uri"], place["region"]["startLine"]) for rule, place in places}


@pytest.mark.parametrize("issue", FAULTY_LINES)
def test_a_patch_stays_in_the_files_that_its_issue_names(
    issue: str, findings: dict[str, Finding], sample: Sample
) -> None:
    patch = (sample.patches / f"{issue}.patch").read_text(encoding="utf-8")
    touched = set(re.findall(r"^diff --git a/(\S+) b/", patch, re.MULTILINE))
    named = {path for path, _, _ in findings[issue].places} | set(findings[issue].created)
    assert touched <= named
