"""Is a finding of the review fixed? `python checks/check.py C1 [ID…]`: exit status 0 when it is, 1 when not.

Each check runs the service and looks at what it does; none reads the service's source.
"""

import importlib
import sys
from pathlib import Path

# What runs here must leave no trace in the tree that it judges.
sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parents[1]))

from outcome import NotFixed  # noqa: E402 - found through the path above

#: The module of this folder in which each finding has a function with its id in small letters.
MODULES = {
    "C1": "execution_logging",
    "C2": "consuming",
    "C3": "client_tests",
    "C4": "prompt_hook",
    "M6": "consuming",
    "M7": "migrating",
    "M8": "migrating",
    "N1": "action_commands",
    "N3": "execution_logging",
    "N4": "analyzing",
    "N5": "action_commands",
    "N9": "analyzing",
    "N10": "execution_logging",
    "N14": "action_commands",
}


def is_fixed(issue: str) -> bool:
    """Runs one check and prints what it saw."""
    check = getattr(importlib.import_module(MODULES[issue]), issue.lower())
    try:
        check()
    except NotFixed as reason:
        print(f"{issue}: not fixed: {reason}")
        return False
    print(f"{issue}: fixed: {check.__doc__}")
    return True


def main() -> int:
    """The command."""
    issues = sys.argv[1:]
    unknown = [issue for issue in issues if issue not in MODULES]
    if unknown or not issues:
        print(f"usage: python checks/check.py ID…, one of {', '.join(MODULES)}", file=sys.stderr)
        return 2
    return 0 if all([is_fixed(issue) for issue in issues]) else 1


if __name__ == "__main__":
    sys.exit(main())
