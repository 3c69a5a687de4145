"""What a question over Kafka can end with instead of an answer.

IntelligenceDisabled    the settings refuse every question
ClientNotStarted        asked before `start` or after `stop`
ClientStopped           `stop` came while the question was pending
BusAway                 Kafka cannot carry the question now (a BusError)
ServerFailed            a server took the question and could not answer it (a BusError)
RequestTimedOut         no answer in time (also a TimeoutError)

A source that cannot be analysed is an AnalysisError, wherever it was found out.
"""

from polly.errors import BusError, PollyError


class IntelligenceDisabled(PollyError):  # noqa: N818 - reads as what is the matter
    """The settings refuse every question."""

    def __init__(self) -> None:
        super().__init__(
            "questions about code are switched off: intelligence.enabled is false",
            next_step="Set [intelligence] enabled = true in polly.toml to allow them.",
        )


class ClientNotStarted(PollyError):  # noqa: N818
    """Asked before `start` or after `stop`."""

    def __init__(self) -> None:
        super().__init__(
            "the client of the intelligence service is not started",
            next_step="Use it as `async with IntelligenceClient(…) as client`, or call start() first.",
        )


class ClientStopped(PollyError):  # noqa: N818
    """`stop` came while the question was pending."""

    def __init__(self, correlation_id: str) -> None:
        super().__init__(
            f"the client was stopped while the request was pending (correlation {correlation_id})"
        )


class BusAway(BusError):  # noqa: N818
    """Kafka cannot carry the question now."""


class ServerFailed(BusError):  # noqa: N818
    """A server took the question and could not answer it; `code` tells programs why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RequestTimedOut(PollyError, TimeoutError):  # noqa: N818
    """No answer in time."""
