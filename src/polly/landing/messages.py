"""The commit messages of landed and reverted packages. Pure; texts of findings cannot forge a trailer."""

from polly.landing.listing import one_line
from polly.work.plan import WorkPackage
from polly.work.run import EvidenceKind, EvidenceStatus, IssueOutcome, PackageRecord

#: Longer subjects are cut by most tools that show history.
_SUBJECT_LENGTH = 72

RUN = "Polly-Run"
PACKAGE = "Polly-Package"
REVERTS = "Polly-Reverts"


def commit_message(package: WorkPackage, record: PackageRecord, run: str, text: str | None = None) -> str:
    """`fix(WP2): title`, the issues with their verdicts, and the trailers. `text` replaces all but those."""
    body = text.strip() if text and text.strip() else _subject_and_body(package, record)
    trailers = (
        f"Polly-Issues: {', '.join(map(one_line, package.issues))}",
        f"{PACKAGE}: {one_line(package.id)}",
        f"{RUN}: {one_line(run)}",
        f"Polly-Role: {one_line(package.role)}",
    )
    return _plain(f"{body}\n\n" + "\n".join(trailers) + "\n")


def revert_message(package: str, subject: str, commit: str, run: str) -> str:
    """`revert(WP2): title` of the commit that is taken back."""
    title = one_line(subject).removeprefix(f"fix({package}): ")
    trailers = f"{PACKAGE}: {package}\n{RUN}: {run}\n{REVERTS}: {commit}\n"
    return _plain(f"{_cut(f'revert({package}): {title}')}\n\nThis reverts commit {commit}.\n\n{trailers}")


def _subject_and_body(package: WorkPackage, record: PackageRecord) -> str:
    full = f"fix({one_line(package.id)}): {one_line(package.title)}"
    subject = _cut(full)
    outcomes = {outcome.issue: outcome for outcome in record.outcomes}
    issues = [_issue_line(issue, outcomes.get(issue)) for issue in package.issues]
    title = [] if subject == full else [one_line(package.title), ""]
    return "\n".join((subject, "", *title, *issues)).strip()


def _issue_line(issue: str, outcome: IssueOutcome | None) -> str:
    if outcome is None:
        return f"- {one_line(issue)}: not judged"
    proofs = sorted(
        {
            evidence.kind.value
            for evidence in outcome.evidence
            if evidence.kind is not EvidenceKind.CLAIM and evidence.status is EvidenceStatus.FIXED
        }
    )
    proved = f" (evidence: {', '.join(proofs)})" if proofs else ""
    return f"- {one_line(issue)}: {outcome.verdict.value.replace('_', ' ')}{proved}"


def _cut(subject: str) -> str:
    if len(subject) <= _SUBJECT_LENGTH:
        return subject
    kept = subject[: _SUBJECT_LENGTH - 1]
    word_end = kept.rfind(" ")
    return (kept[:word_end] if word_end > _SUBJECT_LENGTH * 2 // 3 else kept) + "…"


def _plain(text: str) -> str:
    # git refuses a NUL in a message, and other control characters steer the terminals that show it.
    kept = "".join(letter for letter in text if letter in "\n\t" or letter.isprintable())
    return kept.encode("utf-8", "replace").decode("utf-8")


def run_again(package: WorkPackage) -> str:
    """The command that has a package's issues fixed anew."""
    return " ".join(("polly fix SOURCE", *(f"--only {one_line(issue)}" for issue in package.issues)))
