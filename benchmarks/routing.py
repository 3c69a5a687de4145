"""How well and how quickly requests are routed, against plain keyword matching.

The requests are in benchmarks/routing. Of the held-out half only totals are shown, and it is never fitted on.
Run: make bench, or python benchmarks/routing.py. With --fit it writes the figures by which scores become
confidences, fitted on the tuning half, to src/polly/routing/calibration.json instead.
"""

import json
import math
import random
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil

from polly.routing.calibration import Calibration
from polly.routing.library import Roles, load_roles
from polly.routing.router import Router
from polly.work.issues import Issue, Location, Severity, Source
from polly.work.routing import GENERAL_ROLE, Request, RoutingDecision, Strategy

HERE = Path(__file__).parent
CALIBRATION = HERE.parent / "src" / "polly" / "routing" / "calibration.json"
HALVES = ("tuning", "held_out")
BINS = 10
FOLDS = 10

#: Of the gradient descent.
ROUNDS = 3_000
RATE = 5.0
RIDGE = 0.05


class Case(NamedTuple):
    """A labelled request. right: the roles that are right; "none" among them means that no detection is."""

    request: Request
    right: frozenset[str]
    kind: str


class Judged(NamedTuple):
    kind: str
    is_right: bool
    confidence: float  # in the best candidate
    best_is_right: bool


def main() -> None:
    roles = load_roles()
    if "--fit" in sys.argv:
        fit(roles)
        return
    if len(sys.argv) > 1:
        print(json.dumps(many_issues(int(sys.argv[1]))))
        return
    for half in HALVES:
        report(half, cases(half), roles)
    speed(roles)


