"""What fuzzing holds intake to: any bytes give an inventory whose figures add up, or a reason."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from polly.checking import plan as plan_claims
from polly.checking import report as report_claims
from polly.checking.claims import Claim
from polly.checking.history import Commit
from polly.errors import InputError
from polly.intake.document import parse
from polly.intake.finding import Context
from polly.intake.read import take as take_in
from polly.intake.sources.markdown import reader as markdown
from polly.intake.sources.tasks import plan_document
from polly.work.issues import Inventory

FILES = {
    "a.py": b"x = 1\ny = 2\n" * 20,
    "src/b.py": b"\0binary",
    "src/log.py": b"\xff\xfe" + b"z\n" * 60,
    "docs/a b.md": "é\u2028\n".encode(),
}
ROOT = Path("/checkout")


class Files:
    """A snapshot held in memory."""

    paths = frozenset(FILES)

    def read(self, path: str) -> bytes | None:
        return FILES.get(path)


class NoHistory:
    """A repository without any of the commits that a document names."""

    is_shallow = False

    def commit(self, name: str) -> Commit | None:
        return None

    def naming(self, words: Iterable[str]) -> tuple[Commit, ...]:
        return ()


def take(name: str, data: bytes) -> Inventory | None:
    """The inventory of these bytes, checked; None when they were refused, which needs a reason."""
    refusal = ""
    try:
        inventory = take_in([name], snapshot=Files(), root=ROOT, fetch=lambda _: data).inventory
    except InputError as error:
        refusal = error.what
    if refusal:
        assert name in refusal
        return None
    counts = inventory.counts
    assert counts.read == counts.issues + counts.excluded
    assert counts.issues == len(inventory.issues) == sum(counts.by_severity.values())
    assert counts.excluded == sum(each.count for each in inventory.excluded)
    assert len({issue.id.casefold() for issue in inventory.issues}) == counts.issues
    for path in (path for issue in inventory.issues for path in (*issue.paths, *issue.creates)):
        assert path
        assert not path.startswith(("/", "../"))
        assert "\0" not in path
        assert ".." not in path.split("/")
        assert ".git" not in path.casefold().split("/")
    assert msgspec.json.decode(msgspec.json.encode(inventory), type=Inventory) == inventory
    return inventory


def claim(name: str, data: bytes) -> None:
    """The claims of a report or plan in these bytes: each with a place and evidence, or a reason for none."""
    refusal = ""
    found: tuple[Claim, ...] = ()
    try:
        document = parse(data, name)
        if plan_document.is_plan(document):
            plan = plan_document.parse(document)
            _, found = plan_claims.claims(plan, paths=Files.paths, history=NoHistory(), root=ROOT)
        elif not document.is_json:
            parsed = markdown.parse(document, Context(Files(), {}))
            _, found = report_claims.claims(
                name, parsed, paths=Files.paths, history=NoHistory(), lines_of=lambda _: 3
            )
    except InputError as error:
        refusal = error.what
    assert not refusal or name in refusal
    for each in found:
        assert each.place
        assert each.says
        assert each.evidence
    msgspec.json.encode(found)
