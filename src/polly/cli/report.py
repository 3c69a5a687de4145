from polly.cli import options
from polly.cli.output import Format, print_json, print_text
from polly.pipeline.reports import write_reports
from polly.pipeline.runs import view_run


def report(*, run: options.Run = None, output_format: options.OutputFormat = Format.MARKDOWN) -> None:
    """Print the report of a run: figures, packages, issues with their proof, gates, what is left.

    Redirected into a file it is a Markdown document.

    Example: `polly report`, or for programs: `polly report --format json`
    """
    view = view_run(options.here(), run)
    reports = write_reports(view.folder, view.record, view.plan, view.inventory)
    if output_format is Format.JSON:
        print_json(reports.report)
    else:
        print_text(reports.text)
