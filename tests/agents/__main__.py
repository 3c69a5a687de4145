"""Installs the agents that the tests start, ahead of them: `python -m tests.agents`."""

import os
import sys

from tests.agents import mini, npm
from tests.agents.installing import CannotInstallError

for find in (npm.claude, npm.codex, mini.mini):
    try:
        sys.stdout.write(f"{find(os.environ)}\n")
    except CannotInstallError as error:
        sys.exit(str(error))
