"""Shell scripts as shellcheck sees them."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from polly.intelligence.quality.measured import Part, Remark
from polly.intelligence.quality.programs import ProgramFailed, output_of
from polly.work.issues import Severity

#: arguments in one call; some systems take little
FILES_A_CALL = 500
_SEVERITIES = {
    "error": Severity.MAJOR,
    "warning": Severity.MINOR,
    "info": Severity.NITPICK,
    "style": Severity.NITPICK,
}
#: Files that a script reads are not given; which shell an unmarked script is for is guessed.
_LEFT_OUT = "SC1090,SC1091,SC2148"
#: "the parser stopped", with the reason in another comment
_STOPPED = frozenset((1072, 1073))


class _Comment(msgspec.Struct):
    file: str
    line: int
    level: str
    code: int
    message: str


class _Answer(msgspec.Struct):
    comments: list[_Comment]


def shellcheck_remarks(
    folder: Path, files: Mapping[str, int], *, timeout_seconds: float
) -> dict[int, list[Remark]]:
    """Remarks by the number of the source; a parse error has the rule `shellcheck:broken`.

    files: name of the prepared file in `folder` -> number. Raises ProgramFailed.
    """
    found: dict[int, list[Remark]] = {}
    names = list(files)
    for start in range(0, len(names), FILES_A_CALL):
        printed = output_of(
            "shellcheck",
            ("--norc", "--format=json1", "--exclude", _LEFT_OUT, *names[start : start + FILES_A_CALL]),
            folder,
            timeout_seconds=timeout_seconds,
            accept=(0, 1),
        )
        try:
            answer = msgspec.json.decode(printed, type=_Answer)
        except msgspec.MsgspecError as error:
            raise ProgramFailed(f"shellcheck printed what cannot be read: {error}") from error
        for comment in answer.comments:
            found.setdefault(files[comment.file], []).append(_remark(comment))
    return found


def _remark(comment: _Comment) -> Remark:
    is_broken = comment.code in _STOPPED
    return Remark(
        part=Part.CORRECTNESS,
        line=comment.line,
        rule="shellcheck:broken" if is_broken else f"shellcheck:SC{comment.code}",
        severity=Severity.CRITICAL if is_broken else _SEVERITIES.get(comment.level, Severity.MINOR),
        message=comment.message,
    )
