"""Quality of a repository of 1,000 files in seven languages, against the same tools run by hand.

By hand means what a person would type: ruff with the same rules, lizard with its duplicates, shellcheck, and
sqlglot over the SQL, one after the other. Polly does that, finds the patterns of the languages that have no
linter of their own, and makes scores of it. Runs alternate, and the best of each is compared.
Run: make bench, or python benchmarks/quality.py
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from polly.intelligence.quality import ruff
from polly.intelligence.quality.programs import program_path

FILES = int(os.environ.get("POLLY_BENCH_FILES", "1000"))
ROUNDS = int(os.environ.get("POLLY_BENCH_ROUNDS", "3"))
FUNCTIONS = 8

_PARSE_SQL = """
import pathlib, sqlglot
for file in pathlib.Path(".").glob("*.sql"):
    sqlglot.parse(file.read_text())
"""
_OURS = """
import json, resource, sys
from polly.intelligence.analysis import OperationType
from polly.intelligence.service import Options, analyze_files
found = analyze_files(["."], Options(operation=OperationType(sys.argv[1])))
scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
whose = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
own, child = (resource.getrusage(who).ru_maxrss / scale for who in whose)
print(json.dumps({"files": len(found.files), "failures": len(found.failures), "own": own, "child": child}))
"""

_PYTHON = """
def handle_{n}(request: dict[str, str], limit: int = {k}) -> list[str]:
    \"\"\"Answer request {n}.\"\"\"
    found = []
    for name, value in request.items():
        if value and len(name) > limit:
            found.append(f"{{name}}={{value}}-{k}")
    return found
"""
_BRACES = """
{head} handle_{n}({arguments}) {{
  let_{n} = {k};
  for (i = 0; i < request.size; i++) {{
    if (request.name == limit_{k} && i > {n}) {{
      found_{k}.push(request.value_{n} + {k});
    }}
  }}
  return found_{k};
}}
"""
_GO = """
// Handle{n} answers request {n}.
func Handle{n}(request map[string]string, limit int) []string {{
	found{k} := []string{{}}
	for name, value := range request {{
		if value != "" && len(name) > limit+{k} {{
			found{k} = append(found{k}, name)
		}}
	}}
	return found{k}
}}
"""
_SHELL = """
handle_{n}() {{
  for file in "$1"/*.txt; do
    if [ -s "$file" ] && grep -q {k} "$file"; then
      cp "$file" "$2/{n}"
    fi
  done
}}
"""
_SQL = """
SELECT a.id, b.name_{n} FROM users a JOIN teams b ON a.id = b.user_id
WHERE a.kind = {k} ORDER BY b.name_{n};
"""


def write_files(folder: Path) -> None:
    """The repository: half of it Python, the rest in six other languages."""
    random.seed(7)
    makers: list[tuple[str, Callable[[int], str]]] = [
        ("py", lambda _: '"""A module."""\n' + _functions(_PYTHON)),
        ("js", lambda _: _functions(_BRACES, head="function", arguments="request, limit")),
        ("py", lambda _: '"""A module."""\n' + _functions(_PYTHON)),
        ("ts", lambda _: _functions(_BRACES, head="function", arguments="request: R, limit: number")),
        ("py", lambda _: '"""A module."""\n' + _functions(_PYTHON)),
        ("go", lambda _: "package part\n" + _functions(_GO)),
        ("py", lambda _: '"""A module."""\n' + _functions(_PYTHON)),
        (
            "java",
            lambda n: f"class Part{n} {{" + _functions(_BRACES, head="int", arguments="R request") + "}\n",
        ),
        ("sh", lambda _: "#!/bin/sh\n" + _functions(_SHELL)),
        ("sql", lambda _: _functions(_SQL)),
    ]
    for number in range(FILES):
        ending, make = makers[number % len(makers)]
        (folder / f"part{number:04d}.{ending}").write_text(make(number))


def _functions(text: str, **values: str) -> str:
    return "".join(
        text.format(n=random.randrange(10_000), k=random.randrange(1_000), **values) for _ in range(FUNCTIONS)
    )


def by_hand(folder: Path) -> float:
    """Seconds that the tools take one after the other."""
    scripts = [path.name for path in folder.glob("*.sh")]
    return sum(
        _seconds(command, folder)
        for command in (
            (
                program_path("ruff") or "ruff", "check", "--isolated", "--no-cache", "--quiet",
                "--select", ",".join(ruff.RULES), "--output-format", "json", ".",
            ),
            (program_path("lizard") or "lizard", "-Eduplicate", "."),
            (program_path("shellcheck") or "shellcheck", "--norc", "--format=json1", *scripts),
            (sys.executable, "-c", _PARSE_SQL),
        )
    )  # fmt: skip


def _seconds(command: tuple[str, ...], folder: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return time.perf_counter() - begun


def ours(folder: Path, operation: str) -> tuple[float, dict[str, float]]:
    """Seconds of the whole process, and what it says of itself."""
    begun = time.perf_counter()
    done = subprocess.run(
        (sys.executable, "-c", _OURS, operation), cwd=folder, capture_output=True, check=True
    )
    return time.perf_counter() - begun, json.loads(done.stdout)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder)
        hand: list[float] = []
        quality: list[float] = []
        both: list[float] = []
        facts: dict[str, float] = {}
        for _ in range(ROUNDS):
            hand.append(by_hand(folder))
            seconds, facts = ours(folder, "QUALITY_ASSESSMENT")
            quality.append(seconds)
            both.append(ours(folder, "CODE_ANALYSIS")[0])
    print(f"files                      {facts['files']:.0f} ({facts['failures']:.0f} failed)")
    print(f"tools by hand              {min(hand):.2f} s")
    print(f"quality assessment         {min(quality):.2f} s, {min(quality) / min(hand):.2f} times as long")
    print(f"with patterns and insights {min(both):.2f} s, {min(both) / min(hand):.2f} times as long")
    print(f"peak memory                {facts['own']:.0f} MiB, {facts['child']:.0f} MiB the largest worker")


if __name__ == "__main__":
    main()
