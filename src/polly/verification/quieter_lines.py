"""Lines that make a check quieter: suppressions, skipped tests, assertions that hold of nothing."""

import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from polly.verification.test_files import is_test_file

_PROSE = frozenset({".md", ".rst", ".txt", ".adoc", ".html", ".csv", ".svg"})

#: Only this many lines that went are compared with one that came: a reformatted file has thousands.
_COMPARED = 20

#: Of a line that is compared or shown; minified files have lines of megabytes.
_LINE_LIMIT = 400

#: How like its old self a line must be to count as the same line with the same mark.
_SAME_LINE = 0.6


def _is_code(path: str) -> bool:
    return PurePosixPath(path).suffix.lower() not in _PROSE


def _may_hold_tests(path: str) -> bool:
    return is_test_file(path) or path.endswith(".rs")  # Rust keeps tests beside the code


def _is_ci(path: str) -> bool:
    file = PurePosixPath(path)
    return (
        path.startswith((".github/", ".circleci/", ".buildkite/", ".ci/", ".gitlab/"))
        or file.name
        in {
            ".gitlab-ci.yml",
            ".travis.yml",
            "azure-pipelines.yml",
            "bitbucket-pipelines.yml",
            "Jenkinsfile",
            "Makefile",
            "justfile",
            "Justfile",
            "tox.ini",
            "noxfile.py",
            "package.json",
            "Taskfile.yml",
        }
        or file.name.startswith((".pre-commit", "lefthook"))
    )


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What to look for, in which files, and the kind of tampering that a new one is."""

    kind: str
    pattern: re.Pattern[str]
    applies: Callable[[str], bool]


MARKS = (
    Mark(
        kind="suppression",
        pattern=re.compile(
            r"#\s*(?:flake8:\s*|ruff:\s*)?noqa\b(?::\s*[\w, ]+)?"
            r"|#\s*(?:type|pyright|mypy|pyre|ty):\s*ignore\S*"
            r"|#\s*pyre-(?:ignore|fixme)\S*|#\s*mypy:\s*(?!strict)\S+|#\s*pyright:\s*basic|#\s*nosec\b|#\s*nosem\w*\b"
            r"|#\s*pylint:\s*(?:disable|skip-file)\S*|pragma:\s*no\s*(?:cover|branch|mutate)"
            r"|eslint-disable\S*|@ts-(?:ignore|nocheck|expect-error)|biome-ignore\S*|tslint:disable\S*"
            r"|(?:istanbul|c8|v8)\s+ignore\b|//\s*nolint\S*|\bNOSONAR\b|//\s*#nosec\b"
            r"|#!?\[(?:\w+\(.{0,300},\s*)?allow\(|@Suppress(?:Warnings|FBWarnings|Lint)?\b|\bSuppressMessage\b"
            r"|#pragma\s+warning\s+disable|shellcheck\s+disable\S*|rubocop:disable|phpcs:ignore|@phpstan-ignore\S*"
            r"|#\s*(?:checkov|tfsec|trivy):(?:skip|ignore)\S*|hadolint\s+ignore\S*|yamllint\s+disable\S*"
            r"|codespell:ignore|lgtm\s*\[|nosemgrep|gitleaks:allow|coverage:ignore|fmt:\s*off\b"
        ),
        applies=_is_code,
    ),
    Mark(
        kind="skipped_test",
        pattern=re.compile(
            r"\bpytest\.(?:mark\.)?(?:skip|skipif|xfail|importorskip)\b|@(?:unittest\.)?skip\w*\b"
            r"|@(?:unittest\.)?expectedFailure\b|\bself\.skipTest\(|\braise\s+(?:unittest\.)?SkipTest\b"
            r"|\b(?:it|test|describe|context|suite)\.(?:skip|only|todo|fixme|failing)\b"
            r"|^\s*(?:xit|xtest|xdescribe|xcontext|fit|fdescribe)\s*\("
            r"|\bt\.Skip(?:Now|f)?\(|@Disabled\b|@Ignore\b|#\[ignore\b|\[Ignore\b|\bSkip\s*=\s*\""
            r"|\b__test__\s*=\s*False\b|\bcollect_ignore\w*\b"
        ),
        applies=_may_hold_tests,
    ),
    Mark(
        kind="empty_assertion",
        pattern=re.compile(
            r"^\s*assert\s+(?:True|1|not\s+False|not\s+None)\b\s*(?:,|#|$)|\bassert\b.{0,300}\bor\s+(?:True|1)\s*(?:,|#|$)"
            r"|\.assertTrue\(\s*True\b|\.assertFalse\(\s*False\b|\bexpect\(\s*true\s*\)|\bassert(?:True)?\(\s*true\b"
        ),
        applies=is_test_file,
    ),
    Mark(
        kind="loosened_config",
        pattern=re.compile(
            r"\|\|\s*(?:true\b|:|exit\s+0\b)|\bcontinue-on-error:\s*(?:true\b|\$)|\ballow_failure:\s*true\b"
            r"|^\s*(?:-\s+)?set\s+\+e\b|--exit-zero\b|--no-verify\b|--deselect\b|--passWithNoTests\b"
            r"|\bexit_zero\s*=\s*true\b"
        ),
        applies=_is_ci,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a text: its number from 1, its stripped text, and the mark found in it."""

    number: int
    text: str
    mark: str


def marked_lines(text: str, mark: Mark) -> Iterator[Line]:
    """The lines in which the mark stands."""
    for number, line in enumerate(text.splitlines(), start=1):
        found = mark.pattern.search(line)
        if found:
            yield Line(number=number, text=line.strip()[:_LINE_LIMIT], mark=found[0].strip()[:_LINE_LIMIT])


def new_lines(before: str, after: str, mark: Mark) -> list[Line]:
    """Marked lines of `after` that `before` does not have, wherever in the file they stand.

    A line that was changed but bore the same mark before is not new.
    """
    old = list(marked_lines(before, mark))
    left = Counter(line.text for line in old)
    fresh = []
    for line in marked_lines(after, mark):
        if left[line.text]:
            left[line.text] -= 1
        else:
            fresh.append(line)
    gone: dict[str, list[Line]] = defaultdict(list)
    for line in reversed(old):
        if left[line.text]:
            left[line.text] -= 1
            gone[line.mark].append(line)
    return [line for line in fresh if not _take_same(line, gone[line.mark])]


def _take_same(line: Line, gone: list[Line]) -> bool:
    """`gone` has the same mark and is read from its end, where the first lines of the file are."""
    for place in range(len(gone) - 1, max(-1, len(gone) - 1 - _COMPARED), -1):
        if _likeness(gone[place], line) >= _SAME_LINE:
            del gone[place]
            return True
    return False


def _likeness(old: Line, new: Line) -> float:
    left, right = old.text.replace(old.mark, ""), new.text.replace(new.mark, "")
    return difflib.SequenceMatcher(None, left, right, autojunk=False).ratio()
