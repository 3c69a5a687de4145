"""A plan as an HTML page: the picture, and below it every issue, file and coupling. It loads nothing."""

from collections.abc import Iterator, Sequence

from polly.reporting.plan_picture import MEANING, plan_svg, safe
from polly.work.issues import Inventory
from polly.work.plan import Plan

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Plan</title>
<style>
body { margin: 0; font: 14px/1.45 system-ui, sans-serif; color: #1b1f24; background: #fff }
.picture { overflow-x: auto }
details { margin: 0 24px 16px }
summary { cursor: pointer; font-weight: 600 }
table { border-collapse: collapse; margin-top: 8px }
th, td { text-align: left; padding: 3px 14px 3px 0; vertical-align: top; border-bottom: 1px solid #e3e6ea }
td { overflow-wrap: anywhere }
</style></head><body>
"""


def plan_html(plan: Plan, inventory: Inventory) -> str:
    """The page as UTF-8 text."""
    tables = "\n".join(_tables(plan, inventory))
    picture = f'<div class="picture">{plan_svg(plan, inventory)}</div>'
    return f"{_HEAD}{picture}\n{tables}\n</body></html>\n"


def _tables(plan: Plan, inventory: Inventory) -> Iterator[str]:
    by_id = {issue.id: issue for issue in inventory.issues}
    planned = ((package.id, issue) for package in plan.packages for issue in package.issues)
    yield _table(
        "Issues",
        ("package", "issue", "severity", "title"),
        [
            (package, issue, by_id[issue].severity.value, by_id[issue].title)
            for package, issue in planned
            if issue in by_id
        ],
    )
    yield _table(
        "Who owns which file",
        ("file", "wave", "owner", "why", "reason"),
        [
            (row.path, row.wave, row.package, row.why.value, row.reason or MEANING[row.why])
            for row in plan.ownership
        ],
    )
    yield _table(
        "What reads what another package writes",
        ("package", "writer", "risk", "files", "reason"),
        [
            (each.package, each.on, f"{each.risk:g}", ", ".join(each.paths), each.reason)
            for each in plan.couplings
        ],
    )
    yield _table("Not planned", ("issue", "reason"), [(each.issue, each.reason) for each in plan.unplanned])
    yield _table("Warnings", ("code", "message"), [(each.code, each.message) for each in plan.warnings])


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{column}</th>" for column in columns)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{safe(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f"<details><summary>{title} ({len(rows)})</summary><table><thead><tr>{head}</tr></thead>\n"
        f"<tbody>{body}</tbody></table></details>"
    )
