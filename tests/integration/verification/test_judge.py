import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from polly.errors import ToolError
from polly.settings import CheckSettings, RescanSettings, Settings
from polly.verification.judge import Judgement, PackageJudge
from polly.work.plan import GateCommand
from polly.work.run import Claim, EvidenceKind, EvidenceStatus, GateScope, GateStatus, Verdict
from polly.workspaces.checkout import Workspaces

from .conftest import Commit, issue, package, python

Make = Callable[..., PackageJudge]

FIRST = issue("FIXME first", "a.txt", 2, issue_id="T1")
SECOND = issue("FIXME second", "b.txt", 1, issue_id="T2")
REVIEW = issue("says a reviewer", "a.txt", 1, issue_id="C1", tool="a person")

BOTH = package("WP1", ("T1", "C1"), "a.txt")

#: The word "good" in a.txt settles the reviewer's issue.
GOOD = CheckSettings(
    issues=("C1", "of another plan"),
    command=python("import pathlib; assert 'good' in pathlib.Path('a.txt').read_text(), 'not good yet'"),
)
SETTINGS = Settings(
    rescan={"fixmes": RescanSettings(command=(sys.executable, "scan.py"), format="lines")},
    checks=(GOOD,),
)


def judge(
    judge: PackageJudge,
    base: str,
    commit: str,
    *changed: str,
    claims: dict[str, Claim] | None = None,
) -> Judgement:
    return asyncio.run(
        judge.judge(BOTH, base=base, commit=commit, changed=changed, claims=claims or {}, label="WP1-1")
    )


def verdicts(judgement: Judgement) -> dict[str, Verdict]:
    return {outcome.issue: outcome.verdict for outcome in judgement.outcomes}


def test_what_scanner_and_check_prove_is_fixed(make_judge: Make, base: str, commit: Commit) -> None:
    judged = judge(
        make_judge((FIRST, REVIEW), (BOTH,), settings=SETTINGS), base, commit({"a.txt": "good\n"}), "a.txt"
    )
    assert verdicts(judged) == {"T1": Verdict.FIXED, "C1": Verdict.FIXED}
    assert [each.evidence[0].kind for each in judged.outcomes] == [EvidenceKind.RESCAN, EvidenceKind.CHECK]
    assert judged.is_green
    assert judged.feedback is None
    assert set(judged.seconds) == {"gates", "evidence"}


def test_what_is_not_fixed_is_told_to_the_next_attempt(make_judge: Make, base: str, commit: Commit) -> None:
    judged = judge(
        make_judge((FIRST, REVIEW), (BOTH,), settings=SETTINGS),
        base,
        commit({"a.txt": "FIXME first\n"}),
        "a.txt",
        claims={"T1": Claim(status="fixed", note="really")},
    )
    assert verdicts(judged) == {"T1": Verdict.NOT_FIXED, "C1": Verdict.NOT_FIXED}
    assert judged.outcomes[0].evidence[-1].kind is EvidenceKind.CLAIM
    assert judged.feedback is not None
    assert "a.txt:1 T1 FIXME first" in judged.feedback
    assert "not good yet" in judged.feedback
    assert "really" not in judged.feedback


def test_a_red_gate_keeps_everything_from_being_fixed(make_judge: Make, base: str, commit: Commit) -> None:
    gates = (GateCommand(command=python("raise SystemExit('2 tests failed')"), name="tests"),)
    only_now = (
        GateCommand(
            command=python(
                "import pathlib; assert 'good' not in pathlib.Path('a.txt').read_text(), '2 tests failed'"
            ),
            name="tests",
        ),
    )
    good = commit({"a.txt": "good\n"})
    red = judge(
        make_judge((FIRST, REVIEW), (BOTH,), settings=SETTINGS, package_gates=only_now), base, good, "a.txt"
    )
    assert [(gate.name, gate.status) for gate in red.gates] == [("tests", GateStatus.FAILED)]
    assert verdicts(red) == {"T1": Verdict.NOT_FIXED, "C1": Verdict.NOT_FIXED}
    assert {each.evidence[0].status for each in red.outcomes} == {EvidenceStatus.FIXED}
    assert red.feedback is not None
    assert "2 tests failed" in red.feedback

    excused = judge(
        make_judge((FIRST, REVIEW), (BOTH,), settings=SETTINGS, package_gates=gates), base, good, "a.txt"
    )
    assert [gate.status for gate in excused.gates] == [GateStatus.RED_BEFORE]
    assert verdicts(excused) == {"T1": Verdict.FIXED, "C1": Verdict.FIXED}


