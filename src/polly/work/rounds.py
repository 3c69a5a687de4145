"""Rounds: what became of the findings of an earlier run."""

import msgspec


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """An issue of the earlier run that is none now. `reason`: why its finding was left out, else ""."""

    id: str
    title: str
    fingerprint: str
    reason: str = ""


class Recurring(msgspec.Struct, frozen=True, kw_only=True):
    """An issue that agents have worked on before, and the runs in which they did."""

    issue: str
    runs: tuple[str, ...]


class Rounds(msgspec.Struct, frozen=True, kw_only=True):
    """The open issues (ids) against those of the run `since`, and what became of its other issues.

    reopened: were fixed and are back. fixed: their tool was read again and does not report them.
    left_out: still reported, but excluded now. unknown: nothing that reported them was read.
    """

    since: str
    new: tuple[str, ...] = ()
    surviving: tuple[str, ...] = ()
    reopened: tuple[str, ...] = ()
    fixed: tuple[Gone, ...] = ()
    left_out: tuple[Gone, ...] = ()
    unknown: tuple[Gone, ...] = ()
    not_converging: tuple[Recurring, ...] = ()
