"""`polly sink status`: asks the health endpoint of a sink and shows what it says."""

import http.client
from urllib.parse import urlsplit

import msgspec

from polly.cli.output import Format, Table, counted, print_json, say, show
from polly.errors import InputError
from polly.sink.health.answers import Report

#: How long the sink may take to answer; it never has to wait for anything itself.
_SECONDS = 5.0
_NO_SINK = "Start one with `polly sink`, or name another place with --url."


def ask_sink(url: str) -> Report:
    """What the sink at this URL says of itself. Raises InputError when none answers there."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{url} is no URL of a sink", next_step="Write one such as http://127.0.0.1:9464")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname, parts.port, timeout=_SECONDS)
        try:
            connection.request("GET", f"{parts.path.rstrip('/')}/status")
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise InputError(f"{url} is no sink: it answers {answer.status}", next_step=_NO_SINK)
        return msgspec.json.decode(body, type=Report)
    except ValueError as error:
        if isinstance(error, msgspec.DecodeError):
            raise InputError(f"{url} is no sink of this version: {error}", next_step=_NO_SINK) from error
        raise InputError(f"{url} is no URL of a sink: {error}", next_step=_NO_SINK) from error
    except http.client.HTTPException as error:
        raise InputError(
            f"{url} is no sink: what answers there speaks no HTTP", next_step=_NO_SINK
        ) from error
    except OSError as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"No sink runs at {url}: {reason}", next_step=_NO_SINK) from error


def show_status(report: Report, output_format: Format) -> None:
    """Print the report: all of it for programs, the verdict and the partitions for people."""
    if output_format is Format.JSON:
        print_json(report)
        return
    facts = (
        ("state", report.state),
        ("ready", "yes" if report.ready else f"no: {report.reason}"),
        ("group", report.group),
        ("running since", report.started_at and f"{report.started_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("stored", report.stored),
        ("duplicates", report.duplicates),
        ("dead letters", report.dead_lettered),
        ("lag", _lag(report.lag_records, report.lag_seconds)),
        ("last stored", report.last_store_at and f"{report.last_store_at:%Y-%m-%d %H:%M:%S} UTC"),
        *(("stuck", f"{place}: {why}") for place, why in report.stuck.items()),
        *((("trouble", report.trouble),) if report.trouble else ()),
    )
    show(None, Table(columns=("sink", ""), rows=facts), output_format)
    rows = tuple(
        (
            view.topic,
            view.partition,
            view.stored,
            view.committed,
            view.end,
            _lag(view.lag_records, view.lag_seconds),
        )
        for view in report.partitions
        if view.end != 0
    )
    columns = ("topic", "partition", "stored to", "committed", "end", "lag")
    show(None, Table(columns=columns, rows=rows, empty="No record in any partition."), output_format)
    empty = len(report.partitions) - len(rows)
    if empty and output_format is Format.TABLE:
        say(f"{counted(empty, 'more partition')} without a record.")


def _lag(records: int | None, seconds: float | None) -> str:
    if records is None:
        return "unknown"
    return f"{records} records" + (f", {seconds:.0f} s" if records and seconds is not None else "")
