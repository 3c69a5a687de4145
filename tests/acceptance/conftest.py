"""A small repository with findings about it, and what its tests say about every bad ending."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

Git = Callable[..., str]
Done = subprocess.CompletedProcess[str]
Polly = Callable[..., Done]

#: The agent that really fixes the sample: `polly fix REVIEW.md *FIXER`.
FIXER = ("--agent", "command", "--", sys.executable, "tools/fix.py")

_FIX = """
import os, pathlib
for name in pathlib.Path(os.environ["POLLY_OWNED_FILES"]).read_text(encoding="utf-8").splitlines():
    file = pathlib.Path(name)
    file.write_text(file.read_text(encoding="utf-8").replace("return 1", "return 2"), encoding="utf-8")
"""
_CHECK = """
import pathlib, sys
sys.exit("return 2" not in pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
"""
_GATE = """
import pathlib
for file in pathlib.Path("src").iterdir():
    compile(file.read_text(encoding="utf-8"), str(file), "exec")
"""
_FINDING = """
### {id}. `{name}()` returns the wrong number
**File**: `src/{name}.py:1-2`
**Severity**: {severity}
**Effort**: 10 min
**Problem**: It returns 1.
**Fix**: Return 2.
"""
_ISSUES = {"a": ("C1", "critical"), "b": ("M2", "major"), "c": ("N3", "minor")}


def settings(extra: str = "") -> str:
    """A polly.toml in which every issue has a check, followed by `extra`."""
    checks = [
        f"[[checks]]\nissues = ['{issue}']\n"
        f"command = ['{sys.executable}', 'tools/check.py', 'src/{name}.py']\n"
        for name, (issue, _severity) in _ISSUES.items()
    ]
    return "\n".join([*checks, extra])


def gates(**commands: str) -> str:
    """A [gates] section that runs these Python programs, by scope."""
    lines = [
        f"{scope} = [{{ name = '{scope}', command = ['{sys.executable}', '-c', '{code}'] }}]"
        for scope, code in commands.items()
    ]
    return "\n".join(["[gates]", *lines])


@pytest.fixture
def sample(tmp_path: Path, git: Git) -> Path:
    """A clean repository: src/{a,b,c}.py with one fault each, REVIEW.md, polly.toml and tools/fix.py."""
    root = tmp_path / "sample"
    make_sample(root, git)
    return root


def make_sample(root: Path, git: Git) -> None:
    """Write and commit the sample at `root`."""
    files = {f"src/{name}.py": f"def {name}():\n    return 1\n" for name in _ISSUES}
    files |= {"tools/fix.py": _FIX, "tools/check.py": _CHECK, "tools/gate.py": _GATE}
    files["polly.toml"] = settings(f"[gates]\npost = [['{sys.executable}', 'tools/gate.py']]\n")
    files["REVIEW.md"] = "# Review\n" + "".join(
        _FINDING.format(id=issue, name=name, severity=severity) for name, (issue, severity) in _ISSUES.items()
    )
    files["other.txt"] = "nobody's finding\n"
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    git(root, "init", "--quiet")
    commit_all(git, root, "first")


def commit_all(git: Git, root: Path, message: str) -> str:
    """Commit everything; the new commit's id."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", f"--message={message}")
    return git(root, "rev-parse", "HEAD")


def sarif(*results: Mapping[str, Any], tool: str = "lint") -> str:
    """A SARIF 2.1.0 log of one run with these results."""
    driver = {"name": tool, "version": "1"}
    return json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results)}]})


def result(uri: str, message: str = "something is wrong", rule: str = "R1") -> dict[str, Any]:
    """One SARIF result about the first line of a file."""
    place = {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}
    return {
        "ruleId": rule,
        "level": "warning",
        "message": {"text": message},
        "locations": [{"physicalLocation": place}],
    }


def fixed_sample(polly: Polly, sample: Path, *options: str) -> Done:
    """Run `polly fix` on the sample; it must prove everything."""
    done = polly("fix", "REVIEW.md", *options, *FIXER, cwd=sample)
    assert done.returncode == 0, done.stderr
    return done


def newest_run(root: Path) -> Path:
    """The folder of the newest run."""
    return max((root / ".polly" / "runs").iterdir())


def is_refused(done: Done, *said: str) -> bool:
    """True for wrong use told in plain words, with something to do next; asserts what it looks at."""
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    what, next_step = done.stderr.partition("Error: ")[2].split("\n", 1)
    assert what
    assert next_step.strip(), "an error without a next step"
    for words in said:
        assert words in done.stderr, (words, done.stderr)
    return True


@pytest.fixture
def without_override(tmp_path: Path) -> Polly:
    """Like `polly`, but modes of files count for root too; skips where that cannot be had."""
    prefix: list[str] = []
    if sys.platform != "win32" and os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("root may write everywhere here")
        prefix = [setpriv, "--bounding-set", "-dac_override,-dac_read_search"]

    def run(*args: str | Path, cwd: Path = tmp_path) -> Done:
        command = [*prefix, sys.executable, "-m", "polly", *map(str, args)]
        return subprocess.run(
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, check=False, encoding="utf-8"
        )

    return run
