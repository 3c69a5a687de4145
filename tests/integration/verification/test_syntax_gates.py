import os
import shutil

import pytest

from polly.verification.syntax import syntax_gates
from polly.work.run import GateScope, GateStatus
from polly.workspaces.store import TreeStore

from .conftest import Commit

GOOD = {
    "a.py": "x = 1\n",
    "tool": "#!/usr/bin/env -S python3 -u\nx = 1\n",
    "b.json": "{}",
    "c.yml": "a: 1\n",
    "d.toml": "a = 1\n",
    "e.sql": "SELECT 1;",
    "readme.md": "# {{{\n",
}
BAD = {
    "a.py": "x = (\n",
    "tool": "#!/usr/bin/env -S python3 -u\nx = (\n",
    "b.json": "{",
    "c.yml": "a: [\n",
    "d.toml": "a = \n",
    "e.sql": "SELECT (1",
    "readme.md": "# }}}\n",
}
LANGUAGES = ["python", "json", "yaml", "toml", "sql"]


def test_each_language_touched_has_one_gate(store: TreeStore, base: str, commit: Commit) -> None:
    good = commit(GOOD)
    results = syntax_gates(store, base, good, list(GOOD))
    assert [result.name for result in results] == [f"syntax: {language}" for language in LANGUAGES]
    assert {result.status for result in results} == {GateStatus.PASSED}
    assert {result.scope for result in results} == {GateScope.PACKAGE}
    assert {result.tree for result in results} == {store.tree_of(good)}


def test_each_broken_file_is_named_with_its_line(store: TreeStore, base: str, commit: Commit) -> None:
    results = syntax_gates(store, base, commit(BAD), list(BAD))
    assert {result.status for result in results} == {GateStatus.FAILED}
    python = results[0].output.splitlines()
    assert [line.split(" ")[0] for line in python] == ["a.py:1:", "tool:2:"]


def test_what_was_broken_at_the_base_blames_nobody(store: TreeStore, commit: Commit) -> None:
    old = commit(BAD)
    new = commit({path: f"{text} " for path, text in BAD.items()})
    results = syntax_gates(store, old, new, list(BAD))
    assert {result.status for result in results} == {GateStatus.RED_BEFORE}
    assert "at the base too" in results[0].output


def test_one_newly_broken_file_is_enough(store: TreeStore, commit: Commit) -> None:
    old = commit({"a.py": "x = (\n", "b.py": "x = 1\n"})
    (result,) = syntax_gates(store, old, commit({"a.py": "y = (\n", "b.py": "y = (\n"}), ["a.py", "b.py"])
    assert result.status is GateStatus.FAILED
    assert result.output.splitlines()[0].startswith("b.py:1:")


def test_files_that_are_deleted_links_or_untouched_are_not_judged(
    store: TreeStore, base: str, commit: Commit
) -> None:
    old = commit(BAD)
    assert syntax_gates(store, old, base, list(BAD)) == ()
    assert syntax_gates(store, base, old, []) == ()


def test_a_file_too_large_to_judge_is_named_beside_the_others(
    store: TreeStore, base: str, commit: Commit
) -> None:
    large = commit({"big.sql": "SELECT (" * 30_000, "small.sql": "SELECT 1;"})
    (result,) = syntax_gates(store, base, large, ["big.sql", "small.sql"])
    assert (result.status, result.output.split(":")[:2]) == (GateStatus.PASSED, ["not judged", " big.sql"])


def test_a_language_of_which_nothing_can_be_judged_has_no_gate(
    store: TreeStore, base: str, commit: Commit
) -> None:
    large = commit({"big.sql": "SELECT (" * 30_000})
    assert syntax_gates(store, base, large, ["big.sql"]) == ()


def test_json_that_may_have_comments_is_left_alone(store: TreeStore, base: str, commit: Commit) -> None:
    files = {
        "tsconfig.json": "// c\n{}",
        ".vscode/settings.json": "// c\n{}",
        "web/tsconfig.app.json": "//\n{}",
    }
    assert syntax_gates(store, base, commit(files), list(files)) == ()


def test_many_broken_files_are_counted(store: TreeStore, base: str, commit: Commit) -> None:
    files = {f"f{number:02}.py": "x = (\n" for number in range(40)}
    (result,) = syntax_gates(store, base, commit(files), list(files))
    assert result.output.splitlines()[-1] == "and 10 more files"


@pytest.mark.skipif(os.name == "nt", reason="file names of any bytes are a POSIX matter")
def test_an_odd_file_name_can_be_told(store: TreeStore, base: str, commit: Commit) -> None:
    path = os.fsdecode(b"\xff.py")
    (result,) = syntax_gates(store, base, commit({path: "x = (\n"}), [path])
    assert result.output.encode("utf-8").startswith(b"\\xff.py:1:")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("path", ["run.sh", "hooks/run", "run.bash"])
def test_shell_scripts_are_known_by_suffix_or_first_line(
    path: str, store: TreeStore, base: str, commit: Commit
) -> None:
    (result,) = syntax_gates(store, base, commit({path: "#!/usr/bin/env bash\nif [[ 1 ]]\nfi\n"}), [path])
    assert (result.name, result.status) == ("syntax: shell", GateStatus.FAILED)
    assert result.output.startswith(f"{path}:3: ")