def cases(half: str) -> list[Case]:
    found = []
    for line in (HERE / "routing" / f"{half}.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        unit, times = case.get("text_repeat", ("", 0))
        text = case["text"] if "text" in case else unit * times
        request = Request(text=text, paths=tuple(case["paths"]), rules=tuple(case["rules"]))
        found.append(Case(request, frozenset((case["role"], *case["also"])), case["kind"]))
    return found


def report(half: str, known: Sequence[Case], roles: Roles) -> None:
    judged = [judge(case, Router(roles).route(case.request)) for case in known]
    plain = [each.is_right for each in map(keywords(roles), known)]
    print(f"{half.replace('_', '-')}: {len(known)} requests")
    print(f"  accuracy {share(each.is_right for each in judged):.3f}, keywords {share(plain):.3f}")
    by_kind = defaultdict(list)
    for case, each, by_words in zip(known, judged, plain, strict=True):
        by_kind[case.kind].append((each.is_right, by_words))
    for kind, results in by_kind.items():
        ours, theirs = (share(column) for column in zip(*results, strict=True))
        print(f"    {kind:<11} {len(results):3}   {ours:.2f}   keywords {theirs:.2f}")
    sure = [(each.confidence, each.best_is_right) for each in judged]
    print(f"  calibration error {calibration_error(sure):.3f} ({BINS} bins)")


def judge(case: Case, decision: RoutingDecision) -> Judged:
    best = decision.role
    if decision.detection is not None and decision.alternatives:
        best = max((decision.chosen, *decision.alternatives), key=lambda each: each.confidence).role
    is_right = decision.role in case.right or ("none" in case.right and decision.detection is not None)
    # Where nothing speaks for any role, being sure of none is what is right or wrong.
    return Judged(case.kind, is_right, decision.best, decision.best > 0 and best in case.right)


def keywords(roles: Roles) -> Callable[[Case], Judged]:
    """Plain keyword matching: every trigger as a substring, most hits win, ties by name."""
    triggers = {role.name: [each.lower() for each in role.triggers] for role in roles}

    def match(case: Case) -> Judged:
        text = case.request.text.lower()
        hits = {role: sum(each in text for each in its) for role, its in triggers.items()}
        most = max(hits.values())
        found = [role for role, count in sorted(hits.items()) if count == most] if most else [GENERAL_ROLE]
        is_right = found[0] in case.right or ("none" in case.right and not most)
        return Judged(case.kind, is_right, 1.0, is_right)

    return match


def share(values: Iterable[bool]) -> float:
    values = list(values)
    return sum(values) / len(values)


def calibration_error(sure: Sequence[tuple[float, bool]]) -> float:
    """Expected calibration error: the mean distance of confidence and success over bins of equal width."""
    bins = defaultdict(list)
    for confidence, is_right in sure:
        bins[min(int(confidence * BINS), BINS - 1)].append((confidence, is_right))
    distances = (
        abs(statistics.fmean(each for each, _ in found) - share(right for _, right in found)) * len(found)
        for found in bins.values()
    )
    return sum(distances) / len(sure)


class Example(NamedTuple):
    """The best candidate of a request: its score, its margin, and whether it was right."""

    score: float
    margin: float
    is_right: bool


def fit(roles: Roles) -> None:
    """Writes the calibration: a logistic curve over score and margin, and the threshold that costs least."""
    known = cases("tuning")
    router = Router(roles)
    examples = [
        Example(first.score, first.score - second.score, first.role in case.right)
        for case in known
        for first, second in [router.rank(case.request)[:2]]
        if first.reasons and router.route(case.request).strategy is not Strategy.EXPLICIT
    ]
    curve = logistic(examples)
    made = Calibration(
        bias=round(curve[0], 4),
        strength=round(curve[1], 4),
        lead=round(curve[2], 4),
        threshold=0.0,
    )
    threshold = best_threshold(roles, known, made)
    error = crossed(examples)
    made = msgspec.structs.replace(
        made,
        threshold=threshold,
        made={
            "by": "benchmarks/routing.py --fit",
            "how": "logistic regression, ridge 0.05: was the best candidate right; threshold by accuracy",
            "from": "benchmarks/routing/tuning.jsonl",
            "requests": len(known),
            "with_a_candidate": len(examples),
            "cross_validated_calibration_error": round(error, 4),
        },
    )
    CALIBRATION.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
    print(CALIBRATION.read_text(encoding="utf-8"))


def logistic(examples: Sequence[Example]) -> tuple[float, float, float]:
    """Bias and the weights of score and margin, by gradient descent; neither weight is below zero."""
    bias = strength = lead = 0.0
    for _ in range(ROUNDS):
        slopes = [0.0, RIDGE * strength, RIDGE * lead]
        for each in examples:
            chance = 1 / (1 + math.exp(-(bias + strength * each.score + lead * each.margin)))
            miss = chance - each.is_right
            slopes[0] += miss
            slopes[1] += miss * each.score
            slopes[2] += miss * each.margin
        bias -= RATE * slopes[0] / len(examples)
        strength = max(strength - RATE * slopes[1] / len(examples), 0.0)
        lead = max(lead - RATE * slopes[2] / len(examples), 0.0)
    return bias, strength, lead


def crossed(examples: Sequence[Example]) -> float:
    """The calibration error when each example is judged by a curve that has not seen it."""
    sure = []
    for fold in range(FOLDS):
        curve = logistic([each for place, each in enumerate(examples) if place % FOLDS != fold])
        made = Calibration(bias=curve[0], strength=curve[1], lead=curve[2], threshold=0)
        sure += [(made.confidence(each.score, each.margin), each.is_right) for each in examples[fold::FOLDS]]
    return calibration_error(sure)


def best_threshold(roles: Roles, known: Sequence[Case], made: Calibration) -> float:
    """The middle of the thresholds by which most requests of the tuning half are right."""
    router = Router(roles, calibration=made, threshold=0.0)
    decisions = [router.route(case.request) for case in known]
    rights = {}
    for percent in range(10, 80):
        threshold = percent / 100
        rights[threshold] = sum(
            is_right_with(threshold, case, decision) for case, decision in zip(known, decisions, strict=True)
        )
    best = [threshold for threshold, count in rights.items() if count == max(rights.values())]
    return best[len(best) // 2]


def is_right_with(threshold: float, case: Case, decision: RoutingDecision) -> bool:
    if decision.best >= threshold and decision.best > 0:
        return decision.role in case.right
    return bool({GENERAL_ROLE, "none"} & case.right)


def speed(roles: Roles) -> None:
    router = Router(roles)
    took = []
    for issue in issues(2_000):
        begun = time.perf_counter()
        router.choose_role([issue], issue.paths)
        took.append((time.perf_counter() - begun) * 1e6)
    parts = statistics.quantiles(took, n=100)
    print(f"one issue: p50 {parts[49]:.0f} µs, p95 {parts[94]:.0f} µs")
    few, many = (in_a_process(size) for size in (1_000, 10_000))
    growth = many["seconds"] / few["seconds"]
    print(
        f"10,000 different issues: {many['seconds']:.2f} s, {growth:.1f} times 1,000; "
        f"peak {many['peak_mb']:.0f} MB, {many['before_mb']:.0f} MB of it before routing"
    )
    for name, text in hostile(roles).items():
        times = []
        for number in range(5):
            begun = time.perf_counter()
            router.route(Request(text=f"{text}{number}"))
            times.append((time.perf_counter() - begun) * 1e3)
        print(f"hostile, {len(text) / 1000:.0f} kB of {name}: {statistics.median(times):.1f} ms")


def in_a_process(size: int) -> dict[str, float]:
    command = [sys.executable, __file__, str(size)]
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def many_issues(size: int) -> dict[str, float]:
    router = Router(load_roles())
    given = issues(size)
    router.choose_role([], ["a.py"])
    before = psutil.Process().memory_info().rss / 1e6
    begun = time.perf_counter()
    for issue in given:
        router.choose_role([issue], issue.paths)
    return {"seconds": time.perf_counter() - begun, "before_mb": before, "peak_mb": peak_mb()}


def issues(size: int) -> list[Issue]:
    """Different issues with the words of the tuning half: the same for the same size."""
    dice = random.Random(size)
    texts = [case.request.text[:600] for case in cases("tuning") if case.request.text]
    return [
        Issue(
            id=f"F{number}",
            severity=dice.choice(list(Severity)),
            title=f"{dice.choice(texts)} ({number})",
            problem=" ".join(dice.sample(texts, 2)),
            locations=(Location(path=f"src/d{number % 90}/{dice.choice(('a.py', 'test_b.py', 'c.sql'))}"),),
            source=Source(format="sarif", tool="ruff", rule=f"R{number % 50}"),
            fingerprint=str(number),
        )
        for number in range(size)
    ]


def hostile(roles: Roles) -> dict[str, str]:
    triggers = " ".join(trigger for role in roles for trigger in role.triggers)
    dice = random.Random(1)
    letters = ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(15_000)]
    return {
        "one letter": "a" * 100_000,
        "all triggers over and over": (triggers * 40)[:100_000],
        "different words": " ".join(letters)[:100_000],
        "quotes and fences": "\"`'```\n > " * 10_000,
        "negations": "do not not never " * 6_000,
        "names": "@agent-x agent-performance or " * 3_400,
        "slashes and dots": "a/.b-" * 20_000,
        "Chinese": "\u6d4b\u8bd5" * 50_000,
    }


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
