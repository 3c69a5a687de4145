"""The scripted agent does what its script says, as a real process; a script with a mistake is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from polly.errors import InputError
from polly.execution.agents.base import Agent, Assignment, read_claims
from polly.execution.agents.registry import resolve
from polly.execution.agents.script import STEPS, read_script
from polly.process import Job, Report, run, small_environment
from polly.work.run import AttemptOutcome, Claim

Assign = Callable[..., Assignment]
Work = Callable[[Agent, Assignment], tuple[Report, str]]


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Agent]:
    def make(text: str) -> Agent:
        (tmp_path / "script.yaml").write_text(text)
        return resolve(f"scripted:{tmp_path / 'script.yaml'}")

    return make


def test_a_play_edits_prints_claims_and_ends_with_its_status(
    assign: Assign, work: Work, workspace: Path, tmp_path: Path, script: Callable[[str], Agent]
) -> None:
    (workspace / "old.txt").write_text("old")
    agent = script("""
packages:
  WP1:
    - print: starting
    - write: {path: docs/new.txt, text: "ü\\n"}
    - sleep: 0.01
issues:
  C1:
    - replace: {path: greeting.txt, old: hello, new: good day}
    - claim: {issue: C1, status: fixed, note: polite}
  C2:
    - delete: old.txt
    - claim: {issue: C2, status: declined}
    - print: {text: again, times: 2}
    - exit: 4
    - write: {path: never.txt, text: never}
""")
    report, log = work(agent, assign("C1", "C2"))
    assert (report.outcome, report.exit_code) == (AttemptOutcome.CRASHED, 4)
    assert log.splitlines() == [
        "starting",
        "wrote docs/new.txt",
        "replaced 1 in greeting.txt",
        "deleted old.txt",
        "again",
        "again",
    ]
    assert (workspace / "docs" / "new.txt").read_text(encoding="utf-8") == "ü\n"
    assert (workspace / "greeting.txt").read_text() == "good day\n" + "world\n" * 8 + "bye\n"
    assert not (workspace / "old.txt").exists()
    assert not (workspace / "never.txt").exists()
    assert read_claims(tmp_path / "attempt") == {
        "C1": Claim(status="fixed", note="polite"),
        "C2": Claim(status="declined"),
    }


def test_steps_may_belong_to_certain_attempts(
    assign: Assign, work: Work, script: Callable[[str], Agent]
) -> None:
    agent = script("""
issues:
  C1:
    - {print: always}
    - {exit: 1, attempts: 1}
    - {print: later, attempts: [2, 3]}
