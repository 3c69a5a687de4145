"""What every test stands on: no test reads or writes the home folder of the person who runs it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import hypothesis
import pytest

#: Variables that would tell Polly, git, rich or typer about the machine on which the tests run.
_FOREIGN = ("POLLY_", "GIT_", "CLAUDE", "CODEX", "XDG_", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "COLUMNS")
#: The first makes rich believe in a terminal; the second changes how Python writes to a pipe.
_FOREIGN_NAMES = ("GITHUB_ACTIONS", "PYTHONUNBUFFERED")

pytest_plugins = ["tests.services.plugin", "tests.agents.plugin", "tests.model.plugin"]

_IN_CI = "CI" in os.environ
# A shared machine is slow at times; how long an example takes is never what a test asserts.
hypothesis.settings.register_profile(
    "polly",
    parent=hypothesis.settings.get_profile("ci" if _IN_CI else "default"),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("polly")


def pytest_configure() -> None:
    """A run in the background begins with Ctrl-C ignored, and so would every program that a test starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _a_home_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Point everything that looks for a home, a state folder or a git configuration at an empty folder."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_FOREIGN) or name in _FOREIGN_NAMES:
                patch.delenv(name)
        for name, value in _home_variables(home).items():
            patch.setenv(name, value)
        yield


def _home_variables(home: Path) -> dict[str, str]:
    configuration = home / "gitconfig"
    # No git tidies up in the background what a test looks at.
    settings = "[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
    configuration.write_text(settings, encoding="utf-8")
    variables = {"GIT_CONFIG_GLOBAL": str(configuration), "GIT_CONFIG_SYSTEM": os.devnull}
    for role in ("AUTHOR", "COMMITTER"):
        variables |= {f"GIT_{role}_NAME": "A Tester", f"GIT_{role}_EMAIL": "tester@example.invalid"}
    for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
        variables[name] = str(home)
    for name in ("CONFIG", "CACHE", "DATA", "STATE"):
        variables[f"XDG_{name}_HOME"] = str(home / name.lower())
    return variables | {"POLLY_HOME": str(home / "polly")}


@pytest.fixture
def git() -> Callable[..., str]:
    """`git(folder, *args)` runs real git and returns what it printed, without the last line end."""

    def run(folder: Path, *args: str) -> str:
        done = subprocess.run(
            ["git", *args], cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL
        )
        return done.stdout.decode("utf-8").rstrip("\n")

    return run


@pytest.fixture
def repo(tmp_path: Path, git: Callable[..., str]) -> Path:
    """A repository on branch `main` with one commit of one file, README.md."""
    root = tmp_path / "repo"
    root.mkdir()
    (root / "README.md").write_text("# A repository\n", encoding="utf-8")
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "README.md")
    git(root, "commit", "--quiet", "--message=first")
    return root


@pytest.fixture
def polly(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`polly(*args, cwd=…, env=…, stdin=…)` runs the program as a process and returns how it ended.

    It starts in tmp_path unless `cwd` says otherwise; `env` adds variables to those of the test.
    """

    def run(
        *args: str | Path, cwd: Path = tmp_path, env: Mapping[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "polly", *map(str, args)],
            cwd=cwd,
            env=os.environ | dict(env or {}),
            input=stdin,
            capture_output=True,
            check=False,
            encoding="utf-8",
        )

    return run
