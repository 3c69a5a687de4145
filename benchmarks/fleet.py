"""Wall time of whole runs with scripted agents of known delay, against max(longest, total / agents).

Each package's agent sleeps and edits its own file. Everything is real: plan, checkouts, processes, capture,
syntax gates, journal, spool and store. Also prints the peak memory of the Polly process.
Run: make bench, or python benchmarks/fleet.py
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

AGENTS = int(os.environ.get("POLLY_BENCH_AGENTS", "5"))
PACKAGES = [int(each) for each in os.environ.get("POLLY_BENCH_PACKAGES", "7,50,200").split(",")]
DELAY_SECONDS = 1.0


def git(folder: Path, *args: str) -> None:
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    subprocess.run(["git", *identity, *args], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def make_project(root: Path, packages: int) -> None:
    """A repository, an inventory with one issue per file, and a script with one delay per package."""
    root.mkdir()
    issues = ["# Findings\n"]
    for number in range(1, packages + 1):
        (root / f"module_{number:03d}.py").write_text(f"value = {number}\n")
        issues.append(
            f"### C{number}. Value {number} is wrong\n\n**File**: `module_{number:03d}.py:1`\n\n"
            "**Status**: Not fixed\n\n**Effort**: 10 minutes\n\n**Problem**: wrong\n"
        )
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "files")
    (root.parent / "issues.md").write_text("\n".join(issues))
    steps = {
        f"C{number}": [
            {"sleep": DELAY_SECONDS},
            {"write": {"path": f"module_{number:03d}.py", "text": f"value = -{number}\n"}},
        ]
        for number in range(1, packages + 1)
    }
    (root.parent / "script.yaml").write_text(json.dumps({"issues": steps}))


def measure(packages: int) -> None:
    agents = packages if packages < 8 else AGENTS  # the case that Polly grew out of had seven at once
    with tempfile.TemporaryDirectory(prefix="polly-bench-") as folder:
        root = Path(folder) / "repo"
        make_project(root, packages)
        begun = time.perf_counter()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "polly", "fix", "../issues.md", "--agent", "scripted:../script.yaml"),
                *("--agents", str(agents), "--max-packages", str(packages), "--format", "json"),
            ],
            cwd=root,
            env=os.environ | {"POLLY_HOME": str(Path(folder) / "home"), "POLLY_RUN__ATTEMPTS": "1"},
            stdout=subprocess.PIPE,
            check=False,
        )
        whole = time.perf_counter() - begun
        report = json.loads(done.stdout)
    changed = sum(len(package["owned_changed"]) for package in report["packages"])
    if changed != packages:
        sys.exit(f"only {changed} of {packages} packages changed their file; the run is no measurement")
    bound = max(DELAY_SECONDS, packages * DELAY_SECONDS / agents)
    figures = report["figures"]
    wall = figures["wall_seconds"]
    print(
        f"{packages:4d} packages, {agents} agents: bound {bound:6.2f} s, run {wall:6.2f} s, "
        f"ratio {wall / bound:.2f}"
        f" (against the agents' measured time {wall / figures['bound_seconds']:.2f},"
        f" whole command {whole / bound:.2f})"
    )


def main() -> None:
    print(f"scripted agents that sleep {DELAY_SECONDS} s each, {os.cpu_count()} cores")
    for packages in PACKAGES:
        measure(packages)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory of one process: {peak:.0f} MiB")


if __name__ == "__main__":
    main()
