import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.verification.tampering import TextChange, find_tampering
from polly.work.run import Tampering


def change(path: str, before: str | None, after: str | None) -> TextChange:
    return TextChange(path=path, before=before, after=after)


def tampering(*changes: TextChange) -> tuple[Tampering, ...]:
    return find_tampering("WP1", changes)


def kinds(*changes: TextChange) -> list[str]:
    return [each.kind for each in tampering(*changes)]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", "import os  # noqa"),
        ("a.py", "import os  # noqa: F401"),
        ("a.py", "# ruff: noqa"),
        ("a.py", "x = y  # type: ignore[attr-defined]"),
        ("a.py", "x = y  # pyright: ignore"),
        ("a.py", "# mypy: ignore-errors"),
        ("a.py", "run(cmd)  # nosec"),
        ("a.py", "x = 1  # pylint: disable=invalid-name"),
        ("a.py", "def f():  # pragma: no cover"),
        ("a.js", "/* eslint-disable no-console */"),
        ("a.ts", "// @ts-ignore"),
        ("a.ts", "// @ts-nocheck"),
        ("a.ts", "// biome-ignore lint: x"),
        ("a.go", "x := 1 //nolint:errcheck"),
        ("A.java", "int x = 1; // NOSONAR"),
        ("A.java", '@SuppressWarnings("unchecked")'),
        ("a.rs", "#[allow(dead_code)]"),
        ("a.rs", "#![allow(clippy::all)]"),
        ("a.sh", "# shellcheck disable=SC2086"),
        ("a.rb", "x = 1 # rubocop:disable Style/Foo"),
        ("Dockerfile", "# hadolint ignore=DL3008"),
        ("main.tf", "#tfsec:ignore:aws-s3"),
    ],
)
def test_a_new_suppression_is_named_with_its_line(path: str, line: str) -> None:
    found = tampering(change(path, "one\ntwo\n", f"one\n{line}\ntwo\n"))
    assert found == (Tampering(package="WP1", path=path, line=2, kind="suppression", text=line.strip()),)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("tests/test_a.py", "@pytest.mark.skip"),
        ("tests/test_a.py", "@pytest.mark.skipif(True, reason='x')"),
        ("tests/test_a.py", "@pytest.mark.xfail"),
        ("tests/test_a.py", "    pytest.skip('later')"),
        ("tests/test_a.py", "@unittest.skip('x')"),
        ("tests/test_a.py", "    self.skipTest('x')"),
        ("src/a.test.ts", "it.skip('works', () => {"),
        ("src/a.test.ts", "describe.skip('all', () => {"),
        ("src/a.test.ts", "test.only('one', () => {"),
        ("src/a.test.ts", "  xit('works', () => {"),
        ("a_test.go", "\tt.Skip()"),
        ("src/test/ATest.java", "@Disabled"),
        ("src/test/ATest.java", "@Ignore"),
        ("src/lib.rs", "#[ignore]"),
    ],
)
def test_a_newly_skipped_test_is_named(path: str, line: str) -> None:
    (found,) = tampering(change(path, "a\n", f"a\n{line}\n"))
    assert (found.kind, found.line, found.text) == ("skipped_test", 2, line.strip())


@pytest.mark.parametrize(
    "line", ["    assert True", "    assert x == 1 or True", "    self.assertTrue(True)"]
)
def test_an_assertion_that_holds_of_nothing_is_named(line: str) -> None:
    assert kinds(change("tests/test_a.py", "a\n", f"a\n{line}\n")) == ["empty_assertion"]


def test_a_suppression_that_was_there_is_not_new() -> None:
    text = "import os  # noqa: F401\nx = 1\n"
    assert tampering(change("a.py", text, text + "y = 2\n")) == ()


def test_a_suppression_that_moved_is_not_new() -> None:
    before = "import os  # noqa: F401\nx = 1\n"
    assert tampering(change("a.py", before, "x = 1\nimport os  # noqa: F401\n")) == ()


