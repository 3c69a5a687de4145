import asyncio
from pathlib import Path

import pytest

from polly.errors import ToolError
from polly.settings import WorkspaceSettings
from polly.verification.gates import run_gates
from polly.work.plan import GateCommand
from polly.work.run import GateResult, GateScope, GateStatus
from polly.workspaces.checkout import Workspaces

from .conftest import Commit, python


def run(
    workspaces: Workspaces,
    commit: str,
    *gates: GateCommand,
    red_before: frozenset[str] = frozenset(),
) -> tuple[GateResult, ...]:
    async def main() -> tuple[GateResult, ...]:
        return await run_gates(
            gates,
            scope=GateScope.PACKAGE,
            commit=commit,
            label="WP1-gates",
            workspaces=workspaces,
            red_before=red_before,
            limit=asyncio.Semaphore(2),
            serial=asyncio.Lock(),
        )

    return asyncio.run(main())


def gate(code: str, name: str = "gate", *, serial: bool = False, timeout_seconds: float = 60) -> GateCommand:
    return GateCommand(command=python(code), name=name, serial=serial, timeout_seconds=timeout_seconds)


def test_gates_see_the_frozen_tree_and_nothing_later(
    workspaces: Workspaces, commit: Commit, repo: Path
) -> None:
    changed = commit({"a.txt": "changed"})
    (repo / "a.txt").write_text("edited afterwards", encoding="utf-8")
    code = "import pathlib; assert pathlib.Path('a.txt').read_text() == 'changed'"
    (result,) = run(workspaces, changed, gate(code))
    assert (result.status, result.output) == (GateStatus.PASSED, "")
    assert result.tree == workspaces.store.tree_of(changed)


def test_secrets_that_a_gate_prints_are_kept_out_and_counted(workspaces: Workspaces, base: str) -> None:
    secret = "ghp_" + "a1B2" * 9
    (result,) = run(workspaces, base, gate(f"print('{secret}'); raise SystemExit(1)"))
    assert secret not in result.output
    assert sum(result.redactions.values()) == 1


def test_results_come_in_order_each_with_its_output(workspaces: Workspaces, base: str) -> None:
    results = run(
        workspaces,
        base,
        gate("raise SystemExit('first went wrong')", "first"),
        gate("pass", "second"),
        gate("print('x' * 20000); print('last words'); raise SystemExit(3)", "third", serial=True),
    )
    assert [(each.name, each.status) for each in results] == [
        ("first", GateStatus.FAILED),
        ("second", GateStatus.PASSED),
        ("third", GateStatus.FAILED),
    ]
    assert "first went wrong" in results[0].output
    assert "last words" in results[2].output
    assert len(results[2].output) < 10_000


def test_a_string_runs_through_the_shell(workspaces: Workspaces, base: str) -> None:
    (result,) = run(workspaces, base, GateCommand(command="exit 0 && exit 1"))
    assert (result.name, result.status) == ("exit 0 && exit 1", GateStatus.PASSED)


def test_a_gate_that_hangs_is_timed_out(workspaces: Workspaces, base: str) -> None:
    (result,) = run(workspaces, base, gate("import time; time.sleep(600)", timeout_seconds=0.5))
    assert result.status is GateStatus.TIMED_OUT
    assert result.output


def test_a_gate_that_cannot_be_started_is_an_error(workspaces: Workspaces, base: str) -> None:
    (result,) = run(workspaces, base, GateCommand(command=("no-such-program-here",)))
    assert result.status is GateStatus.ERROR
    assert "no-such-program-here" in result.output


def test_a_gate_that_was_red_before_is_excused_and_keeps_its_output(
    workspaces: Workspaces, base: str
) -> None:
    results = run(
        workspaces,
        base,
        gate("raise SystemExit('old')", "old"),
        gate("raise SystemExit('new')", "new"),
        red_before=frozenset({"old"}),
    )
    assert [each.status for each in results] == [GateStatus.RED_BEFORE, GateStatus.FAILED]
    assert "old" in results[0].output


def test_secrets_in_a_gates_output_are_not_kept(workspaces: Workspaces, base: str) -> None:
    secret = "ghp_" + "a1B2" * 9
    (result,) = run(workspaces, base, gate(f"print('{secret}'); raise SystemExit(1)"))
    assert result.output
    assert secret not in result.output


def test_nothing_is_left_of_the_checkout(workspaces: Workspaces, base: str) -> None:
    run(workspaces, base, gate("open('made', 'w').close()"))
    assert list(workspaces.root.iterdir()) == []


def test_without_gates_nothing_is_checked_out(workspaces: Workspaces) -> None:
    assert run(workspaces, "no such commit") == ()


def test_a_setup_that_fails_is_nobodys_red_gate(workspaces: Workspaces, base: str) -> None:
    broken = Workspaces(
        store=workspaces.store,
        root=workspaces.root,
        project_root=workspaces.project_root,
        settings=WorkspaceSettings(setup=("exit 3",)),
    )
    with pytest.raises(ToolError, match="exit 3"):
        run(broken, base, gate("pass"))


def test_serial_gates_of_two_packages_never_overlap(
    workspaces: Workspaces, base: str, tmp_path: Path
) -> None:
    code = (
        f"import os; os.mkdir({str(tmp_path / 'alone')!r})\n"
        "for _ in range(20000): os.getpid()\n"
        f"os.rmdir({str(tmp_path / 'alone')!r})"
    )

    async def main() -> list[tuple[GateResult, ...]]:
        limit, serial = asyncio.Semaphore(4), asyncio.Lock()
        return await asyncio.gather(
            *(
                run_gates(
                    [gate(code, serial=True)],
                    scope=GateScope.PACKAGE,
                    commit=base,
                    label=f"WP{number}",
                    workspaces=workspaces,
                    limit=limit,
                    serial=serial,
                )
                for number in range(4)
            )
        )

    assert {result.status for (result,) in asyncio.run(main())} == {GateStatus.PASSED}
