"""What the guard lets through and what it denies, in a real working tree."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.hooks.audit import is_tracked, strays
from polly.hooks.judging import Refusal, judge
from polly.hooks.ownership import Owned, glob_matches
from polly.work import plan

Judge = Callable[..., Refusal | None]


@pytest.fixture
def tree(repo: Path, git: Callable[..., str]) -> Path:
    for name in ("calc.py", "other.py", "sub/x.py"):
        path = repo / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x = 1\n", encoding="utf-8")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "--message=files")
    return repo


@pytest.fixture
def owned(tree: Path, tmp_path: Path) -> Owned:
    """calc.py and new tests are the agent's."""
    file = tmp_path / "owned.txt"
    file.write_text("calc.py\ntests/**/test_*.py\nsub/*.py\n", encoding="utf-8")
    environ = {
        "POLLY_OWNED_FILES": str(file),
        "POLLY_WORKSPACE": str(tree),
        "POLLY_RESULT_FILE": str(tmp_path / "outside" / "result.json"),
        "TMPDIR": str(tmp_path.parent / "scratch"),
    }
    return Owned(environ, is_tracked)


@pytest.fixture
def asked(owned: Owned, tree: Path) -> Judge:
    """`asked(tool, cwd=…, **input)` is the refusal."""

    def ask(tool: str, cwd: Path = tree, **tool_input: Any) -> Refusal | None:
        return judge({"tool_name": tool, "tool_input": tool_input, "cwd": str(cwd)}, owned)

    return ask


@pytest.mark.parametrize(
    "path", ["calc.py", "./calc.py", "sub/../calc.py", "tests/a/b/test_x.py", "tests/test_x.py", "sub/new.py"]
)
def test_owned_files_may_be_written(asked: Judge, tree: Path, path: str) -> None:
    assert asked("Write", file_path=str(tree / path)) is None
    assert asked("Edit", file_path=path) is None


@pytest.mark.parametrize(
    "path",
    [
        "other.py",
        "sub/../other.py",
        "calc.py/../other.py",
        "sub/x.py",  # a glob creates files, it does not open those that are there
        "CALC.py",
        "tests/helper.py",
        "/etc/hosts",
        "../beside.py",
        ".git/config",
        ".",
    ],
)
def test_files_of_others_are_denied_with_a_way_out(asked: Judge, path: str) -> None:
    refusal = asked("Write", file_path=path)
    assert refusal is not None
    assert f"If {path} must change, name it in the note" in refusal.reason
    assert "calc.py" in refusal.reason


def test_links_are_followed(asked: Judge, tree: Path) -> None:
    (tree / "link.py").symlink_to("other.py")
    (tree / "folder").symlink_to(tree.parent)
    assert asked("Edit", file_path="link.py") is not None
    assert asked("Write", file_path="folder/new.py") is not None
    (tree / "sub" / "other_name.py").symlink_to(tree / "calc.py")
    assert asked("Edit", file_path="sub/other_name.py") is None


def test_a_repository_inside_does_not_move_the_workspace(
    asked: Judge, tree: Path, git: Callable[..., str]
) -> None:
    git(tree / "sub", "init", "--quiet")
    assert asked("Write", cwd=tree / "sub", file_path="calc.py") is None  # sub/*.py
    assert asked("Write", cwd=tree / "sub", file_path="deep/calc.py") is not None


def test_the_result_file_and_the_own_temporary_folder_may_be_written(asked: Judge, tmp_path: Path) -> None:
    assert asked("Write", file_path=str(tmp_path / "outside" / "result.json")) is None
    assert asked("Write", file_path=str(tmp_path.parent / "scratch" / "notes.txt")) is None
    assert asked("Write", file_path=str(tmp_path / "outside" / "other.json")) is not None


