"""What git tells about files that changed together."""

from collections.abc import Callable
from pathlib import Path

from polly.git import Repository


def test_each_commit_names_the_paths_that_it_changed_newest_first(
    repo: Path, git: Callable[..., str]
) -> None:
    for names in (("a.py", "ü b.py"), ("a.py",)):
        for name in names:
            with (repo / name).open("a", encoding="utf-8") as file:
                file.write("x\n")
        git(repo, "add", ".")
        git(repo, "commit", "--quiet", "--message=change")
        git(repo, "commit", "--quiet", "--allow-empty", "--message=nothing")
    repository = Repository.find(repo)
    head = repository.base_commit()
    assert repository.recent_changes(head, commits=10) == (("a.py",), ("a.py", "ü b.py"), ("README.md",))
    assert repository.recent_changes(head, commits=2) == (("a.py",),)


def test_merges_say_nothing_and_settings_of_the_user_change_nothing(
    repo: Path, git: Callable[..., str]
) -> None:
    git(repo, "switch", "--quiet", "--create=side")
    (repo / "side.py").write_text("x\n", encoding="utf-8")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "--message=side")
    git(repo, "switch", "--quiet", "main")
    git(repo, "merge", "--quiet", "--no-ff", "--message=merge", "side")
    for key, value in (("log.showSignature", "true"), ("diff.renames", "copies"), ("color.ui", "always")):
        git(repo, "config", key, value)
    repository = Repository.find(repo)
    # Both commits are of the same second, so either may come first.
    assert set(repository.recent_changes("HEAD", commits=10)) == {("side.py",), ("README.md",)}


def test_a_name_that_begins_with_a_line_end_is_read_as_it_is(repo: Path, git: Callable[..., str]) -> None:
    blob = git(repo, "rev-parse", "HEAD:README.md")
    git(repo, "update-index", "--add", "--cacheinfo", f"100644,{blob},\nodd")
    git(repo, "commit", "--quiet", "--message=odd")
    assert Repository.find(repo).recent_changes("HEAD", commits=1) == (("\nodd",),)
