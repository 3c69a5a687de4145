from typing import Annotated

import typer

from polly.cli import options
from polly.cli.output import Format, Table, counted, show, warn
from polly.cli.record_settings import Config, record_settings
from polly.kafka.topics import Outcome, create_topics, look_at_topics


def topics() -> None:
    """The Kafka topics: one per kind of event, one for its dead letters, and those of questions about code.

    Example: `polly topics create --dry-run`
    """


def create(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Let the cluster check it, and make nothing.")
    ] = False,
    config: Config = None,
    output_format: options.OutputFormat = Format.TABLE,
) -> None:
    """Make the topics that are missing, with the partitions, copies and retention of the settings.

    A topic that exists is never changed; where it differs from the settings, that is said.

    Example: `polly topics create`
    """
    outcomes = create_topics(record_settings(config).kafka, dry_run=dry_run)
    _show(outcomes, output_format)
    different = sum(bool(outcome.differences) for outcome in outcomes)
    if different:
        warn(f"{counted(different, 'topic')} not as the settings want, left as they were: see `differs`")


def list_(*, config: Config = None, output_format: options.OutputFormat = Format.TABLE) -> None:
    """Show each topic: is it there, and is it as the settings want it?

    Example: `polly topics list --format json`
    """
    _show(look_at_topics(record_settings(config).kafka), output_format)


SUBCOMMANDS = {"create": create, "list": list_}


def _show(outcomes: tuple[Outcome, ...], output_format: Format) -> None:
    value = [
        {
            "topic": each.topic.name,
            "state": each.state,
            "partitions": each.topic.partitions,
            "replication": each.topic.replication,
            "settings": {
                name: each.topic.settings[name] for name in sorted(_SHOWN & each.topic.settings.keys())
            },
            "differences": each.differences,
        }
        for each in outcomes
    ]
    rows = tuple(
        (
            each.topic.name,
            each.state,
            each.topic.partitions,
            each.topic.replication,
            _days(each.topic.settings.get("retention.ms")),
            "; ".join(each.differences),
        )
        for each in outcomes
    )
    columns = ("topic", "state", "partitions", "replication", "retention", "differs")
    show(value, Table(columns=columns, rows=rows), output_format)


#: Of the many settings of a topic, those that Polly chooses.
_SHOWN = {
    "cleanup.policy",
    "retention.ms",
    "max.message.bytes",
    "message.timestamp.type",
    "min.insync.replicas",
}


def _days(milliseconds: str | None) -> str:
    if milliseconds is None:
        return ""
    if milliseconds == "-1":
        return "for ever"
    hours = int(milliseconds) / 3_600_000
    return f"{hours / 24:g} days" if hours >= 48 else f"{hours:g} h"
