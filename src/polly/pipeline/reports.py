"""The last stage: the report of a run, written where a reader finds it."""

from dataclasses import dataclass
from pathlib import Path

from polly.pipeline.project import to_json, write_whole
from polly.reporting.markdown import render
from polly.reporting.report import Report, build
from polly.work.issues import Inventory
from polly.work.plan import Plan
from polly.work.run import RunRecord


@dataclass(frozen=True, kw_only=True)
class Reports:
    """The report as a record, as Markdown text, and the file that holds the text."""

    report: Report
    text: str
    markdown: Path


def write_reports(folder: Path, record: RunRecord, plan: Plan, inventory: Inventory) -> Reports:
    """Write report.json and report.md into the run's folder."""
    report = build(record, plan, inventory)
    text = render(report, record, plan, inventory)
    markdown = folder / "report.md"
    write_whole(markdown, text.encode("utf-8"))
    write_whole(folder / "report.json", to_json(report))
    return Reports(report=report, text=text, markdown=markdown)
