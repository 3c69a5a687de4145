"""Hands steps to the player: the small program that acts for the agents that need no model."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from polly.execution.agents.base import Assignment, Launch

#: One step as the player understands it: `do`, and what belongs to it.
Step = Mapping[str, Any]


def play(assignment: Assignment, steps: Sequence[Step]) -> Launch:
    """Start the player with these steps. It is a process like any agent: it can be stopped and adopted."""
    assignment.folder.mkdir(parents=True, exist_ok=True)
    file = assignment.folder / "steps.json"
    file.write_text(json.dumps(list(steps), indent=1) + "\n", encoding="utf-8")
    player = Path(__file__).with_name("player.py")
    return Launch(
        command=(sys.executable, "-I", "-S", "-X", "utf8", str(player), str(file.absolute())), env={}
    )
