"""How `polly` behaves as a program, whatever the command: help, exit codes, errors, pipes, encodings."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polly import __version__
from polly.cli.exit_code import ExitCode
from polly.cli.main import COMMANDS

Polly = Callable[..., subprocess.CompletedProcess[str]]

#: A program that ends its life at Polly's edge; `{body}` is the function `action`.
_AT_THE_EDGE = """
import sys
from polly.cli.main import exit_code_of
from polly.cli.output import *
from polly.errors import InputError
{body}
sys.exit(exit_code_of(action))
"""


@pytest.fixture
def at_the_edge(tmp_path: Path) -> Callable[..., list[str]]:
    def command(body: str, *args: str) -> list[str]:
        program = tmp_path / "program.py"
        program.write_text(_AT_THE_EDGE.format(body=body), encoding="utf-8")
        return [sys.executable, str(program), *args]

    return command


def _run(command: list[str], **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command, capture_output=True, check=False, env=os.environ | env, stdin=subprocess.DEVNULL
    )


def test_help_says_what_polly_is_shows_the_main_job_and_groups_the_commands(polly: Polly) -> None:
    done = polly("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    text = " ".join(done.stdout.split())
    assert "Polly fixes the open findings of a change" in text
    assert "polly fix findings.sarif" in text
    for panel, commands in COMMANDS.items():
        assert not commands or f"─ {panel} ─" in text
        for command in commands:
            assert f" {command} " in text


def test_the_help_of_a_command_ends_its_text_with_an_example(polly: Polly) -> None:
    done = polly("version", "-h")
    assert done.returncode == 0
    assert "Example: polly version" in " ".join(done.stdout.split())


def test_polly_alone_shows_the_help(polly: Polly) -> None:
    done = polly()
    assert done.returncode == ExitCode.WRONG_USE
    assert "Usage: polly" in done.stdout
    assert done.stderr == ""


def test_version_is_told(polly: Polly) -> None:
    assert polly("--version").stdout == f"polly {__version__}\n"
    assert json.loads(polly("version", "--format", "json").stdout)["polly"] == __version__


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["verison"], "No such command 'verison'. Did you mean 'version'?"),
        (["version", "--fromat", "json"], "No such option: --fromat"),
        (["version", "--format", "xml"], "'xml' is not one of"),
        (["version", "surplus"], "unexpected extra argument"),
    ],
)
def test_wrong_options_are_answered_on_stderr_with_the_next_step(
    polly: Polly, args: list[str], said: str
) -> None:
    done = polly(*args)
    assert done.returncode == ExitCode.WRONG_USE
    assert done.stdout == ""
    assert said in done.stderr
    assert "--help` shows what can be given." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("code", [None, *ExitCode])
def test_what_a_command_returns_is_the_exit_code(
    at_the_edge: Callable[..., list[str]], code: ExitCode | None
) -> None:
    done = _run(at_the_edge(f"def action(): return {code if code is None else int(code)}"))
    assert done.returncode == (code or 0)
    assert done.stderr == b""


def test_an_error_of_use_names_what_and_next_step_and_is_no_markup(
    at_the_edge: Callable[..., list[str]],
) -> None:
    done = _run(
        at_the_edge(
            "def action(): raise InputError('No [red]such[/] file: a\\x1b[2J.md', next_step='Look [b]!')"
        )
    )
    assert done.returncode == ExitCode.WRONG_USE
    assert done.stdout == b""
    assert b"Error: No [red]such[/] file: a" in done.stderr
    assert b"Look [b]!" in done.stderr
    assert b"\x1b" not in done.stderr


def test_our_own_bug_becomes_a_file_to_paste_and_no_traceback(
    at_the_edge: Callable[..., list[str]], tmp_path: Path
) -> None:
    secret = "ghp_" + "aB3" * 12
    body = "def action(): raise RuntimeError('surprise in ' + __file__ + ' ``` ' + sys.argv[1])"
    done = _run(at_the_edge(body, f"--token={secret}"), POLLY_HOME=str(tmp_path / "state"))
    assert done.returncode == ExitCode.OUR_BUG
    assert b"Traceback" not in done.stderr
    assert b"paste the text of this file into a new issue" in done.stderr
    (report,) = (tmp_path / "state" / "crashes").iterdir()
    assert os.fsencode(report) in done.stderr
    text = report.read_text(encoding="utf-8")
    for expected in (f"polly: {__version__}", "python: ", "platform: ", "git: 2", "RuntimeError: surprise"):
        assert expected in text
    assert secret not in text
    assert text.count("\n````") == 4, "a fence in the text must not close the fence of the report"


def test_a_crash_report_goes_to_the_temp_folder_when_there_is_no_state_folder(
    at_the_edge: Callable[..., list[str]], tmp_path: Path
) -> None:
    (tmp_path / "occupied").write_text("a file where the folder should be", encoding="utf-8")
    (tmp_path / "temp").mkdir()
    temp = str(tmp_path / "temp")
    done = _run(
        at_the_edge("def action(): raise RuntimeError('surprise')"),
        POLLY_HOME=str(tmp_path / "occupied"),
        TMPDIR=temp,
        TEMP=temp,
        TMP=temp,
    )
    assert done.returncode == ExitCode.OUR_BUG
    (report,) = (tmp_path / "temp").glob("polly-crash-*.md")
    assert "RuntimeError: surprise" in report.read_text(encoding="utf-8")


def test_a_crash_report_does_not_name_the_home_folder(
    at_the_edge: Callable[..., list[str]], tmp_path: Path
) -> None:
    body = "from pathlib import Path\ndef action(): raise RuntimeError(f'no {Path.home()}/notes')"
    _run(at_the_edge(body), POLLY_HOME=str(tmp_path / "state"))
    (report,) = (tmp_path / "state" / "crashes").iterdir()
    assert "RuntimeError: no ~/notes" in report.read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="a console event would reach the test runner too")
@pytest.mark.parametrize(
    "body",
    [
        "def action():\n    print('ready', flush=True)\n    sys.stdin.read()",
        (
            "import asyncio\n"
            "async def wait():\n    print('ready', flush=True)\n    await asyncio.Event().wait()\n"
            "def action(): asyncio.run(wait())"
        ),
    ],
    ids=["waiting", "in a coroutine"],
)
def test_ctrl_c_ends_with_130_and_no_traceback(at_the_edge: Callable[..., list[str]], body: str) -> None:
    with subprocess.Popen(
        at_the_edge(body), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate()
    assert child.returncode == ExitCode.INTERRUPTED
    assert b"Traceback" not in stderr


@pytest.mark.parametrize(
    "printing",
    [
        "print_json(list(range(200_000)))",
        "print_table(Table(columns=('a',), rows=(('x' * 60,),) * 9000))",
        "stdout().print('x' * 1_000_000)",
        "print('x' * 1_000_000)",
    ],
)
def test_a_reader_that_closes_the_pipe_is_no_error(
    at_the_edge: Callable[..., list[str]], printing: str
) -> None:
    command = at_the_edge(f"def action(): {printing}")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stderr
        child.stdout.read(10)
        child.stdout.close()
        stderr = child.stderr.read()
    assert stderr == b""
    assert child.returncode == ExitCode.READER_GONE


def test_a_short_output_to_a_closed_pipe_is_no_error(polly: Polly) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "polly", "version"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == ExitCode.READER_GONE


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
def test_output_is_utf8_on_every_code_page(at_the_edge: Callable[..., list[str]], encoding: str) -> None:
    body = "TEXT = 'naïve → 修复'\ndef action(): print_json(TEXT); print_text(TEXT); print(TEXT); say(TEXT)"
    done = _run(at_the_edge(body), PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == 0
    assert done.stdout.decode("utf-8").count("naïve → 修复") == 3
    assert done.stderr.decode("utf-8").count("naïve → 修复") == 1


def test_a_path_that_is_no_text_can_be_printed(at_the_edge: Callable[..., list[str]]) -> None:
    body = (
        "NAME = 'caf\\udce9.py'\n"
        "def action(): print_json({'path': NAME}); print_table(Table(columns=('path',), rows=((NAME,),)))"
    )
    done = _run(at_the_edge(body))
    assert done.returncode == 0
    assert done.stderr == b""
    assert b"caf" in done.stdout


def test_a_table_off_the_terminal_keeps_every_column_and_one_line_per_row(
    at_the_edge: Callable[..., list[str]],
) -> None:
    body = (
        "ROWS = (('C1', 12, 'x' * 300), ('C10', 3, 'two\\nlines'), ('C2', 4, None))\n"
        "def action(): print_table(Table(columns=('id', 'line', 'title'), rows=ROWS))"
    )
    done = _run(at_the_edge(body), COLUMNS="40")
    assert done.stdout.decode().splitlines() == [
        "id   line  title",
        "C1     12  " + "x" * 300,
        "C10     3  two lines",
        "C2      4",
    ]


def test_a_table_in_a_narrow_terminal_wraps_and_loses_nothing(at_the_edge: Callable[..., list[str]]) -> None:
    body = "def action(): print_table(Table(columns=('id', 'title'), rows=(('C1', 'abcdefghij' * 9),)))"
    done = _run(at_the_edge(body), FORCE_COLOR="1", NO_COLOR="1", COLUMNS="30", TERM="xterm")
    assert "abcdefghij" * 9 in "".join(done.stdout.decode().split())
    shown = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout.decode())
    assert max(map(len, shown.splitlines())) <= 30


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_can_be_switched_off(
    at_the_edge: Callable[..., list[str]], variables: dict[str, str], coloured: bool
) -> None:
    body = "def action(): print_table(Table(columns=('severity',), rows=(('critical',),)))"
    done = _run(at_the_edge(body), FORCE_COLOR="1", TERM="xterm-256color", **variables)
    assert (b"\x1b[1;31m" in done.stdout) is coloured


def test_markdown_cells_cannot_break_out_of_their_table(at_the_edge: Callable[..., list[str]]) -> None:
    body = (
        "TABLE = Table(columns=('id', 'title'), rows=(('C1', 'a|b <script> `x`\\nnext'),))\n"
        "def action(): show(None, TABLE, Format.MARKDOWN)"
    )
    lines = _run(at_the_edge(body)).stdout.decode().splitlines()
    assert lines == ["| id | title |", "| --- | --- |", r"| C1 | a\|b \<script\> \`x\` next |"]


def test_json_cannot_steer_a_terminal_and_keeps_its_value(at_the_edge: Callable[..., list[str]]) -> None:
    body = "def action(): print_json({'title': '\\x1b[2J \\x9b2J \\u202e'})"
    done = _run(at_the_edge(body))
    assert json.loads(done.stdout) == {"title": "\x1b[2J \x9b2J \u202e"}
    assert not {"\x1b", "\x9b", "\u202e"} & set(done.stdout.decode())


def test_what_to_type_next_is_never_part_of_the_result(at_the_edge: Callable[..., list[str]]) -> None:
    done = _run(at_the_edge("def action(): next_steps(['polly diff WP1', 'polly commit WP1'])"))
    assert done.stdout == b""
    assert done.stderr.decode().split("\n") == ["", "Next:", "  polly diff WP1", "  polly commit WP1", ""]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands(polly: Polly, shell: str) -> None:
    asked = {
        "_POLLY_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": "polly vers",
        "COMP_WORDS": "polly vers",
        "COMP_CWORD": "1",
    }
    done = polly(env=asked | ({"_TYPER_COMPLETE_FISH_ACTION": "get-args"} if shell == "fish" else {}))
    assert done.returncode == 0
    assert "version" in done.stdout


def test_a_command_imports_no_other_command() -> None:
    program = (
        "import sys; sys.argv = ['polly', 'version']\n"
        "from polly.cli import main\n"
        "main.exit_code_of(main._main)\n"
        "commands = {name for names in main.COMMANDS.values() for name in names} - {'version'}\n"
        "assert not {f'polly.cli.{name}' for name in commands} & set(sys.modules)"
    )
    done = _run([sys.executable, "-c", program])
    assert done.returncode == 0, done.stderr.decode()
