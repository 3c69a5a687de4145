"""Which findings stay out of the work list, by name; each rule can be switched off."""

import difflib
from collections.abc import Collection, Mapping
from typing import NamedTuple

from polly.errors import InputError


class Rule(NamedTuple):
    """One rule: the reasons that it covers, as the inventory names them, and what they mean."""

    reasons: tuple[str, ...]
    meaning: str


#: By the name that switches the rule off.
RULES: Mapping[str, Rule] = {
    "suppressed": Rule(("suppressed",), "its tool was told to keep quiet about it"),
    "baseline": Rule(("baseline_absent", "baseline_unchanged"), "it is gone, or was there before the change"),
    "resolved": Rule(("resolved",), "its thread is resolved"),
    "outdated": Rule(("outdated",), "the code that it is about has changed since"),
    "duplicate": Rule(("duplicate",), "another finding says the same"),
    "informational": Rule(("informational",), "it asks for nothing"),
    "no_location": Rule(("no_location",), "it names no file"),
    "not_a_failure": Rule(("not_a_failure",), "its tool does not call it a failure"),
}

#: What no switch brings in, and why.
FIXED: Mapping[str, str] = {
    "outside_repository": "Polly writes to the files of the repository only",
    "unreadable": "there is nothing to work on",
    "reply": "they are part of the comment that they answer",
    "answer": "they are part of the finding that they answer",
    "not_selected": "--only, --severity and --path leave it out",
}

#: The value that switches every rule off.
ALL = "all"


class Policy(NamedTuple):
    """What is left out. `included` names the rules that are switched off, in the order of RULES."""

    included: tuple[str, ...] = ()

    def keeps_out(self, reason: str) -> bool:
        """True when a finding with this reason stays out of the work list."""
        return not any(reason in RULES[name].reasons for name in self.included)

    def reason_of(self, reasons: Collection[str]) -> str:
        """The first of the reasons that keeps a finding out; "" when none does."""
        return next((each for each in reasons if each and self.keeps_out(each)), "")


#: Every rule holds.
STRICT = Policy()


def policy(include: Collection[str]) -> Policy:
    """The policy without the rules named in `include`. Raises InputError for a name that no rule has."""
    wanted = {name.strip().casefold().replace("-", "_") for each in include for name in each.split(",")}
    for name in sorted(wanted - {*RULES, ALL, ""}):
        raise InputError(f"There is no rule {name!r} that leaves findings out.", next_step=_next_step(name))
    return Policy(tuple(name for name in RULES if name in wanted or ALL in wanted))


def rule_of(reason: str) -> str | None:
    """The rule that an exclusion's reason belongs to; None for a reason that no switch brings in."""
    return next((name for name, rule in RULES.items() if reason in rule.reasons), None)


def _next_step(name: str) -> str:
    if name in FIXED:
        return f"These findings stay out: {FIXED[name]}."
    covering = [rule_of(name)] if rule_of(name) else difflib.get_close_matches(name, RULES, n=1)
    hint = f"Did you mean {covering[0]}? " if covering else ""
    return f"{hint}Rules: {', '.join(RULES)}, {ALL}."
