from polly.cli import options
from polly.cli.issues import tell_rest
from polly.cli.output import (
    Format,
    Table,
    markdown_table,
    next_steps,
    print_json,
    print_table,
    print_text,
    say,
    warn,
)
from polly.pipeline import stages
from polly.work.plan import Plan


def plan(
    sources: options.Sources,
    *,
    agents: options.Agents = None,
    max_packages: options.MaxPackages = None,
    only: options.Only = None,
    severity: options.Severities = None,
    path: options.Paths = None,
    source_format: options.SourceFormat = None,
    output_format: options.OutputFormat = Format.TABLE,
) -> None:
    """Plan the issues into packages in which every file has one owner; writes .polly/plan.json.

    The file can be edited by hand; `polly run` checks it again and carries it out.

    Example: `polly plan findings.sarif --agents 4`
    """
    project = options.here()
    planned = stages.plan(
        project,
        sources,
        options.selection(only, severity, path),
        agents=agents,
        max_packages=max_packages,
        source_format=source_format,
    )
    file = stages.keep_plan(project, planned)
    if output_format is Format.JSON:
        print_json(planned.plan)
        return
    for table in tables_of(planned.plan):
        if output_format is Format.MARKDOWN:
            print_text(markdown_table(table) + "\n")
        else:
            print_table(table)
            print_text("\n")
    tell_rest(planned.inventory)
    tell_plan(planned.plan)
    say(f"\nWritten: {file.relative_to(project.root)}")
    next_steps(["polly run --agent command -- PROGRAM"] if planned.plan.packages else [])


def tables_of(made: Plan) -> list[Table]:
    """Packages and ownership matrix for people."""
    packages = Table(
        title="Packages",
        columns=("package", "wave", "priority", "role", "issues", "files", "estimate", "title"),
        rows=tuple(
            (
                package.id,
                package.wave,
                package.priority.value,
                package.role,
                _few(package.issues),
                len(package.files.modify) + len(package.files.create),
                f"{package.estimated_minutes} min",
                package.title,
            )
            for package in made.packages
        ),
        empty="No package: nothing can be planned.",
    )
    ownership = Table(
        title="Who owns which file",
        columns=("file", "wave", "owner", "why"),
        rows=tuple((row.path, row.wave, row.package, row.why.value) for row in made.ownership),
        empty="No file is owned.",
    )
    return [packages, ownership]


def tell_plan(made: Plan) -> None:
    """Say forecast, warnings and what could not be planned."""
    forecast = made.forecast
    if made.packages:
        say(
            f"\nForecast (estimated): one after another {forecast.sequential_minutes:.0f} min, "
            f"{forecast.agents} agents {forecast.parallel_minutes:.0f} min, "
            f"at best {forecast.bound_minutes:.0f} min; speed-up {forecast.speedup:.1f}"
        )
    for each in made.unplanned:
        warn(f"{each.issue} is in no package: {each.reason}")
    for warning in made.warnings:
        warn(warning.message)


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:6]) + (f" (+{len(names) - 6})" if len(names) > 6 else "")