@pytest.mark.parametrize(
    ("temporary", "path", "is_allowed"),
    [
        ("one/tmp", "one/tmp/notes.txt", True),
        ("one/tmp", "two/tmp/notes.txt", False),
        ("..", "../notes.txt", True),
        ("..", "two/tree/README.md", False),
        ("..", "one/index", False),
    ],
)
def test_temporary_files_of_other_attempts_are_not_for_this_one(
    tmp_path: Path, temporary: str, path: str, is_allowed: bool
) -> None:
    attempts = tmp_path / "attempts"
    (attempts / "one" / "tree").mkdir(parents=True)
    (tmp_path / "owned.txt").write_text("README.md\n")
    environ = {
        "POLLY_OWNED_FILES": str(tmp_path / "owned.txt"),
        "POLLY_WORKSPACE": str(attempts / "one" / "tree"),
        "TMPDIR": str(attempts / temporary),
    }
    refusal = Owned(environ, is_tracked).refusal(str(attempts / path), str(attempts))
    assert (refusal is None) == is_allowed


def test_a_patch_is_judged_by_every_path_in_it(asked: Judge) -> None:
    mine = "*** Begin Patch\n*** Update File: calc.py\n@@\n-a\n+b\n*** End Patch\n"
    assert asked("apply_patch", command=mine) is None
    assert asked("apply_patch", command=mine.replace("@@", "*** Move to: other2.py\n@@")) is not None
    assert asked("apply_patch", command=mine + "*** Delete File: other.py\n") is not None
    assert asked("apply_patch", input=mine + "*** Add File: sub/../new.py\n+x\n") is not None


def test_tools_of_servers_that_write_are_judged_by_the_paths_they_name(asked: Judge) -> None:
    assert asked("mcp__files__write_file", path="other.py") is not None
    assert asked("mcp__files__move_file", source="calc.py", destination="other.py") is not None
    assert asked("mcp__files__read_file", path="other.py") is None


@pytest.mark.parametrize(
    ("tool", "tool_input"),
    [
        ("mcp__fs__write_many", {"files": [{"path": "calc.py"}, {"path": "other.py"}]}),
        ("mcp__fs__edit", {"targetFile": "other.py", "code": "x"}),
        ("mcp__fs__delete", {"file_paths": ["calc.py", "other.py"]}),
        ("mcp__fs__save", {"uri": "file:///etc/passwd"}),
        ("mcp__fs__write_many", {"files": {"other.py": "x = 2\n"}}),
        ("create_file", {"path": "other.py"}),
        ("mcp__box__execute", {"command": "echo x > other.py"}),
        ("mcp__box__run_shell", {"cmd": "git commit -m x"}),
        ("PowerShell", {"command": "Set-Content -Path other.py -Value 1"}),
        ("PowerShell", {"command": "Remove-Item other.py"}),
        ("PowerShell", {"command": "git push"}),
    ],
)
def test_a_tool_that_says_that_it_writes_or_runs_is_denied_what_is_not_its_own(
    asked: Judge, tool: str, tool_input: dict[str, Any]
) -> None:
    assert asked(tool, **tool_input) is not None


@pytest.mark.parametrize(
    ("tool", "tool_input"),
    [
        ("mcp__fs__write_many", {"files": [{"path": "calc.py", "content": "see other.py\nand more"}]}),
        ("mcp__fs__edit", {"path": "calc.py", "old": "other.py", "new": "other/x.py"}),
        ("mcp__db__update_row", {"table": "users", "row": {"name": "x"}}),
        ("mcp__web__create_page", {"url": "https://example.org/other.py"}),
        ("mcp__box__execute", {"command": "ls other.py"}),
        ("mcp__box__run", {"task": "look"}),
        ("TodoWrite", {"todos": [{"file": "other.py"}]}),
        ("Read", {"file_path": "other.py"}),
        ("PowerShell", {"command": "Get-Content other.py"}),
        ("PowerShell", {"command": "Set-Content -Path calc.py -Value 1"}),
    ],
)
def test_a_tool_that_writes_nothing_of_others_is_let_through(
    asked: Judge, tool: str, tool_input: dict[str, Any]
) -> None:
    assert asked(tool, **tool_input) is None


