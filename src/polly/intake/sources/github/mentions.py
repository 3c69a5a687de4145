"""Places that a person names in a comment on the whole pull request."""

import re
from collections.abc import Iterator

from polly.intake.finding import Place
from polly.intake.sources.github.details import lines_of

#: `src/app.py:12` or `src/app.py:12-14`
_CODE = re.compile(r"`([^`\s:]{1,400}):(\d{1,9})(?:-(\d{1,9}))?`")
#: …/blob/<commit>/src/app.py#L12-L14
_LINK = re.compile(r"/blob/[^/\s]{1,200}/([^#\s()]{1,400})#L(\d{1,9})(?:-L(\d{1,9}))?")


def places_in(text: str, known: frozenset[str]) -> tuple[Place, ...]:
    """Lines of files of the base commit that the text names, outside of quotations and code blocks."""
    return tuple(dict.fromkeys(_places(text, known)))


def _places(text: str, known: frozenset[str]) -> Iterator[Place]:
    for line in lines_of(text):
        if line.fence is not None or line.text.lstrip().startswith(">"):
            continue
        for pattern in (_CODE, _LINK):
            for found in pattern.finditer(line.text):
                if found[1] in known:
                    yield Place(path=found[1], start_line=int(found[2]), end_line=int(found[3] or found[2]))