""")
    first, first_log = work(agent, assign("C1"))
    second, second_log = work(agent, assign("C1", attempt=2))
    assert (first.exit_code, first_log) == (1, "always\n")
    assert (second.exit_code, second_log) == (0, "always\nlater\n")


def test_the_default_is_for_packages_that_nothing_names(
    assign: Assign, work: Work, script: Callable[[str], Agent]
) -> None:
    agent = script("default: [{print: nobody named me}]\nissues: {C1: []}\n")
    assert work(agent, assign("C2"))[1] == "nobody named me\n"
    assert work(agent, assign("C1"))[1] == ""


def test_a_play_that_hangs_ends_at_the_time_limit(
    assign: Assign, workspace: Path, tmp_path: Path, script: Callable[[str], Agent]
) -> None:
    import asyncio

    launch = script("default: [hang]").launch(assign("C1"))
    job = Job(
        command=launch.command,
        cwd=workspace,
        env=small_environment(),
        folder=tmp_path / "attempt",
        log=tmp_path / "log.txt",
        timeout_seconds=0.3,
    )
    assert asyncio.run(run(job)).outcome is AttemptOutcome.TIMED_OUT


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("replace: {path: greeting.txt, old: nowhere, new: x}", "greeting.txt does not hold 'nowhere'"),
        ("replace: {path: greeting.txt, old: l, new: x}", "greeting.txt holds 'l' 10 times; say `all: true`"),
        ("replace: {path: none.txt, old: l, new: x}", "No such file or directory"),
        ("delete: none.txt", "No such file or directory"),
        ("write: {path: out/x.txt, text: x}", "out/x.txt is outside the workspace"),
    ],
)
def test_a_step_that_cannot_be_done_ends_the_play(
    assign: Assign,
    work: Work,
    workspace: Path,
    tmp_path: Path,
    script: Callable[[str], Agent],
    step: str,
    message: str,
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (workspace / "out").symlink_to(tmp_path / "elsewhere")
    report, log = work(script(f"default:\n  - {step}\n  - print: went on\n"), assign("C1"))
    assert report.exit_code == 1
    assert message in log
    assert "went on" not in log
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_patch_is_found_beside_the_script(
    assign: Assign, work: Work, workspace: Path, tmp_path: Path, script: Callable[[str], Agent]
) -> None:
    (tmp_path / "fixes").mkdir()
    (tmp_path / "fixes" / "a.patch").write_text(
        "--- a/greeting.txt\n+++ b/greeting.txt\n@@ -1,4 +1,4 @@\n-hello\n+hi\n world\n world\n world\n"
    )
    report, log = work(script("default: [{patch: fixes/a.patch}]"), assign("C1"))
    assert (report.exit_code, log) == (0, "applied a.patch\n")
    assert (workspace / "greeting.txt").read_text() == "hi\n" + "world\n" * 8 + "bye\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "script.yaml: must be a table of packages, issues, default"),
        ("- a\n", "script.yaml: must be a table of packages, issues, default"),
        ("a: [", "script.yaml line 1 is not YAML"),
        ("\tdefault: []", "script.yaml line 1 is not YAML"),
        ("issues: {C1: [], C1: []}", "script.yaml line 1 is not YAML: 'C1' stands twice"),
        ("? [a]\n: b\n", "is not YAML"),
        ("package: {}", "script.yaml: unknown section 'package'"),
        ("packages: []", "packages: must be a table of ids"),
        ("packages: {1: []}", "packages: the id 1 is not text"),
        ("packages: {WP1: {}}", "packages.WP1: must be a list of steps"),
        ("issues: {C1: [go]}", "issues.C1, step 1: 'go' is not a step"),
        ("default: [{wrte: {}}]", "default, step 1: unknown step 'wrte'"),
        ("default: [{sleep: 1}, {sleep: 1, exit: 2}]", "default, step 2: has 2 actions instead of one"),
        ("default: [{write: {path: a}}]", "default, step 1 (write): 'text' is missing"),
        ("default: [{write: {path: a, txt: b}}]", "(write): unknown value 'txt'"),
        ("default: [{write: {path: a, text: 5}}]", "(write): 'text' must be text, not 5"),
        ("default: [{write: {path: /etc/x, text: a}}]", "'/etc/x' is not a path inside the workspace"),
        ("default: [{delete: ../x}]", "'../x' is not a path inside the workspace"),
        ("default: [{delete: 'C:/x'}]", "'C:/x' is not a path inside the workspace"),
        ("default: [{replace: {path: a, old: '', new: b}}]", "'old' is empty"),
        ("default: [{sleep: true}]", "'seconds' must be a number of seconds, not True"),
        ("default: [{sleep: -1}]", "-1 is no time to wait"),
        ("default: [{sleep: .nan}]", "nan is no time to wait"),
        ("default: [{exit: 256}]", "256 is no exit status"),
        ("default: [{hang: 5}]", "(hang): takes no value"),
        ("default: [{patch: none.patch}]", "there is no patch"),
        ("default: [{sleep: 1, attempts: 0}]", "'attempts' must be a number from 1"),
        ("default: [{sleep: 1, attempts: null}]", "'attempts' must be a number from 1"),
    ],
)
def test_a_script_with_a_mistake_is_refused_with_its_place(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "script.yaml").write_text(text)
    with pytest.raises(InputError) as refused:
        read_script(tmp_path / "script.yaml")
    assert what in refused.value.what
    assert refused.value.next_step


def test_a_script_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match="is not YAML"):
        read_script(tmp_path / "script.yaml")


def test_the_example_of_the_manual_is_a_script_that_uses_every_step(tmp_path: Path) -> None:
    manual = Path(__file__).parents[3] / "docs" / "reference" / "agents.md"
    example = manual.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "fixes").mkdir()
    (tmp_path / "fixes" / "C2.patch").touch()
    (tmp_path / "script.yaml").write_text(example, encoding="utf-8")
    script = read_script(tmp_path / "script.yaml")
    used = {
        each.step["do"]
        for steps in [*script.packages.values(), *script.issues.values(), script.default]
        for each in steps
    }
    assert used == set(STEPS)
