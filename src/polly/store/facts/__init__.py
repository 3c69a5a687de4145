"""Which rows an event fills. A type without a filling is kept in `events` alone."""

from polly.store.facts import agents, runs
from polly.store.facts.filling import FILLINGS, Filling, Told, Values
from polly.store.facts.project import project_name

__all__ = ["FILLINGS", "Filling", "Told", "Values", "agents", "project_name", "runs"]
