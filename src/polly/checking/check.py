"""One document is read and its claims are checked against a repository."""

from collections.abc import Callable
from pathlib import Path

from polly.checking import plan, report
from polly.checking.claims import Check, counts_of
from polly.checking.history import GitHistory
from polly.errors import InputError
from polly.git import Repository, Snapshot
from polly.intake.document import Document, load
from polly.intake.finding import Context
from polly.intake.read import display_name
from polly.intake.sources.markdown import reader as markdown
from polly.intake.sources.tasks import plan_document


def check(source: str | Path, repository: Repository) -> Check:
    """The claims of a report (Markdown) or a plan document (JSON), checked at HEAD of the repository.

    Raises InputError for a document that cannot be read or claims nothing that Polly can check.
    """
    document = load(source, name=display_name(source, repository.root))
    commit = repository.base_commit()
    history = GitHistory(repository)
    with repository.snapshot(commit) as snapshot:
        if plan_document.is_plan(document):
            kind = "plan"
            subject, found = plan.claims(
                plan_document.parse(document), paths=snapshot.paths, history=history, root=repository.root
            )
        elif not document.is_json:
            kind = "report"
            subject, found = report.claims(
                document.name,
                markdown.parse(document, Context(snapshot, {})),
                paths=snapshot.paths,
                history=history,
                lines_of=_lines_of(snapshot),
            )
        else:
            raise _not_checkable(document)
    if not found:
        raise InputError(
            f"{document.name} claims nothing that Polly can check.",
            next_step="Looked for commits, files, counts, times, packages and their owners.",
        )
    return Check(
        document=document.name,
        kind=kind,
        commit=commit,
        subject=subject,
        counts=counts_of(found),
        claims=found,
        warnings=document.warnings,
    )


def _lines_of(snapshot: Snapshot) -> Callable[[str], int | None]:
    def count(path: str) -> int | None:
        content = snapshot.read(path)
        return None if content is None else content.count(b"\n") + (not content.endswith(b"\n"))

    return count


def _not_checkable(document: Document) -> InputError:
    return InputError(
        f"{document.name} is JSON without a list of work packages or tasks, so it is no plan to check.",
        next_step="`polly issues` reads reports of scanners and reviews, `polly check` plans and Markdown.",
    )
