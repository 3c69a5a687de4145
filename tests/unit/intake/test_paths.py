from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.intake.paths import from_uri, resolve

ROOT = Path("/work/tree") if Path("/").anchor == "/" else Path("C:/work/tree")
KNOWN = frozenset({"src/a.py", "src/b.py", "README.md", "docs/C#/x.md", "odd\\name.py"})


def resolved(path: str) -> str | None:
    return resolve([path], root=ROOT, known=KNOWN).paths[path]


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("src/a.py", "src/a.py"),
        ("./src//x/../a.py", "src/a.py"),
        ("src\\a.py", "src/a.py"),
        ("odd\\name.py", "odd\\name.py"),
        (f"{ROOT.as_posix()}/src/a.py", "src/a.py"),
        (f"{ROOT.as_posix()}/not/yet.py", "not/yet.py"),
        (".", ""),
        (f"{ROOT.as_posix()}", ""),
        ("missing.py", "missing.py"),
    ],
)
def test_paths_below_the_root_become_relative(written: str, path: str) -> None:
    assert resolved(written) == path


@pytest.mark.parametrize(
    "written",
    [
        "../a.py",
        "src/../../a.py",
        "/etc/passwd",
        "C:/Windows/system.ini",
        "c:\\Windows\\system.ini",
        "\\\\server\\share\\x.py",
        "//server/share/x.py",
        "src/a\0.py",
        "src/a\nb.py",
        "",
        "x" * 5000,
        ".git/config",
        "src/.GIT/hooks/pre-commit",
        f"{ROOT.as_posix()}/.git/config",
        f"{ROOT.as_posix()}-other/src/zzz.py",
        "https://example.org/a.py",
        "pkg:npm/left-pad",
    ],
)
def test_paths_that_lead_out_of_the_repository_are_outside(written: str) -> None:
    assert resolved(written) is None


def test_absolute_paths_of_another_checkout_are_rebased_when_their_files_exist() -> None:
    written = ["/ci/build/src/a.py", "/ci/build/src/b.py", "/ci/build/generated.py", "/usr/lib/python/os.py"]
    resolution = resolve(written, root=ROOT, known=KNOWN)
    assert resolution.rebased_from == "/ci/build"
    assert list(resolution.paths.values()) == ["src/a.py", "src/b.py", "generated.py", None]


def test_windows_paths_of_another_checkout_are_rebased_without_regard_to_case() -> None:
    written = ["C:/Proj/src/a.py", "c:\\proj\\src\\b.py"]
    resolution = resolve(written, root=ROOT, known=KNOWN)
    assert list(resolution.paths.values()) == ["src/a.py", "src/b.py"]


def test_one_chance_match_among_foreign_paths_is_no_checkout() -> None:
    written = ["/other/README.md", "/x/one.py", "/y/two.py", "/z/three.py"]
    resolution = resolve(written, root=ROOT, known=KNOWN)
    assert not resolution.rebased_from
    assert set(resolution.paths.values()) == {None}


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("src/a%20b.py", "src/a b.py"),
        ("file:///home/x/a.py", "/home/x/a.py"),
        ("file:/home/x/a.py", "/home/x/a.py"),
        ("file://localhost/home/x/a.py", "/home/x/a.py"),
        ("file:///C:/x/a.py", "/C:/x/a.py"),
        ("file://C:/x/a.py", "C:/x/a.py"),
        ("file://server/share/a.py", "//server/share/a.py"),
        ("C:/x/a.py", "C:/x/a.py"),
        ("src/a.py#L3", "src/a.py"),
        ("http://example.org/a.py", None),
        ("git+ssh://host/a.py", None),
    ],
)
def test_uris_name_paths_or_nothing(uri: str, path: str | None) -> None:
    assert from_uri(uri) == path


@given(st.lists(st.text(alphabet="ab./\\:C~ \0é%", max_size=12) | st.text(max_size=8), max_size=8))
def test_whatever_is_written_stays_inside_or_is_outside(written: list[str]) -> None:
    for path in resolve(written, root=ROOT, known=KNOWN).paths.values():
        if path:
            parts = PurePosixPath(path).parts
            assert not path.startswith("/")
            assert ".." not in parts
            assert ".git" not in parts
            assert "\0" not in path
