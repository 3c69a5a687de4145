"""Roles and routing: what kind of specialist works on something, and why that one."""

import enum

import msgspec

from polly.work.issues import Issue
from polly.work.plan import GateCommand

#: The role that is taken when nothing speaks for another one.
GENERAL_ROLE = "code-quality-specialist"

#: Who takes a role. A Polly without one is the source of every transformation.
POLLY = "polly"


class Role(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What kind of specialist a Polly becomes: one YAML file, format "role_version 1".

    purpose: one sentence. triggers: words and phrases of a request that speak for it; inflections of their
    words count as well. hints: words that speak for it faintly, and count when there are several.
    translations: by language (`de`), the same as triggers; a `*` at the end is any ending.
    capabilities: what it can do, in words that people use. file_patterns: globs of paths. rules: globs of
    `tool:rule` ids. gates: run on the packages of this role, besides those of the plan. agent: the agent
    that it prefers, as `--agent` names it.
    """

    role_version: int = 1
    name: str
    title: str
    purpose: str
    instructions: str
    domain: str = "general"
    aliases: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    translations: dict[str, tuple[str, ...]] = {}
    capabilities: tuple[str, ...] = ()
    file_patterns: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    gates: tuple[GateCommand, ...] = ()
    agent: str | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a role is looked for: text in anybody's words, the files it is about, the rules that reported it.

    further: the texts of further issues, each of which counts as much as `text`.
    rules: `tool:rule`. kinds: tool and rule, else severity, of each issue, for the history of outcomes.
    """

    text: str
    further: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    agent: str | None = None


class Strategy(enum.StrEnum):
    """How a role was found."""

    EXPLICIT = "explicit"  # the request names it
    SCORE = "score"  # it has the best score, and that is enough
    GENERAL = "general"  # nothing was enough: the general role


class Components(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a score, each from 0 to 1; the score is 0.4, 0.3, 0.2 and 0.1 of them."""

    trigger: float = 0.0
    context: float = 0.0
    capability: float = 0.0
    history: float = 0.5


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One role and what speaks for it. confidence: the calibrated chance that it is the right one."""

    role: str
    score: float
    confidence: float
    components: Components = Components()
    matched: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


class RoutingDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The role for a request, and how it came about.

    chosen: the role with its figures. alternatives: the next best, at most five, best first.
    best: the highest confidence found, also where it was not enough. stage_microseconds: time per stage.
    detection: None, or why the choice is no detection: `no_detection` or `low_confidence`.
    """

    chosen: Candidate
    strategy: Strategy
    alternatives: tuple[Candidate, ...] = ()
    reasoning: str = ""
    best: float = 0.0
    threshold: float = 0.0
    candidates: int = 0
    cache_hit: bool = False
    stage_microseconds: dict[str, float] = {}
    detection: str | None = None

    @property
    def role(self) -> str:
        """The name of the chosen role."""
        return self.chosen.role

    @property
    def milliseconds(self) -> float:
        """The time of all stages."""
        return sum(self.stage_microseconds.values()) / 1000


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How often a role with an agent had this kind of issue to fix, and how often that was proved."""

    role: str
    agent: str
    kind: str
    tried: int
    fixed: int


def kind_of(issue: Issue) -> str:
    """What an issue is the like of: its tool and rule, else its severity."""
    source = issue.source
    if source.tool and source.rule:
        return f"{source.tool}:{source.rule}"
    return issue.severity.value
