import re
from pathlib import Path

#: terminal control sequences: colours, cursor movements, window titles
CONTROL_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def tail(log: Path, limit_bytes: int = 8000) -> str:
    """The end of a log as text that is safe to print and to hand on; "" when there is no log.

    Starts at a line unless that line is longer than the limit. Undecodable bytes are replaced,
    control sequences of terminals are left out.
    """
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            start = file.seek(max(0, size - limit_bytes - 1))
            data = file.read(limit_bytes + 1)
    except OSError:
        return ""
    if start > 0 or size > limit_bytes:
        line_end = data.find(b"\n")
        data = data[line_end + 1 :] if 0 <= line_end < len(data) - 1 else data[1:]
    text = CONTROL_SEQUENCE.sub("", data.decode("utf-8", errors="replace"))
    return CONTROL_CHARACTER.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
