"""A source is loaded: read, unpacked, decoded, and parsed as far as recognising its format needs."""

import gzip
import io
import re
import sys
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from polly.errors import InputError
from polly.intake import json_text
from polly.intake.text import decode
from polly.work.issues import Warning

#: No report that a person can act on is larger; reading more would only exhaust the memory.
MAX_SOURCE_BYTES = 1 << 30
MAX_UNPACKED_BYTES = 512 << 20
#: Reports shrink about 10 to 100 times; what shrinks more, beyond the first 16 MiB, is made to hurt.
MAX_UNPACKED_RATIO = 300
_UNSUSPICIOUS_BYTES = 16 << 20

_EMPTY_STEP = "A report without findings is not empty; run the tool again."
_SPLIT_STEP = "Split the report, for instance per folder."

_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson", ".sarif", ".rdjson", ".rdjsonl")
#: How JSON of findings begins and Markdown does not: what begins so has a fault when it is not JSON.
_BEGINS_AS_JSON = re.compile(r'\s*(?:\{\s*"|\[\s*\{)')


#: Gets the bytes of a source that is no file (`github:…`); None for every other source.
Fetch = Callable[[str], bytes | None]


class Document(NamedTuple):
    """The text of one source, and its JSON members when it is JSON (an object's, or a list's).

    JSON documents that follow each other (JSON lines, pages of an answer) are `several`, each undecoded.
    """

    name: str
    text: str
    object_members: Mapping[str, msgspec.Raw] | None = None
    list_members: tuple[msgspec.Raw, ...] | None = None
    warnings: tuple[Warning, ...] = ()
    several: tuple[msgspec.Raw, ...] | None = None

    @property
    def is_json(self) -> bool:
        """True for JSON, whatever it says."""
        return any(each is not None for each in (self.object_members, self.list_members, self.several))


def load(source: str | Path, *, name: str, fetch: Fetch | None = None) -> Document:
    """The document of a file, of standard input for "-", or of what `fetch` gets from elsewhere.

    Raises InputError for what cannot be read.
    """
    data = fetch(str(source)) if fetch else None
    if data is None:
        data = _read_standard_input() if str(source) == "-" else _read_file(Path(source), name)
    return parse(data, name)


def parse(data: bytes, name: str) -> Document:
    """The document of these bytes, whatever its name. Raises InputError for no text, and for faulty JSON."""
    inner = name
    if data.startswith(b"\x1f\x8b"):
        data, inner = unpack(data, name), name.removesuffix(".gz")
    decoded = decode(data, name)
    text = decoded.text
    warnings = tuple(Warning(code=code, message=f"{name}: {note}.", ref=name) for code, note in decoded.notes)
    if not text.strip():
        raise InputError(
            f"{name} is empty.", next_step="A report without findings is not empty; run the tool again."
        )
    found = _members(text, name, claims_json=inner.lower().endswith(_JSON_SUFFIXES))
    if found is None:
        return Document(name, text, warnings=warnings)
    if isinstance(found, tuple):
        return Document(name, text, several=found, warnings=warnings)
    if isinstance(found, dict):
        return Document(name, text, object_members=found, warnings=warnings)
    return Document(name, text, list_members=tuple(found), warnings=warnings)


def unpack(data: bytes, name: str, *, limit: int = MAX_UNPACKED_BYTES) -> bytes:
    """The content of gzip data, at most `limit` bytes. Raises InputError beyond that and for damaged data."""
    whole = io.BytesIO()  # one buffer that grows: pieces to be joined would be held twice
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            while piece := packed.read(1 << 20):
                size = whole.tell() + len(piece)
                suspicious = size > _UNSUSPICIOUS_BYTES and size > MAX_UNPACKED_RATIO * len(data)
                if size > limit or suspicious:
                    reason = "far more than its packed size" if suspicious else f"more than {limit >> 20} MiB"
                    raise InputError(
                        f"{name} unpacks to {reason}.", next_step="Unpack it and split the report."
                    )
                whole.write(piece)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{name} is not a whole gzip file: {error}.", next_step="Pack it again.") from error
    return whole.getvalue()


def _members(text: str, name: str, *, claims_json: bool) -> json_text.Members | None:
    """What the JSON is made of; None for other text. Names are often wrong, so that the content is asked."""
    if not claims_json and text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json_text.members(text, name)
    except InputError:
        if claims_json or _BEGINS_AS_JSON.match(text):
            raise
        return None


def _read_standard_input() -> bytes:
    if sys.stdin.isatty():
        raise InputError(
            "Standard input is a terminal; there is nothing to read.",
            next_step="Pipe a report into the command.",
        )
    data = _bounded(sys.stdin.buffer, "standard input")
    if not data:
        raise InputError("Standard input is empty.", next_step="Check the command that writes into the pipe.")
    return data


def _read_file(path: Path, name: str) -> bytes:
    try:
        if path.is_dir():
            raise InputError(f"{name} is a directory.", next_step="Name a report file in it.")
        with path.open("rb") as file:
            data = _bounded(file, name)
    except FileNotFoundError as error:
        raise InputError(
            f"There is no file {name}.",
            next_step="Check the path; it is looked up from the current directory.",
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{name} cannot be read: {reason}.", next_step="Check its permissions.") from error
    if not data:
        raise InputError(
            f"{name} is empty.", next_step="A report without findings is not empty; run the tool again."
        )
    return data


def _bounded(file: BinaryIO, name: str) -> bytes:
    whole = io.BytesIO()
    while piece := file.read(1 << 20):
        if whole.tell() + len(piece) > MAX_SOURCE_BYTES:
            raise InputError(
                f"{name} is larger than 1 GiB.", next_step="Split the report, for instance per folder."
            )
        whole.write(piece)
    return whole.getvalue()
