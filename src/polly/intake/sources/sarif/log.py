"""The parts of a SARIF 2.1.0 log that Polly reads, typed. What is not named here is skipped."""

from typing import Any

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Anything in a log; absent and null mean the same."""


class Message(Part, frozen=True, kw_only=True):
    text: str | None = None
    markdown: str | None = None
    id: str | None = None
    arguments: list[Any] | None = None


class ArtifactLocation(Part, frozen=True, kw_only=True):
    uri: str | None = None
    uri_base_id: str | None = None
    index: int | None = None


class Snippet(Part, frozen=True, kw_only=True):
    text: str | None = None


class Region(Part, frozen=True, kw_only=True):
    start_line: int | None = None
    start_column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    char_offset: int | None = None
    char_length: int | None = None
    byte_offset: int | None = None
    byte_length: int | None = None


class PhysicalLocation(Part, frozen=True, kw_only=True):
    artifact_location: ArtifactLocation | None = None
    region: Region | None = None


class Location(Part, frozen=True, kw_only=True):
    physical_location: PhysicalLocation | None = None


class Replacement(Part, frozen=True, kw_only=True):
    deleted_region: Region | None = None
    inserted_content: Snippet | None = None


class ArtifactChange(Part, frozen=True, kw_only=True):
    artifact_location: ArtifactLocation | None = None
    replacements: list[Replacement] | None = None


class Fix(Part, frozen=True, kw_only=True):
    description: Message | None = None
    artifact_changes: list[ArtifactChange] | None = None


class Suppression(Part, frozen=True, kw_only=True):
    status: str | None = None


class ComponentReference(Part, frozen=True, kw_only=True):
    name: str | None = None
    index: int | None = None
    guid: str | None = None


class RuleReference(Part, frozen=True, kw_only=True):
    id: str | None = None
    index: int | None = None
    guid: str | None = None
    tool_component: ComponentReference | None = None


class Provenance(Part, frozen=True, kw_only=True):
    invocation_index: int | None = None


class Result(Part, frozen=True, kw_only=True):
    rule_id: str | None = None
    rule_index: int | None = None
    rule: RuleReference | None = None
    kind: str | None = None
    level: str | None = None
    message: Message | None = None
    locations: list[Location] | None = None
    suppressions: list[Suppression] | None = None
    baseline_state: str | None = None
    fixes: list[Fix] | None = None
    provenance: Provenance | None = None
    properties: dict[str, Any] | None = None


class Configuration(Part, frozen=True, kw_only=True):
    level: str | None = None


class Rule(Part, frozen=True, kw_only=True):
    id: str | None = None
    guid: str | None = None
    name: str | None = None
    short_description: Message | None = None
    message_strings: dict[str, Message] | None = None
    default_configuration: Configuration | None = None
    properties: dict[str, Any] | None = None


class Component(Part, frozen=True, kw_only=True):
    name: str | None = None
    guid: str | None = None
    rules: list[Rule] | None = None
    global_message_strings: dict[str, Message] | None = None


class Tool(Part, frozen=True, kw_only=True):
    driver: Component | None = None
    extensions: list[Component] | None = None


class Notification(Part, frozen=True, kw_only=True):
    level: str | None = None
    message: Message | None = None


class Override(Part, frozen=True, kw_only=True):
    descriptor: RuleReference | None = None
    configuration: Configuration | None = None


class Invocation(Part, frozen=True, kw_only=True):
    execution_successful: bool | None = None
    tool_execution_notifications: list[Notification] | None = None
    tool_configuration_notifications: list[Notification] | None = None
    rule_configuration_overrides: list[Override] | None = None


class Artifact(Part, frozen=True, kw_only=True):
    location: ArtifactLocation | None = None


class ExternalFiles(Part, frozen=True, kw_only=True):
    results: list[Any] | None = None


class Run(Part, frozen=True, kw_only=True):
    tool: Tool | None = None
    #: Undecoded, so that one malformed result costs nobody else.
    results: list[msgspec.Raw] | None = None
    artifacts: list[Artifact] | None = None
    original_uri_base_ids: dict[str, ArtifactLocation] | None = None
    invocations: list[Invocation] | None = None
    column_kind: str | None = None
    external_property_file_references: ExternalFiles | None = None


class Log(Part, frozen=True, kw_only=True):
    runs: list[Run]