def test_an_input_of_an_unknown_writing_tool_without_end_is_not_judged(asked: Judge) -> None:
    deep: dict[str, Any] = {}
    for _ in range(50):
        deep = {"path": deep}
    with pytest.raises(ValueError, match="nested"):
        asked("mcp__fs__write", **deep)
    with pytest.raises(ValueError, match="too many"):
        asked("mcp__fs__write", paths=["calc.py"] * 3000)


@pytest.mark.parametrize("command", ["approve WP1", "apply", "commit --all", "undo WP2", "reject WP1"])
def test_what_lands_is_not_decided_by_agents(asked: Judge, command: str) -> None:
    refusal = asked("Bash", command=f"cd sub && polly {command}")
    assert refusal is not None
    assert "for a person" in refusal.reason


def test_the_way_out_is_named_when_there_is_a_run_to_ask(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "owned.txt").write_text("calc.py\n", encoding="utf-8")
    environ = {
        "POLLY_OWNED_FILES": str(tmp_path / "owned.txt"),
        "POLLY_WORKSPACE": str(tree),
        "POLLY_REQUESTS": str(tmp_path),
    }
    owned = Owned(environ, is_tracked)
    assert "polly request-file other.py --reason" in owned.advice("other.py")
    assert "polly request-file 'it'\\''s; rm x.py' --reason" in owned.advice("it's; rm x.py")
    assert all("request-file" not in owned.advice(path) for path in ("/etc/passwd", "../x", "~/x"))


@pytest.mark.parametrize(
    ("tool", "tool_input"),
    [
        ("Write", {}),
        ("Edit", {"file_path": 3}),
        ("apply_patch", {"command": "nothing"}),
        ("Bash", {}),
        ("", {}),
    ],
)
def test_a_call_that_cannot_be_judged_raises(asked: Judge, tool: str, tool_input: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="names no"):
        asked(tool, **tool_input)


ALLOWED = [
    "git status",
    "git --no-pager diff --stat",
    "git log --oneline | head -3",
    "git -c color.ui=never show HEAD:calc.py",
    "git stash list; git branch --show-current",
    'echo "git commit" # git push',
    "cat > calc.py <<EOF\n> other.py\ngit commit\nEOF",
    "sed -i s/a/b/ calc.py && python -m pytest -q 2>&1 | tail",
    "sed -n 1p other.py",
    "echo x 2>/dev/null >&2",
    'python -c "print(1 > 2)"',
    'grep "a > b" other.py',
    "x=$((1 > 2)); (( y > other )); [[ a > other.py ]]",
    "cp other.py tests/test_copy.py",
    "rm -f nowhere.txt",
    "cd sub && cat x.py > new.py",
    "echo x > $OUT/file",
]
DENIED = [
    "git commit -am x",
    "git push",
    "git stash",
    "git checkout .",
    "git switch main",
    "git reset --hard",
    "git restore calc.py",
    "git add -A",
    "git apply x.patch",
    "git branch new",
    "git config user.name x",
    "git -C sub commit",
    "git -c alias.x=!sh x",
    "git diff --output=other.py",
    "git unknown-alias",
    "make && git commit",
    "echo a; (git commit)",
    "if true; then git commit; fi",
    "for f in a; do git add $f; done",
    "f() { git commit; }; f",
    "case x in a) git commit ;; esac",
    "echo $(git checkout .) `true`",
    'echo "$(git checkout .)"',
    "true `git commit`",
    "diff <(git stash) calc.py",
    "FOO=1 env -i /usr/bin/git commit",
    "sudo -u x nice -n 5 git commit",
    "timeout -s KILL 5 git commit",
    'bash -c "git reset --hard"',
    "bash -lc 'cd sub; git reset'",
    "sh <<EOF\ngit commit\nEOF",
    "eval git commit",
    "echo a | xargs -n 1 git add",
    "find . -name x -exec git add {} \\;",
    '"g"i\\t commit',
    "$GIT commit",
    "git \\\n commit",
    "echo x > other.py",
    "echo x >| other.py",
    "echo x &> other.py",
    "printf a >>other.py",
    "cat > other.py <<'EOF'\nx\nEOF",
    "cat calc.py | while read l; do echo $l >> other.py; done",
    "cd sub && echo x > ../other.py",
    "(cd sub; echo > new.py); echo > other.py",
    "tee -a other.py < calc.py",
    "sed -i.bak s/a/b/ other.py",
    "sed -i -e s/a/b/ other.py",
    "perl -pi -e s/a/b/ other.py",
    "cp calc.py other.py",
    "cp calc.py other.py .",
    "mv other.py calc.py",
    "rm other.py",
    "touch calc.py other.py",
    "dd if=/dev/zero of=other.py",
    "ln -sf calc.py other.py",
    "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: other/bad.py\n+x\n*** End Patch\nEOF",
    "echo x > /etc/cron.d/x",
    "echo x > ~/elsewhere",
]


