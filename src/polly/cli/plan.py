import enum
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from polly.cli import options
from polly.cli.earlier import past_efforts, past_outcomes, plan_before
from polly.cli.issues import tell_rest
from polly.cli.output import (
    Table,
    counted,
    next_steps,
    print_json,
    print_markdown,
    print_table,
    print_text,
    say,
    shown,
    warn,
)
from polly.errors import InputError
from polly.pipeline import briefing, stages
from polly.pipeline.project import Project
from polly.planning.explain import Explanation, explain
from polly.reporting.plan_page import plan_html
from polly.reporting.plan_picture import plan_svg
from polly.work.plan import EffortFrom, Plan

#: Couplings that the table shows; all of them are in the plan.
_COUPLINGS_SHOWN = 12


class PlanFormat(enum.StrEnum):
    """What `polly plan --format` can ask for."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    SVG = "svg"


def plan(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help=f"{options.SOURCES_HELP} Without one, the plan in .polly/plan.json is shown.",
            show_default=False,
        ),
    ] = None,
    *,
    agents: options.Agents = None,
    max_packages: options.MaxPackages = None,
    only: options.Only = None,
    severity: options.Severities = None,
    path: options.Paths = None,
    include: options.Include = None,
    source_format: options.SourceFormat = None,
    anew: options.Anew = False,
    explained: Annotated[
        str | None,
        typer.Option("--explain", metavar="WP", help="Say why this package is as it is, for instance WP3."),
    ] = None,
    prompts: Annotated[
        bool,
        typer.Option(
            "--prompts",
            help="Print what each agent would be told; ids of packages may stand in the place of sources.",
        ),
    ] = False,
    output_format: Annotated[
        PlanFormat, typer.Option("--format", help="How to print the result; html and svg are pictures.")
    ] = PlanFormat.TABLE,
) -> None:
    """Plan the issues into packages in which every file has one owner; writes .polly/plan.json.

    A plan that is there is carried on: known issues keep their packages. The file can be edited by hand;
    `polly run --agent AGENT` checks it again and carries it out. Without a SOURCE the plan is only shown.

    Example: `polly plan findings.sarif --agents 4`, then `polly plan --explain WP3`
    """
    project = options.here()
    files, packages = _packages_apart(sources or []) if prompts else (sources, [])
    if prompts and explained is not None:
        raise InputError("Prompts and an explanation are two questions.", next_step="Ask one of them.")
    if not files:
        _refuse_without_source(agents, max_packages, only, severity, path, include, source_format, anew)
        kept = stages.kept_plan(project)
        if prompts:
            _print_prompts(project, kept, packages, output_format)
        else:
            _print(kept, explained, output_format)
        return
    planned = stages.plan(
        project,
        files,
        options.selection(only, severity, path, include),
        agents=agents,
        max_packages=max_packages,
        source_format=source_format,
        efforts=past_efforts(project),
        outcomes=past_outcomes(project),
        previous=None if anew else plan_before(project),
    )
    file = stages.keep_plan(project, planned)
    if prompts:
        _print_prompts(project, planned, packages, output_format)
        return
    _print(planned, explained, output_format)
    if explained is None and output_format in (PlanFormat.TABLE, PlanFormat.MARKDOWN):
        say(f"\nWritten: {shown(file)}")
        next_steps(["polly run --agent command -- PROGRAM"] if planned.plan.packages else [])


def tables_of(made: Plan) -> list[Table]:
    """Packages, ownership matrix and the highest couplings for people."""
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
        columns=("file", "wave", "owner", "why", "reason"),
        rows=tuple((row.path, row.wave, row.package, row.why.value, row.reason) for row in made.ownership),
        empty="No file is owned.",
    )
    return [packages, ownership, *([_couplings(made)] if made.couplings else [])]


def tell_plan(made: Plan) -> None:
    """Say forecast, warnings and what could not be planned."""
    forecast = made.forecast
    if made.packages:
        say(
            f"\nForecast (estimated): one after another {forecast.sequential_minutes:.0f} min, "
            f"{counted(forecast.agents, 'agent')} {forecast.parallel_minutes:.0f} min, "
            f"at best {forecast.bound_minutes:.0f} min; speed-up {forecast.speedup:.1f}"
        )
    for each in made.unplanned:
        code, colon, detail = each.reason.partition(":")
        warn(f"{each.issue} is in no package: {code.replace('_', ' ')}{colon}{detail}")
    for warning in made.warnings:
        warn(warning.message)


def _refuse_without_source(*given: object) -> None:
    if any(given):
        raise InputError(
            "These options say how to plan, and there is no SOURCE to plan.",
            next_step="Name one (polly plan SOURCE), or leave them out to look at the plan that is there.",
        )


def _packages_apart(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Sources, and ids of packages: those that no file has the name of."""
    packages = [word for word in words if re.fullmatch(r"WP\d+", word) and not Path(word).exists()]
    return [word for word in words if word not in packages], packages


