"""The words of a result: its message, a title, and its fixes in readable form (SARIF 2.1.0 §3.11, §3.55)."""

import re
from collections.abc import Iterator

from polly.intake.paths import from_uri
from polly.intake.sources.sarif.log import (
    ArtifactChange,
    Component,
    Message,
    Region,
    Replacement,
    Result,
    Rule,
)

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\d{1,4})\}")
_EMBEDDED_LINK = re.compile(r"(?<!\\)\[((?:[^\[\]\\]|\\.)*)\]\(\d+\)")
_ESCAPED_BRACKET = re.compile(r"\\([\[\]\\])")
_TITLE_LENGTH = 120


def message_text(result: Result, rule: Rule | None, driver: Component) -> str:
    """What the result says, with arguments filled in and links to other locations reduced to their text."""
    text = _stated(result.message, rule, driver) if result.message else None
    if not text:
        text = _described(rule) or result.rule_id or "The tool gives no message."
    if "](" not in text and "\\" not in text:
        return text.strip()
    return _ESCAPED_BRACKET.sub(r"\1", _EMBEDDED_LINK.sub(r"\1", text)).strip()


def title_of(message: str, rule: Rule | None) -> str:
    """One line: the message's only line, else what the rule is about, else the message's first line."""
    first, _, rest = message.partition("\n")
    line = (_described(rule) if rest.strip() else "") or first
    line = " ".join(line.split())
    return line if len(line) <= _TITLE_LENGTH else line[: _TITLE_LENGTH - 1].rstrip() + "…"


def suggestion_of(result: Result, primary_uri: str | None) -> str:
    """The fixes that the tool proposes, as sentences and code; "" without any."""
    proposals = []
    for fix in result.fixes or ():
        description = (fix.description.text or fix.description.markdown or "") if fix.description else ""
        changes = [text for change in fix.artifact_changes or () for text in _changes(change, primary_uri)]
        proposals.append("\n".join([description.strip(), *changes]).strip())
    return "\n\n".join(filter(None, proposals))


def _stated(message: Message, rule: Rule | None, driver: Component) -> str | None:
    text = message.text
    if not text and message.id:
        for strings in ((rule.message_strings if rule else None), driver.global_message_strings):
            found = (strings or {}).get(message.id)
            if found is not None:
                text = found.text or found.markdown
                break
    text = text or message.markdown
    if text and message.arguments is not None:
        arguments = [str(each) for each in message.arguments]
        text = _PLACEHOLDER.sub(lambda match: _filled(match, arguments), text)
    return text


def _filled(match: re.Match[str], arguments: list[str]) -> str:
    if match[1] is None:
        return match[0][0]
    number = int(match[1])
    return arguments[number] if number < len(arguments) else match[0]


def _described(rule: Rule | None) -> str:
    if rule is None:
        return ""
    description = rule.short_description
    return (description.text if description else None) or rule.name or ""


def _changes(change: ArtifactChange, primary_uri: str | None) -> Iterator[str]:
    uri = change.artifact_location.uri if change.artifact_location else None
    place = "" if uri is None or uri == primary_uri else f" of {from_uri(uri) or uri}"
    for replacement in change.replacements or ():
        yield _change(replacement, place)


def _change(replacement: Replacement, place: str) -> str:
    region = replacement.deleted_region
    content = replacement.inserted_content.text if replacement.inserted_content else None
    where = _where(region) + place
    if not content:
        return f"Delete {where}."
    verb = "Insert at" if region is not None and _is_empty(region) else "Replace"
    fence = "```" if "```" not in content else "~~~~"
    return (
        f"{verb} {where}{'' if verb == 'Insert at' else ' with'}:\n{fence}\n{content.strip(chr(10))}\n{fence}"
    )


def _is_empty(region: Region) -> bool:
    if region.start_line is None:
        return not (region.char_length or region.byte_length)
    same_line = region.end_line in (None, region.start_line)
    return same_line and region.end_column is not None and region.end_column == (region.start_column or 1)


def _where(region: Region | None) -> str:
    if region is None:
        return "the file"
    if region.start_line is None:
        unit = "character" if region.char_offset is not None else "byte"
        offset = region.char_offset if region.char_offset is not None else region.byte_offset
        return "the marked text" if offset is None else f"the text at {unit} {offset}"
    start = f"line {region.start_line}"
    if region.start_column is not None:
        start += f" column {region.start_column}"
    end = ""
    if region.end_line not in (None, region.start_line):
        end = f" to line {region.end_line}"
    if region.end_column is not None and not _is_empty(region):
        end += f"{'' if end else ' to'} column {region.end_column}"
    return start + end
