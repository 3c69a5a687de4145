"""Paths as people write them become places: completed, expanded, and told apart from files to be made."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from polly.intake.finding import Place
from polly.intake.globs import is_pattern, matches
from polly.intake.sources.markdown.fields import FileMention
from polly.work.issues import Warning

_CANDIDATES_SHOWN = 4


class Placed(NamedTuple):
    """Where a finding is, and the paths that its fix creates."""

    places: tuple[Place, ...] = ()
    creates: tuple[str, ...] = ()


class Places:
    """Knows the files of the base commit; collects what a reader should know about paths."""

    def __init__(self, paths: frozenset[str]) -> None:
        self._paths = paths
        self._by_name: dict[str, list[str]] = {}
        self._warnings: dict[tuple[str, str], Warning] = {}

    @property
    def warnings(self) -> tuple[Warning, ...]:
        """One for each path that was completed, is ambiguous, or is a pattern without a match."""
        return tuple(self._warnings.values())

    def ending(self, path: str) -> tuple[str, ...]:
        """The known files that a path can mean: itself, else all that end in "/" and the path."""
        if path in self._paths:
            return (path,)
        if not self._by_name:
            for each in sorted(self._paths):
                self._by_name.setdefault(each.rpartition("/")[2], []).append(each)
        tail = path.replace("\\", "/").removeprefix("./")
        found = self._by_name.get(tail.rpartition("/")[2], ())
        return tuple(each for each in found if each == tail or each.endswith("/" + tail))

    def place(self, mentions: Sequence[FileMention], ref: str) -> Placed:
        """The places that the mentions of one finding stand for; `ref` is where they are written."""
        completed = [self._completed(each, ref) for each in mentions]
        return Placed(
            tuple(place for each in completed for place in self._places(each, ref)),
            tuple(each.path for each in completed if self._is_new(each)),
        )

    def _completed(self, mention: FileMention, ref: str) -> FileMention:
        path = mention.path
        if path in self._paths or mention.is_new or is_pattern(path):
            return mention
        found = self.ending(path)
        if len(found) == 1 and found[0] != path:
            self._warn("path_completed", f"{path} was taken for {found[0]}, the only file so called.", ref)
            return mention._replace(path=found[0])
        if len(found) > 1:
            shown = ", ".join(found[:_CANDIDATES_SHOWN]) + (", …" if len(found) > _CANDIDATES_SHOWN else "")
            self._warn("path_ambiguous", f"{path} can be any of {len(found)} files: {shown}.", ref)
        return mention

    def _is_new(self, mention: FileMention) -> bool:
        return mention.is_new and mention.path not in self._paths

    def _places(self, mention: FileMention, ref: str) -> Iterator[Place]:
        if self._is_new(mention):
            return
        if is_pattern(mention.path) and mention.path not in self._paths:
            found = sorted(path for path in self._paths if matches(path, mention.path))
            if not found:
                self._warn("pattern_without_match", f"No file matches {mention.path!r}.", ref)
            yield from (Place(path=path) for path in found)
        elif mention.lines:
            for first, last in mention.lines:
                yield Place(path=mention.path, start_line=first, end_line=last)
        else:
            yield Place(path=mention.path)

    def _warn(self, code: str, message: str, ref: str) -> None:
        self._warnings.setdefault((code, message), Warning(code=code, message=f"{ref}: {message}", ref=ref))
