"""Requests: what an agent at work asked for beyond its files, and what it was told."""

import enum
from collections.abc import Iterable

import msgspec

from polly.work.plan import Files


class Answer(enum.StrEnum):
    """What became of a request for a file."""

    GRANTED = "granted"
    OWNED = "owned"  # another package has it in this wave
    PROTECTED = "protected"  # it decides how strictly work is judged
    REFUSED = "refused"  # no agent can have this path, or nobody said why


class FileRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request with its answer. `told` is the answer in words; `is_new` a file that the base has not.

    owner: the package that has the file in this wave; it is told of the request when it works on.
    """

    path: str
    reason: str
    answer: Answer
    attempt: int
    told: str = ""
    owner: str | None = None
    is_new: bool = False


def granted(requests: Iterable[FileRequest]) -> tuple[FileRequest, ...]:
    """Those that were granted, in their order."""
    return tuple(each for each in requests if each.answer is Answer.GRANTED)


def files_with(files: Files, requests: Iterable[FileRequest]) -> Files:
    """The files of the plan with those that were granted since."""
    given = granted(requests)
    if not given:
        return files
    return Files(
        modify=(*files.modify, *(each.path for each in given if not each.is_new)),
        create=(*files.create, *(each.path for each in given if each.is_new)),
    )
