"""Names in the settings that only the sources and their formats can tell right from wrong."""

import difflib
from collections.abc import Collection, Iterator

from polly.errors import InputError, SettingsError
from polly.intake.sources.registry import FORMATS, format_named
from polly.pipeline.project import Project
from polly.settings import settings_file
from polly.work.issues import Warning

#: Unknown issues that a warning names; more of them are a list for another document.
_SHOWN = 5


def refuse_unknown_formats(project: Project) -> None:
    """Raises SettingsError when a rescan is to be read as a format that nobody knows."""
    rescans = project.settings.rescan
    linters = () if all(each.format in FORMATS for each in rescans.values()) else project.linters()
    for tool, rescan in rescans.items():
        try:
            format_named(rescan.format, linters)
        except InputError as error:
            raise SettingsError(
                f"{settings_file(project.root).name}: rescan.{tool}.format: there is no format "
                f"{rescan.format!r}, so what {tool} finds after a fix could not be read",
                next_step=error.next_step,
            ) from error


def unknown_issues(project: Project, ids: Collection[str]) -> Iterator[Warning]:
    """A warning when checks name issues that are not among `ids`: such a check would prove nothing."""
    named = dict.fromkeys(issue for check in project.settings.checks for issue in check.issues)
    unknown = [_with_nearest(issue, ids) for issue in named if issue not in ids]
    if unknown:
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        file = settings_file(project.root).name
        message = (
            f"{file}: [[checks]] are there for issues that the sources do not have: "
            f"{', '.join(unknown[:_SHOWN])}{more}"
        )
        yield Warning(code="check_unknown_issue", message=message, ref=f"{file}#/checks")


def _with_nearest(issue: str, ids: Collection[str]) -> str:
    folded = {each.casefold(): each for each in ids}
    close = difflib.get_close_matches(issue.casefold(), folded, n=1, cutoff=0.8)
    return f"{issue} (did you mean {folded[close[0]]}?)" if close else issue
