"""What another program or host said, made fit for a message."""

from polly.events.redaction import redact

_LONGEST = 300


def shown(said: str) -> str:
    """The first lines of it on one line, without secrets and control characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in said[: 4 * _LONGEST]).split())
    return redact(line).text[:_LONGEST].rstrip(".")
