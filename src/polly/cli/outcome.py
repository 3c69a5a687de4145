"""How a run went, in words: the table, and what was not proved and why."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from polly.cli.output import Table, counted, print_table, say, shown, warn
from polly.pipeline.runs import OpenRun
from polly.reporting.figures import Figures, figures
from polly.reporting.status import status_rows
from polly.work.run import (
    EvidenceKind,
    GateResult,
    GateStatus,
    IssueOutcome,
    PackageRecord,
    PackageState,
    RunRecord,
    Verdict,
)

#: Issues that are named one by one; the report names all.
_MOST_ISSUES = 10


def is_verified(run: OpenRun, record: RunRecord) -> bool:
    """True when every open issue was proved fixed in a package that can land as it is."""
    last_tree = record.waves[-1].tree if record.waves else None
    if run.plan.unplanned or any(gate.status.is_red for gate in record.gates if gate.tree == last_tree):
        return False
    return all(
        package.state is PackageState.READY
        and not _needs_own_approval(package)
        and {outcome.issue for outcome in package.outcomes if outcome.verdict is Verdict.FIXED}
        >= set(run.plan.package(package.id).issues)
        for package in record.packages
    )


def tell_outcome(run: OpenRun, record: RunRecord) -> None:
    """Print the table, then everything that did not go as wished, then what was proved and how fast."""
    print_table(_table(run, record))
    for package in record.packages:
        _tell_package(run.folder, package)
    _tell_gates(record)
    _tell_proof(run, record)
    _tell_speed(figures(record, run.plan))


def _needs_own_approval(package: PackageRecord) -> bool:
    return bool(package.tampering) and package.approved_tree != package.tree


def _table(run: OpenRun, record: RunRecord) -> Table:
    return Table(
        columns=("package", "state", "fixed", "attempts", "seconds", "files", "title"),
        rows=tuple(
            (
                row.package,
                row.state.value,
                f"{row.verified} of {row.issues}",
                row.attempts,
                None if row.seconds is None else f"{row.seconds:.1f}",
                row.files,
                row.title,
            )
            for row in status_rows(record, run.plan)
        ),
    )


def _tell_package(folder: Path, package: PackageRecord) -> None:
    kept = folder / "packages" / package.id
    if package.detail:
        logged = package.attempts and package.state is PackageState.FAILED
        warn(f"{package.id}: {package.detail}" + (f" (log: {shown(kept / 'log.txt')})" if logged else ""))
    for gate in package.gates:
        if gate.status.is_red:
            _tell_red(gate, f"of {package.id}")
    if package.strays:
        warn(f"{package.id} wrote files of others: {_few(package.strays)} (kept in {shown(kept)})")
    if package.tampering:
        found = [f"{each.kind} at {each.path}:{each.line or 1}" for each in package.tampering]
        warn(f"{package.id} made a check quieter: {_few(found)}; it needs an approval of its own")


def _tell_gates(record: RunRecord) -> None:
    for gate in record.gates:
        if gate.status.is_red:
            _tell_red(gate, gate.scope.value)
    everywhere = _all_gates(record)
    before = {gate.name: gate for gate in everywhere if gate.status is GateStatus.RED_BEFORE}
    for gate in before.values():
        last = gate.output.strip().splitlines()[-1:]
        warn(
            f"the gate `{gate.name}` fails on the base commit too, so it proves nothing about this run"
            + (f" ({last[0]})" if last else "")
        )


def _tell_red(gate: GateResult, where: str) -> None:
    output = gate.output.strip()
    warn(f"the gate `{gate.name}` ({where}) {gate.status.value.replace('_', ' ')}" + (":" if output else ""))
    say("\n".join(f"  {line}" for line in output.splitlines()[-12:]))


def _tell_proof(run: OpenRun, record: RunRecord) -> None:
    outcomes = [outcome for package in record.packages for outcome in package.outcomes]
    fixed = sum(outcome.verdict is Verdict.FIXED for outcome in outcomes)
    total = len(run.plan.unplanned) + sum(len(package.issues) for package in run.plan.packages)
    gates = _all_gates(record)
    passed = sum(gate.status is GateStatus.PASSED for gate in gates)
    say(
        f"\n{fixed} of {counted(total, 'issue')} proved fixed"
        + (f"; {passed} of {counted(len(gates), 'gate result')} passed." if gates else ".")
    )
    for line in _unproved(record):
        say(f"  {line}")


def _unproved(record: RunRecord) -> Iterator[str]:
    ready = [package for package in record.packages if package.state is PackageState.READY]
    open_ones = [each for package in ready for each in package.outcomes if each.verdict is not Verdict.FIXED]
    untried = [each.issue for each in open_ones if not _tried(each)]
    if untried:
        yield (
            f"Nothing can prove {_few(untried)}: no [rescan.TOOL] and no [[checks]] of polly.toml is about "
            f"{'it' if len(untried) == 1 else 'them'}."
        )
    tried = [each for each in open_ones if _tried(each)]
    for outcome in tried[:_MOST_ISSUES]:
        said = [each for each in outcome.evidence if each.kind is not EvidenceKind.CLAIM][-1]
        reason = f": {said.kind.value} says {said.status.value.replace('_', ' ')}"
        detail = " ".join(said.detail.split())[:200]
        verdict = outcome.verdict.value.replace("_", " ")
        yield f"{outcome.issue} {verdict}{reason}" + (f" ({detail})" if detail else "")
    if len(tried) > _MOST_ISSUES:
        yield f"… and {len(tried) - _MOST_ISSUES} more: polly report"


def _tried(outcome: IssueOutcome) -> bool:
    return any(each.kind is not EvidenceKind.CLAIM for each in outcome.evidence)


def _tell_speed(measured: Figures) -> None:
    if not measured.wall_seconds or not measured.agent_seconds:
        return
    worked = f"Agents worked {measured.agent_seconds:.1f} s in {measured.wall_seconds:.1f} s of wall time"
    speedup = measured.speedup or 0.0
    if speedup > 1:
        say(f"{worked}: {speedup:.1f} times faster than one after another.")
    else:
        say(f"{worked}; so little work does not pay for checkouts, gates and proof.")


def _all_gates(record: RunRecord) -> list[GateResult]:
    return [*record.gates, *(gate for package in record.packages for gate in package.gates)]


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
