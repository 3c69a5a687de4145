"""The report of a run for a person, in Markdown. Estimates and measurements stand apart, labelled."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from polly.reporting.escaping import code, fenced, quote, text
from polly.reporting.figures import cost_per_verified_fix
from polly.reporting.next_steps import left_over, next_commands
from polly.reporting.report import Report, ReportEvidence, ReportGate, ReportIssue, quality_warnings
from polly.work.issues import Inventory, Issue, Severity, Warning
from polly.work.plan import Plan
from polly.work.requests import granted
from polly.work.run import (
    Claim,
    EvidenceKind,
    GateResult,
    PackageRecord,
    PackageState,
    RunRecord,
    RunState,
    Verdict,
)


@dataclass(frozen=True, kw_only=True)
class _Sources:
    report: Report
    record: RunRecord
    plan: Plan
    issues: dict[str, Issue]
    warnings: tuple[Warning, ...]

    def package(self, package_id: str | None) -> PackageRecord | None:
        """The record of a package, when there is one."""
        return next((package for package in self.record.packages if package.id == package_id), None)


def render(report: Report, record: RunRecord, plan: Plan, inventory: Inventory) -> str:
    """The whole report as Markdown. Texts of findings, agents and file names are shown, never interpreted."""
    sources = _Sources(
        report=report,
        record=record,
        plan=plan,
        issues={issue.id: issue for issue in inventory.issues},
        warnings=inventory.warnings,
    )
    blocks = [f"# Polly run {text(record.run)}"]
    for title, section in _SECTIONS:
        blocks += [f"## {title}", *section(sources)]
    return "\n\n".join(blocks) + "\n"


def _summary(sources: _Sources) -> list[str]:
    issues = sources.report.issues
    verdicts = [issue.verdict for issue in issues]
    said = {
        "fixed, proved by evidence": verdicts.count(Verdict.FIXED),
        "partly fixed": verdicts.count(Verdict.PARTLY),
        "not fixed": verdicts.count(Verdict.NOT_FIXED),
        "unverifiable: nothing could be executed to see it": verdicts.count(Verdict.UNVERIFIABLE),
        "declined by the agent": verdicts.count(Verdict.DECLINED),
        "not judged": verdicts.count(None),
    }
    counts = [f"- {count} {words}" for words, count in said.items() if count]
    agent, base = code(sources.record.agent), code(sources.report.base_commit[:12])
    return [
        f"{len(issues)} issues, {len(sources.plan.packages)} packages, agent {agent}, from commit {base}.",
        "\n".join(counts) or "No open issue.",
        *_proved_but_stuck(sources),
        *([_UNFINISHED[sources.record.state]] if sources.record.state in _UNFINISHED else []),
    ]


def _proved_but_stuck(sources: _Sources) -> list[str]:
    stuck = [
        issue.id
        for issue in sources.report.issues
        if issue.verdict is Verdict.FIXED
        and (package := sources.package(issue.package))
        and package.state is not PackageState.READY
    ]
    return [f"Proved fixed, but in a package that is not ready: {text(', '.join(stuck))}."] if stuck else []


_UNFINISHED = {
    RunState.RUNNING: "**The run is not finished**: everything below may still change.",
    RunState.INTERRUPTED: "**The run was interrupted**: everything below may still change.",
}


def _figures(sources: _Sources) -> list[str]:
    measured, forecast = sources.report.figures, sources.plan.forecast
    rows = [
        ("Agent time, all attempts", _minutes(forecast.sequential_minutes), _seconds(measured.agent_seconds)),
        ("Wall time", _minutes(forecast.parallel_minutes), _seconds(measured.wall_seconds)),
        (
            "Critical path",
            _minutes(forecast.critical_path_minutes),
            _seconds(measured.critical_path_seconds),
        ),
        ("Bound", _minutes(forecast.bound_minutes), _seconds(measured.bound_seconds)),
        ("Speedup", _times(forecast.speedup), _times(measured.speedup)),
        ("Efficiency", _percent(forecast.efficiency), _percent(measured.efficiency)),
        ("Tokens", "—", "unknown" if measured.tokens is None else f"{measured.tokens:,}"),
        ("Cost", "—", _dollars(measured.cost_usd)),
        ("Cost per verified fix", "—", _dollars(cost_per_verified_fix(sources.record))),
    ]
    rows += [
        (f"Kept out of the records: {text(kind)}", "—", str(count))
        for kind, count in measured.redactions.items()
    ]
    overhead = [
        (f"Overhead: {text(stage)}", "—", _seconds(seconds))
        for stage, seconds in measured.overhead_seconds.items()
    ]
    return [
        _table(("Figure", "Estimated by the plan", "Measured"), [*rows, *overhead]),
        f"Estimates are for {forecast.agents} agents; the run had {sources.record.agents}.",
    ]


def _packages(sources: _Sources) -> list[str]:
    verified = {
        package.id: sum(outcome.verdict is Verdict.FIXED for outcome in package.outcomes)
        for package in sources.record.packages
    }
    rows = []
    for package in sources.record.packages:
        planned = sources.plan.package(package.id)
        rows.append(
            (
                text(package.id),
                text(planned.title),
                str(planned.wave),
                package.state.value + (f": {text(package.detail)}" if package.detail else ""),
                str(len(package.attempts)),
                f"{verified[package.id]}/{len(planned.issues)}",
                str(len(package.owned_changed)),
                _quality(package),
                package.decision.value,
            )
        )
    header = ("Package", "Title", "Wave", "State", "Attempts", "Verified", "Files", "Quality", "Decision")
    return [_table(header, rows)]


def _quality(package: PackageRecord) -> str:
    """Of the files that it changed, before and after."""
    change = package.quality
    if change is None or change.after is None:
        return "—"
    before = "new" if change.before is None else f"{change.before:.2f}"
    return f"{before} → {change.after:.2f}" + (" (worse)" if change.is_clearly_worse else "")


def _issues(sources: _Sources) -> list[str]:
    blocks = []
    for severity in (*Severity, None):
        of_it = [
            issue
            for issue in sources.report.issues
            if (sources.issues[issue.id].severity if issue.id in sources.issues else None) is severity
        ]
        if of_it:
            blocks.append(f"### {severity.value.capitalize() if severity else 'Severity unknown'}")
        for issue in of_it:
            blocks += _issue(sources, issue)
    return blocks or ["None."]


def _issue(sources: _Sources, reported: ReportIssue) -> list[str]:
    issue = sources.issues.get(reported.id)
    package = sources.package(reported.package)
    facts = [f"- Verdict: **{_verdict(reported)}**"]
    if issue and issue.locations:
        facts.append(f"- Where: {', '.join(code(str(location)) for location in issue.locations)}")
    facts.append(f"- Package: {code(reported.package) if reported.package else 'none'}")
    if package and package.owned_changed:
        facts.append(f"- The package changed: {', '.join(map(code, package.owned_changed))}")
    facts += [f"- Evidence: {_evidence(evidence)}" for evidence in reported.evidence]
    if package and (claim := _claim(package, reported.id)):
        facts.append(f"- The agent claims: {text(claim.status)} — {text(claim.note)}")
    if package:
        facts += [f"- Warning: {text(warning.message)}" for warning in quality_warnings(package)]
    if reported.commit:
        facts.append(f"- Commit of the package: {code(reported.commit)}")
    blocks = [f"#### {text(reported.id)}: {text(issue.title) if issue else '(not in the inventory)'}"]
    if issue:
        blocks += ["Problem:", quote(issue.problem)]
        blocks += ["Suggested by the source:", quote(issue.suggestion)] if issue.suggestion else []
    return [*blocks, "\n".join(facts)]


def _verdict(reported: ReportIssue) -> str:
    if reported.verdict is None:
        return "not judged" if reported.package else "not planned"
    return reported.verdict.value.replace("_", " ")


def _evidence(evidence: ReportEvidence) -> str:
    word = "claim, not proof" if evidence.kind is EvidenceKind.CLAIM else evidence.kind.value
    command = f" by {code(evidence.command)}" if evidence.command else ""
    tree = f" on tree {code(evidence.tree[:12])}" if evidence.tree else ""
    return f"{word} says {evidence.status.value.replace('_', ' ')}{command}{tree}"


def _claim(package: PackageRecord, issue: str) -> Claim | None:
    return next(
        (attempt.claims[issue] for attempt in reversed(package.attempts) if issue in attempt.claims), None
    )


def _ownership(sources: _Sources) -> list[str]:
    planned = {(row.path, row.package): row for row in sources.plan.ownership}
    changed = {(path, package.id) for package in sources.record.packages for path in package.owned_changed}
    waves = {package.id: package.wave for package in sources.plan.packages}
    given = {
        (each.path, package.id): f"granted while it worked: {text(each.reason)}"
        for package in sources.record.packages
        for each in granted(package.requests)
    }
    whys = {**given, **{key: row.why.value for key, row in planned.items()}}
    rows = [
        (
            text(path),
            str(waves.get(package, "?")),
            text(package),
            whys.get((path, package), "matches what it may create"),
            "changed" if (path, package) in changed else "unchanged",
        )
        for path, package in sorted(whys.keys() | changed, key=lambda key: (waves.get(key[1], 0), *key))
    ]
    writers = [(waves.get(package), path) for path, package in changed]
    shared = sorted({path for wave, path in writers if writers.count((wave, path)) > 1})
    conclusion = (
        f"Changed by two packages of one wave: {', '.join(map(code, shared))}."
        if shared
        else f"Files changed: {len(set(writers))}; changed by two packages of one wave: none."
    )
    return [_table(("Path", "Wave", "Planned owner", "Why", "Actually"), rows), conclusion]


def _strays(sources: _Sources) -> list[str]:
    strays = [
        f"- {code(path)} by {code(package.id)}"
        for package in sources.record.packages
        for path in package.strays
    ]
    if not strays:
        return ["None: no package wrote outside its files."]
    return ["Written outside the owned files; quarantined, not landed, not lost:", "\n".join(strays)]


def _requests(sources: _Sources) -> list[str]:
    rows = [
        (
            text(each.path),
            text(package.id),
            each.answer.value + (f": {text(each.owner)} has it" if each.owner else ""),
            text(each.reason),
        )
        for package in sources.record.packages
        for each in package.requests
    ]
    empty = "None: no agent asked for a file that was not its own."
    return [_table(("Path", "Asked by", "Answer", "Reason"), rows, empty=empty)]


def _gates(sources: _Sources) -> list[str]:
    named: list[tuple[str, ReportGate]] = [("run", gate) for gate in sources.report.gates]
    named += [(package.id, gate) for package in sources.report.packages for gate in package.gates]
    rows = [
        (
            text(owner),
            gate.scope.value,
            text(gate.name),
            gate.status.value.replace("_", " "),
            _seconds(gate.seconds),
            text(gate.tree[:12]),
        )
        for owner, gate in named
    ]
    results = [*sources.record.gates, *(gate for each in sources.record.packages for gate in each.gates)]
    return [
        _table(("Of", "Scope", "Gate", "Status", "Took", "Tree"), rows, empty="No gate was run."),
        *_outputs(results),
    ]


def _outputs(results: Iterable[GateResult]) -> list[str]:
    blocks = []
    for gate in results:
        if gate.status.is_red and gate.output:
            blocks += [f"The end of what {code(gate.name)} printed:", fenced(gate.output[-2000:])]
    return blocks


def _changes(sources: _Sources) -> list[str]:
    paths = sorted({path for package in sources.record.packages for path in package.owned_changed})
    rows = []
    for path in paths:
        writers = [package.id for package in sources.record.packages if path in package.owned_changed]
        about = [
            reported.id
            for reported in sources.report.issues
            if reported.id in sources.issues and path in sources.issues[reported.id].paths
        ]
        rows.append((text(path), text(", ".join(writers)), text(", ".join(about)) if about else "—"))
    return [_table(("File", "Changed by", "Issues located in it"), rows, empty="No file was changed.")]


def _contradictions(sources: _Sources) -> list[str]:
    return [_warnings(sources.warnings, empty="None were found.")]


def _other_warnings(sources: _Sources) -> list[str]:
    worse = [warning for package in sources.record.packages for warning in quality_warnings(package)]
    return [_warnings((*sources.plan.warnings, *sources.record.warnings, *worse), empty="None.")]


def _warnings(warnings: Sequence[Warning], *, empty: str) -> str:
    lines = [
        f"- {code(warning.code)}: {text(warning.message)}"
        + (f" (at {code(warning.ref)})" if warning.ref else "")
        for warning in warnings
    ]
    return "\n".join(lines) or empty


def _tampering(sources: _Sources) -> list[str]:
    blocks = []
    for package in sources.record.packages:
        for found in package.tampering:
            line = f":{found.line}" if found.line is not None else ""
            blocks.append(
                f"- {code(found.package)}: {text(found.kind)} in {code(f'{found.path}{line}')}"
                + (f": {code(found.text)}" if found.text else "")
            )
    if not blocks:
        return ["None was found."]
    return [
        "Changes that make checks quieter; each such package needs an approval of its own:",
        "\n".join(blocks),
    ]


def _left(sources: _Sources) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for issue, reason in left_over(sources.report, sources.record, sources.plan):
        by_reason.setdefault(reason, []).append(code(issue))
    lines = [f"- {', '.join(issues)}: {text(reason)}" for reason, issues in by_reason.items()]
    return ["\n".join(lines) or "Nothing: every issue is fixed with evidence, and committed."]


def _next(sources: _Sources) -> list[str]:
    return [fenced("\n".join(next_commands(sources.record)))]


_SECTIONS: tuple[tuple[str, Callable[[_Sources], list[str]]], ...] = (
    ("Summary", _summary),
    ("Figures", _figures),
    ("Packages", _packages),
    ("Issues", _issues),
    ("Ownership, planned and actual", _ownership),
    ("Strays", _strays),
    ("Files asked for", _requests),
    ("Gates", _gates),
    ("Changes per file", _changes),
    ("Contradictions and warnings of the sources", _contradictions),
    ("Warnings of the plan and the run", _other_warnings),
    ("Tampering", _tampering),
    ("What is left", _left),
    ("Next commands", _next),
)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str = "None.") -> str:
    if not rows:
        return empty
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _minutes(value: float) -> str:
    return f"{value:g} min"


def _seconds(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:.2f} s" if value < 60 else f"{value / 60:.1f} min"


def _times(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f} times"


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0%}"


def _dollars(value: float | None) -> str:
    return "unknown" if value is None else f"USD {value:.4f}"
