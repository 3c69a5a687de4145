"""Markdown inventories: reviews and issue lists written by people, or by programs for people."""
