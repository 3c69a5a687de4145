"""Which rows an event fills: one pure function per type. A type without one is kept in `events` alone."""

from polly.store.facts import agents, runs
from polly.store.facts.fact import Fact, Values, facts, project_name

__all__ = ["Fact", "Values", "agents", "facts", "project_name", "runs"]
