from polly.cli import options
from polly.cli.output import Format, Table, say, show, warn
from polly.pipeline.stages import take_in
from polly.work.issues import Inventory


def issues(
    sources: options.Sources,
    *,
    only: options.Only = None,
    severity: options.Severities = None,
    path: options.Paths = None,
    source_format: options.SourceFormat = None,
    output_format: options.OutputFormat = Format.TABLE,
) -> None:
    """Read findings and print the issues, with what was left out and why.

    Example: `polly issues findings.sarif REVIEW.md --severity critical`
    """
    inventory = take_in(
        options.here(), sources, options.selection(only, severity, path), source_format=source_format
    )
    show(inventory, table_of(inventory), output_format)
    if output_format is Format.TABLE:
        tell_rest(inventory)


def table_of(inventory: Inventory) -> Table:
    """The issues as rows for people."""
    return Table(
        columns=("id", "severity", "status", "where", "title", "reported by"),
        rows=tuple(
            (
                issue.id,
                issue.severity.value,
                issue.status.value,
                ", ".join(str(location) for location in issue.locations[:3])
                + (f" (+{len(issue.locations) - 3})" if len(issue.locations) > 3 else ""),
                issue.title,
                ", ".join(source.tool or source.format for source in (issue.source, *issue.also_reported_by)),
            )
            for issue in inventory.issues
        ),
        empty="No issue was left after what is listed below.",
    )


def tell_rest(inventory: Inventory) -> None:
    """Say how many findings were read, what was left out and why, and every warning."""
    counts = inventory.counts
    severities = ", ".join(f"{number} {name}" for name, number in counts.by_severity.items() if number)
    say(
        f"\n{counts.read} findings read, {counts.issues} issues in {counts.files} files"
        + (f" ({severities})" if severities else "")
    )
    for exclusion in inventory.excluded:
        shown = ", ".join(exclusion.refs[:3]) + (", …" if len(exclusion.refs) > 3 else "")
        say(f"  left out: {exclusion.count} {exclusion.reason}" + (f" ({shown})" if shown else ""))
    for warning in inventory.warnings:
        warn(f"{warning.message}" + (f" [{warning.ref}]" if warning.ref else ""))
