"""What keeps "no results" from meaning "nothing found", and results from being about these files."""

import hashlib
from collections.abc import Iterator

from polly.intake.snapshot import Snapshot
from polly.intake.sources.sarif.log import Artifact, Invocation, Notification, Run
from polly.intake.sources.sarif.places import Places
from polly.work.issues import Warning

#: Parts whose absence changes what is read; results have a warning of their own.
_EXTERNAL = ("driver", "extensions", "artifacts", "invocations", "taxonomies", "thread_flow_locations")
_SHOWN = 3
_MOST_LETTERS = 200


def completeness(run: Run, tool: str, ref: str) -> Iterator[Warning]:
    """Warnings about a tool that failed or complained, and about parts of the run that are not here."""
    external = run.external_property_file_references
    elsewhere = [name.replace("_", " ") for name in _EXTERNAL if external and getattr(external, name)]
    if external is not None and external.results:
        message = "Results stand in other files that the log refers to; they were not read."
        yield Warning(code="external_results", message=message, ref=ref)
    if elsewhere:
        message = f"Parts of the run stand in other files, which were not read: {', '.join(elsewhere)}."
        yield Warning(code="external_properties", message=message, ref=ref)
    failures = [text for each in run.invocations or () for text in _failures(each)]
    if failures:
        message = f"{tool} reports that it did not finish: {_some(failures)}"
        yield Warning(code="tool_failed", message=message, ref=ref)
    elif run.results is None and not (external and external.results):
        message = f"{tool} gives no list of results, which is not the same as finding nothing."
        yield Warning(code="results_missing", message=message, ref=ref)
    complaints = [] if failures else [text for each in run.invocations or () for text in _errors(each)]
    if complaints:
        message = f"{tool} finished but reports errors of its own, {len(complaints)}: {_some(complaints)}"
        yield Warning(code="tool_reported", message=message, ref=ref)


def staleness(run: Run, places: Places, snapshot: Snapshot, ref: str) -> Iterator[Warning]:
    """A warning when the log says by content or hash that the tool saw other files than the base commit's."""
    changed = []
    for artifact in run.artifacts or ():
        if artifact.location is None or not (artifact.contents or artifact.hashes):
            continue
        path = places.path_of(artifact.location)
        if path is not None and path in snapshot.paths and _differs(artifact, snapshot.read(path) or b""):
            changed.append(path)
    if changed:
        message = (
            f"Files differ from those that the tool saw, {len(changed)}: {_some(changed, ', ')}. "
            "Its lines may be off; scan the base commit again."
        )
        yield Warning(code="changed_since_scan", message=message, ref=ref)


def _differs(artifact: Artifact, content: bytes) -> bool:
    """True when the artifact's text or sha-256 is not that of the content; line ends do not count."""
    text = artifact.contents.get("text") if isinstance(artifact.contents, dict) else None
    if isinstance(text, str):
        return text.splitlines() != content.decode("utf-8-sig", errors="replace").splitlines()
    stated = artifact.hashes.get("sha-256") if isinstance(artifact.hashes, dict) else None
    if not isinstance(stated, str):
        return False
    spellings = (content, content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    return stated.lower() not in [hashlib.sha256(each).hexdigest() for each in spellings]


def _failures(invocation: Invocation) -> list[str]:
    if invocation.execution_successful is not False:
        return []
    told = [invocation.process_start_failure_message or "", *_errors(invocation)]
    return [text for text in told if text] or ["executionSuccessful is false."]


def _errors(invocation: Invocation) -> Iterator[str]:
    notes = (
        *(invocation.tool_execution_notifications or ()),
        *(invocation.tool_configuration_notifications or ()),
    )
    return (text for note in notes if note.level == "error" and (text := _told(note)))


def _told(note: Notification) -> str:
    text = (note.message.text or note.message.markdown or "") if note.message else ""
    text = text or (note.descriptor.id if note.descriptor else None) or ""
    physical = next((each.physical_location for each in note.locations or ()), None)
    uri = physical.artifact_location.uri if physical and physical.artifact_location else None
    told = f"{uri}: {text}" if uri and text else text
    return told[:_MOST_LETTERS]


def _some(texts: list[str], separator: str = "; ") -> str:
    more = f"{separator}and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return separator.join(texts[:_SHOWN]) + more
