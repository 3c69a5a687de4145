"""Measures a batch of sources with few calls of the tools: here, or in a worker that can be ended."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from polly.intelligence.languages import Language
from polly.intelligence.patterns.matching import patterns_in
from polly.intelligence.patterns.rule import Rule, rules_for, shipped_rules
from polly.intelligence.quality import ruff
from polly.intelligence.quality.draft import Draft
from polly.intelligence.quality.functions import LizardFailed, plain_prints, shape_of
from polly.intelligence.quality.measured import Measured, Part, Remark, Share
from polly.intelligence.quality.programs import ProgramFailed
from polly.intelligence.quality.ruff import ruff_remarks
from polly.intelligence.quality.shellcheck import shellcheck_remarks
from polly.intelligence.quality.sql import statements_of
from polly.intelligence.quality.tree import coverage_of, first_break, shell_functions
from polly.intelligence.source import Source
from polly.work.issues import Severity

if TYPE_CHECKING:
    from ast_grep_py import SgNode

#: rules about what is wrong, as the pattern rules are written
WRONG = Path(__file__).parent / "quality" / "rules"
NO_TREES = "ast-grep-py is not installed; the extra `intelligence` brings it"
NO_LIZARD = "lizard is not installed; the extra `intelligence` brings it"
_COMPILED = "the compiler checks the types"


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Sources to measure together. rules: the patterns to look for. tool_seconds: for one call of a tool."""

    sources: tuple[Source, ...]
    wants_quality: bool
    wants_patterns: bool
    rules: tuple[Rule, ...] = ()
    tool_seconds: float = 60.0


class _Remarks(msgspec.Struct):
    """What one program said about all sources; `failed` says why it said nothing."""

    by_number: Mapping[int, Sequence[Remark]] = msgspec.field(default_factory=dict)
    failed: str = ""


def measure(batch: Batch, folder: Path) -> Iterator[Measured]:
    """One answer per source, in their order; `folder` is empty and private, and tools run in it."""
    folder = Path(os.path.realpath(folder))  # tools report resolved paths
    programs = _ask_programs(batch, folder) if batch.wants_quality else {}
    for number, source in enumerate(batch.sources):
        yield _measure(number, source, batch, programs)


def _ask_programs(batch: Batch, folder: Path) -> dict[Language, _Remarks]:
    asked: dict[Language, _Remarks] = {}
    python = _written(batch.sources, Language.PYTHON, folder / "python")
    if python:
        tests = frozenset(number for number in python.values() if batch.sources[number].is_test)
        try:
            said = ruff_remarks(folder / "python", python, tests, timeout_seconds=batch.tool_seconds)
            asked[Language.PYTHON] = _Remarks(said)
        except ProgramFailed as error:
            asked[Language.PYTHON] = _Remarks(failed=str(error))
    shell = _written(batch.sources, Language.SHELL, folder / "shell")
    if shell:
        try:
            said = shellcheck_remarks(folder / "shell", shell, timeout_seconds=batch.tool_seconds)
            asked[Language.SHELL] = _Remarks(said)
        except ProgramFailed as error:
            asked[Language.SHELL] = _Remarks(failed=str(error))
    return asked


def _written(sources: Sequence[Source], language: Language, folder: Path) -> dict[str, int]:
    """The sources as files with names of our own: what a repository calls them says nothing to a tool."""
    names: dict[str, int] = {}
    folder.mkdir()
    for number, source in enumerate(sources):
        if source.language is language and source.text.strip():
            is_package = Path(source.path).name == "__init__.py"
            name = f"s{number}/__init__.py" if is_package else f"s{number}{source.suffix}"
            if is_package:
                (folder / name).parent.mkdir()
            (folder / name).write_text(source.text, encoding="utf-8", newline="")
            names[name] = number
    return names


def _measure(number: int, source: Source, batch: Batch, programs: Mapping[Language, _Remarks]) -> Measured:
    draft = Draft(source)
    if not source.text.strip():
        return draft.nothing("it is empty")
    if source.language is None:
        return draft.nothing("its language is not known")
    root = _parsed(source)
    if batch.wants_quality:
        said = programs.get(source.language, _Remarks())
        _STEPS[source.language](draft, said.by_number.get(number, ()), said.failed, root)
        _note_encoding(draft)
    if batch.wants_patterns:
        if root is not None:
            draft.patterns = patterns_in(root, source.path, rules_for(source.language, batch.rules))
        elif source.grammar:
            draft.failed_tools["ast-grep"] = NO_TREES
    return draft.measured()


def _parsed(source: Source) -> "SgNode | None":
    if source.grammar is None:
        return None
    try:
        from ast_grep_py import SgRoot  # noqa: PLC0415 - of an extra that may be missing
    except ImportError:
        return None
    return SgRoot(source.text, source.grammar).root()


def _python(draft: Draft, said: Sequence[Remark], failed: str, root: "SgNode | None") -> None:
    parts = (Part.CORRECTNESS, Part.SECURITY, Part.DOCUMENTATION, Part.TYPES)
    _shape(draft)
    if failed:
        draft.miss(failed, *parts)
        _broken_tree(draft, root)
        return
    broken = next((each for each in said if each.rule == f"ruff:{ruff.BROKEN}"), None)
    if broken is not None:
        draft.broken(broken.line, broken.message)
    draft.remarks += said
    draft.measure(Part.CORRECTNESS, Part.SECURITY)
    if root is None:
        draft.miss(NO_TREES, Part.DOCUMENTATION, Part.TYPES)
        return
    draft.measure(Part.DOCUMENTATION, Part.TYPES)
    possible = coverage_of(Language.PYTHON, root)
    draft.documented = _having(possible.documented, said, Part.DOCUMENTATION)
    draft.typed = _having(possible.typed, said, Part.TYPES)


