"""Time and peak memory of taking in a SARIF log of 170,000 results, against `json.loads` of the same bytes.

The log is generated: 160 rules, 2,500 files that exist in a repository, some ten fields per result, a fix
with every seventh. Each measurement is a process of its own; the two kinds alternate, and the best of each is
compared, since other work on the machine can only add.
Run: make bench, or python benchmarks/intake.py
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = int(os.environ.get("POLLY_BENCH_RESULTS", "170000"))
ROUNDS = int(os.environ.get("POLLY_BENCH_ROUNDS", "3"))
RESULTS_PER_FILE = 68  # what ruff finds with every rule in a Python project
LINES = 220

_PEAK = """
import json, os, resource, sys, time
from pathlib import Path
def report(begun, read):
    seconds, processor = time.perf_counter() - begun, time.process_time() - BEGUN
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale
    print(json.dumps({"seconds": seconds, "processor": processor, "mebibytes": peak, "read": read}))
"""
_JSON_LOADS = """
data = Path(sys.argv[1]).read_bytes()
BEGUN, begun = time.process_time(), time.perf_counter()
log = json.loads(data)
report(begun, sum(len(run["results"]) for run in log["runs"]))
"""
_INTAKE = """
from polly.pipeline.project import Project
from polly.pipeline.stages import Selection, take_in
project = Project.find(Path.cwd())
BEGUN, begun = time.process_time(), time.perf_counter()
inventory = take_in(project, [sys.argv[1]], Selection())
report(begun, inventory.counts.read)
"""


class Measured(NamedTuple):
    """Wall and processor seconds of the work, and the peak memory of its process."""

    seconds: float
    processor_seconds: float
    mebibytes: float


def make_repository(root: Path, files: int) -> list[str]:
    """A repository of Python files; their paths."""
    random.seed(7)
    root.mkdir()
    paths = [f"src/part_{number % 40:02d}/module_{number:04d}.py" for number in range(files)]
    for path in paths:
        lines = [f"    value_{random.randrange(500)} = call({random.randrange(90)})" for _ in range(LINES)]
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("\n".join(lines) + "\n")
    for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "files")):
        subprocess.run(
            ["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", *command],
            cwd=root,
            check=True,
        )
    return paths


def write_log(file: Path, paths: list[str], results: int) -> None:
    """A SARIF log such as a linter writes with every rule on."""
    random.seed(11)
    rules = [_rule(number) for number in range(160)]
    found = [_result(number, rules, paths) for number in range(results)]
    run = {"tool": {"driver": {"name": "lint", "version": "1.2.3", "rules": rules}}, "results": found}
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    file.write_text(json.dumps(log, separators=(",", ":")))


def _rule(number: int) -> dict[str, Any]:
    return {
        "id": f"R{number:03d}",
        "name": f"rule-{number}",
        "shortDescription": {"text": f"Rule {number} is about names, imports and calls"},
        "fullDescription": {"text": f"What rule {number} asks for, and why. " * 8},
        "helpUri": f"https://example.org/rules/{number}",
        "defaultConfiguration": {"level": ("error", "warning", "note")[number % 3]},
        "properties": {"tags": ["style"]},
    }


def _result(number: int, rules: list[dict[str, Any]], paths: list[str]) -> dict[str, Any]:
    rule = min(int(random.expovariate(1 / 30)), len(rules) - 1)
    line, column = random.randrange(1, LINES), random.randrange(1, 40)
    region = {"startLine": line, "startColumn": column, "endLine": line, "endColumn": column + 9}
    artifact = {"uri": paths[number % len(paths)], "uriBaseId": "%SRCROOT%"}
    message = (
        "Trailing comma missing",
        f"`value_{random.randrange(2000)}` is assigned to but never used",
        f"Missing type annotation for function argument `argument_{random.randrange(300)}`",
        "Line too long (104 > 88)",
    )[rule % 4]
    result: dict[str, Any] = {
        "ruleId": rules[rule]["id"],
        "ruleIndex": rule,
        "level": "error",
        "message": {"text": message},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}],
    }
    if number % 7 == 0:
        replacement = {"deletedRegion": region, "insertedContent": {"text": f"value_{number % 1000}"}}
        changes = [{"artifactLocation": artifact, "replacements": [replacement]}]
        result["fixes"] = [{"description": {"text": "Replace it"}, "artifactChanges": changes}]
    return result


def measure(program: str, log: Path, root: Path, results: int) -> Measured:
    """One process."""
    command = [sys.executable, "-c", _PEAK + program, str(log)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    if told["read"] != results:
        sys.exit(f"{told['read']} of {results} results were read; this is no measurement")
    return Measured(told["seconds"], told["processor"], told["mebibytes"])


def best(measured: list[Measured]) -> Measured:
    """The least of each figure."""
    return Measured(*map(min, zip(*measured, strict=True)))


def compare(folder: Path, results: int) -> Measured:
    """Print both and their ratios; what intake took."""
    root, log = folder / f"repository-{results}", folder / f"{results}.sarif"
    paths = make_repository(root, max(results // RESULTS_PER_FILE, 1))
    write_log(log, paths, results)
    rounds = [
        (measure(_JSON_LOADS, log, root, results), measure(_INTAKE, log, root, results))
        for _ in range(ROUNDS)
    ]
    parsed, taken = best([each[0] for each in rounds]), best([each[1] for each in rounds])
    print(
        f"{results:7d} results, {log.stat().st_size / 1e6:5.1f} MB, {len(paths)} files:"
        f" json.loads {parsed.seconds:.2f} s {parsed.mebibytes:.0f} MiB,"
        f" intake {taken.seconds:.2f} s {taken.mebibytes:.0f} MiB;"
        f" time {taken.seconds / parsed.seconds:.2f} times"
        f" (processor {taken.processor_seconds / parsed.processor_seconds:.2f}),"
        f" peak memory {taken.mebibytes / parsed.mebibytes:.2f} times"
    )
    return taken


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="polly-bench-") as folder:
        small = compare(Path(folder), RESULTS // 10)
        large = compare(Path(folder), RESULTS)
    print(f"growth from {RESULTS // 10} to {RESULTS}: {large.seconds / small.seconds:.1f} times")


if __name__ == "__main__":
    main()
