"""Every shipped rule finds what it is for, and not what only looks like it."""

from pathlib import Path

import pytest
from ast_grep_py import SgRoot

from polly.intelligence.batch import WRONG as WRONG_RULES
from polly.intelligence.languages import Language, kind_named
from polly.intelligence.patterns.matching import patterns_in
from polly.intelligence.patterns.quick_regex import quick
from polly.intelligence.patterns.rule import (
    SHIPPED,
    Rule,
    RuleError,
    load_rules,
    read_rules,
    rules_for,
    shipped_rules,
)

from .pattern_samples import PATTERNS, WRONG, Samples


def names_in(code: str, language: str, rules: tuple[Rule, ...]) -> set[str]:
    kind = kind_named(language)
    assert kind is not None
    assert kind.grammar is not None
    root = SgRoot(code, kind.grammar).root()
    return {each.name for each in patterns_in(root, "a", rules_for(Language(language), rules))}


def cases(samples: Samples, folder: Path) -> list[object]:
    return [
        pytest.param(name, language, *codes, folder, id=f"{name}-{language}")
        for (name, language), codes in samples.items()
    ]


@pytest.mark.parametrize(
    ("name", "language", "has_it", "nearly_has_it", "folder"),
    [*cases(PATTERNS, SHIPPED), *cases(WRONG, WRONG_RULES)],
)
def test_a_rule_finds_its_shape_and_not_a_similar_one(
    name: str, language: str, has_it: str, nearly_has_it: str, folder: Path
) -> None:
    rules = shipped_rules(folder)
    assert name in names_in(has_it, language, rules)
    assert name not in names_in(nearly_has_it, language, rules)


@pytest.mark.parametrize(("samples", "folder"), [(PATTERNS, SHIPPED), (WRONG, WRONG_RULES)])
def test_every_language_of_every_shipped_rule_has_samples(samples: Samples, folder: Path) -> None:
    looked_for = {
        (rule.name, language.value)
        for rule in shipped_rules(folder)
        for match in rule.matches
        for language in match.languages
    }
    assert looked_for == set(samples)


GOOD = """
rules:
  - name: mine
    category: house
    why: ours
    confidence: 0.5
    matches:
      - languages: [python]
        rule: {pattern: forbidden($A)}
"""


def test_a_repository_adds_rules_and_replaces_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        GOOD + GOOD.replace("rules:", "").replace("mine", "broad-catch"), encoding="utf-8"
    )
    rules = load_rules(tmp_path)
    assert names_in("forbidden(1)\n", "python", rules) == {"mine", "broad-catch"}
    assert len([rule for rule in rules if rule.name == "broad-catch"]) == 1
    assert len(rules) == len(shipped_rules()) + 1


@pytest.mark.parametrize(
    ("wrong", "right", "field", "what"),
    [
        ("naem: mine", "name: mine", "rules[0]", "naem"),
        ("name: My Rule", "name: mine", "rules[0] (My Rule).name", "small letters"),
        ("confidence: high", "confidence: 0.5", "rules[0].confidence", "float"),
        ("confidence: 1.5", "confidence: 0.5", "confidence", "1.5"),
        ("[cobol]", "[python]", "rules[0].matches[0].languages[0]", "cobol"),
        ("[sql]", "[python]", "languages", "no grammar"),
        ("{patern: f}", "{pattern: forbidden($A)}", "matches[0].rule", "patern"),
        ("{kind: no_such_kind}", "{pattern: forbidden($A)}", "matches[0].rule", "no_such_kind"),
        ("{regex: '('}", "{pattern: forbidden($A)}", "matches[0].rule", "regex"),
        ("rules: {", "rules:", "the file", "YAML"),
        ("rules_version: 2\nrules:", "rules:", "rules_version", "version 1"),
        ("why: ''", "why: ours", "why", "empty"),
        ("why: &a ours\n    severity: *a", "why: ours", "the file", "alias"),
    ],
)
def test_a_bad_rule_is_refused_with_its_file_and_field(
    tmp_path: Path, wrong: str, right: str, field: str, what: str
) -> None:
    file = tmp_path / "house.yaml"
    file.write_text(GOOD.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(RuleError) as refused:
        read_rules(file)
    assert str(file) in refused.value.what
    assert field in refused.value.what
    assert what in refused.value.what


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(RuleError, match=r"a\.yaml"):
        load_rules(tmp_path)


def test_a_file_of_rules_may_be_neither_binary_nor_huge(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RuleError, match="UTF-8"):
        read_rules(file)
    file.write_bytes(b"#" * 400_000)
    with pytest.raises(RuleError, match="400000 bytes"):
        read_rules(file)


def test_a_snippet_shows_no_secret() -> None:
    code = 'requests.get(url, headers={"Authorization": "Bearer ghp_0123456789abcdefghijABCDEFGHIJ012345"})\n'
    root = SgRoot(code, "python").root()
    found = patterns_in(root, "a.py", rules_for(Language.PYTHON, shipped_rules()))
    assert [each.name for each in found] == ["http-client"]
    assert "ghp_0123456789" not in found[0].snippet


@pytest.mark.parametrize(
    ("written", "quick_form"),
    [
        (r"^\w+\.f", r"^[0-9A-Za-z_]+\.f"),
        (r"[\w.]+", "[0-9A-Za-z_.]+"),
        (r"[^\s)]", r"[^ \t\r\n)]"),
        (r"\bopen\(", r"(?-u:\b)open\("),
        (r"\\w", r"\\w"),
    ],
)
def test_shipped_expressions_mean_ascii(written: str, quick_form: str) -> None:
    assert quick(written) == quick_form
