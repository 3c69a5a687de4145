"""Figures in words: shares, durations and UTC times as `polly observe` writes them."""

from datetime import datetime

from polly.work.observed import Window

#: Stands where there was nothing to measure.
NOTHING = "-"


def percent(share: float | None) -> str:
    """`87.5 %`; a dash when there was nothing to measure. Never rounded up to all or down to nothing."""
    if share is None:
        return NOTHING
    shown = f"{share:.1%}"
    if shown == "100.0%" and share < 1:
        shown = "99.9%"
    if shown == "0.0%" and share > 0:
        shown = "0.1%"
    return shown.removesuffix("%").removesuffix(".0") + " %"


def duration(milliseconds: float | None) -> str:
    """`340 ms`, `12.3 s`, `4 min 05 s`, `3 h 20 min`, `2 d 4 h`; a dash when unknown."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.3g} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def moment(at: datetime | None) -> str:
    """The minute, in UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else NOTHING


def window(span: Window) -> str:
    """From when to when."""
    return f"{span.since:%Y-%m-%d %H:%M} to {span.until:%Y-%m-%d %H:%M} UTC"


def number(value: float | None, form: str = ",") -> str:
    """The number with its thousands apart; a dash when unknown."""
    return NOTHING if value is None else format(value, form)


def shortened(text: str, most: int) -> str:
    """The text on one line and of at most that many characters, ending in `…` when it was longer."""
    line = " ".join(text[: most * 4].split())
    return line if len(line) <= most and len(text) <= most * 4 else line[: most - 1].rstrip() + "…"
