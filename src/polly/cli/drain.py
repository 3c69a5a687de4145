from pathlib import Path

from polly.cli import options
from polly.cli.exit_code import ExitCode
from polly.cli.output import Format, counted, print_json, say, warn
from polly.cli.record_settings import Config, record_settings
from polly.cli.recording import store_of
from polly.settings import state_home
from polly.sink.drain import DrainResult
from polly.sink.drain import drain as drain_into


def drain(*, config: Config = None, output_format: options.OutputFormat = Format.TABLE) -> ExitCode:
    """Bring the events that wait in this user's spool into the store, without Kafka.

    Commands that need the store do this by themselves. Running it twice, or beside them, stores nothing
    twice. The exit code is 0 when the spool is drained or was empty, 1 when another process held the spool
    and nothing was done, and 2 when the store cannot be used; the events then stay in the spool.

    Example: `polly drain --format json`
    """
    settings = record_settings(config)
    folder = state_home() / "spool"
    if settings.kafka.bootstrap_servers:
        warn("Kafka is set up: `polly relay` brings events there, and those drained here never come to it.")
    with store_of(settings) as store:
        result = drain_into(folder, store)
        place = store.place
    if output_format is Format.JSON:
        print_json({"state": _state(result), **result._asdict(), "spool": folder, "store": place})
    else:
        say(_sentence(result, folder, place))
    if result.dead:
        warn(f"{counted(result.dead, 'record')} could not be stored: see `polly dlq list`")
    return ExitCode.UNFIXED if result.busy else ExitCode.VERIFIED


def _state(result: DrainResult) -> str:
    if result.busy:
        return "busy"
    return "drained" if any(result[:4]) else "empty"


def _sentence(result: DrainResult, folder: Path, place: str) -> str:
    if result.busy:
        return f"Another process is moving the events of {folder}; nothing was done here."
    if _state(result) == "empty":
        return f"Nothing waits in {folder}."
    said = [f"{counted(result.stored, 'event')} stored in {place}"]
    if result.duplicates:
        said.append(f"{result.duplicates} there already")
    if result.dead:
        said.append(counted(result.dead, "dead letter"))
    if result.files_deleted:
        said.append(f"{counted(result.files_deleted, 'file')} of the spool done with")
    return ", ".join(said) + "."
