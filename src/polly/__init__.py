"""Polly: findings in, conflict-free parallel fixes out, each one proved."""

__version__ = "0.1.0"
