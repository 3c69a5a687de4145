"""Sessions that hooks record, by way of a relay and a sink: all of it, once, and in order."""

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.integration.kafka.relays import Program, RelayBench
from tests.integration.kafka.sink_process import SinkWorld, wait
from tests.services.kafka import Kafka

from polly.events.event import RUNS_TOPIC, TOPICS
from polly.hooks.programs import record_argv
from polly.settings import KafkaSettings

SESSIONS, CALLS = 4, 12


@pytest.fixture
def world(tmp_path: Path, kafka: Kafka, postgres_url: str) -> Iterator[SinkWorld]:
    world = SinkWorld(tmp_path, kafka, postgres_url)
    for name in TOPICS:
        if name != RUNS_TOPIC:
            kafka.create_topic(f"{name}.dlq")
    yield world
    world.end()


def _record(home: Path, session: str, calls: range) -> None:
    """What an agent program does: one process for each hook, before and after each use of a tool."""
    for number in calls:
        for hook in ("PreToolUse", "PostToolUse"):
            told = {
                "session_id": session,
                "hook_event_name": hook,
                "cwd": str(home),
                "tool_name": "Bash",
                "tool_use_id": f"{session}-use-{number}",
                "tool_input": {"command": f"echo {number}"},
                "tool_response": {"stdout": f"{number}"},
            }
            subprocess.run(
                record_argv(),
                input=json.dumps(told).encode(),
                env={"PATH": os.environ["PATH"], "POLLY_HOME": str(home)},
                cwd=home,
                check=True,
            )


def test_what_hooks_record_arrives_once_and_in_order_while_relays_are_killed(
    tmp_path: Path, world: SinkWorld
) -> None:
    home = tmp_path / "home"
    (home / "spool").mkdir(parents=True)
    bench = RelayBench(
        home / "spool", KafkaSettings(bootstrap_servers=world.bootstrap, topic_prefix=world.prefix)
    )
    sessions = [f"session-{number}" for number in range(SESSIONS)]
    uses = {f"{session}-use-{number}" for session in sessions for number in range(CALLS)}
    sink = world.start()
    with ThreadPoolExecutor(SESSIONS) as agents:
        for part in (range(CALLS // 2), range(CALLS // 2, CALLS)):
            with Program(bench) as relay:
                relay.wait_for("Relaying")
                list(agents.map(lambda session, part=part: _record(home, session, part), sessions))
                if part.start == 0:
                    continue  # killed with whatever is on its way
                wait(lambda: _uses(world) == uses, sink, "every use of a tool stored")
                relay.terminate()
                assert relay.end()[0] == 0
    wait(lambda: sink.status()["lag_records"] == 0, sink, "everything read")
    assert sink.stop() == 0, sink.told()
    assert world.rows("SELECT * FROM dead_letters") == []
    _each_once_and_in_order(world, sessions)


def _uses(world: SinkWorld) -> set[str]:
    """The uses of tools of which both hooks have been stored."""
    rows = world.rows("SELECT envelope FROM events")
    found: dict[str, int] = defaultdict(int)
    for (envelope,) in rows:
        for use in {part for part in envelope.split('"') if "-use-" in part}:
            found[use] += 1
    return {use for use, count in found.items() if count >= 2}


def _each_once_and_in_order(world: SinkWorld, sessions: list[str]) -> None:
    # Events of one transaction appear at once; of those of two, the earlier ones must be there first.
    asked = "SELECT session_id, source, type, sequence FROM events ORDER BY stored_at, sequence"
    rows = world.rows(asked)
    numbers: dict[str, list[int]] = defaultdict(list)
    arrived: dict[tuple[str, str], list[int]] = defaultdict(list)
    for session, source, kind, sequence in rows:
        assert session in sessions
        numbers[source].append(int(sequence))
        arrived[source, kind].append(int(sequence))
    for found in numbers.values():
        assert sorted(found) == list(range(1, len(found) + 1))
    for found in arrived.values():
        assert found == sorted(found)
    assert {row[0] for row in rows} == set(sessions)