def test_a_suppression_that_moved_to_another_file_of_the_package_is_not_new() -> None:
    line = "import os  # noqa: F401\n"
    assert tampering(change("a.py", line, ""), change("b.py", None, line)) == ()


def test_a_line_that_was_edited_and_keeps_its_suppression_is_not_new() -> None:
    assert tampering(change("a.py", "x = load(one)  # noqa: S301\n", "x = load(two)  # noqa: S301\n")) == ()


def test_a_suppression_taken_from_one_line_and_put_on_another_is_new() -> None:
    before = "import os  # noqa: F401\nresult = evaluate(request)\n"
    after = "import os\nresult = evaluate(request)  # noqa: F401\n"
    assert kinds(change("a.py", before, after)) == ["suppression"]


def test_each_further_copy_of_a_suppression_is_new() -> None:
    line = "x = 1  # noqa\n"
    assert kinds(change("a.py", line, line * 3)) == ["suppression", "suppression"]


def test_prose_may_speak_of_suppressions() -> None:
    assert tampering(change("docs/a.md", "", "Write `# noqa` or `pytest.skip`.\n")) == ()


def test_a_secret_in_a_suppressed_line_is_not_repeated() -> None:
    secret = "ghp_" + "a1B2" * 9
    (found,) = tampering(change("a.py", "", f'token = "{secret}"  # nosec\n'))
    assert secret not in found.text


def test_a_deleted_test_file_is_named() -> None:
    found = tampering(change("tests/test_a.py", "def test_one(): assert x\n", None))
    assert [(each.kind, each.path, each.line) for each in found] == [
        ("deleted_test_file", "tests/test_a.py", None)
    ]


def test_a_test_file_that_moved_is_not_deleted() -> None:
    text = "def test_one(): assert x\n"
    assert tampering(change("tests/test_a.py", text, None), change("tests/test_b.py", None, text)) == ()


def test_a_deleted_helper_of_tests_is_named_unless_it_moved() -> None:
    text = "VALUE = 1\n"
    gone = change("tests/conftest.py", text, None)
    assert kinds(gone) == ["deleted_test_file"]
    assert tampering(gone, change("tests/unit/conftest.py", None, text)) == ()


@pytest.mark.parametrize(
    ("path", "before", "after", "name"),
    [
        ("tests/test_a.py", "def test_a(): x\ndef test_b(): x\n", "def test_a(): x\n", "test_b"),
        ("tests/test_a.py", "async def test_a(): x\n", "# async def test_a(): x\n", "test_a"),
        ("a_test.go", "func TestA(t *testing.T) {}\n", "package a\n", "TestA"),
        ("a.test.js", "it('adds', () => {})\n", "\n", "'adds'"),
        ("ATest.java", "@Test\npublic void adds() {}\n", "\n", "adds"),
        ("tests/a.rs", "#[test]\nfn adds() {}\n", "\n", "adds"),
    ],
)
def test_a_deleted_test_is_named(path: str, before: str, after: str, name: str) -> None:
    assert [(each.kind, each.text) for each in tampering(change(path, before, after))] == [
        ("deleted_test", name)
    ]


def test_a_test_that_moved_to_another_file_is_not_deleted() -> None:
    before = "def test_a():\n    assert x == 1\ndef test_b():\n    assert y == 1\n"
    moved = "def test_b():\n    assert y == 1\n"
    assert (
        tampering(
            change("tests/test_a.py", before, "def test_a():\n    assert x == 1\n"),
            change("tests/test_b.py", None, moved),
        )
        == ()
    )


def test_fewer_assertions_are_counted() -> None:
    before = "def test_a():\n    assert x\n    assert y\n    assert z\n"
    (found,) = tampering(change("tests/test_a.py", before, "def test_a():\n    assert x\n"))
    assert (found.kind, found.text) == ("fewer_assertions", "3 assertions before, 1 now")


def test_as_many_other_assertions_are_no_tampering() -> None:
    before = "def test_a():\n    assert _x == 1\n"
    assert tampering(change("tests/test_a.py", before, "def test_a():\n    assert client.x == 1\n")) == ()


