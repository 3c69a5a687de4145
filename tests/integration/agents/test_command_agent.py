"""Any program can be an agent."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polly.execution.agents.base import Agent, Assignment, read_claims
from polly.execution.agents.registry import resolve
from polly.process import Report
from polly.work.run import AttemptOutcome, Claim

Assign = Callable[..., Assignment]
Work = Callable[[Agent, Assignment], tuple[Report, str]]

PROGRAM = """
import json, os, sys
issues = json.load(open(os.environ["POLLY_ISSUES_FILE"]))["issues"]
for path in open(os.environ["POLLY_OWNED_FILES"]).read().splitlines():
    if "*" not in path:
        open(path, "a").write("fixed by " + sys.argv[1] + "\\n")
print(os.environ["POLLY_PACKAGE_ID"], os.environ["POLLY_ATTEMPT"], [issue["id"] for issue in issues])
result = {"issues": {issue["id"]: {"status": "fixed", "note": "appended"} for issue in issues}}
json.dump(result, open(os.environ["POLLY_RESULT_FILE"], "w"))
"""


def test_a_program_works_in_the_workspace_by_the_files_it_is_given(
    assign: Assign, work: Work, workspace: Path, tmp_path: Path
) -> None:
    (tmp_path / "fix.py").write_text(PROGRAM)
    agent = resolve("command", (sys.executable, str(tmp_path / "fix.py"), "me"))
    report, log = work(agent, assign("C1", "C2"))
    assert report.outcome is AttemptOutcome.FINISHED
    assert log == "WP1 1 ['C1', 'C2']\n"
    assert (workspace / "greeting.txt").read_text() == "hello\n" + "world\n" * 8 + "bye\nfixed by me\n"
    assert read_claims(tmp_path / "attempt") == {
        "C1": Claim(status="fixed", note="appended"),
        "C2": Claim(status="fixed", note="appended"),
    }


def test_only_the_variables_that_the_settings_name_go_along(
    assign: Assign, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_ADDRESS", "wanted")
    monkeypatch.setenv("OTHER_ADDRESS", "not wanted")
    print_both = (
        "import os, json\n"
        "print(json.dumps([os.environ.get(name) for name in ('SERVICE_ADDRESS', 'OTHER_ADDRESS')]))"
    )
    agent = resolve("command", (sys.executable, "-c", print_both), {"env": ["SERVICE_ADDRESS", "PATH"]})
    _, log = work(agent, assign("C1"))
    assert json.loads(log) == ["wanted", None]
    assert "PATH" not in agent.launch(assign("C1")).env


def test_the_exit_status_says_whether_it_finished(assign: Assign, work: Work) -> None:
    agent = resolve("command", (sys.executable, "-c", "import sys; sys.exit(9)"))
    report, _ = work(agent, assign("C1"))
    assert (report.outcome, report.exit_code) == (AttemptOutcome.CRASHED, 9)
