"""Python as ruff sees it: correctness, security, what is not documented, what has no type."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from polly.intelligence.quality.measured import Part, Remark
from polly.intelligence.quality.programs import ProgramFailed, output_of
from polly.work.issues import Severity

BROKEN = "invalid-syntax"

#: Beginning of a rule -> its part and how bad it is; the longest beginning counts. Rules that speak of taste
#: (line length, quotes, order of imports) are left out: formatters settle those, and projects differ.
RULES: Mapping[str, tuple[Part, Severity]] = {
    "F": (Part.CORRECTNESS, Severity.MINOR),
    "F5": (Part.CORRECTNESS, Severity.MAJOR),
    "F6": (Part.CORRECTNESS, Severity.MAJOR),
    "F7": (Part.CORRECTNESS, Severity.MAJOR),
    "F82": (Part.CORRECTNESS, Severity.MAJOR),
    "E7": (Part.CORRECTNESS, Severity.NITPICK),
    "E722": (Part.CORRECTNESS, Severity.MINOR),
    "E9": (Part.CORRECTNESS, Severity.MAJOR),
    "W6": (Part.CORRECTNESS, Severity.MINOR),
    "PLE": (Part.CORRECTNESS, Severity.MAJOR),
    "B": (Part.CORRECTNESS, Severity.MINOR),
    "BLE001": (Part.CORRECTNESS, Severity.MINOR),
    "ASYNC1": (Part.CORRECTNESS, Severity.NITPICK),
    "ASYNC2": (Part.CORRECTNESS, Severity.MAJOR),
    "TRY203": (Part.CORRECTNESS, Severity.NITPICK),
    "N8": (Part.CORRECTNESS, Severity.NITPICK),
    "S": (Part.SECURITY, Severity.MINOR),
    "S101": (Part.CORRECTNESS, Severity.NITPICK),
    "S110": (Part.CORRECTNESS, Severity.MINOR),
    "S112": (Part.CORRECTNESS, Severity.MINOR),
    "S102": (Part.SECURITY, Severity.MAJOR),
    "S105": (Part.SECURITY, Severity.MAJOR),
    "S106": (Part.SECURITY, Severity.MAJOR),
    "S107": (Part.SECURITY, Severity.MAJOR),
    "S301": (Part.SECURITY, Severity.MAJOR),
    "S302": (Part.SECURITY, Severity.MAJOR),
    "S307": (Part.SECURITY, Severity.MAJOR),
    "S324": (Part.SECURITY, Severity.MAJOR),
    "S501": (Part.SECURITY, Severity.CRITICAL),
    "S506": (Part.SECURITY, Severity.MAJOR),
    "S602": (Part.SECURITY, Severity.CRITICAL),
    "S604": (Part.SECURITY, Severity.MAJOR),
    "S605": (Part.SECURITY, Severity.CRITICAL),
    "S608": (Part.SECURITY, Severity.MAJOR),
    "D10": (Part.DOCUMENTATION, Severity.NITPICK),
    "ANN": (Part.TYPES, Severity.NITPICK),
}
#: What the rules above begin, but should not say: where no shell is involved, an import of a module that can
#: be misused, and what has an `Any`. __init__ and magic methods explain themselves.
_LEFT_OUT = "S4,S603,S606,S607,ANN401,D105,D107,B905"
#: What only a test does on purpose.
_FINE_IN_TESTS = frozenset(("S101", "S105", "S106", "S107", "S108", "S311", "S324"))
_PARSERS_VERSION = "py314"  # the newest: older syntax is a part of it


class _Place(msgspec.Struct):
    row: int


class _Finding(msgspec.Struct):
    code: str | None
    message: str
    filename: str
    location: _Place | None = None


def ruff_remarks(
    folder: Path, files: Mapping[str, int], tests: frozenset[int], *, timeout_seconds: float
) -> dict[int, list[Remark]]:
    """Remarks by the number of the source. files: name of the prepared file in `folder` -> number.

    Comments that silence a rule are not obeyed: a score must not rise because a remark was hidden.
    Raises ProgramFailed.
    """
    printed = output_of(
        "ruff",
        (
            "check", "--isolated", "--no-cache", "--no-fix", "--quiet", "--ignore-noqa", "--exit-zero",
            "--no-respect-gitignore", "--config", "exclude=[]", "--target-version", _PARSERS_VERSION,
            "--select", ",".join(RULES), "--ignore", _LEFT_OUT, "--output-format", "json", ".",
        ),
        folder,
        timeout_seconds=timeout_seconds,
        accept=(0,),
    )  # fmt: skip
    try:
        findings = msgspec.json.decode(printed, type=list[_Finding])
    except msgspec.MsgspecError as error:
        raise ProgramFailed(f"ruff printed what cannot be read: {error}") from error
    found: dict[int, list[Remark]] = {}
    for finding in findings:
        number = files.get(Path(finding.filename).relative_to(folder).as_posix())
        if number is not None and not (number in tests and finding.code in _FINE_IN_TESTS):
            found.setdefault(number, []).append(_remark(finding))
    return found


def _remark(finding: _Finding) -> Remark:
    code = finding.code or BROKEN
    part, severity = _rule(code)
    return Remark(
        part=part,
        line=finding.location.row if finding.location else 1,
        rule=f"ruff:{code}",
        severity=severity,
        message=finding.message,
    )


def _rule(code: str) -> tuple[Part, Severity]:
    if code == BROKEN:
        return Part.CORRECTNESS, Severity.CRITICAL
    for length in range(len(code), 0, -1):
        if code[:length] in RULES:
            return RULES[code[:length]]
    return Part.CORRECTNESS, Severity.MINOR
