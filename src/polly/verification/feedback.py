"""What the next attempt should know about this one. Pure."""

from collections.abc import Sequence

from polly.verification.verdict import is_decisive, verdict
from polly.work.run import EvidenceKind, EvidenceStatus, GateResult, IssueOutcome, Verdict

#: Of one gate's output: the end of it, where test programs put the summary.
_OUTPUT_LIMIT = 4_000


def feedback(gates: Sequence[GateResult], outcomes: Sequence[IssueOutcome]) -> str | None:
    """Red gates with the end of their output, and issues that evidence says are not (wholly) fixed.

    None when a next attempt could not do better for what is known.
    """
    parts = [_of_gate(gate) for gate in gates if gate.status.is_red]
    parts += _of_issues([outcome for outcome in outcomes if _is_unfixed(outcome)])
    return "\n\n".join(parts) or None


def _of_gate(gate: GateResult) -> str:
    ended = {"failed": "failed", "timed_out": "was not done in time", "error": "could not be run"}
    headline = f"The gate `{gate.name}` {ended[gate.status.value]} on your changes."
    return f"{headline}\n{gate.output[-_OUTPUT_LIMIT:]}".strip()


def _is_unfixed(outcome: IssueOutcome) -> bool:
    # Judged as if the package could land: a red gate is said once and not again for every issue.
    decided = any(is_decisive(each) for each in outcome.evidence)
    return decided and verdict(outcome.evidence, landable=True) is not Verdict.FIXED


def _of_issues(outcomes: Sequence[IssueOutcome]) -> list[str]:
    """One part per command; issues of which it says the same share a line."""
    said: dict[str, dict[str, list[str]]] = {}
    for outcome in outcomes:
        for evidence in outcome.evidence:
            if evidence.kind is EvidenceKind.CLAIM or evidence.status is EvidenceStatus.FIXED:
                continue
            by = f"{evidence.kind.value} `{evidence.command}`" if evidence.command else evidence.kind.value
            said.setdefault(by, {}).setdefault(evidence.detail, []).append(outcome.issue)
    return [
        "\n".join(
            [
                f"Not, or not wholly, fixed (seen by {by}):",
                *(f"- {', '.join(ids)}: {detail}" for detail, ids in details.items()),
            ]
        )
        for by, details in said.items()
    ]
