"""`polly intelligence request`: one question about code, answered as JSON. The skill of this name asks it."""

import asyncio
import uuid
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from polly.cli.exit_code import ExitCode
from polly.cli.intelligence_page import Operation, own_rules
from polly.cli.output import print_json
from polly.cli.record_settings import Config, record_settings
from polly.errors import PollyError
from polly.intelligence.analysis import Analysis, AnalysisError, AnalysisRequest
from polly.settings import Settings

#: more than a question can need; the files of a folder are analysed by `polly analyze`
MOST_MILLISECONDS = 600_000


class _Refused(PollyError):  # noqa: N818 - reads as what is the matter
    """Options that make no question."""


def request(
    *,
    operation: Annotated[Operation, typer.Option("--operation", help="What to find out.")],
    source_path: Annotated[
        str | None,
        typer.Option("--source-path", metavar="PATH", help="The file to look at, or the name of --content."),
    ] = None,
    file: Annotated[str | None, typer.Option("--file", metavar="FILE", help="Read the content here.")] = None,
    content: Annotated[
        str | None, typer.Option("--content", metavar="TEXT", help="The content itself.")
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            metavar="NAME",
            help="By default what the name of the file says.",
            show_default=False,
        ),
    ] = None,
    timeout_ms: Annotated[
        int,
        typer.Option(
            "--timeout-ms", min=0, max=MOST_MILLISECONDS, metavar="MS", help="How long it may take."
        ),
    ] = 10_000,
    include_metrics: Annotated[
        bool, typer.Option("--include-metrics", help="Also who answered, how long it took, with which tools.")
    ] = False,
    correlation_id: Annotated[
        str | None,
        typer.Option(
            "--correlation-id", metavar="ID", help="Any text; a new one by default.", show_default=False
        ),
    ] = None,
    kafka_brokers: Annotated[
        str | None,
        typer.Option(
            "--kafka-brokers",
            metavar="HOST:PORT",
            envvar="KAFKA_BROKERS",
            help="Ask over this cluster instead of the one of the settings.",
            show_default=False,
        ),
    ] = None,
    config: Config = None,
) -> ExitCode:
    """Ask one question about code and print the answer as JSON.

    It goes over Kafka when a cluster is set up, and is answered in this process otherwise: when the cluster
    is away, for a folder, and where this repository has pattern rules of its own. Exit code 0: answered;
    1: not, and the answer says why.

    Example: `polly intelligence request --operation quality-assessment --file src/app.py`
    """
    correlation = correlation_id or str(uuid.uuid4())
    head = {"operation": operation.value, "correlation_id": correlation}
    try:
        question = _question(
            operation=operation,
            source_path=source_path,
            file=file,
            content=content,
            language=language,
            correlation=correlation,
        )
        settings = _settings(config, kafka_brokers)
        if timeout_ms == 0:
            raise TimeoutError  # noqa: TRY301 - the one place that words it is below
        answer = asyncio.run(_ask(question, settings, timeout_ms / 1000))
    except PollyError as error:
        print_json({"success": False, **head, **_failure(error)})
        return ExitCode.UNFIXED
    except TimeoutError:
        why = f"no answer within {timeout_ms} ms"
        print_json(
            {"success": False, **head, "error": why, "error_type": "timeout", "hint": "Raise --timeout-ms."}
        )
        return ExitCode.UNFIXED
    # `_result` names each field itself: nothing that somebody answers can replace these three.
    print_json({"success": True, **head, **_result(answer, include_metrics=include_metrics)})
    return ExitCode.VERIFIED


def _question(
    *,
    operation: Operation,
    source_path: str | None,
    file: str | None,
    content: str | None,
    language: str | None,
    correlation: str,
) -> AnalysisRequest:
    if file is not None and content is not None:
        raise _Refused("--file and --content were both given", next_step="Give one of them.")
    if file is None and content is None and source_path is None:
        raise _Refused("nothing says what to look at", next_step="Give --source-path, --file or --content.")
    if operation is Operation.PATTERN_DISCOVERY and source_path is None and file is None:
        raise _Refused(
            "pattern-discovery needs --source-path", next_step="Name the file; --content may go with it."
        )
    place = file or source_path or "content"
    is_folder = content is None and Path(place).is_dir()
    if content is None and not is_folder:
        from polly.intelligence.reading import read_source  # noqa: PLC0415 - not for the help alone

        content = read_source(place).text
    rules = own_rules()
    return AnalysisRequest(
        operation=operation.type,
        source_path=source_path or place,
        content=content,
        # A name without an ending says nothing; the original took Python then.
        language=language or ("python" if place == "content" else None),
        options={"patterns_folder": str(rules)} if rules else {},
        correlation_id=correlation,
    )


def _settings(config: Path | None, brokers: str | None) -> Settings:
    settings = record_settings(config)
    if not brokers:
        return settings
    return settings.model_copy(
        update={"kafka": settings.kafka.model_copy(update={"bootstrap_servers": brokers})}
    )


async def _ask(question: AnalysisRequest, settings: Settings, seconds: float) -> Analysis:
    has_bus = bool((settings.kafka.bootstrap_servers or "").strip())
    # Servers read no folders, and do not have the rules of this repository.
    if not has_bus or question.content is None or question.options:
        from polly.intelligence.service import analyze  # noqa: PLC0415 - not for the help alone

        options = {**question.options, "timeout_seconds": seconds}
        return await asyncio.to_thread(analyze, msgspec.structs.replace(question, options=options))
    from polly.intelligence.bus.client import IntelligenceClient  # noqa: PLC0415 - needs the Kafka client

    async with asyncio.timeout(seconds), IntelligenceClient(settings.kafka, settings.intelligence) as client:
        return await client.request(question, timeout=seconds)


def _result(answer: Analysis, *, include_metrics: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "source_path": answer.source_path,
        "language": answer.language,
        "patterns_found": len(answer.patterns),
        "patterns": answer.patterns,
    }
    if answer.quality is not None:
        found["quality_score"] = answer.quality.score
        found["components"] = answer.quality.components
        found["issues"] = answer.quality.issues
        found["recommendations"] = answer.quality.recommendations
        found["reason"] = answer.quality.reason
    found["insights"] = answer.insights
    found["failures"] = answer.failures
    if include_metrics:
        metrics = {"answered_by": answer.answered_by, "processing_ms": round(answer.seconds * 1000, 1)}
        found["metrics"] = {**metrics, "tools": answer.tools}
    return found


def _failure(error: PollyError) -> dict[str, Any]:
    kind = error.code if isinstance(error, AnalysisError) else type(error).__name__.lstrip("_").lower()
    return {"error": error.what, "error_type": str(kind), "hint": error.next_step}
