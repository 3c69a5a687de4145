import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.services.kafka import Kafka

from polly.errors import BusError, BusMisconfigured
from polly.events.event import INTELLIGENCE_TOPICS, TOPICS
from polly.kafka.topics import (
    Topic,
    create_topics,
    differences,
    look_at_topics,
    require_topics,
    wanted_topics,
)
from polly.settings import KafkaSettings

NAMES = {name + end for name in TOPICS for end in ("", ".dlq")} | set(INTELLIGENCE_TOPICS)


def settings(kafka: Kafka, **values: object) -> KafkaSettings:
    given = {"bootstrap_servers": kafka.bootstrap, "topic_prefix": kafka.topic_prefix, "partitions": 2}
    return KafkaSettings.model_validate({**given, **values})


def polly(folder: Path, kafka: Kafka, *arguments: str) -> subprocess.CompletedProcess[str]:
    given = {
        "POLLY_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap,
        "POLLY_KAFKA__TOPIC_PREFIX": kafka.topic_prefix,
    }
    command = [sys.executable, "-m", "polly", "topics", *arguments]
    return subprocess.run(
        command, cwd=folder, env=os.environ | given, capture_output=True, text=True, check=False
    )


def test_every_topic_and_its_dead_letters_are_made_as_the_settings_want_them(kafka: Kafka) -> None:
    wanted = settings(kafka, retention_days=3, dead_letter_retention_days=12.5)
    made = create_topics(wanted, dry_run=False)
    assert {each.topic.name.removeprefix(kafka.topic_prefix) for each in made} == NAMES
    assert {each.state for each in made} == {"made"}
    found = {each.topic.name.removeprefix(kafka.topic_prefix): each for each in look_at_topics(wanted)}
    assert {each.state for each in found.values()} == {"there"}
    runs, letters = found["polly-runs"].topic, found["polly-runs.dlq"].topic
    assert (runs.partitions, runs.replication) == (2, 1)
    assert runs.settings["retention.ms"] == str(3 * 86_400_000)
    assert letters.settings["retention.ms"] == str(12 * 86_400_000 + 43_200_000)
    assert runs.settings["cleanup.policy"] == "delete"
    assert runs.settings["message.timestamp.type"] == "CreateTime"
    assert int(letters.settings["max.message.bytes"]) > int(runs.settings["max.message.bytes"]) > 2**20


def test_making_them_again_changes_nothing_and_tells_what_differs(kafka: Kafka) -> None:
    kafka.create_topic("polly-runs", partitions=4, config={"retention.ms": "1000"})
    made = create_topics(settings(kafka), dry_run=False)
    again = create_topics(settings(kafka), dry_run=False)
    assert [each.state for each in made].count("made") == len(NAMES) - 1
    assert [each.state for each in again].count("there") == len(NAMES) - 1
    (different,) = [each for each in again if each.state == "different"]
    assert different.topic.name == f"{kafka.topic_prefix}polly-runs"
    assert set(different.differences) >= {
        "partitions is 4, not 2",
        "retention.ms is 1000, not 604800000",
    }


def test_a_dry_run_makes_nothing(kafka: Kafka) -> None:
    assert {each.state for each in create_topics(settings(kafka), dry_run=True)} == {"would be made"}
    assert {each.state for each in look_at_topics(settings(kafka))} == {"missing"}


@pytest.mark.parametrize("dry_run", [True, False])
def test_more_copies_than_brokers_are_told_before_anything_is_made(kafka: Kafka, dry_run: bool) -> None:
    with pytest.raises(
        BusMisconfigured, match=r"kafka\.replication is 5, but the cluster at .* has 1 broker"
    ):
        create_topics(settings(kafka, replication=5), dry_run=dry_run)
    assert {each.state for each in look_at_topics(settings(kafka))} == {"missing"}


def test_a_cluster_that_is_not_there_is_told_with_the_reason() -> None:
    with pytest.raises(BusError, match=r"Kafka at 127\.0\.0\.1:1 cannot be reached: .*Connection refused"):
        look_at_topics(KafkaSettings(bootstrap_servers="127.0.0.1:1"))


def test_missing_topics_are_counted() -> None:
    kafka = KafkaSettings(bootstrap_servers="a:1", topic_prefix="x-")
    names = [topic.name for topic in wanted_topics(kafka)]
    require_topics(kafka, names)
    with pytest.raises(BusMisconfigured, match=r"has no topic x-agent-actions, .* and 13 more"):
        require_topics(kafka, [])
    with pytest.raises(BusMisconfigured, match=r"has no topic x-polly-runs\.dlq that"):
        require_topics(kafka, names[:-1])


def test_with_several_copies_one_may_be_missing() -> None:
    wanted = wanted_topics(KafkaSettings(replication=3))
    assert {topic.settings["min.insync.replicas"] for topic in wanted} == {"2"}
    assert all("min.insync.replicas" not in topic.settings for topic in wanted_topics(KafkaSettings()))


def test_a_setting_that_cannot_be_seen_is_no_difference() -> None:
    wanted = Topic("t", 2, 1, {"retention.ms": "5"})
    assert differences(wanted, Topic("t", 2, 1, {})) == ()
    assert differences(wanted, Topic("t", 2, 1, {"retention.ms": "6"})) == ("retention.ms is 6, not 5",)


def test_the_commands_tell_it_to_people_and_programs(tmp_path: Path, kafka: Kafka) -> None:
    created = polly(tmp_path, kafka, "create")
    assert created.returncode == 0, created.stderr
    assert created.stdout.count(" made ") == len(NAMES)
    listed = polly(tmp_path, kafka, "list", "--format", "json")
    topics = msgspec.json.decode(listed.stdout)
    assert {each["state"] for each in topics} == {"there"}
    assert topics[0]["settings"]["cleanup.policy"] == "delete"


def test_without_a_cluster_in_the_settings_the_key_is_named(tmp_path: Path) -> None:
    answer = polly(tmp_path, Kafka(bootstrap="", topic_prefix=""), "list")
    assert answer.returncode == 2
    assert "kafka.bootstrap_servers is empty" in answer.stderr


def test_a_config_file_is_used_instead_and_must_be_there(tmp_path: Path, kafka: Kafka) -> None:
    file = tmp_path / "other.toml"
    file.write_text('[kafka]\nbootstrap_servers = "127.0.0.1:1"\n')
    command = [sys.executable, "-m", "polly", "topics", "list", "--config"]
    answer = subprocess.run([*command, str(file)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (answer.returncode, "127.0.0.1:1 cannot be reached" in answer.stderr) == (2, True)
    answer = subprocess.run([*command, "nowhere"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (answer.returncode, "nowhere is not there" in answer.stderr) == (2, True)
