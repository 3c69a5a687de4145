"""Where a result is: artifacts by index, base-id chains, regions (SARIF 2.1.0 §3.4, §3.14.14, §3.30)."""

from polly.intake.finding import Offset, Place
from polly.intake.paths import from_uri
from polly.intake.sources.sarif.log import ArtifactLocation, Location, Region, Run
from polly.intake.sources.sarif.rules import at

_CHAIN_LIMIT = 20


class Places:
    """Resolves the locations of one run. `complaints` names each base id that leads nowhere."""

    def __init__(self, run: Run, known: frozenset[str]) -> None:
        self._artifacts = run.artifacts
        self._bases = run.original_uri_base_ids or {}
        self._known = known
        # The default of columnKind; without a statement, tools count as editors do.
        self._unit = "utf16" if run.column_kind == "utf16CodeUnits" else "character"
        self._paths: dict[tuple[str | None, str | None, int | None], str | None] = {}
        self.complaints: list[str] = [text for name in self._bases if (text := self._complaint(name))]

    def of_location(self, location: Location) -> Place | None:
        """The place; None when the location names no file at all."""
        physical = location.physical_location
        if physical is None or physical.artifact_location is None:
            return None
        path = self.path_of(physical.artifact_location)
        return None if path is None else _with_region(path, physical.region, self._unit)

    def path_of(self, artifact: ArtifactLocation) -> str | None:
        """The path that an artifact location names; None when it names none."""
        key = (artifact.uri, artifact.uri_base_id, artifact.index)
        if key not in self._paths:
            self._paths[key] = self._path(artifact)
        return self._paths[key]

    def _path(self, artifact: ArtifactLocation) -> str | None:
        if artifact.uri is None:
            indexed = at(self._artifacts, artifact.index)
            if indexed is None or indexed.location is None or indexed.location.uri is None:
                return None
            artifact = indexed.location
        uri = artifact.uri or ""
        if uri in self._known and not artifact.uri_base_id:
            return uri
        path = from_uri(uri)
        if path is None:
            return uri  # names something that is no file; judged, and listed, as outside
        base = self._base(artifact.uri_base_id) if _is_relative(path, uri) else ""
        if base and from_uri(base) is None:
            return f"{base.rstrip('/')}/{uri}"
        return f"{(from_uri(base) or '').rstrip('/')}/{path}" if base else path

    def _base(self, name: str | None) -> str:
        """The URI of a base id; "" when it stands for the repository or leads nowhere."""
        parts: list[str] = []
        seen: set[str] = set()
        while name and name in self._bases and name not in seen and len(seen) < _CHAIN_LIMIT:
            seen.add(name)
            base = self._bases[name]
            if base.uri:
                parts.insert(0, base.uri.rstrip("/") or "/")
                if not _is_relative(from_uri(base.uri), base.uri):
                    break
            name = base.uri_base_id
        return "/".join(parts)

    def _complaint(self, name: str) -> str:
        base = self._bases[name]
        chain = {name}
        uri, parent = base.uri, base.uri_base_id
        if uri and not parent and _is_relative(from_uri(uri), uri):
            return f"{name} is the relative {uri!r} and has no base; the repository is assumed"
        if uri and ("?" in uri or "#" in uri):
            return f"{name} carries a query or fragment"
        while parent and len(chain) < _CHAIN_LIMIT:
            if parent in chain:
                return f"{name} is defined by itself"
            if parent not in self._bases:
                return f"{name} builds on {parent}, which is not defined; the repository is assumed"
            chain.add(parent)
            parent = self._bases[parent].uri_base_id
        return ""


def _is_relative(path: str | None, uri: str) -> bool:
    if path is None or uri[:5].lower() == "file:":
        return False
    return not path.startswith(("/", "\\")) and path[1:2] != ":"


def _with_region(path: str, region: Region | None, unit: str) -> Place:
    if region is None:
        return Place(path=path)
    start, end = region.start_line, region.end_line
    if start is not None and start >= 1:
        columns = (region.start_column, region.end_column)
        return Place(path=path, start_line=start, end_line=start if end is None else end, columns=columns)
    offset = None
    if region.char_offset is not None and region.char_offset >= 0:
        offset = Offset(unit=unit, start=region.char_offset, length=max(region.char_length or 0, 0))
    elif region.byte_offset is not None and region.byte_offset >= 0:
        offset = Offset(unit="byte", start=region.byte_offset, length=max(region.byte_length or 0, 0))
    return Place(path=path, offset=offset)
