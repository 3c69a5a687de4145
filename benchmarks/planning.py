"""How long planning takes: 100,000 issues over 30,000 files, and how that grew from 10,000 over 3,000.

Each size is planned in processes of its own, so that the peak of memory is its own too. The files import one
another, half of them have a test, and a history of 500 commits is looked at.
Run: make bench, or python benchmarks/planning.py
"""

import json
import os
import random
import statistics
import subprocess
import sys
import time

import psutil

from polly.planning.background import Background
from polly.planning.plan import make_plan
from polly.routing.library import load_roles
from polly.routing.router import Router
from polly.work.issues import Inventory, Issue, Location, Severity, Source, count
from polly.work.plan import Gates

SIZES = (10_000, 100_000)
ISSUES_PER_FILE = 10 / 3
ROUNDS = int(os.environ.get("POLLY_BENCH_ROUNDS", "3"))

#: A few issues name a second file anywhere: enough to tie many files into one part.
_SHARE_WITH_TWO_FILES = 0.05


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]), reads=sys.argv[2] == "reads")))
        return
    print(
        f"planning, median of {ROUNDS} rounds; CPU seconds are what it takes on a machine with nothing else"
    )
    for kind, title in (("reads", "with imports and history"), ("names", "by names alone")):
        cpu = [one_size(size, kind) for size in SIZES]
        times = SIZES[-1] / SIZES[0]
        print(f"  growth {title}: {cpu[-1] / cpu[0]:.1f} times the CPU for {times:.0f} times the issues")


def one_size(size: int, kind: str) -> float:
    """Prints the figures of one size; its CPU seconds."""
    rounds = [in_a_process(size, kind) for _ in range(ROUNDS)]
    seconds = statistics.median(each["seconds"] for each in rounds)
    cpu = statistics.median(each["cpu_seconds"] for each in rounds)
    first = rounds[0]
    print(
        f"  {size:7,} issues in {first['files']:6,} files   {seconds:5.2f} s   CPU {cpu:5.2f} s   "
        f"peak {first['peak_mb']:4.0f} MB, {first['input_mb']:.0f} MB of it before planning   "
        f"{first['packages']} packages, {first['couplings']} couplings"
    )
    return cpu


def in_a_process(size: int, kind: str) -> dict[str, float]:
    command = [sys.executable, __file__, str(size), kind]
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def measure(size: int, *, reads: bool) -> dict[str, float]:
    inventory, paths, known = project(size)
    before = peak_mb()
    begun, cpu_begun = time.perf_counter(), time.process_time()
    plan = make_plan(
        inventory,
        base_commit="0" * 40,
        paths=paths,
        agents=8,
        max_packages=None,
        gates=Gates(),
        contracts=(),
        role_of=Router(load_roles()).choose_role,
        background=known if reads else None,
    )
    return {
        "seconds": time.perf_counter() - begun,
        "cpu_seconds": time.process_time() - cpu_begun,
        "files": len(inventory_files(inventory)),
        "packages": len(plan.packages),
        "couplings": len(plan.couplings),
        "input_mb": before,
        "peak_mb": peak_mb(),
    }


def project(size: int) -> tuple[Inventory, frozenset[str], Background]:
    """Issues, all paths, and texts with a history: the same for the same size."""
    dice = random.Random(size)
    count_of_files = round(size / ISSUES_PER_FILE)
    sources = [f"src/d{number // 100:03d}/m{number}.py" for number in range(count_of_files)]
    tests = [f"tests/d{number // 100:03d}/test_m{number}.py" for number in range(0, count_of_files, 2)]
    severities = list(Severity)
    issues = []
    for number in range(size):
        named = [sources[number % count_of_files] if number < count_of_files else dice.choice(sources)]
        if dice.random() < _SHARE_WITH_TWO_FILES:
            named.append(dice.choice(sources))
        issues.append(
            Issue(
                id=f"F{number}",
                severity=dice.choice(severities),
                title=f"fault {number} in a lock",
                locations=tuple(Location(path=path, start_line=number % 300 + 1) for path in named),
                problem="The lock is taken twice when the queue is full. " * 3,
                source=Source(format="sarif", tool="scan", rule=f"R{number % 50}"),
                fingerprint=f"{number:040x}",
            )
        )
    texts = {path: text_of(path, sources, dice) for path in (*sources, *tests)}
    changes = tuple(tuple(dice.sample(sources, 4)) for _ in range(500))
    inventory = Inventory(issues=tuple(issues), counts=count(tuple(issues), ()))
    return inventory, frozenset(texts), Background(read=texts.get, changes=changes)


def text_of(path: str, sources: list[str], dice: random.Random) -> bytes:
    """A file of 120 lines that imports the standard library and three files of the project."""
    imported = [each.removesuffix(".py").replace("/", ".") for each in dice.sample(sources, 3)]
    lines = ["import os", "import json", *(f"from {each} import thing" for each in imported)]
    return ("\n".join(lines) + f"\n\n# {path}\n" + "value = compute(value, other)\n" * 115).encode()


def inventory_files(inventory: Inventory) -> set[str]:
    return {path for issue in inventory.issues for path in issue.paths}


def peak_mb() -> float:
    """The most memory that this process has had so far."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return float(psutil.Process().memory_info()._asdict()["peak_wset"]) / 1e6
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6


if __name__ == "__main__":
    main()