def test_the_gates_of_a_role_judge_the_packages_of_that_role_alone(
    make_judge: Make, base: str, commit: Commit
) -> None:
    only_now = python("import pathlib; assert 'good' not in pathlib.Path('a.txt').read_text()")
    for_all = GateCommand(command=python("pass"), name="for all")
    role_gates = {
        BOTH.role: (GateCommand(command=only_now, name="of the role"), for_all),
        "another": (GateCommand(command=only_now, name="of another"),),
    }
    judge_of = make_judge((FIRST, REVIEW), (BOTH,), package_gates=(for_all,), role_gates=role_gates)
    judged = judge(judge_of, base, commit({"a.txt": "good\n"}), "a.txt")
    assert [(gate.name, gate.status) for gate in judged.gates] == [
        ("for all", GateStatus.PASSED),
        ("of the role", GateStatus.FAILED),
    ]


def test_a_file_that_does_not_parse_spares_the_commands(
    make_judge: Make, base: str, commit: Commit, tmp_path: Path
) -> None:
    gates = (GateCommand(command=python(f"open({str(tmp_path / 'ran')!r}, 'w').close()"), name="tests"),)
    judged = judge(
        make_judge((FIRST, REVIEW), (BOTH,), settings=SETTINGS, package_gates=gates),
        base,
        commit({"a.py": "x = (\n"}),
        "a.py",
    )
    assert [(gate.name, gate.status) for gate in judged.gates] == [("syntax: python", GateStatus.FAILED)]
    assert verdicts(judged) == {"T1": Verdict.NOT_FIXED, "C1": Verdict.NOT_FIXED}
    assert not (tmp_path / "ran").exists()
    assert judged.feedback is not None
    assert "a.py:1:" in judged.feedback


def test_without_any_means_of_proof_an_issue_is_unverifiable(
    make_judge: Make, base: str, commit: Commit
) -> None:
    judged = judge(
        make_judge((FIRST, REVIEW), (BOTH,)),
        base,
        commit({"a.txt": "good\n"}),
        "a.txt",
        claims={"T1": Claim(status="fixed"), "C1": Claim(status="declined", note="a wrong finding")},
    )
    assert verdicts(judged) == {"T1": Verdict.UNVERIFIABLE, "C1": Verdict.DECLINED}
    assert judged.feedback is None


def test_a_package_that_changed_nothing_is_judged_without_a_command(make_judge: Make, base: str) -> None:
    judged = judge(
        make_judge((FIRST, REVIEW), (BOTH,), settings=SETTINGS),
        base,
        base,
        claims={"C1": Claim(status="declined")},
    )
    assert verdicts(judged) == {"T1": Verdict.NOT_FIXED, "C1": Verdict.DECLINED}
    assert judged.gates == ()
    assert judged.feedback is not None


def test_tampering_is_found_in_the_real_difference(make_judge: Make, base: str, commit: Commit) -> None:
    judged = judge(
        make_judge((FIRST,), (BOTH,)),
        base,
        commit({"a.py": "import os  # noqa\n", "x.bin": b"\0\1"}),
        "a.py",
        "x.bin",
    )
    assert [(each.package, each.path, each.kind) for each in judged.tampering] == [
        ("WP1", "a.py", "suppression")
    ]


