"""Real tools measure real code: every language, every bad input, every bad ending."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from polly.intelligence import measuring
from polly.intelligence.analysis import (
    Analysis,
    AnalysisError,
    AnalysisRequest,
    FailureCode,
    OperationType,
    Quality,
)
from polly.intelligence.comparing import compare
from polly.intelligence.quality import programs
from polly.intelligence.service import Options, analyze, analyze_files, measure_files, missing_tools

GOOD: Mapping[str, str] = {
    "a.py": (
        '"""Adds."""\n\n\ndef add(one: int, two: int) -> int:\n    """The sum."""\n    return one + two\n'
    ),
    "a.js": "/** Adds. */\nexport function add(one, two) {\n  return one + two;\n}\n",
    "a.ts": "/** Adds. */\nexport function add(one: number, two: number): number {\n  return one + two;\n}\n",
    "a.tsx": "/** Shows. */\nexport function Show(p: Props): Node {\n  return <b>{p.x}</b>;\n}\n",
    "a.go": "package a\n\n// Add adds.\nfunc Add(one, two int) int {\n\treturn one + two\n}\n",
    "A.java": (
        "/** Adds. */\n"
        "public class A {\n"
        "  /** The sum. */\n"
        "  public int add(int a, int b) {\n"
        "    return a + b;\n"
        "  }\n"
        "}\n"
    ),
    "a.sh": '#!/bin/sh\nset -eu\ncd "$1" || exit 1\nls -l\n',
    "a.sql": "SELECT name FROM users WHERE id = 1;\n",
}
BAD: Mapping[str, str] = {
    "a.py": (
        "import os\n\n\ndef add(one, two):\n    try:\n        return eval(one)\n    except:\n        pass\n"
    ),
    "a.js": (
        "export function add(one, two) {\n"
        "  var x = eval(one);\n"
        "  try { f(); } catch (e) { }\n"
        "  return x == two;\n"
        "}\n"
    ),
    "a.ts": "export function add(one, two: any) {\n  // @ts-ignore\n  return eval(one) == two;\n}\n",
    "a.tsx": "export function Show(p) {\n  return <b dangerouslySetInnerHTML={{__html: p.x}} />;\n}\n",
    "a.go": 'package a\n\nfunc Add(one string) {\n\t_ = os.Remove(one)\n\texec.Command("sh", "-c", one)\n}\n',
    "A.java": (
        "public class A {\n"
        "  public int add(String a) {\n"
        '    try { r.exec("x" + a); } catch (Exception e) { }\n'
        '    return a == "1" ? 1 : 2;\n'
        "  }\n"
        "}\n"
    ),
    "a.sh": "cd $1\neval $2\nfor f in $(ls); do rm $f; done\n",
    "a.sql": "SELECT * FROM users WHERE name = NULL;\nDELETE FROM users;\n",
}


def quality_of(path: str, content: bytes | str) -> Quality:
    raw = content.encode() if isinstance(content, str) else content
    return measure_files({path: raw})[path]


def asked(operation: OperationType = OperationType.CODE_ANALYSIS, **values: Any) -> Analysis:
    return analyze(AnalysisRequest(**{"operation": operation, "source_path": "a.py", **values}))


@pytest.mark.parametrize("path", GOOD)
def test_good_code_scores_high_and_bad_code_lower_in_every_language(path: str) -> None:
    good, bad = quality_of(path, GOOD[path]), quality_of(path, BAD[path])
    assert good.score is not None
    assert bad.score is not None
    assert good.score > 0.95, good
    assert bad.score < 0.8, bad
    assert all(issue.path == path and issue.line >= 1 for issue in bad.issues)
    assert bad.recommendations
    assert compare({path: good}, {path: bad}).is_clearly_worse
    assert not compare({path: bad}, {path: good}).is_clearly_worse


@pytest.mark.parametrize("path", GOOD)
def test_a_part_without_a_score_says_why(path: str) -> None:
    components = quality_of(path, GOOD[path]).components
    assert list(components) == [
        "correctness", "complexity", "size", "duplication", "documentation", "types", "security"
    ]  # fmt: skip
    for each in components.values():
        assert each.measured == (each.score is not None)
        assert each.detail


@pytest.mark.parametrize("path", [path for path in GOOD if path not in ("a.sql", "a.sh")])
def test_what_cannot_be_parsed_scores_0_and_names_the_line(path: str) -> None:
    quality = quality_of(path, GOOD[path] + "\n)) {{ ((\n")
    assert quality.score == 0
    assert "cannot be parsed" in quality.reason
    assert compare({path: quality_of(path, GOOD[path])}, {path: quality}).is_clearly_worse


def test_a_broken_script_scores_0() -> None:
    assert quality_of("a.sh", "if true; then\n  ls\n").score == 0


def test_sql_that_no_dialect_explains_has_no_score() -> None:
    quality = quality_of("a.sql", "SELEC name FORM users WHERE;\n")
    assert quality.score is None
    assert "no dialect of SQL explains line 1" in quality.reason


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("a.py", b"", "empty"),
        ("a.py", b"  \n\n", "empty"),
        ("a.py", b"\0\1\2", "binary"),
        ("a.cobol", b"MOVE A TO B.", "language"),
        ("", b"x = 1", "language"),
    ],
)
def test_what_nothing_measures_has_no_score_but_a_reason(path: str, content: bytes, reason: str) -> None:
    quality = quality_of(path, content)
    assert quality.score is None
    assert reason in quality.reason


def test_a_source_that_is_not_utf_8_is_measured_and_told() -> None:
    quality = quality_of("a.py", b"NAME = '\xe9'\n")
    assert quality.score is not None
    assert "polly:not-utf-8" in {issue.rule for issue in quality.issues}


def test_no_comment_hides_a_remark() -> None:
    code = "import os\nx = eval(y)\n"
    hidden = "import os  # noqa\nx = eval(y)  # noqa: S307\n"
    assert quality_of("a.py", hidden).score == quality_of("a.py", code).score
    forgiven = "# #lizard forgives\n"
    hard = "def f(x):\n" + "    if x:\n        x -= 1\n" * 30
    assert (
        quality_of("a.py", hard + forgiven).components["complexity"]
        == quality_of("a.py", hard).components["complexity"]
    )


def test_the_configuration_of_a_repository_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = quality_of("a.py", BAD["a.py"])
    (tmp_path / "ruff.toml").write_text('lint.ignore = ["ALL"]\n', encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text('[tool.ruff]\nexclude = ["*"]\n', encoding="utf-8")
    (tmp_path / ".shellcheckrc").write_text("disable=all\n", encoding="utf-8")
    (tmp_path / "a.py").write_text(BAD["a.py"], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert asked(OperationType.QUALITY_ASSESSMENT).quality == expected


def test_tests_may_do_what_tests_do() -> None:
    code = '"""T."""\n\n\ndef test_a() -> None:\n    """T."""\n    password = "abcdef"\n    assert password\n'
    assert not quality_of("tests/test_a.py", code).issues
    assert quality_of("src/a.py", code).issues


def test_a_copied_block_is_found_across_files() -> None:
    body = "".join(f"    total_{n} = read(source, {n}) + offset\n" for n in range(8)).encode()
    found = measure_files({"a.py": b"def f(source):\n" + body, "b.py": b"def g(source, x):\n" + body})
    for quality in found.values():
        assert quality.components["duplication"].detail == "8 of 9 lines stand elsewhere as well"
        assert any("Write once" in each and "lines 2 to 9" in each for each in quality.recommendations)


def test_one_request_gets_patterns_with_places_and_insights() -> None:
    hard = "def parse(x):\n    try:\n" + "        if x: g(x)\n" * 12 + "    except Exception:\n        pass\n"
    answer = asked(content=hard)
    assert {(each.name, each.start_line) for each in answer.patterns} >= {
        ("swallowed-error", 15),
        ("broad-catch", 15),
    }
    assert answer.insights[0] == "1 of 1 functions over complexity 10 also hide errors: `parse` (a.py:1)."
    assert answer.tools["ruff"]
    assert answer.seconds > 0


def test_an_operation_answers_only_what_was_asked() -> None:
    code = BAD["a.py"]
    quality = asked(OperationType.QUALITY_ASSESSMENT, content=code)
    patterns = asked(OperationType.PATTERN_EXTRACTION, content=code)
    assert quality.quality is not None
    assert not quality.patterns
    assert not quality.insights
    assert patterns.quality is None
    assert patterns.patterns
    assert set(patterns.tools) == {"ast-grep-py"}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"source_path": "no/such.py"}, FailureCode.FILE_NOT_FOUND),
        ({"source_path": "a\0b.py"}, FailureCode.NOT_READABLE),
        ({"source_path": ""}, FailureCode.BAD_REQUEST),
        ({"content": "\0\0"}, FailureCode.BINARY),
        ({"content": "x", "language": "cobol"}, FailureCode.BAD_REQUEST),
        ({"content": "x", "options": {"timeout_seconds": "soon"}}, FailureCode.BAD_REQUEST),
        ({"content": "x", "options": {"include": "*.py"}}, FailureCode.BAD_REQUEST),
        ({"content": "x = 1", "options": {"timeout_seconds": 0}}, FailureCode.TIMEOUT),
    ],
)
def test_a_request_that_cannot_be_answered_says_why(values: dict[str, Any], code: FailureCode) -> None:
    with pytest.raises(AnalysisError) as refused:
        asked(**values)
    assert refused.value.code is code


def test_a_folder_is_answered_as_one(tmp_path: Path) -> None:
    for name, code in BAD.items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    answer = asked(source_path=str(tmp_path))
    assert answer.quality is not None
    assert {Path(issue.path).name for issue in answer.quality.issues} == set(BAD)
    assert answer.language is None


def test_a_source_that_takes_too_long_is_ended_and_the_others_have_their_quality() -> None:
    slow = b"x = " + b"1 + " * 60_000 + b"1\n"  # what a rule takes grows with the square of the depth
    for seconds in (8, 32, 128):  # long enough for the other one
        started = time.monotonic()
        found = measure_files({"slow.py": slow, "a.py": GOOD["a.py"].encode()}, timeout_seconds=seconds)
        assert time.monotonic() - started < seconds + 120
        if found["slow.py"].score is None:
            assert f"not analysed within {seconds} seconds" in found["slow.py"].reason
        if found["a.py"].score is not None:
            return
    pytest.fail("what is quick was not measured beside what is slow")


def test_without_time_nothing_is_measured_and_that_is_the_reason() -> None:
    found = measure_files({"a.py": GOOD["a.py"].encode()}, timeout_seconds=0)
    assert found["a.py"].score is None
    assert "not analysed within 0 seconds" in found["a.py"].reason


@pytest.mark.skipif(sys.platform == "win32", reason="a program of one line needs a shell script")
@pytest.mark.parametrize(
    ("says", "reason"),
    [("exit 3", "exit status 3"), ("echo nonsense", "cannot be read"), ("kill -9 $$", "exit status -9")],
)
def test_a_tool_that_fails_leaves_its_parts_unmeasured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, reason: str
) -> None:
    tool = tmp_path / "ruff"
    tool.write_text(f"#!/bin/sh\n{says}\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setattr(programs, "program_path", lambda _name: str(tool))
    quality = quality_of("a.py", BAD["a.py"])
    assert not quality.components["correctness"].measured
    assert reason in quality.components["correctness"].detail
    assert quality.components["complexity"].measured
    assert not any(issue.rule.startswith("ruff") for issue in quality.issues)


def test_a_tool_that_is_missing_is_named_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "program_path", lambda _name: None)
    detail = quality_of("a.sh", BAD["a.sh"]).components["correctness"].detail
    assert detail == "shellcheck is not installed; the extra `intelligence` brings it"


def test_a_library_that_is_missing_makes_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lizard", None)
    monkeypatch.setitem(sys.modules, "ast_grep_py", None)
    quality = quality_of("a.js", BAD["a.js"])
    assert quality.score is None
    assert "the extra `intelligence` brings it" in quality.reason


def test_nothing_is_missing_where_the_extra_is_installed() -> None:
    assert missing_tools() == ()


def many(folder: Path, number: int = 60) -> Path:
    for each in range(number):
        (folder / f"m{each}.py").write_text(BAD["a.py"].replace("add", f"add{each}") * 12, encoding="utf-8")
    return folder


def test_workers_and_this_process_measure_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, code in (*BAD.items(), *((f"good_{name}", code) for name, code in GOOD.items())):
        (tmp_path / name).write_text(code, encoding="utf-8")
    here = analyze_files([str(tmp_path)])
    monkeypatch.setattr(measuring, "HERE_CHARACTERS", 0)
    by_workers = analyze_files([str(tmp_path)], Options(jobs=2))
    assert by_workers.files == here.files
    assert by_workers.insights == here.insights
    assert not here.failures


def test_many_files_are_measured_with_progress(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    found = analyze_files(
        [str(many(tmp_path))], Options(jobs=2), lambda done, total: told.append((done, total))
    )
    assert len(found.files) == 60
    assert told[0] == (0, 60)
    assert told[-1] == (60, 60)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert found.quality is not None
    assert found.quality.recommendations
    assert found.started_at.utcoffset() is not None


@pytest.mark.skipif(sys.platform == "win32", reason="the worker is ended by a signal")
def test_a_source_that_ends_the_worker_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    # A parser written in C or Rust ends its whole process in this way.
    (site / "fatal.py").write_text(
        "import os, sys\n"
        "from polly.intelligence import batch, worker\n"
        "from pathlib import Path\n"
        "real = batch.shape_of\n"
        "def shape_of(suffix, text):\n"
        "    if 'end_of_worker' in text:\n"
        "        os.kill(os.getpid(), 11)\n"
        "    return real(suffix, text)\n"
        "batch.shape_of = shape_of\n"
        "sys.exit(worker.main(Path(sys.argv[-1])))\n",
        encoding="utf-8",
    )
    program = site / "python"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{site}/fatal.py" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    folder = tmp_path / "code"
    folder.mkdir()
    many(folder, 6)
    (folder / "m3.py").write_text("end_of_worker = 1\n", encoding="utf-8")
    monkeypatch.setattr(measuring, "HERE_CHARACTERS", 0)
    monkeypatch.setattr(measuring, "WORKER_PYTHON", str(program))
    found = analyze_files([str(folder)], Options(jobs=1))
    assert [Path(each.path).name for each in found.failures] == ["m3.py"]
    assert found.failures[0].code is FailureCode.TOOL_FAILED
    assert len(found.files) == 5


def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    analyze_files([str(many(tmp_path))], Options(jobs=2))
    assert not list(temporary.iterdir())
