"""Which paths may be owned, and which globs can meet."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.planning.globs import globs_overlap
from polly.planning.paths import path_key, unsafe_reason
from polly.work.plan import Files, glob_matches

SEGMENTS = st.text("ab*", min_size=1, max_size=4)
GLOBS = st.lists(st.one_of(SEGMENTS, st.just("**")), min_size=1, max_size=4).map("/".join)
PATHS = st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "is empty"),
        ("/etc/passwd", "is absolute"),
        ("C:/x.py", "is absolute"),
        ("c:x.py", "is absolute"),
        ("src\\x.py", "contains a backslash"),
        ("../x.py", "leaves its folder with '..'"),
        ("src/../../x.py", "leaves its folder with '..'"),
        ("src//x.py", "has an empty or '.' segment"),
        ("./x.py", "has an empty or '.' segment"),
        ("src/", "has an empty or '.' segment"),
        (".git/hooks/pre-commit", "lies in git's own folder"),
        ("vendor/.GIT/config", "lies in git's own folder"),
        (".git. /config", "lies in git's own folder"),
        ("GIT~1/config", "lies in git's own folder"),
        (".g\u200cit/config", "lies in git's own folder"),
        (".git::$INDEX_ALLOCATION/config", "lies in git's own folder"),
        (".polly/plan.json", "lies in Polly's own folder"),
        (".Polly/plan.json", "lies in Polly's own folder"),
        ("a\nb.py", "contains control characters"),
        ("a\x00b.py", "contains control characters"),
        ("a\udcffb.py", "contains control characters"),
    ],
)
def test_a_path_that_could_lead_elsewhere_is_unsafe(path: str, reason: str) -> None:
    assert unsafe_reason(path) == reason


@pytest.mark.parametrize(
    "path",
    ["x.py", ".gitignore", ".github/workflows/ci.yml", "a b/ü.py", "app/[id]/page.tsx", "..x/y", "g/.polly"],
)
def test_a_plain_path_is_safe(path: str) -> None:
    assert unsafe_reason(path) is None


def test_case_twins_and_normalisation_twins_have_one_key() -> None:
    composed, decomposed = "Straße/É.py", unicodedata.normalize("NFD", "STRASSE/é.py")
    assert path_key(composed) == path_key(decomposed)
    assert path_key("a/B.py") == path_key("A/b.PY")
    assert path_key("a.py") != path_key("b.py")


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("tests/*.py", "tests/test_a.py", True),
        ("tests/*.py", "tests/sub/test_a.py", False),
        ("tests/**/test_*.py", "tests/test_a.py", True),
        ("tests/**/test_*.py", "tests/a/b/test_a.py", True),
        ("tests/**", "tests/a/b.py", True),
        ("tests/**", "tests", False),
        ("a*b*b", "axbxb", True),
        ("a*b*b", "ab", False),
        ("app/[id]/*.tsx", "app/[id]/page.tsx", True),
        ("app/[id]/*.tsx", "app/i/page.tsx", False),
        ("docs/?.md", "docs/a.md", False),
        ("Tests/*.py", "tests/a.py", False),
        ("a.*", "axpy", False),
    ],
)
def test_a_star_stays_in_its_folder_and_two_stars_cross(glob: str, path: str, fits: bool) -> None:
    assert glob_matches(glob, path) is fits
    assert globs_overlap(glob, path) is fits


def test_a_package_owns_what_it_names_and_what_its_globs_match() -> None:
    files = Files(modify=("src/a.py", "src/*.txt"), create=("src/new.py", "tests/test_*.py"))
    owned = [path for path in ("src/a.py", "src/new.py", "tests/test_x.py") if files.owns(path)]
    assert owned == ["src/a.py", "src/new.py", "tests/test_x.py"]
    assert not any(
        map(files.owns, ("src/A.py", "src/b.txt", "src/b.py", "tests/x.py", "tests/sub/test_x.py"))
    )


def test_a_file_whose_name_is_a_star_is_not_a_glob() -> None:
    assert not Files(create=("src/a*.py",)).owns("src/*.py")


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("a/*.py", "a/test_*", True),
        ("a/*.py", "a/*.js", False),
        ("a/**", "a/b/*.py", True),
        ("**/x.py", "a/**", True),
        ("**/x.py", "a/*/y.py", False),
        ("*a", "b*", True),
        ("a*", "b*", False),
        ("a/**/b", "a/b", True),
    ],
)
def test_globs_overlap_when_one_path_fits_both(one: str, other: str, meet: bool) -> None:
    assert globs_overlap(one, other) is meet
    assert globs_overlap(other, one) is meet


@given(GLOBS, PATHS)
def test_a_glob_overlaps_a_plain_path_exactly_when_it_matches(glob: str, path: str) -> None:
    assert globs_overlap(glob, path) == glob_matches(glob, path)


@given(GLOBS, GLOBS, PATHS)
def test_a_path_that_fits_two_globs_proves_their_overlap(one: str, other: str, path: str) -> None:
    if glob_matches(one, path) and glob_matches(other, path):
        assert globs_overlap(one, other)


@given(GLOBS)
def test_every_glob_overlaps_itself(glob: str) -> None:
    assert globs_overlap(glob, glob)
