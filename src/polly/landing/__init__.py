"""The only code that writes to the user's repository, and only when a person has said so."""

from polly.landing.applying import apply, check_apply, undo_apply
from polly.landing.committing import LandedCommit, build, check_commit, commit, find_landed
from polly.landing.diff import diff
from polly.landing.refusals import Refusal
from polly.landing.selection import Landing, LandingPackage, prepare
from polly.landing.undoing import How, Undone, undo

__all__ = [
    "How",
    "LandedCommit",
    "Landing",
    "LandingPackage",
    "Refusal",
    "Undone",
    "apply",
    "build",
    "check_apply",
    "check_commit",
    "commit",
    "diff",
    "find_landed",
    "prepare",
    "undo",
    "undo_apply",
]