@pytest.mark.parametrize(
    ("path", "before", "after", "line"),
    [
        ("ruff.toml", 'ignore = ["D1"]\n', 'line-length = 90\nignore = ["D1", "S108"]\n', 2),
        (
            "pyproject.toml",
            "[tool.ruff.lint]\n",
            '[tool.ruff.lint.per-file-ignores]\n"a.py" = ["S"]\n',
            2,
        ),
        ("pyproject.toml", '[tool.ruff.lint]\nselect = ["ALL"]\n', '[tool.ruff.lint]\nselect = ["E"]\n', 2),
        ("pyproject.toml", "[tool.mypy]\nstrict = true\n", "[tool.mypy]\nstrict = false\n", 2),
        ("pyproject.toml", "[tool.mypy]\nstrict = true\n", "[tool.mypy]\n", None),
        (
            "pyproject.toml",
            "[tool.mypy]\n",
            '[[tool.mypy.overrides]]\nmodule = "a"\nignore_errors = true\n',
            3,
        ),
        (
            "pyproject.toml",
            "[tool.coverage.report]\nfail_under = 90\n",
            "[tool.coverage.report]\nfail_under = 70\n",
            2,
        ),
        (
            "pyproject.toml",
            '[tool.pytest.ini_options]\naddopts = ["-ra"]\n',
            '[tool.pytest.ini_options]\naddopts = ["-ra", "--ignore=tests/a"]\n',
            2,
        ),
        (
            "pyproject.toml",
            '[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n',
            "[tool.pytest.ini_options]\nfilterwarnings = []\n",
            2,
        ),
        (
            "pyproject.toml",
            "[tool.coverage.report]\nfail_under = 90\n",
            "[tool.coverage.report]\n",
            None,
        ),
        (
            "pytest.ini",
            "[pytest]\naddopts = -ra --strict-markers\n",
            "[pytest]\naddopts = -ra\n",
            2,
        ),
        (".shellcheckrc", "disable=SC1\n", "disable=SC1,SC2\n", 1),
        (".flake8", "[flake8]\nignore = E1,E2\n", "[flake8]\nignore = E1,E2,E3\n", 2),
        (".flake8", "[flake8]\nmax-line-length = 100\n", "[flake8]\nmax-line-length = 300\n", 2),
        ("setup.cfg", "[mypy]\nwarn_return_any = True\n", "[mypy]\nwarn_return_any = False\n", 2),
        ("tox.ini", "[flake8]\nextend-ignore =\n", "[flake8]\nextend-ignore =\n    E1\n", 3),
        ("tsconfig.json", '{"strict": true}', '{"strict": false}', 1),
        (".eslintrc.json", '{"rules": {"no-eval": "error"}}', '{"rules": {"no-eval": "off"}}', 1),
        (".eslintrc.yml", "rules:\n  no-eval: 2\n", "rules:\n  no-eval: 0\n", 2),
        (".pre-commit-config.yaml", "repos:\n- repo: a\n- repo: b\n", "repos:\n- repo: a\n", 1),
        (".eslintignore", "dist\n", "dist\nsrc/a.js\n", 2),
        (".github/workflows/ci.yml", "run: pytest\n", "run: pytest || true\n", 1),
        (".github/workflows/ci.yml", "a: 1\n", "a: 1\ncontinue-on-error: true\n", 2),
        (".gitlab-ci.yml", "a: 1\n", "a: 1\nallow_failure: true\n", 2),
        ("Makefile", "check:\n\truff check\n", "check:\n\truff check --exit-zero\n", 2),
    ],
)
def test_loosened_configuration_is_named(path: str, before: str, after: str, line: int | None) -> None:
    assert [(each.kind, each.line) for each in tampering(change(path, before, after))] == [
        ("loosened_config", line)
    ]


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("ruff.toml", 'ignore = ["D1", "S1"]\n', 'ignore = ["D1"]\n'),
        ("ruff.toml", 'select = ["E"]\n', 'select = ["E", "S"]\n'),
        (
            "pyproject.toml",
            "[tool.coverage.report]\nfail_under = 70\n",
            "[tool.coverage.report]\nfail_under = 90\n",
        ),
        ("pyproject.toml", "[tool.mypy]\n", "[tool.mypy]\nstrict = true\n"),
        (
            "pyproject.toml",
            '[project]\nversion = "1.0"\n',
            '[project]\nversion = "0.9"\ndependencies = ["a"]\n',
        ),
        (".eslintrc.json", '{"rules": {"no-eval": "off"}}', '{"rules": {"no-eval": "error"}}'),
        ("settings.toml", 'ignore = ["a"]\n', 'ignore = ["a", "b"]\n'),
        ("run.sh", "make\n", "make || true\n"),
        (".github/workflows/ci.yml", "run: pytest || true\n", "name: x\nrun: pytest || true\n"),
    ],
)
def test_stricter_or_unrelated_settings_are_no_tampering(path: str, before: str, after: str) -> None:
    assert tampering(change(path, before, after)) == ()


