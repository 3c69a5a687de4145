"""Changes that make checks quieter instead of code better. Pure: texts in, findings out.

It reads lines, not languages, so it errs on the side of telling: a person decides what it means.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from polly.events.redaction import redact
from polly.verification.loosening import judges_code, loosened
from polly.verification.quieter_lines import MARKS, Line, Mark, new_lines
from polly.verification.test_files import assertions_in, is_test_file, tests_in
from polly.work.run import Tampering

#: Of a line that is shown to a person.
_TEXT_LIMIT = 200


@dataclass(frozen=True, kw_only=True)
class TextChange:
    """One changed file: its text before and after, None where there is no such file."""

    path: str
    before: str | None
    after: str | None


def find_tampering(package: str, changes: Sequence[TextChange]) -> tuple[Tampering, ...]:
    """What needs its own approval in the changes of one package, by path and line.

    Kinds: `suppression`, `skipped_test`, `empty_assertion`, `fewer_assertions`, `deleted_test`,
    `deleted_test_file`, `loosened_config`. What only moved inside the package is not reported. `line` counts
    in the new file, and is None for what is not there any more.
    """
    found = [
        *_quieter_lines(changes),
        *_lost_tests(changes),
        *_lost_assertions(changes),
        *_loosened(changes),
    ]
    unique = {(path, line or 0, kind, text[:_TEXT_LIMIT]) for path, line, kind, text in found}
    return tuple(
        Tampering(package=package, path=path, line=line or None, kind=kind, text=redact(text).text)
        for path, line, kind, text in sorted(unique)
    )


_Found = tuple[str, int | None, str, str]


def _quieter_lines(changes: Sequence[TextChange]) -> Iterator[_Found]:
    for mark in MARKS:
        fresh = [(change.path, line) for change in changes for line in _fresh(change.path, change, mark)]
        moved = Counter(line.text for change in changes for line in _gone(change, mark))
        for path, line in fresh:
            if moved[line.text]:
                moved[line.text] -= 1
            else:
                yield path, line.number, mark.kind, line.text


def _fresh(path: str, change: TextChange, mark: Mark) -> list[Line]:
    return new_lines(change.before or "", change.after or "", mark) if mark.applies(path) else []


def _gone(change: TextChange, mark: Mark) -> list[Line]:
    return new_lines(change.after or "", change.before or "", mark) if mark.applies(change.path) else []


def _lost_tests(changes: Sequence[TextChange]) -> Iterator[_Found]:
    lost: dict[str, Counter[str]] = {}
    gained: Counter[str] = Counter()
    for change in changes:
        before, after = tests_in(change.before or ""), tests_in(change.after or "")
        gained += after - before
        if is_test_file(change.path):
            lost[change.path] = before - after
    arrived = {change.after for change in changes if change.before is None}
    for change in changes:
        names = lost.get(change.path)
        if names is None or change.before is None:
            continue
        missing = names - gained
        gained -= names
        if change.after is None:
            if missing or (not names and change.before not in arrived):
                yield change.path, None, "deleted_test_file", f"with {sum(names.values())} tests"
        else:
            for name in missing:
                yield change.path, None, "deleted_test", name


def _lost_assertions(changes: Sequence[TextChange]) -> Iterator[_Found]:
    tests = [change for change in changes if is_test_file(change.path)]
    before = {change.path: assertions_in(change.before or "") for change in tests}
    after = {change.path: assertions_in(change.after or "") for change in tests}
    gained: Counter[str] = Counter()
    for path, had_lines in before.items():
        gained += after[path] - had_lines
    for change in tests:
        had, has = before[change.path].total(), after[change.path].total()
        moved = ((before[change.path] - after[change.path]) & gained).total()
        if change.before is not None and change.after is not None and has + moved < had:
            yield change.path, None, "fewer_assertions", f"{had} assertions before, {has} now"


def _loosened(changes: Sequence[TextChange]) -> Iterator[_Found]:
    for change in changes:
        if change.after is None:
            if change.before is not None and judges_code(change.path):
                yield change.path, None, "loosened_config", "the file is gone"
            continue
        for loosening in loosened(change.path, change.before or "", change.after):
            yield change.path, loosening.line, "loosened_config", loosening.text
