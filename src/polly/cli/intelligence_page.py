"""How analyses are shown to a person, and the words in which commands ask for them."""

import enum
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from polly.cli.output import Format, Table, counted, say, show, warn
from polly.errors import PollyError
from polly.git import Repository
from polly.intelligence.analysis import Analysis, OperationType, Quality
from polly.process.files import write_whole

if TYPE_CHECKING:
    from polly.intelligence.service import FilesAnalysis

#: of a repository, where its own pattern rules are
OWN_RULES = ".polly/patterns"


class Operation(enum.StrEnum):
    """What a command asks for, in the words of its options."""

    PATTERN_DISCOVERY = "pattern-discovery"
    CODE_ANALYSIS = "code-analysis"
    QUALITY_ASSESSMENT = "quality-assessment"

    @property
    def type(self) -> OperationType:
        """As the wire has it."""
        return {
            Operation.PATTERN_DISCOVERY: OperationType.PATTERN_EXTRACTION,
            Operation.CODE_ANALYSIS: OperationType.CODE_ANALYSIS,
            Operation.QUALITY_ASSESSMENT: OperationType.QUALITY_ASSESSMENT,
        }[self]


def own_rules() -> Path | None:
    """The folder of the pattern rules of this repository, or of this folder; None when there is none."""
    try:
        root = Repository.find(Path.cwd()).root
    except PollyError:  # no repository, or no git: neither is needed
        root = Path.cwd()
    folder = root / OWN_RULES
    return folder if folder.is_dir() else None


def show_files(found: "FilesAnalysis", output_format: Format) -> None:
    """The tables: files with their quality, worst first, and patterns with their places."""
    if found.operation is not OperationType.PATTERN_EXTRACTION:
        show(None, _qualities(found), output_format)
    if found.operation is not OperationType.QUALITY_ASSESSMENT:
        show(None, _patterns(found), output_format)


def tell(found: "FilesAnalysis") -> None:
    """What is no row: the whole, what to do, what was left out, what failed."""
    when = f"{found.started_at:%Y-%m-%d %H:%M:%S} UTC"
    say(f"\n{counted(len(found.files), 'file')} analysed in {found.seconds:.1f} s, started {when}")
    if found.quality is not None:
        _tell_quality(found.quality)
    _tell_list("Insights", found.insights)
    if found.left_out:
        say("Left out: " + ", ".join(f"{number} {why}" for why, number in found.left_out.items()))
    for failure in found.failures:
        warn(f"{failure.path}: {failure.code.value}: {failure.message}")


def write_json(path: Path, value: object) -> None:
    """Write it whole, with times in UTC."""
    try:
        text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    except UnicodeEncodeError:  # a path that is not UTF-8; json escapes its half characters
        text = json.dumps(msgspec.to_builtins(value), indent=2)
    write_whole(str(path), text + "\n")


def _tell_quality(quality: Quality) -> None:
    if quality.score is None:
        say(f"No score: {quality.reason}")
        return
    parts = (
        f"{name} {each.score:.2f}" for name, each in quality.components.items() if each.score is not None
    )
    say(f"Quality {quality.score:.2f} over {counted(quality.lines, 'line')}: {', '.join(parts)}")
    unmeasured = (f"{name} ({each.detail})" for name, each in quality.components.items() if not each.measured)
    missing = ", ".join(unmeasured)
    if missing:
        say(f"Not measured: {missing}")
    _tell_list("Worth most", quality.recommendations)


def _tell_list(title: str, texts: tuple[str, ...]) -> None:
    if texts:
        say(f"{title}:")
        for text in texts:
            say(f"  - {text}")


def _qualities(found: "FilesAnalysis") -> Table:
    rows = sorted(found.files, key=lambda each: (_score(each), each.source_path))
    return Table(
        title="Quality",
        columns=("file", "language", "lines", "score", "issues", "weakest"),
        rows=tuple(
            (
                each.source_path,
                each.language,
                each.quality.lines,
                None if each.quality.score is None else f"{each.quality.score:.2f}",
                len(each.quality.issues),
                _weakest(each.quality),
            )
            for each in rows
            if each.quality is not None
        ),
        empty="No file was measured.",
    )


def _score(analysis: Analysis) -> float:
    score = analysis.quality.score if analysis.quality else None
    return 2.0 if score is None else score  # those without a score come last


def _weakest(quality: Quality) -> str:
    if quality.score is None or quality.reason:
        return quality.reason
    lost = [
        (each.weight * (1 - each.score), name, each)
        for name, each in quality.components.items()
        if each.score is not None and each.score < 1
    ]
    if not lost:
        return ""
    _, name, component = max(lost, key=lambda each: each[:2])
    return f"{name} {component.score:.2f}: {component.detail}"


def _patterns(found: "FilesAnalysis") -> Table:
    patterns = [pattern for each in found.files for pattern in each.patterns]
    counts = Counter((each.category, each.name) for each in patterns)
    firsts = {(each.category, each.name): each for each in reversed(patterns)}
    rows = []
    for (category, name), number in sorted(counts.items()):
        first = firsts[category, name]
        files = len({each.path for each in patterns if (each.category, each.name) == (category, name)})
        place = f"{first.path}:{first.start_line}"
        rows.append((name, category, number, files, f"{first.confidence:.2f}", place, first.why))
    return Table(
        title="Patterns",
        columns=("pattern", "category", "times", "files", "confidence", "first at", "why"),
        rows=tuple(rows),
        empty="No pattern was found.",
    )
