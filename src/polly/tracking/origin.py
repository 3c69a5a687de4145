"""Where an event comes from: the correlation, session, run and project of the program that records it."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from polly.events.envelope import uuid7
from polly.tracking.plain import plain_text


class Origin(NamedTuple):
    """What the events of one program have in common. `run` is None outside of runs."""

    correlation_id: str
    session: str
    run: str | None
    project_path: str | None
    project_name: str | None


def origin(
    environ: Mapping[str, str] | None = None,
    *,
    correlation_id: object = None,
    session: object = None,
    project_path: object = None,
    project_name: object = None,
) -> Origin:
    """What is given, else what the environment says, else new ids. Never raises; an id may be any text."""
    known = os.environ if environ is None else environ
    correlations = (correlation_id, known.get("CORRELATION_ID"), known.get("POLLY_CORRELATION_ID"))
    sessions = (session, known.get("POLLY_SESSION_ID"), known.get("CLAUDE_CODE_SESSION_ID"))
    run = known.get("POLLY_RUN_ID") or None
    return Origin(
        correlation_id=_first(correlations) or (_correlation_of(run) if run else uuid7()),
        session=_first(sessions) or uuid7(),
        run=run,
        project_path=_first((project_path, known.get("CLAUDE_PROJECT_DIR"))) or _here(),
        project_name=_first((project_name,)) or None,
    )


def _first(candidates: tuple[object, ...]) -> str:
    """The first that says anything, as text."""
    return next((said for each in candidates if each is not None and (said := plain_text(each).strip())), "")


def _here() -> str | None:
    try:
        return plain_text(os.getcwd())  # noqa: PTH109 - a path may be no text that a Path can show
    except OSError:  # the folder is gone
        return None


def _correlation_of(run: str) -> str:
    """The one that joins all events of the run: the same as polly.execution.journal.correlation_id."""
    import uuid  # noqa: PLC0415 - only needed inside of runs

    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:polly:run:{run}"))
