"""Wrong settings and agents that cannot work are refused before a plan is written or a run begins."""

import sys
from pathlib import Path

import pytest
from tests.acceptance.conftest import FIXER, Polly, fixed_sample, is_refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gate]\npost = ['x']", ["unknown key 'gate'", "Did you mean 'gates'?"]),
        ("[gates]\npots = ['x']", ["'gates.pots'", "Did you mean 'post'?"]),
        ("[gates]\npost = 'x'", ["gates.post: must be a list"]),
        ("[gates]\npost = [{ name = 'x' }]", ["gates.post.0.command: this key is required"]),
        ("gates = 3", ["gates: must be a table"]),
        ("[run]\nagents = 'many'", ["run.agents: must be a whole number"]),
        ("[run]\nagents = 0", ["run.agents"]),
        ("[[checks]]\ncommand = 'x'", ["checks.0.issues: this key is required"]),
        ("[rescan]\nruff = 'x'", ["rescan.ruff: must be a table"]),
        ("[severity]\nwarning = 'bad'", ["severity.warning"]),
        (
            "[rescan.ruff]\ncommand = 'x'\nformat = 'ruf'",
            ["rescan.ruff.format", "'ruf'", "Did you mean ruff?"],
        ),
        ("[gates]\npackage = ['']", ["gates.package.0.command: is empty"]),
        ("[gates]\npre = [{ command = [] }]", ["gates.pre.0.command: is empty"]),
        ("[workspace]\nsetup = [' ']", ["workspace.setup.0: is empty"]),
        ("[[checks]]\nissues = ['C1']\ncommand = ['', 'x']", ["checks.0.command: is empty"]),
        ("[workspace]\ncopy = ['../x']", ["workspace.copy.0: '../x'", "no path inside the repository"]),
        ("[workspace]\nlink = ['/etc']", ["workspace.link.0: '/etc'", "no path inside the repository"]),
        ("[workspace]\ncopy = ['a', 'b/.Git/config']", ["workspace.copy.1", "belongs to git"]),
        ("x = \ny = 1", ["is not TOML", "line 1"]),
    ],
)
def test_wrong_settings_name_file_key_and_what_is_expected(
    sample: Path, polly: Polly, text: str, said: list[str]
) -> None:
    (sample / "polly.toml").write_text(text, encoding="utf-8")
    assert is_refused(polly("issues", "REVIEW.md", cwd=sample), "polly.toml", *said)


def test_settings_that_are_a_folder_are_not_passed_over(sample: Path, polly: Polly) -> None:
    (sample / "polly.toml").unlink()
    (sample / "polly.toml").mkdir()
    assert is_refused(polly("issues", "REVIEW.md", cwd=sample), "polly.toml cannot be read")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Missing option '--agent'"),
        (["--agent", "comand"], "Did you mean 'command'?"),
        (["--agent", ""], "there is no agent ''"),
        (["--agent", "command"], "needs a program after `--`"),
        (["--agent", "command", "--"], "needs a program after `--`"),
        (["--agent", "command", "--", "no-such-program-at-all"], "was not found on PATH"),
        (["--agent", "command", "--", "./no-such.sh"], "does not exist"),
        (["--agent", "patch"], "needs a folder"),
        (["--agent", "patch:no-such"], "does not exist"),
        (["--agent", "patch:REVIEW.md"], "is a file"),
        (["--agent", "patch:src"], "holds no .patch file"),
        (["--agent", "patch:src", "--", "git"], "takes no program"),
        (["--agent", "scripted"], "needs a script"),
        (["--agent", "scripted:no-such.yaml"], "cannot be read"),
        (["--agent", "scripted:broken.yaml"], "is not YAML"),
        (["--agent", "scripted:odd.yaml"], "unknown section 'colour'"),
        (["--agents", "0", "--agent", "command", "--", "git"], "'--agents'"),
    ],
)
def test_an_agent_that_cannot_work_is_refused_before_anything_is_written(
    sample: Path, polly: Polly, words: list[str], said: str
) -> None:
    (sample / "broken.yaml").write_text("issues: [", encoding="utf-8")
    (sample / "odd.yaml").write_text("colour: red\n", encoding="utf-8")
    assert is_refused(polly("fix", "REVIEW.md", *words, cwd=sample), said)
    assert not (sample / ".polly").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no mode that makes a file a program")
def test_a_program_that_is_not_executable_is_refused(sample: Path, polly: Polly) -> None:
    done = polly("fix", "REVIEW.md", "--agent", "command", "--", "./REVIEW.md", cwd=sample)
    assert is_refused(done, "is not executable", "chmod +x")


def test_a_run_takes_no_sources(sample: Path, polly: Polly) -> None:
    done = polly("run", "REVIEW.md", "--agent", "command", "--", "git", cwd=sample)
    assert is_refused(done, "takes no sources", "polly fix")


def test_a_source_is_needed_besides_the_program(sample: Path, polly: Polly) -> None:
    assert is_refused(polly("fix", "--agent", "command", "--", "git", cwd=sample), "No source is named")


def test_the_environment_wins_over_the_file(
    sample: Path, polly: Polly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLLY_RUN__AGENTS", "2")
    assert "up to 2 agents at once" in fixed_sample(polly, sample).stderr
    monkeypatch.setenv("POLLY_RUN__AGENTS", "many")
    assert is_refused(polly("issues", "REVIEW.md", cwd=sample), "run.agents: must be a whole number")


def test_a_check_for_an_issue_that_no_source_has_is_told_when_planning(sample: Path, polly: Polly) -> None:
    with (sample / "polly.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[[checks]]\nissues = ['C1', 'n33', 'C99']\ncommand = 'true'\n")
    told = "the sources do not have: n33 (did you mean N3?), C99"
    planned = polly("plan", "REVIEW.md", "--only", "C1", cwd=sample)
    assert f"{told}\n" in planned.stderr, "what --only leaves out is known"
    assert told in polly("fix", "REVIEW.md", "--allow-dirty", *FIXER, cwd=sample).stderr
    assert "C99" not in polly("issues", "REVIEW.md", cwd=sample).stderr


def test_a_rescan_may_use_a_format_of_the_users_own(sample: Path, polly: Polly) -> None:
    (sample / ".polly" / "linters").mkdir(parents=True)
    (sample / ".polly" / "linters" / "house.toml").write_text(
        'name = "housecheck"\nabout = "x"\nrecognise = [{ "p[]" = ["what"] }]\n'
        '[[findings]]\nat = "p[]"\nmessage = "what"\nplaces = { path = "at" }\n',
        encoding="utf-8",
    )
    with (sample / "polly.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[rescan.house]\ncommand = 'x'\nformat = 'housecheck'\n")
    assert polly("issues", "REVIEW.md", cwd=sample).returncode == 0
