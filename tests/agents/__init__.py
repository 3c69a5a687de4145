"""Coding agents that tests start: the real programs, pinned, installed into .cache by the first who asks."""
