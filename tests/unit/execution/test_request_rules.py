"""Who is given a file that the plan gave to nobody: decided without a disk, a clock or a process."""

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.execution.requests.rules import MAX_PATH_LENGTH, MAX_REASON_LENGTH, Ground, Tree, decide
from polly.git import Entry
from polly.work.plan import Files
from polly.work.requests import Answer, files_with

_FILES = ("src/a.py", "src/b.py", "src/c.py", "Docs/Guide.md", "free.txt", "polly.toml")
_TREE = Tree(
    {
        **{path: Entry(mode="100644", id="1") for path in _FILES},
        "link.txt": Entry(mode="120000", id="2"),
        "vendor/lib": Entry(mode="160000", id="3"),
    }
)
_WAVE = {
    "WP1": Files(modify=("src/a.py",)),
    "WP2": Files(modify=("src/b.py",), create=("tests/**", "notes/plan.md")),
}


def _ground(**more: Any) -> Ground:
    usual: dict[str, Any] = {
        "package": "WP1",
        "attempt": 1,
        "wave": _WAVE,
        "tree": _TREE,
        "protected": lambda path: "it is a setting" if path.endswith(".toml") else None,
        "leads_elsewhere": lambda _: False,
    }
    return Ground(**{**usual, **more})


@pytest.mark.parametrize(("path", "is_new"), [("free.txt", False), ("src/c.py", False), ("src/new.py", True)])
def test_a_file_that_nobody_has_is_granted(path: str, *, is_new: bool) -> None:
    request = decide(path, "it must", _ground())
    assert (request.answer, request.is_new, request.owner) == (Answer.GRANTED, is_new, None)
    files = files_with(_WAVE["WP1"], (request,))
    assert files.owns(path)
    assert (path in files.create) is is_new


@pytest.mark.parametrize(
    "path",
    ["src/b.py", "tests/deep/test_x.py", "notes/plan.md", "notes/plan.md/below", "notes"],
    ids=["a file", "a glob", "a file to be", "below it", "above it"],
)
def test_what_another_package_has_is_answered_with_its_name(path: str) -> None:
    request = decide(path, "it must", _ground())
    assert (request.answer, request.owner) == (Answer.OWNED, "WP2")
    assert "WP2" in request.told


def test_a_glob_of_files_to_create_has_no_file_that_is_there_already() -> None:
    tree = Tree({"tests/test_old.py": Entry(mode="100644", id="1")})
    assert decide("tests/test_old.py", "it must", _ground(tree=tree)).answer is Answer.GRANTED


def test_a_twin_of_a_file_to_be_belongs_to_its_owner() -> None:
    assert decide("NOTES/Plan.md", "it must", _ground()).owner == "WP2"


def test_what_decides_about_the_proof_is_for_a_person() -> None:
    request = decide("polly.toml", "it must", _ground())
    assert request.answer is Answer.PROTECTED
    assert "it is a setting" in request.told


@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "..", "/etc/passwd", "~/x", "../x", "src/../../x", "src/./a", "src//a", "src/"),
        *(".git", ".git/config", "src/.GIT/config", ".git./config", "git~1/config", ".polly/plan.json"),
        *("src", "free.txt/below", "link.txt", "link.txt/x", "vendor/lib", "vendor/lib/x"),
        *("FREE.txt", "docs/Guide.md", "docs/new.md", "Src/new.py", "ﬁ*.py", "C:/x", "a.py:stream", "a\\b"),
        *("a\nb", "a\x1b[2Jb", "a\u202eb", "a\0b", "\ud800", "x" * 5000),
    ],
)
def test_a_path_that_no_agent_can_have_is_refused(path: str) -> None:
    request = decide(path, "it must", _ground())
    assert request.answer is Answer.REFUSED
    assert request.told.isprintable()


def test_a_path_that_a_link_leads_elsewhere_is_refused() -> None:
    assert decide("src/c.py", "it must", _ground(leads_elsewhere=lambda _: True)).answer is Answer.REFUSED


def test_a_request_without_a_reason_is_refused() -> None:
    assert decide("free.txt", " \n", _ground()).answer is Answer.REFUSED


def test_another_form_of_the_same_characters_is_the_same_file() -> None:
    tree = Tree({"é.py": Entry(mode="100644", id="1")})
    assert (
        decide(unicodedata.normalize("NFD", "é.py"), "it must", _ground(tree=tree)).answer is Answer.REFUSED
    )


def test_a_secret_in_a_reason_is_not_kept() -> None:
    reason = "the token is ghp_" + "a1B2" * 9
    assert "ghp_" not in decide("free.txt", reason, _ground()).reason


@given(path=st.text(max_size=900), reason=st.text(max_size=3000))
def test_whatever_is_asked_the_record_is_short_and_plain_and_no_owned_file_is_given(
    path: str, reason: str
) -> None:
    request = decide(path, reason, _ground())
    assert len(request.path) <= MAX_PATH_LENGTH
    assert len(request.reason) <= MAX_REASON_LENGTH
    assert (request.path + request.reason + request.told).isprintable()
    if request.answer is Answer.GRANTED:
        assert request.path == path
        assert not _WAVE["WP2"].owns(path)


_NAMES = st.sampled_from(["a", "b", "A", "b/c", "b/C", "d/e/f"])


@given(asked=st.lists(st.tuples(st.sampled_from(["WP1", "WP2", "WP3"]), _NAMES), max_size=12))
def test_no_two_packages_ever_have_the_same_path_whoever_asks_in_whatever_order(
    asked: list[tuple[str, str]],
) -> None:
    wave = {package: Files() for package in ("WP1", "WP2", "WP3")}
    for package, path in asked:
        request = decide(path, "it must", _ground(package=package, wave=wave, tree=Tree({})))
        wave[package] = files_with(wave[package], (request,))
    _no_path_twice = {package: {each.casefold() for each in files.create} for package, files in wave.items()}
    for package, paths in _no_path_twice.items():
        others = set().union(*(each for name, each in _no_path_twice.items() if name != package))
        assert not paths & others


def test_a_folder_is_known_by_each_of_its_spellings() -> None:
    spelled: Callable[[str], str | None] = _TREE.spelled
    assert (spelled("SRC"), spelled("docs/guide.MD"), spelled("nothing")) == ("src", "Docs/Guide.md", None)
