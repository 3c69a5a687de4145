"""The parts of a SARIF 2.1.0 log that Polly reads, typed. What is not named here is skipped."""

from typing import Any

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
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


class Properties(Part, frozen=True, kw_only=True):
    """Of a property bag, the one that says how severe a finding is."""

    security_severity: Any = msgspec.field(default=None, name="security-severity")


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


class LogicalLocation(Part, frozen=True, kw_only=True):
    name: str | None = None
    fully_qualified_name: str | None = None


class Location(Part, frozen=True, kw_only=True):
    physical_location: PhysicalLocation | None = None


class ToldLocation(Location, frozen=True, kw_only=True):
    """A place that a result mentions beside its own, with what it says about it."""

    message: Message | None = None
    logical_locations: list[LogicalLocation] | None = None


class FlowStep(Part, frozen=True, kw_only=True):
    index: int | None = None
    location: ToldLocation | None = None


class ThreadFlow(Part, frozen=True, kw_only=True):
    locations: list[FlowStep] | None = None


class CodeFlow(Part, frozen=True, kw_only=True):
    message: Message | None = None
    thread_flows: list[ThreadFlow] | None = None


class Frame(Part, frozen=True, kw_only=True):
    location: ToldLocation | None = None


class Stack(Part, frozen=True, kw_only=True):
    message: Message | None = None
    frames: list[Frame] | None = None


class Node(Part, frozen=True, kw_only=True):
    id: str | None = None
    label: Message | None = None
    location: ToldLocation | None = None


class Edge(Part, frozen=True, kw_only=True):
    source_node_id: str | None = None
    target_node_id: str | None = None


class Graph(Part, frozen=True, kw_only=True):
    description: Message | None = None
    nodes: list[Node] | None = None
    edges: list[Edge] | None = None


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


class Told(Part, frozen=True, kw_only=True):
    """What a result tells beside its message and places. Decoded apart: faults in it cost only the detail."""

    related_locations: list[ToldLocation] | None = None
    code_flows: list[CodeFlow] | None = None
    stacks: list[Stack] | None = None
    graphs: list[Graph] | None = None
    taxa: list[RuleReference] | None = None
    rank: float | None = None


class Result(Part, frozen=True, kw_only=True):
    """One finding. Of what `Told` holds, only whether there is any."""

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
    properties: Properties | None = None
    related_locations: msgspec.Raw = msgspec.Raw()
    code_flows: msgspec.Raw = msgspec.Raw()
    stacks: msgspec.Raw = msgspec.Raw()
    graphs: msgspec.Raw = msgspec.Raw()
    taxa: msgspec.Raw = msgspec.Raw()
    rank: msgspec.Raw = msgspec.Raw()


class Configuration(Part, frozen=True, kw_only=True):
    level: str | None = None


class Rule(Part, frozen=True, kw_only=True):
    id: str | None = None
    guid: str | None = None
    name: str | None = None
    short_description: Message | None = None
    message_strings: dict[str, Message] | None = None
    default_configuration: Configuration | None = None
    properties: Properties | None = None


class Component(Part, frozen=True, kw_only=True):
    name: str | None = None
    guid: str | None = None
    rules: list[Rule] | None = None
    taxa: list[Rule] | None = None
    global_message_strings: dict[str, Message] | None = None


class Tool(Part, frozen=True, kw_only=True):
    driver: Component | None = None
    extensions: list[Component] | None = None


class Notification(Part, frozen=True, kw_only=True):
    level: str | None = None
    message: Message | None = None
    descriptor: RuleReference | None = None
    locations: list[Location] | None = None


class Override(Part, frozen=True, kw_only=True):
    descriptor: RuleReference | None = None
    configuration: Configuration | None = None


class Invocation(Part, frozen=True, kw_only=True):
    execution_successful: bool | None = None
    process_start_failure_message: str | None = None
    tool_execution_notifications: list[Notification] | None = None
    tool_configuration_notifications: list[Notification] | None = None
    rule_configuration_overrides: list[Override] | None = None


class Artifact(Part, frozen=True, kw_only=True):
    location: ArtifactLocation | None = None
    # Not typed: a fault in what is only compared shall not cost the whole log.
    contents: Any = None
    hashes: Any = None


class ExternalFiles(Part, frozen=True, kw_only=True):
    """Parts of a run that stand in other files."""

    results: list[Any] | None = None
    driver: Any = None
    extensions: list[Any] | None = None
    artifacts: list[Any] | None = None
    invocations: list[Any] | None = None
    taxonomies: list[Any] | None = None
    thread_flow_locations: list[Any] | None = None


class Run(Part, frozen=True, kw_only=True):
    tool: Tool | None = None
    #: Undecoded, so that one malformed result costs nobody else; so are the details of results.
    taxonomies: msgspec.Raw = msgspec.Raw()
    thread_flow_locations: msgspec.Raw = msgspec.Raw()
    results: list[msgspec.Raw] | None = None
    artifacts: list[Artifact] | None = None
    original_uri_base_ids: dict[str, ArtifactLocation] | None = None
    invocations: list[Invocation] | None = None
    column_kind: str | None = None
    external_property_file_references: ExternalFiles | None = None
