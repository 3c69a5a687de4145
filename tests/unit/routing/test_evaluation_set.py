"""The labelled requests of benchmarks/routing: their form, and that the two halves are really two."""

import json
from collections import Counter
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[3] / "benchmarks" / "routing"
HALVES = ("tuning", "held_out")
ROLES = {
    "code-quality-specialist",
    "debug-intelligence",
    "testing-specialist",
    "database-specialist",
    "security-audit",
    "performance",
    "api-architect",
    "python-fastapi-expert",
    "devops-infrastructure",
    "documentation-architect",
    "structured-logging",
    "type-validator",
    "contract-validator",
    "ui-testing",
    "production-monitor",
    "repository-setup",
}
KINDS = {"easy", "hard", "explicit", "negated", "misleading", "none", "issue", "language"}
FEWER = {"noise": 8}  # at least this many per half; of every other kind at least twenty
TOO_SIMILAR = 0.85


@cache
def _requests(half: str) -> list[dict[str, Any]]:
    lines = (FOLDER / f"{half}.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def _text(request: dict[str, Any]) -> str:
    if "text_repeat" not in request:
        return str(request["text"])
    unit, times = request["text_repeat"]
    return str(unit) * int(times)


def _similar(one: str, other: str) -> bool:
    shorter, longer = sorted((len(one), len(other)))
    if 2 * shorter <= TOO_SIMILAR * (shorter + longer):  # no ratio can be higher than that
        return False
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.quick_ratio() > TOO_SIMILAR and matcher.ratio() > TOO_SIMILAR


@pytest.mark.parametrize("half", HALVES)
def test_a_half_is_large_enough_and_holds_every_kind(half: str) -> None:
    kinds = Counter(request["kind"] for request in _requests(half))
    assert kinds.total() >= 150
    assert set(kinds) == KINDS | set(FEWER)
    assert {kind for kind, count in kinds.items() if count < FEWER.get(kind, 20)} == set()


@pytest.mark.parametrize("half", HALVES)
def test_labels_are_roles_or_none(half: str) -> None:
    for request in _requests(half):
        labels = [request["role"], *request["also"]]
        assert set(labels) <= ROLES | {"none"}, request["id"]
        assert len(labels) == len(set(labels)), request["id"]


@pytest.mark.parametrize("half", HALVES)
def test_every_role_is_asked_for_and_the_general_one_is_not_the_easy_answer(half: str) -> None:
    roles = Counter(request["role"] for request in _requests(half))
    assert set(roles) == ROLES | {"none"}
    assert roles["code-quality-specialist"] <= 0.15 * roles.total()


def test_easy_requests_ask_for_each_role_six_times() -> None:
    easy = Counter(r["role"] for half in HALVES for r in _requests(half) if r["kind"] == "easy")
    assert {role for role in ROLES if easy[role] < 6} == set()


@pytest.mark.parametrize("half", HALVES)
def test_a_request_has_its_fields(half: str) -> None:
    for request in _requests(half):
        assert ("text" in request) != ("text_repeat" in request), request["id"]
        assert set(request) - {"text", "text_repeat"} == {
            "id",
            "paths",
            "rules",
            "role",
            "also",
            "kind",
            "note",
        }, request["id"]
        assert all(":" in rule for rule in request["rules"]), request["id"]


def test_ids_and_texts_are_unique_over_both_halves() -> None:
    requests = [request for half in HALVES for request in _requests(half)]
    ids = Counter(request["id"] for request in requests)
    texts = Counter(_text(request) for request in requests)
    assert [name for name, count in ids.items() if count > 1] == []
    assert [text[:80] for text, count in texts.items() if count > 1] == []


def test_no_request_of_one_half_is_nearly_one_of_the_other() -> None:
    # of a repeated text its unit is compared: the whole 100 kB would take minutes and say no more
    tuning, held_out = (
        [(r["id"], r["text"] if "text" in r else r["text_repeat"][0]) for r in _requests(half)]
        for half in HALVES
    )
    twins = [(a, b) for a, one in tuning for b, other in held_out if _similar(one, other)]
    assert twins == []


@pytest.mark.parametrize("half", HALVES)
def test_a_request_of_100_kb_is_there(half: str) -> None:
    assert max(len(_text(request)) for request in _requests(half)) >= 100_000
