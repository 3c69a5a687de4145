"""The words of a result: its message, a title, and its fixes in readable form (SARIF 2.1.0 §3.11, §3.55)."""

import re
from collections.abc import Iterator

from polly.intake.edits import Edit, described
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
from polly.intake.text import headline

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\d{1,4})\}")
_EMBEDDED_LINK = re.compile(r"(?<!\\)\[((?:[^\[\]\\]|\\.)*)\]\(\d+\)")
_ESCAPED_BRACKET = re.compile(r"\\([\[\]\\])")


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
    return headline((_described(rule) if rest.strip() else "") or first)


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
    file = "" if uri is None or uri == primary_uri else from_uri(uri) or uri
    for replacement in change.replacements or ():
        yield described(_edit(replacement, file))


def _edit(replacement: Replacement, file: str) -> Edit:
    content = replacement.inserted_content.text if replacement.inserted_content else None
    region = replacement.deleted_region or Region()
    unit, start, length = "character", region.char_offset, region.char_length
    if start is None:
        unit, start, length = "byte", region.byte_offset, region.byte_length
    return Edit(
        content or "",
        region.start_line,
        region.end_line,
        (region.start_column, region.end_column),
        None if start is None else (start, start + (length or 0)),
        unit,
        file,
    )
