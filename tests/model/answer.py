"""What the model answers, before an API has given it a shape."""

from typing import Any

import msgspec
from tests.model.script import Usage


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call that the model asks for. Text as input: the tool is free-form."""

    id: str
    name: str
    input: dict[str, Any] | str

    @property
    def arguments(self) -> str:
        """The input as text."""
        return self.input if isinstance(self.input, str) else msgspec.json.encode(self.input).decode()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, whole."""

    id: str
    model: str
    text: str
    calls: tuple[Call, ...]
    usage: Usage


class StreamEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One server-sent event; without a name in the API that has none."""

    data: dict[str, Any] | str
    name: str | None = None

    def encoded(self) -> bytes:
        """As it goes over the wire."""
        head = f"event: {self.name}\n" if self.name else ""
        data = self.data if isinstance(self.data, str) else msgspec.json.encode(self.data).decode()
        return f"{head}data: {data}\n\n".encode()


def halves(text: str) -> tuple[str, ...]:
    """The text in two pieces, so that every reader has to put something together."""
    middle = (len(text) + 1) // 2
    return tuple(part for part in (text[:middle], text[middle:]) if part)
