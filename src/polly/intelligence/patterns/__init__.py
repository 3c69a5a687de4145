"""Shapes that code has, found by rules that are data."""
