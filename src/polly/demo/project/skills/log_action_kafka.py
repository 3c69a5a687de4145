"""Queues one action of an agent for Kafka: the relay publishes what stands in the outbox.

python -m skills.log_action_kafka --outbox FOLDER --agent NAME --action-type decision --action-name NAME
"""

import argparse
import datetime as dt
import json
import uuid
from pathlib import Path
from typing import Any

TOPIC = "agent-actions"


def make_value(options: argparse.Namespace, correlation_id: str) -> dict[str, Any]:
    """The record's value."""
    return {
        "event_id": str(uuid.uuid4()),
        "recorded_at": dt.datetime.now().isoformat(),
        "correlation_id": correlation_id,
        "agent_name": options.agent,
        "action_type": options.action_type,
        "action_name": options.action_name,
        "status": "error" if options.error else "ok",
        "error": options.error,
    }


def queue(outbox: Path, key: str, value: dict[str, Any]) -> Path:
    """Puts a record into the outbox; written aside and renamed, so that the relay never sees half of it."""
    outbox.mkdir(parents=True, exist_ok=True)
    record = {"topic": TOPIC, "key": key, "value": value}
    unfinished = outbox / f".{value['event_id']}"
    unfinished.write_text(json.dumps(record), encoding="utf-8")
    return unfinished.rename(outbox / f"{value['event_id']}.json")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Queues one action of an agent for Kafka.")
    parser.add_argument("--outbox", type=Path, required=True, help="the folder that the relay reads")
    parser.add_argument("--agent", required=True)
    parser.add_argument("--action-type", required=True)
    parser.add_argument("--action-name", required=True)
    parser.add_argument("--correlation-id", help="the request it belongs to; a new one if left out")
    parser.add_argument("--error", help="what went wrong; the action failed")
    options = parser.parse_args()

    correlation_id = options.correlation_id or str(uuid.uuid4())
    print(queue(options.outbox, correlation_id, make_value(options, correlation_id)))


if __name__ == "__main__":
    main()
