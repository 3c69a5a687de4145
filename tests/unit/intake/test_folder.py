"""A folder of reports is one source: every file is read, and a file without a finding is named."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from polly.errors import InputError
from polly.intake.read import take as intake_of
from polly.work.issues import Inventory


class NoFiles:
    """A snapshot without files."""

    paths: frozenset[str] = frozenset()

    def read(self, path: str) -> bytes | None:
        return None


FINDING = "---\nseverity: high\nfile: src/{}.py\n---\n# About {}\n"


def take(folder: Path, files: Mapping[str, str], root: Path) -> Inventory:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return intake_of([folder], snapshot=NoFiles(), root=root).inventory


def test_each_file_of_a_folder_is_read_in_the_order_of_its_path(tmp_path: Path) -> None:
    files = {"b.md": FINDING.format("b", "b"), "a/z.md": FINDING.format("z", "z"), "notes.bin": "no report"}
    inventory = take(tmp_path / "reviews", files, tmp_path)
    assert [issue.id for issue in inventory.issues] == ["z", "b"]
    assert [issue.source.ref for issue in inventory.issues] == ["reviews/a/z.md:5", "reviews/b.md:5"]


def test_a_file_without_a_finding_is_a_warning(tmp_path: Path) -> None:
    inventory = take(tmp_path / "x", {"a.md": FINDING.format("a", "a"), "README.md": "# How to\n"}, tmp_path)
    assert inventory.counts.read == 1
    assert [each.ref for each in inventory.warnings if each.code == "no_finding"] == ["x/README.md"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "has no report"),
        ({"a.py": "x"}, "has no report"),
        ({".hidden/a.md": FINDING}, "has no report"),
        ({"README.md": "# How to\n"}, "tells a finding"),
        ({"a.md": FINDING.format("a", "a"), "b.json": "{"}, r"x/b\.json is not JSON"),
        ({".git/HEAD": "ref: x", "a.md": FINDING}, "whole repository"),
    ],
)
def test_a_folder_that_cannot_be_read_says_why(tmp_path: Path, files: dict[str, str], words: str) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(InputError, match=words) as refused:
        take(tmp_path / "x", files, tmp_path)
    assert refused.value.next_step


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text(FINDING.format("s", "s"), encoding="utf-8")
    folder = tmp_path / "x"
    folder.mkdir()
    try:
        (folder / "link.md").symlink_to(tmp_path / "secret.md")
    except OSError:
        pytest.skip("this system does not let us make links")
    inventory = take(folder, {"a.md": FINDING.format("a", "a")}, tmp_path)
    assert [issue.id for issue in inventory.issues] == ["a"]
