import os
import re
from collections import Counter
from collections.abc import Sequence

from polly.cli import options
from polly.cli.output import Format, Table, counted, say, show, warn
from polly.intake.policy import rule_of
from polly.pipeline.stages import take_in
from polly.work.issues import Inventory, Warning
from polly.work.rounds import Rounds

#: References that a line names, and warnings of one code that are told.
_SHOWN, _ALIKE_SHOWN = 3, 5


def issues(
    sources: options.Sources,
    *,
    only: options.Only = None,
    severity: options.Severities = None,
    path: options.Paths = None,
    include: options.Include = None,
    since: options.Since = None,
    source_format: options.SourceFormat = None,
    output_format: options.OutputFormat = Format.TABLE,
) -> None:
    """Read findings and print the issues, with what was left out and why.

    Example: `polly issues findings.sarif REVIEW.md --severity critical`
    """
    inventory = take_in(
        options.here(),
        sources,
        options.selection(only, severity, path, include),
        source_format=source_format,
        since=since,
    )
    show(inventory, table_of(inventory), output_format)
    if output_format is Format.TABLE:
        tell_rest(inventory)


def table_of(inventory: Inventory) -> Table:
    """The issues as rows for people; with what each was in the earlier run, when one was named."""
    rounds = inventory.rounds or Rounds(since="")
    states = _states(rounds)
    return Table(
        columns=(
            "id",
            "severity",
            "status",
            "where",
            "title",
            "reported by",
            *([f"since {rounds.since}"] if rounds.since else ()),
        ),
        rows=tuple(
            (
                issue.id,
                issue.severity.value,
                issue.status.value,
                ", ".join(str(location) for location in issue.locations[:3])
                + (f" (+{len(issue.locations) - 3})" if len(issue.locations) > 3 else ""),
                issue.title,
                ", ".join(source.tool or source.format for source in (issue.source, *issue.also_reported_by)),
                *([states.get(issue.id, "")] if rounds.since else ()),
            )
            for issue in inventory.issues
        ),
        empty="No issue is left." if inventory.counts.read else "No finding was read.",
    )


def _states(rounds: Rounds) -> dict[str, str]:
    states = dict.fromkeys(rounds.new, "new")
    states |= dict.fromkeys(rounds.surviving, "surviving")
    states |= dict.fromkeys(rounds.reopened, "re-opened")
    for each in rounds.not_converging:
        states[each.issue] = f"{states.get(each.issue, '')}, not converging"
    return states


def tell_rest(inventory: Inventory) -> None:
    """Say how many findings were read, what was left out and why, what changed, and every warning."""
    counts = inventory.counts
    severities = ", ".join(f"{number} {name}" for name, number in counts.by_severity.items() if number)
    say(
        f"\n{counted(counts.read, 'finding')} read, {counted(counts.issues, 'issue')} "
        f"in {counted(counts.files, 'file')}" + (f" ({severities})" if severities else "")
    )
    for exclusion in inventory.excluded:
        say(
            f"  left out as {exclusion.reason.replace('_', ' ')}: {exclusion.count}"
            + (f" ({_few(_shortened(exclusion.refs[: _SHOWN + 1]))})" if exclusion.refs else "")
        )
    switches = {rule for each in inventory.excluded if (rule := rule_of(each.reason))}
    if switches:
        say(f"  taken in with: {' '.join(f'--include {rule}' for rule in sorted(switches))}")
    if inventory.rounds:
        _tell_rounds(inventory.rounds)
    _tell_warnings(inventory.warnings)


def _tell_warnings(warnings: Sequence[Warning]) -> None:
    """Every warning, but of those with one code only the first ones: a report can name a thousand files."""
    told: Counter[str] = Counter()
    for warning in warnings:
        told[warning.code] += 1
        if told[warning.code] <= _ALIKE_SHOWN:
            named = not warning.ref or warning.ref in warning.message
            warn(warning.message if named else f"{warning.message} [{warning.ref}]")
    more = {code.replace("_", " "): number - _ALIKE_SHOWN for code, number in told.items()}
    left = [f"{number} {code}" for code, number in more.items() if number > 0]
    if left:
        warn(f"More of the like: {', '.join(left)}; `polly issues --format json` has every one")


def _tell_rounds(rounds: Rounds) -> None:
    say(
        f"  since {rounds.since}: {len(rounds.new)} new, {len(rounds.surviving)} surviving, "
        f"{len(rounds.reopened)} re-opened, {len(rounds.fixed)} fixed"
    )
    if rounds.fixed:
        say(f"  fixed: {_few([each.id for each in rounds.fixed])}")
    if rounds.left_out:
        named = [f"{each.id} as {each.reason.replace('_', ' ')}" for each in rounds.left_out]
        say(f"  reported but left out now: {_few(named)}")
    if rounds.unknown:
        named = [each.id for each in rounds.unknown]
        say(f"  not known, because what reported them was not read or did not finish: {_few(named)}")
    for each in rounds.not_converging:
        warn(
            f"{each.issue} does not converge: agents worked on it in {len(each.runs)} runs "
            f"({_few(each.runs)}). Look at it yourself, or say in the issue what a fix must do"
        )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def _shortened(refs: Sequence[str]) -> list[str]:
    """The references; those after the first without what all have in common, up to a separator."""
    if len(refs) < 2:
        return list(refs)
    shared = os.path.commonprefix(refs)  # noqa: RUF071 - references are no paths; letters are compared
    cut = len(re.sub(r"[^/#:]*\Z", "", shared))
    return [refs[0], *(f"…{ref[cut - 1 :]}" if cut else ref for ref in refs[1:])]
