"""Records one action of an agent in a local spool and prints the event.

python -m skills.log_action --spool FILE --agent NAME --action-type tool_call --action-name NAME
"""

import argparse
import datetime as dt
import json
import uuid
from pathlib import Path
from typing import Any

ACTION_TYPES = ("tool_call", "decision", "error", "success")


def make_event(options: argparse.Namespace) -> dict[str, Any]:
    """The event that the options describe. Details are personal: they are kept for debugging only."""
    return {
        "event_id": str(uuid.uuid4()),
        "correlation_id": options.correlation_id or str(uuid.uuid4()),
        "agent_name": options.agent,
        "action_type": options.action_type,
        "action_name": options.action_name,
        "status": options.status,
        "details": options.details if options.debug else None,
        "recorded_at": dt.datetime.now(dt.UTC).isoformat(),
    }


def make_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(description="Records one action of an agent.")
    parser.add_argument("--spool", type=Path, required=True, help="the file to append to")
    parser.add_argument("--agent", required=True)
    parser.add_argument("--action-type", required=True, choices=ACTION_TYPES)
    parser.add_argument("--action-name", required=True)
    parser.add_argument("--status", choices=("ok", "error"), default="ok")
    parser.add_argument("--correlation-id", help="the request it belongs to; a new one if left out")
    parser.add_argument("--details", type=json.loads, help="anything worth knowing, as JSON")

    # Off unless asked for: see make_event.
    parser.add_argument("--debug", type=bool, default=False, help="true or false: keep the details")

    return parser


def main() -> None:
    """The command."""
    options = make_parser().parse_args()
    line = json.dumps(make_event(options))
    with options.spool.open("a", encoding="utf-8") as spool:
        spool.write(line + "\n")
    print(line)


if __name__ == "__main__":
    main()
