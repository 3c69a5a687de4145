"""Which role a request needs, with what speaks for it, what else there is, and how sure that is."""

import threading
from collections import Counter
from collections.abc import Sequence
from time import perf_counter

import msgspec
from msgspec.structs import replace

from polly.routing.cache import DecisionCache, digest, key_of
from polly.routing.calibration import Calibration, shipped_calibration
from polly.routing.capability import Capabilities, asked_together
from polly.routing.context import Context
from polly.routing.decision import LOW_CONFIDENCE, NO_DETECTION, decide
from polly.routing.explicit import Names, in_most
from polly.routing.history import OutcomeHistory
from polly.routing.library import Roles
from polly.routing.ranking import Facts, rank
from polly.routing.request import request_of
from polly.routing.subject import is_about_software
from polly.routing.triggers import Triggers, said_together
from polly.routing.words import clauses
from polly.work.issues import Issue
from polly.work.routing import Candidate, Outcome, Request, RoutingDecision, Strategy

#: Planning asks for many groups of files, most of which speak for the same roles in the same shares.
_FILE_MIXES = 10_000


class RouterMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """What a router did so far. detections_failed: by why, among the decisions that were worked out."""

    requests: int = 0
    cache_hits: int = 0
    strategies: dict[str, int] = {}
    detections_failed: dict[str, int] = {}


class _Watch:
    """The microseconds of each stage, one after the other."""

    def __init__(self, begun: float) -> None:
        self._last = begun
        self.microseconds: dict[str, float] = {}

    def stop(self, stage: str) -> None:
        now = perf_counter()
        self.microseconds[stage] = round((now - self._last) * 1e6, 1)
        self._last = now


class Router:
    """Chooses among roles; the same request gets the same decision. Threads may share one.

    outcomes: what became of earlier work, which is what the history component is made of.
    threshold: the least confidence with which a role is taken; by default that of the calibration.
    """

    def __init__(
        self,
        roles: Roles,
        *,
        outcomes: Sequence[Outcome] = (),
        threshold: float | None = None,
        calibration: Calibration | None = None,
        cache: DecisionCache | None = None,
    ) -> None:
        self._general = roles.general.name
        self._nearest = roles.nearest
        self._roles = tuple(roles)
        self._names = Names(self._roles)
        self._triggers = Triggers(self._roles)
        self._capabilities = Capabilities(self._roles)
        self._context = Context(self._roles)
        self._history = OutcomeHistory(outcomes)
        self._calibration = calibration or shipped_calibration()
        self.threshold = self._calibration.threshold if threshold is None else threshold
        self._cache = DecisionCache() if cache is None else cache
        known = sorted(outcomes, key=lambda each: (each.role, each.agent, each.kind, each.tried, each.fixed))
        self._version = digest(self._roles, known, self._calibration, self.threshold)
        self._by_files: dict[tuple[tuple[str, float], ...], str] = {}
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def route(self, request: Request) -> RoutingDecision:
        """The role for this request. Never raises for any text; empty requests get the general role."""
        watch = _Watch(perf_counter())
        request = replace(request, paths=tuple(sorted(request.paths)), rules=tuple(sorted(request.rules)))
        key = key_of(request, self._version)
        kept = self._cache.get(key)
        if kept is not None:
            self._count("hit", kept)
            watch.stop("cache")
            return replace(kept, cache_hit=True, stage_microseconds=watch.microseconds)
        watch.stop("cache")
        decision = self._work_out(request, watch)
        self._cache.keep(key, decision)
        self._count("worked out", decision)
        return decision

    def rank(self, request: Request) -> list[Candidate]:
        """All roles with what speaks for them, best first, whatever the request says about names."""
        return self._rank(request, _Watch(perf_counter()))

    def choose_role(self, issues: Sequence[Issue], paths: Sequence[str]) -> str:
        """The name of the role for a package of these issues and files."""
        if issues:
            return self.route(request_of(issues, paths)).role
        shares = self._context.shares(paths)
        role = self._by_files.get(shares)
        if role is None:
            role = self.route(request_of((), paths)).role
            if len(self._by_files) < _FILE_MIXES:
                self._by_files[shares] = role
        return role

    @property
    def metrics(self) -> RouterMetrics:
        """What this router did so far."""
        with self._lock:
            counts = dict(self._counts)
        return RouterMetrics(
            requests=counts.get("hit", 0) + counts.get("worked out", 0),
            cache_hits=counts.get("hit", 0),
            strategies={each.value: counts.get(f"strategy {each.value}", 0) for each in Strategy},
            detections_failed={
                each: counts.get(f"detection {each}", 0) for each in (NO_DETECTION, LOW_CONFIDENCE)
            },
        )

    def _work_out(self, request: Request, watch: _Watch) -> RoutingDecision:
        named = in_most([self._names.named(text) for text in (request.text, *request.further)])
        watch.stop("names")
        found = self._rank(request, watch)
        decision = decide(
            named, found, general=self._general, threshold=self.threshold, nearest=self._nearest
        )
        watch.stop("decision")
        return replace(decision, stage_microseconds=watch.microseconds)

    def _rank(self, request: Request, watch: _Watch) -> list[Candidate]:
        texts = (request.text, *request.further)
        read = [clauses(text) for text in texts]
        is_known = bool(request.paths or request.rules)
        away = [
            not is_known and not is_about_software(text, each) for text, each in zip(texts, read, strict=True)
        ]
        watch.stop("words")
        spoken = zip(read, away, strict=True)
        said = said_together([self._triggers.say(each, elsewhere=elsewhere) for each, elsewhere in spoken])
        watch.stop("triggers")
        asked = asked_together([self._capabilities.ask(each) for each in read])
        watch.stop("capabilities")
        evidence = self._context.weigh(request.paths, request.rules, {*said, *asked})
        watch.stop("context")
        names = [role.name for role in self._roles]
        success = {name: self._history.success(name, request.agent, request.kinds) for name in names}
        watch.stop("history")
        facts = Facts(said=said, asked=asked, evidence=evidence, success=success)
        ranked = rank(names, facts, self._calibration.confidence)
        watch.stop("ranking")
        return ranked

    def _count(self, what: str, decision: RoutingDecision) -> None:
        with self._lock:
            self._counts[what] += 1
            self._counts[f"strategy {decision.strategy.value}"] += 1
            if what != "hit" and decision.detection is not None:
                self._counts[f"detection {decision.detection}"] += 1