def _print_prompts(
    project: Project, planned: stages.Planned, packages: Sequence[str], output_format: PlanFormat
) -> None:
    if output_format in (PlanFormat.HTML, PlanFormat.SVG):
        raise InputError(f"Prompts have no {output_format.value} form.", next_step="Leave out --format.")
    known = [package.id for package in planned.plan.packages]
    unknown = next((package for package in packages if package not in known), None)
    if unknown:
        raise InputError(
            f"There is no package {unknown} in the plan.",
            next_step=f"Packages: {', '.join(known) or 'none'}.",
        )
    made = briefing.prompts(project, planned, packages)
    if output_format is PlanFormat.JSON:
        print_json(made)
        return
    print_text("\n\n".join(made.values()))


def _print(planned: stages.Planned, explained: str | None, output_format: PlanFormat) -> None:
    made = planned.plan
    if explained is not None:
        _print_explanation(explain(made, planned.inventory, explained), output_format)
        return
    match output_format:
        case PlanFormat.JSON:
            print_json(made)
        case PlanFormat.HTML:
            print_text(plan_html(made, planned.inventory))
        case PlanFormat.SVG:
            print_text(plan_svg(made, planned.inventory))
        case PlanFormat.TABLE | PlanFormat.MARKDOWN:
            _print_tables(tables_of(made), output_format)
            tell_rest(planned.inventory)
            tell_plan(made)


def _print_tables(tables: Sequence[Table], output_format: PlanFormat) -> None:
    for table in tables:
        if output_format is PlanFormat.MARKDOWN:
            print_markdown(table)
        else:
            print_table(table)
        print_text("\n")


def _print_explanation(told: Explanation, output_format: PlanFormat) -> None:
    if output_format is PlanFormat.JSON:
        print_json(told)
        return
    if output_format in (PlanFormat.HTML, PlanFormat.SVG):
        raise InputError(
            f"An explanation has no {output_format.value} form.",
            next_step="Leave out --explain for the picture, or --format for the explanation.",
        )
    print_text(f"{told.package}: {told.title}\n\n")
    print_text("\n".join([f"Wave {told.wave}:", *(f"  {reason}" for reason in told.wave_reasons)]) + "\n\n")
    print_text(f"Estimate: {told.estimated_minutes} min{_origin(told.effort_from)}\n\n")
    print_text(f"{told.together}\n\n")
    tables = [
        Table(
            title="Issues",
            columns=("issues", "why together"),
            rows=tuple((_few(group.issues), group.reason) for group in told.groups),
        ),
        Table(
            title="Files",
            columns=("file", "why", "reason"),
            rows=tuple((file.path, file.why.value, file.reason) for file in told.files),
        ),
    ]
    if told.couplings:
        rows = tuple((each.package, each.on, each.risk, each.reason) for each in told.couplings)
        columns = ("reader", "writer", "risk", "reason")
        tables.append(Table(title="Couplings", columns=columns, rows=rows))
    _print_tables(tables, output_format)


def _couplings(made: Plan) -> Table:
    highest = sorted(made.couplings, key=lambda each: -each.risk)[:_COUPLINGS_SHOWN]
    shown_of_all = f" ({len(highest)} of {len(made.couplings)})" if len(highest) < len(made.couplings) else ""
    return Table(
        title=f"What one package reads and another writes{shown_of_all}",
        columns=("reader", "writer", "risk", "reason"),
        rows=tuple((each.package, each.on, each.risk, each.reason) for each in highest),
    )


def _origin(origin: EffortFrom) -> str:
    parts = [
        f"{number} {where}"
        for number, where in (
            (origin.stated, "stated"),
            (origin.kind_and_size, "by severity, kind and size"),
            (origin.history, "as earlier runs took"),
        )
        if number
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:6]) + (f" (+{len(names) - 6})" if len(names) > 6 else "")