def test_a_broken_scanner_makes_an_issue_unverifiable_with_the_reason(
    make_judge: Make, base: str, commit: Commit
) -> None:
    settings = Settings(rescan={"fixmes": RescanSettings(command=("no-such-scanner-here",))})
    judged = judge(
        make_judge((FIRST,), (BOTH,), settings=settings), base, commit({"a.txt": "good\n"}), "a.txt"
    )
    assert verdicts(judged)["T1"] is Verdict.UNVERIFIABLE
    assert "no-such-scanner-here" in judged.outcomes[0].evidence[0].detail


def test_the_base_is_looked_at_once_for_all_packages_and_only_for_what_is_planned(
    make_judge: Make, base: str, commit: Commit, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    note = python(
        "import pathlib; file = pathlib.Path('a.txt').read_text()\n"
        f"open({str(seen)!r}, 'a').write('base ' if 'FIXME' in file else 'package ')"
    )
    settings = Settings(
        checks=(
            CheckSettings(issues=("C1",), command=note),
            CheckSettings(issues=("unplanned",), command=note),
        )
    )
    judge = make_judge((REVIEW,), (BOTH,), settings=settings)
    good = commit({"a.txt": "good\n"})

    async def both() -> None:
        await asyncio.gather(
            judge.prepare(base),
            *(
                judge.judge(BOTH, base=base, commit=good, changed=["a.txt"], claims={}, label=label)
                for label in ("one", "two")
            ),
        )

    asyncio.run(both())
    assert sorted(seen.read_text().split()) == ["base", "package", "package"]


def test_a_package_gate_that_cannot_be_started_is_said_before_any_agent_works(
    make_judge: Make, base: str
) -> None:
    judge = make_judge((FIRST,), (BOTH,), package_gates=(GateCommand(command=("pytst",)),))
    with pytest.raises(ToolError, match="`pytst` cannot be run") as caught:
        asyncio.run(judge.prepare(base))
    assert caught.value.next_step is not None


def test_post_gates_are_compared_with_the_base_only_when_one_is_red(
    make_judge: Make, base: str, commit: Commit, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    old = GateCommand(
        command=python(f"open({str(seen)!r}, 'a').write('x'); raise SystemExit('old')"), name="old"
    )
    new = GateCommand(
        command=python("import pathlib; assert 'FIXME' in pathlib.Path('b.txt').read_text()"), name="new"
    )
    judge = make_judge((FIRST,), (BOTH,), post_gates=(old, new))
    combined = commit({"b.txt": "good\n"})

    async def twice() -> list[dict[str, GateStatus]]:
        results = [await judge.judge_combined(combined, f"post-{number}") for number in (1, 2)]
        assert {each.scope for result in results for each in result} == {GateScope.POST}
        return [{each.name: each.status for each in result} for result in results]

    expected = {"old": GateStatus.RED_BEFORE, "new": GateStatus.FAILED}
    assert asyncio.run(twice()) == [expected, expected]
    assert seen.read_text() == "xxx"

    green = make_judge((FIRST,), (BOTH,), post_gates=(new,))
    assert [each.status for each in asyncio.run(green.judge_combined(base, "post"))] == [GateStatus.PASSED]


def test_a_judgement_that_is_interrupted_leaves_no_checkout_and_no_process(
    make_judge: Make, base: str, commit: Commit, workspaces: Workspaces
) -> None:
    good = commit({"a.txt": "good\n"})

    async def main() -> None:
        started, ended = asyncio.Event(), asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            started.set()
            await reader.read()
            ended.set()
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        hang = (
            "import pathlib, socket, time\nif 'good' in pathlib.Path('a.txt').read_text():\n"
            f"    line = socket.create_connection(('127.0.0.1', {port}))\n    time.sleep(600)"
        )
        gates = (GateCommand(command=python(hang), name="hangs"),)
        judge = make_judge((FIRST, REVIEW), (BOTH,), settings=SETTINGS, package_gates=gates)
        work: Coroutine[Any, Any, Judgement] = judge.judge(
            BOTH, base=base, commit=good, changed=["a.txt"], claims={}, label="WP1-1"
        )
        task = asyncio.create_task(work)
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await ended.wait()
        server.close()
        await server.wait_closed()

    asyncio.run(main())
    assert list(workspaces.root.iterdir()) == []
