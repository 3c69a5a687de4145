"""Shortens JSON values to a size. Standard library only: hooks import this."""

TYPE_CHECKING = False  # the name is what type checkers know; `typing` would be slow to load
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Encode = Callable[[Any], bytes]

#: The largest `data` of one event; longer texts and lists in it are shortened.
MAX_DATA_BYTES = 64 * 1024

#: Characters per text and entries per list, tried in this order until the data fits.
_CUTS = ((16_384, 1_000), (4_096, 300), (1_024, 100), (256, 30), (64, 10), (16, 3))
#: What is shortened before it is redacted keeps this many times more, so that a secret at the new end of a
#: text, which no rule knows any more, falls to the cut that follows.
_MARGIN = 4


def fitted_by(
    encode: "Encode",
    data: "Any",
    limit: int = MAX_DATA_BYTES,
    *,
    cut: "dict[str, Any] | None" = None,
    first: int = 0,
) -> bytes:
    """The JSON of `data`, shortened to `limit` bytes without changing its shape.

    What was shortened says so in place; `_cut` at the top keeps the size and the sha256 of the whole, or is
    what the caller knows about it; `_redacted` stays. first: how many of the gentle cuts are left out.
    """
    whole = encode(data)
    if len(whole) <= limit and not first:
        return whole
    note = {"_cut": cut or size_of(whole)}
    if isinstance(data, dict) and "_redacted" in data:
        note["_redacted"] = data["_redacted"]
    for characters, entries in _CUTS[first:]:
        smaller = _shortened(data, characters, entries)
        if isinstance(smaller, dict):
            smaller |= note
        encoded = encode(smaller)
        if len(encoded) <= limit:
            return encoded
    return encode(note)


def roughly_fitted(encode: "Encode", data: "Any", limit: int) -> "tuple[Any, int]":
    """Of a huge value one that is cheap to redact, and the `first` with which `fitted_by` must follow."""
    for first, (characters, entries) in enumerate(_CUTS):
        smaller = _shortened(data, characters * _MARGIN, entries * _MARGIN)
        if len(encode(smaller)) <= limit:
            return smaller, first
    return {}, len(_CUTS)


def size_of(raw: bytes) -> "dict[str, Any]":
    """What is kept of bytes that are not kept."""
    import hashlib  # only what is too large pays for the import

    return {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}


def _shortened(value: "Any", characters: int, entries: int) -> "Any":
    if isinstance(value, str) and len(value) > characters:
        return f"{value[:characters]}… [cut: {len(value)} characters]"
    if isinstance(value, list):
        return [_shortened(each, characters, entries) for each in value[:entries]]
    if isinstance(value, dict):
        kept = list(value.items())[:entries]
        return {key: _shortened(each, characters, entries) for key, each in kept}
    return value
