"""What code is like: its quality measured by kept tools, its patterns found by rules."""
