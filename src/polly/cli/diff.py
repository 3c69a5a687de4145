import sys

from polly.cli import options
from polly.cli.output import say, stdout
from polly.intake.text import printable
from polly.landing.diff import diff as patch_of
from polly.pipeline.runs import view_run


def diff(packages: options.PackageIds = None, *, run: options.Run = None) -> None:
    """Print what a package changed, as a patch; without a name, all packages together.

    Redirected into a file it is a patch that `git apply` takes.

    Example: `polly diff WP2`
    """
    view = view_run(options.here(), run)
    chosen: list[str | None] = [*packages] if packages else [None]
    # All first, so that a name that does not exist is told before anything is printed.
    patches = [(package, patch_of(view.store, view.record, package)) for package in chosen]
    for package, patch in patches:
        if not patch:
            say(f"{package or 'The run'} changed nothing.")
        elif stdout().is_terminal:
            _print_coloured(patch)
        else:
            # Into a file or a pipe it goes byte for byte, so that git can apply it.
            sys.stdout.flush()
            sys.stdout.buffer.write(patch)


def _print_coloured(patch: bytes) -> None:
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in patch.decode("utf-8", "replace").splitlines():
        bold = line.startswith(("diff ", "+++", "---"))
        stdout().print(printable(line), style="bold" if bold else styles.get(line[:1]), soft_wrap=True)
