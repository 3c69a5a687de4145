import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from polly.settings import CheckSettings, RescanSettings
from polly.verification.checks import CheckRun, checks_at
from polly.verification.rescan import Scan, rescan
from polly.verification.rescan_evidence import judge_rescan
from polly.work.issues import Issue
from polly.work.run import EvidenceStatus, GateStatus
from polly.workspaces.checkout import Workspaces

from .conftest import Commit, issue, python, read_lines

SCAN = (sys.executable, "scan.py")


def scan(workspaces: Workspaces, commit: str, *command: str, timeout: float = 60) -> Scan:
    return asyncio.run(
        rescan(
            "fixmes",
            RescanSettings(command=command or SCAN, format="lines", timeout=timeout),
            commit=commit,
            label="scan",
            workspaces=workspaces,
            read_findings=read_lines,
        )
    )


@pytest.mark.parametrize("output", [(), ("{output}",)], ids=["stdout", "file"])
def test_findings_are_read_from_stdout_alone_or_from_a_file(
    output: tuple[str, ...], workspaces: Workspaces, base: str
) -> None:
    found = scan(workspaces, base, *SCAN, *output)
    assert found.error is None
    assert set(found.findings) == {"a.txt FIXME first", "b.txt FIXME second"}
    assert found.lines == {"a.txt FIXME first": "FIXME first", "b.txt FIXME second": "FIXME second"}
    assert (found.exit_code, found.tree) == (1, workspaces.store.tree_of(base))


@pytest.mark.parametrize("output", ["", " {output}"], ids=["stdout", "file"])
def test_a_command_line_is_run_by_the_shell(output: str, workspaces: Workspaces, base: str) -> None:
    spaced = Workspaces(
        store=workspaces.store,
        root=workspaces.root / "with a space; and 'more'",
        project_root=workspaces.project_root,
        settings=workspaces.settings,
    )
    command = subprocess.list2cmdline([sys.executable, "scan.py"]) + output
    found = asyncio.run(
        rescan(
            "fixmes",
            RescanSettings(command=command, format="lines"),
            commit=base,
            label="scan",
            workspaces=spaced,
            read_findings=read_lines,
        )
    )
    assert (len(found.findings), found.error, found.command) == (2, None, command)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("no-such-scanner-here",), "no-such-scanner-here cannot be started"),
        (("no-such-scanner-here", "{output}"), "could not be run"),
        (
            python("import sys; sys.exit('bad option')"),
            "wrote no findings and ended with status 1\nbad option",
        ),
        (python("print('not what you asked for')"), "cannot be read as lines"),
    ],
)
def test_a_scanner_without_readable_output_is_an_error_with_its_words(
    command: tuple[str, ...], reason: str, workspaces: Workspaces, base: str
) -> None:
    found = scan(workspaces, base, *command)
    assert found.error is not None
    assert reason in found.error
    assert found.findings == {}


def test_a_scanner_that_hangs_is_an_error(workspaces: Workspaces, base: str) -> None:
    found = scan(
        workspaces, base, *python("import time; print('[]', flush=True); time.sleep(600)"), timeout=0.5
    )
    assert found.error is not None
    assert "not done in time" in found.error


def test_output_is_read_whole_however_long_and_whatever_it_holds(workspaces: Workspaces, base: str) -> None:
    secret = "ghp_" + "a1B2" * 9
    code = (
        "import json; print(json.dumps([{'path': 'a.txt', 'line': n, 'message': f'{n} "
        + secret
        + " ' + 'x' * 200} for n in range(10000)]))"
    )
    found = scan(workspaces, base, *python(code))
    assert (len(found.findings), found.error) == (10_000, None)
    assert all(secret in each.title for each in found.findings.values())


def test_evidence_of_two_real_scans_holds_no_secret(workspaces: Workspaces, commit: Commit) -> None:
    secret = "ghp_" + "a1B2" * 9
    before = scan(workspaces, commit({"a.txt": f"FIXME {secret}\n"}))
    (target,) = [each for each in before.findings.values() if each.paths == ("a.txt",)]
    evidence = judge_rescan([target], before, before, ["a.txt"])[target.id]
    assert evidence.status is EvidenceStatus.NOT_FIXED
    assert secret not in evidence.detail


def read_ruff(text: bytes, _format: str, root: Path) -> tuple[Issue, ...]:
    results = json.loads(text)["runs"][0]["results"]
    found = []
    for result in results:
        place = result["locations"][0]["physicalLocation"]
        path = (
            Path(place["artifactLocation"]["uri"].removeprefix("file://"))
            .relative_to(root.resolve())
            .as_posix()
        )
        title = result["message"]["text"]
        mark = f"{result['ruleId']} {path} {title}"
        found.append(issue(title, path, place["region"]["startLine"], mark=mark, tool="ruff"))
    return tuple(found)


def test_real_ruff_proves_what_was_fixed_and_what_came_new(workspaces: Workspaces, commit: Commit) -> None:
    ruff = Path(sys.executable).with_name("ruff.exe" if sys.platform == "win32" else "ruff")
    if not ruff.exists():
        pytest.skip("ruff is not beside this Python")
    command = (str(ruff), "check", "--isolated", "--no-cache", "--select=F", "--output-format=sarif", ".")
    commits = [
        commit({"m.py": "import os\nimport sys\nprint(os)\n"}),
        commit({"m.py": "import os\nprint(os)\n"}),
        commit({"m.py": "import os\nprint(os, missing)\n"}),
    ]
    before, good, worse = (
        asyncio.run(
            rescan(
                "ruff",
                RescanSettings(command=command),
                commit=each,
                label="ruff",
                workspaces=workspaces,
                read_findings=read_ruff,
            )
        )
        for each in commits
    )
    (target,) = before.findings.values()
    assert "`sys`" in target.title

    def status(after: Scan) -> EvidenceStatus:
        return judge_rescan([target], before, after, ["m.py"])[target.id].status

    assert status(before) is EvidenceStatus.NOT_FIXED
    assert status(good) is EvidenceStatus.FIXED
    assert status(worse) is EvidenceStatus.NEW_FINDING


def checks(workspaces: Workspaces, commit: str, *checks: CheckSettings) -> dict[int, CheckRun]:
    async def main() -> dict[int, CheckRun]:
        settings = dict(enumerate(checks, start=10))
        return await checks_at(
            settings, commit=commit, label="checks", workspaces=workspaces, limit=asyncio.Semaphore(2)
        )

    return asyncio.run(main())


def check(*command: str, timeout: float = 60) -> CheckSettings:
    return CheckSettings(issues=("C1",), command=command, timeout=timeout)


def test_checks_say_passed_failed_or_that_they_could_not_run(workspaces: Workspaces, base: str) -> None:
    runs = checks(
        workspaces,
        base,
        check(*python("import pathlib; assert 'FIXME' in pathlib.Path('a.txt').read_text()")),
        check(*python("raise SystemExit('still wrong')")),
        check("no-such-check-here"),
        check(*python("import time; time.sleep(600)"), timeout=0.5),
    )
    assert {number: run.passed for number, run in runs.items()} == {10: True, 11: False, 12: None, 13: None}
    assert [run.status for run in runs.values()] == [
        GateStatus.PASSED,
        GateStatus.FAILED,
        GateStatus.ERROR,
        GateStatus.TIMED_OUT,
    ]
    assert "still wrong" in runs[11].output
    assert {run.tree for run in runs.values()} == {workspaces.store.tree_of(base)}


def test_without_checks_nothing_is_checked_out(workspaces: Workspaces) -> None:
    assert checks(workspaces, "no such commit") == {}
