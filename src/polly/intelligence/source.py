"""One source to analyse: text with a name, as the tools get it."""

import codecs
from pathlib import PurePosixPath

import msgspec

from polly.intelligence.analysis import AnalysisError, FailureCode
from polly.intelligence.languages import KINDS, Kind, Language, kind_of

#: Bigger than any source that a person wrote; what is generated says nothing about anybody's work.
MOST_BYTES = 16_000_000
#: as many bytes as git looks at to tell text from binary data
BEGINNING_BYTES = 8_000

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Text with its name and language. suffix: the ending that tools know; "" for an unknown language.

    foreign_line: the first line that is not UTF-8, 0 when all are.
    """

    path: str
    text: str
    language: Language | None
    suffix: str
    foreign_line: int = 0

    @property
    def grammar(self) -> str | None:
        """The grammar of ast-grep that reads it."""
        return KINDS[self.suffix].grammar if self.suffix else None

    @property
    def is_test(self) -> bool:
        """By its name: what tests may do, such as asserting, is no remark there."""
        path = PurePosixPath(self.path.replace("\\", "/"))
        name = path.stem.lower()
        in_folder = {"test", "tests", "__tests__", "spec", "testing"} & {part.lower() for part in path.parts}
        return (
            bool(in_folder) or name.startswith("test_") or name.endswith(("_test", ".test", ".spec", "tests"))
        )


def source_of(path: str, content: bytes | str, kind: Kind | None = None) -> Source:
    """The source; its language by `kind`, else by its path or first line.

    Raises AnalysisError for what is binary or too large.
    """
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if len(raw) > MOST_BYTES:
        raise AnalysisError(
            FailureCode.TOO_LARGE,
            f"{path} has {len(raw) / 1e6:.1f} MB; up to {MOST_BYTES / 1e6:.0f} MB are analysed",
        )
    text, foreign_line = _text(path, raw)
    known = kind or kind_of(path, text[:200].partition("\n")[0])
    return Source(
        path=path,
        text=text,
        language=known.language if known else None,
        suffix=known.suffix if known else "",
        foreign_line=foreign_line,
    )


def _text(path: str, raw: bytes) -> tuple[str, int]:
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            try:
                return raw.decode(encoding), 0
            except UnicodeDecodeError:
                break
    if b"\0" in raw[:BEGINNING_BYTES]:
        raise AnalysisError(FailureCode.BINARY, f"{path} is binary, not source code")
    try:
        return raw.decode("utf-8"), 0
    except UnicodeDecodeError as error:
        # Every byte is a character there, so the lines keep their numbers.
        return raw.decode("latin-1"), raw.count(b"\n", 0, error.start) + 1