@pytest.mark.parametrize("command", ALLOWED)
def test_commands_that_look_or_write_owned_files_are_let_through(asked: Judge, command: str) -> None:
    assert asked("Bash", command=command) is None


@pytest.mark.parametrize("command", DENIED)
def test_git_writes_and_obvious_writes_elsewhere_are_denied(asked: Judge, command: str) -> None:
    assert asked("Bash", command=command) is not None


def test_a_command_given_as_words_is_judged_as_well(owned: Owned, tree: Path) -> None:
    value = {"tool_name": "shell", "tool_input": {"command": ["bash", "-lc", "git commit"]}, "cwd": str(tree)}
    assert judge(value, owned) is not None


@given(st.text(alphabet="abc $(){}<>|&;'\"`\\\n#=-git", max_size=80))
def test_no_text_breaks_the_reading_of_commands(text: str) -> None:
    from polly.hooks.shell_text import read_commands

    read_commands(text)


def test_nesting_without_end_is_not_judged() -> None:
    from polly.hooks.shell_text import read_commands

    with pytest.raises(ValueError, match="nested too deeply"):
        read_commands("$(" * 50 + "x" + ")" * 50)


def test_the_tree_tells_what_was_written_beside_the_owned_files(owned: Owned, tree: Path) -> None:
    assert strays(owned) == []
    (tree / "calc.py").write_text("mine\n")
    (tree / "sub" / "new.py").write_text("mine, by a glob\n")
    (tree / "sub" / "x.py").write_text("not mine: it was there\n")
    (tree / "a b\n.txt").write_text("stray\n")
    (tree / "other.py").unlink()
    assert sorted(strays(owned)) == ["a b\n.txt", "other.py", "sub/x.py"]


SEGMENT = st.text(alphabet="ab*.", min_size=1, max_size=5)


@given(st.lists(SEGMENT | st.just("**"), min_size=1, max_size=4), st.lists(SEGMENT, min_size=1, max_size=4))
def test_globs_mean_what_they_mean_in_a_plan(glob: list[str], path: list[str]) -> None:
    one, other = "/".join(glob), "/".join(path).replace("*", "a")
    assert glob_matches(one, other) == plan.glob_matches(one, other)


@pytest.mark.skipif(os.name == "nt", reason="there an empty list is written in another way")
def test_a_list_that_cannot_be_read_raises(tree: Path, tmp_path: Path) -> None:
    environ = {"POLLY_OWNED_FILES": str(tmp_path / "gone"), "POLLY_WORKSPACE": str(tree)}
    with pytest.raises(OSError, match="gone"):
        Owned(environ, is_tracked)
