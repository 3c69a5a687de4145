"""Claude Code for `--agent command -- python as_command.py PROGRAM URL`: any program can be an agent."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.agents import direct


@dataclass(frozen=True)
class _Model:
    url: str


def main(program: str, url: str) -> int:
    """Run it on the prompt of this attempt; its exit status."""
    start = direct.claude(Path(program), _Model(url), Path(os.environ["TMPDIR"]) / "home", None)
    with Path(os.environ["POLLY_PROMPT_FILE"]).open("rb") as prompt:
        return subprocess.run(start.command, env=dict(start.env), stdin=prompt, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