def _having(possible: Share | None, said: Sequence[Remark], part: Part) -> Share | None:
    if possible is None:
        return None
    missing = sum(each.part is part for each in said)
    return Share(of=max(possible.of, missing), having=max(0, possible.of - missing))


def _by_rules(draft: Draft, _: Sequence[Remark], __: str, root: "SgNode | None") -> None:
    """Languages whose correctness and security our own rules look at."""
    language = draft.source.language
    _shape(draft)
    if root is None or language is None:
        draft.miss(NO_TREES, Part.CORRECTNESS, Part.SECURITY, Part.DOCUMENTATION, Part.TYPES)
        return
    _broken_tree(draft, root)
    draft.measure(Part.CORRECTNESS, Part.SECURITY, Part.DOCUMENTATION)
    _wrong(draft, root)
    coverage = coverage_of(language, root)
    draft.documented, draft.typed = coverage.documented, coverage.typed
    draft.remarks += coverage.remarks
    if language is Language.TYPESCRIPT:
        draft.measure(Part.TYPES)
    else:
        draft.miss("the language has no types" if language is Language.JAVASCRIPT else _COMPILED, Part.TYPES)


def _wrong(draft: Draft, root: "SgNode") -> None:
    language = draft.source.language
    if language is None:
        return
    rules = [each for each in rules_for(language, shipped_rules(WRONG)) if _applies(draft.source, each[0])]
    severities = {rule.name: rule.severity or Severity.MINOR for rule, _ in rules}
    for found in patterns_in(root, draft.source.path, rules):
        draft.remarks.append(
            Remark(
                part=Part(found.category),
                line=found.start_line,
                rule=f"polly:{found.name}",
                severity=severities[found.name],
                message=found.why,
            )
        )


def _applies(source: Source, rule: Rule) -> bool:
    """Tests may do what is a risk elsewhere: nobody runs them with foreign input."""
    return not (source.is_test and rule.category == Part.SECURITY.value)


def _shell(draft: Draft, said: Sequence[Remark], failed: str, root: "SgNode | None") -> None:
    draft.prints = plain_prints(draft.source.text, "#")
    draft.lines = len(draft.prints)
    draft.measure(Part.DUPLICATION)
    draft.miss("nothing measures the documentation of scripts", Part.DOCUMENTATION)
    draft.miss("the language has no types", Part.TYPES)
    if failed:
        draft.miss(failed, Part.CORRECTNESS)
    else:
        broken = [each for each in said if each.rule == "shellcheck:broken"]
        if broken:
            draft.broken(broken[-1].line, broken[-1].message)
        draft.remarks += said
        draft.measure(Part.CORRECTNESS)
    if root is None:
        draft.miss(NO_TREES, Part.COMPLEXITY, Part.SIZE, Part.SECURITY)
        return
    draft.measure(Part.COMPLEXITY, Part.SIZE, Part.SECURITY)
    draft.functions = shell_functions(root, draft.lines)
    _wrong(draft, root)


def _sql(draft: Draft, _: Sequence[Remark], __: str, ___: "SgNode | None") -> None:
    draft.prints = plain_prints(draft.source.text, "--")
    draft.lines = len(draft.prints)
    draft.miss("the database checks the types", Part.TYPES)
    draft.miss("nothing measures the documentation of SQL", Part.DOCUMENTATION)
    draft.miss("nothing measures the security of SQL", Part.SECURITY)
    read = statements_of(draft.source.text)
    if read.unread:
        told = f"no dialect of SQL explains line {read.unread_line}: {read.unread}"
        draft.unread(read.unread_line, told)
        draft.miss(told, Part.CORRECTNESS, Part.COMPLEXITY, Part.SIZE, Part.DUPLICATION)
        return
    draft.functions = read.functions
    draft.remarks += read.remarks
    draft.measure(Part.CORRECTNESS, Part.COMPLEXITY, Part.SIZE, Part.DUPLICATION)


def _shape(draft: Draft) -> None:
    parts = (Part.COMPLEXITY, Part.SIZE, Part.DUPLICATION)
    try:
        shape = shape_of(draft.source.suffix, draft.source.text)
    except ImportError:
        draft.lines = sum(1 for line in draft.source.text.splitlines() if line.strip())
        draft.miss(NO_LIZARD, *parts)
    except LizardFailed as error:
        draft.lines = sum(1 for line in draft.source.text.splitlines() if line.strip())
        draft.miss(str(error), *parts)
    else:
        draft.functions, draft.lines, draft.prints = shape
        draft.measure(*parts)


def _broken_tree(draft: Draft, root: "SgNode | None") -> None:
    found = first_break(root) if root is not None else None
    if found is None:
        return
    draft.broken(found.line, found.text)
    draft.remarks.append(
        Remark(
            part=Part.CORRECTNESS,
            line=found.line,
            rule="polly:broken",
            severity=Severity.CRITICAL,
            message=f"cannot be parsed: {found.text}",
        )
    )


def _note_encoding(draft: Draft) -> None:
    if draft.source.foreign_line:
        draft.remarks.append(
            Remark(
                part=Part.CORRECTNESS,
                line=draft.source.foreign_line,
                rule="polly:not-utf-8",
                severity=Severity.MINOR,
                message="the source is not UTF-8; it was read as Latin-1",
            )
        )


_STEPS = {
    Language.PYTHON: _python,
    Language.JAVASCRIPT: _by_rules,
    Language.TYPESCRIPT: _by_rules,
    Language.GO: _by_rules,
    Language.JAVA: _by_rules,
    Language.SHELL: _shell,
    Language.SQL: _sql,
}
