"""Which rule a result belongs to, and how severe the tool calls it (SARIF 2.1.0 §3.27.5, §3.27.10, §3.52)."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from polly.intake.sources.sarif.log import Component, ComponentReference, Result, Rule, RuleReference, Run

_DEFAULT_LEVEL = "warning"
_Item = TypeVar("_Item")


class RuleBook:
    """The rules of one run."""

    def __init__(self, run: Run) -> None:
        tool = run.tool
        self.driver = (tool and tool.driver) or Component()
        self._extensions = (tool and tool.extensions) or []
        self._invocations = run.invocations or []
        self._by_id: dict[str, Rule] = {}
        for component in (self.driver, *self._extensions):
            for rule in component.rules or ():
                if rule.id:
                    self._by_id.setdefault(rule.id, rule)
        self._overrides = [list(self._read_overrides(index)) for index in range(len(self._invocations))]

    @property
    def tool(self) -> str | None:
        """The name of the tool."""
        return self.driver.name

    def rule_of(self, result: Result) -> Rule | None:
        """What the log says about the rule of a result; None when it says nothing."""
        named = self._referenced(result.rule) if result.rule else None
        if named is not None:
            return named
        return at(self.driver.rules, result.rule_index) or self._by_rule_id(result.rule_id)

    def rule_id(self, result: Result, rule: Rule | None) -> str | None:
        """The id by which people know the rule; may be more specific than the rule's own (`RULE/sub`)."""
        named = result.rule_id or (result.rule.id if result.rule else None)
        return named or (rule.id if rule else None)

    def level_of(self, result: Result, rule: Rule | None) -> str:
        """The level: the result's own, else an invocation's override, the rule's default, or "warning"."""
        if result.level:
            return result.level
        overridden = self._overridden_level(result, rule)
        if overridden:
            return overridden
        configuration = rule.default_configuration if rule else None
        return (configuration.level if configuration else None) or _DEFAULT_LEVEL

    def _by_rule_id(self, rule_id: str | None) -> Rule | None:
        while rule_id:
            if rule_id in self._by_id:
                return self._by_id[rule_id]
            rule_id = rule_id.rpartition("/")[0]
        return None

    def _referenced(self, reference: RuleReference) -> Rule | None:
        component = self._component(reference.tool_component)
        found = at(component.rules, reference.index) if component else None
        if found is None and reference.guid:
            found = next((rule for rule in self._all_rules() if rule.guid == reference.guid), None)
        return found or self._by_rule_id(reference.id)

    def _component(self, reference: ComponentReference | None) -> Component | None:
        if reference is None:
            return self.driver
        found = at(self._extensions, reference.index)
        if found is not None:
            return found
        for each in (self.driver, *self._extensions):
            if (reference.guid and each.guid == reference.guid) or (
                reference.name and each.name == reference.name
            ):
                return each
        return self.driver if reference.guid is None and reference.name is None else None

    def _all_rules(self) -> Iterator[Rule]:
        for component in (self.driver, *self._extensions):
            yield from component.rules or ()

    def _read_overrides(self, index: int) -> Iterator[tuple[str | None, Rule | None, str]]:
        for override in self._invocations[index].rule_configuration_overrides or ():
            if override.descriptor and override.configuration and override.configuration.level:
                rule = self._referenced(override.descriptor)
                yield override.descriptor.id, rule, override.configuration.level

    def _overridden_level(self, result: Result, rule: Rule | None) -> str | None:
        index = result.provenance.invocation_index if result.provenance else None
        if index is None and len(self._overrides) == 1:
            index = 0
        for rule_id, overridden, level in at(self._overrides, index) or ():
            if (rule is not None and overridden is rule) or (rule is None and rule_id == result.rule_id):
                return level
        return None


def at(items: Sequence[_Item] | None, index: int | None) -> _Item | None:
    """The item, or None where the log points at nothing (-1 means "none" in SARIF)."""
    return items[index] if items and index is not None and 0 <= index < len(items) else None


def security_severity(result: Result, rule: Rule | None) -> float | None:
    """The security score (0 to 10) of the rule, else of the result; None without a usable one."""
    for properties in ((rule.properties if rule else None), result.properties):
        score = properties.security_severity if properties else None
        try:
            number = float(score) if isinstance(score, str | int | float) and score is not True else None
        except (ValueError, OverflowError):
            number = None
        if number is not None and 0 <= number <= 10:
            return number
    return None