def test_a_new_configuration_is_compared_with_none() -> None:
    assert kinds(change(".flake8", None, "[flake8]\nignore = E1,E2\n")) == ["loosened_config"]


def test_a_deleted_configuration_is_named() -> None:
    assert kinds(change("mypy.ini", "[mypy]\nstrict = true\n", None)) == ["loosened_config"]


def test_a_configuration_that_cannot_be_read_says_nothing() -> None:
    assert tampering(change("ruff.toml", "ignore = []", "ignore = [")) == ()


def test_an_alias_bomb_is_looked_at_in_bounds() -> None:
    levels = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}}}" for n in range(1, 40)]
    assert tampering(change("codecov.yml", "x: 1\n", "\n".join(levels))) == ()


names = st.sampled_from(["a.py", "tests/test_a.py", "pyproject.toml", ".flake8", "ci.yml", ".eslintrc.json"])
line = st.sampled_from(
    [
        "x = 1",
        "x = 1  # noqa",
        "def test_a():",
        "    assert x",
        "@pytest.mark.skip",
        "ignore = ['a']",
        "[tool.x]",
    ]
)
texts = st.lists(line, max_size=8).map("\n".join) | st.text(max_size=60)


@given(names, texts)
def test_a_file_that_did_not_change_was_not_tampered_with(path: str, text: str) -> None:
    assert tampering(change(path, text, text)) == ()


@given(st.lists(st.tuples(names, st.none() | texts, st.none() | texts), max_size=4))
def test_any_change_is_looked_at_without_a_crash(changes: list[tuple[str, str | None, str | None]]) -> None:
    found = tampering(*(change(*each) for each in changes))
    assert list(found) == sorted(found, key=lambda each: (each.path, each.line or 0, each.kind, each.text))


@given(st.lists(line, max_size=10), st.randoms(use_true_random=False))
def test_reordered_lines_are_not_tampering(lines: list[str], random: object) -> None:
    shuffled = list(lines)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert tampering(change("tests/test_a.py", "\n".join(lines), "\n".join(shuffled))) == ()


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("tests/test_a.py", "assert "),
        ("tests/test_a.py", "x = 1  # noqa\n"),
        ("tests/a.rs", "#[test]"),
        ("tests/a.rs", "#[a("),
        ("a.test.js", "it.each "),
        (".flake8", "\n"),
        ("ruff.toml", "ignore = []\n"),
        (".github/workflows/ci.yml", "|| "),
    ],
)
def test_a_file_made_to_be_slow_is_looked_at_in_bounds(path: str, unit: str) -> None:
    # With a pattern that looks at each part of the text again and again, this would not end.
    text = unit * (100_000 // len(unit))
    for mark in ("", "2"):
        tampering(change(path, text, text.replace("1", "3") + mark))


def test_a_value_that_is_no_table_is_no_crash() -> None:
    assert tampering(change("package.json", json.dumps([1, {"a": None}]), json.dumps("text"))) == ()
