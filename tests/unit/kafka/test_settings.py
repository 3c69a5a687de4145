from pathlib import Path

import pytest

from polly.errors import SettingsError
from polly.kafka.clients import Trouble, new_producer
from polly.kafka.settings import (
    PROMISES,
    ClientConfig,
    admin_config,
    client_id,
    consumer_config,
    producer_config,
)
from polly.settings import KafkaSettings, SecretFrom, SinkSettings, read_settings


def kafka(**values: object) -> KafkaSettings:
    return KafkaSettings.model_validate({"bootstrap_servers": "kafka.example:9092", **values})


def sink_config(**values: object) -> ClientConfig:
    return consumer_config(kafka(**values), SinkSettings())


def test_a_producer_is_idempotent_and_waits_for_every_replica() -> None:
    plain = producer_config(kafka()).plain
    assert plain["enable.idempotence"] == "true"
    assert plain["acks"] == "all"
    assert plain["message.timeout.ms"] == "0"
    assert plain["bootstrap.servers"] == "kafka.example:9092"
    assert plain["client.id"] == client_id("relay")
    assert plain["client.id"].startswith("polly-relay-")


def test_a_consumer_commits_only_by_its_own_word_and_never_guesses_a_position() -> None:
    plain = sink_config().plain
    assert plain["enable.auto.commit"] == "false"
    assert plain["enable.auto.offset.store"] == "false"
    assert plain["auto.offset.reset"] == "error"
    assert plain["partition.assignment.strategy"] == "cooperative-sticky"
    assert plain["group.id"] == "polly-sink"
    assert plain["queued.max.messages.kbytes"] == str(3 * 1024)


def test_with_the_newer_group_protocol_no_strategy_is_named() -> None:
    plain = sink_config(consumer={"group.protocol": "consumer"}).plain
    assert "partition.assignment.strategy" not in plain
    assert plain["group.protocol"] == "consumer"


def test_the_options_of_one_client_win_over_those_of_all_and_those_over_ours() -> None:
    settings = kafka(options={"linger.ms": 50, "socket.keepalive.enable": True}, producer={"linger.ms": 100})
    plain = producer_config(settings).plain
    assert plain["linger.ms"] == "100"
    assert plain["socket.keepalive.enable"] == "true"
    assert admin_config(settings).plain["linger.ms"] == "50"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enable.idempotence", False),
        ("acks", 1),
        ("acks", "0"),
        ("request.required.acks", 1),
        ("message.timeout.ms", 1000),
        ("delivery.timeout.ms", 1000),
        ("transactional.id", "x"),
        ("partitioner", "random"),
        ("delivery.report.only.error", True),
        ("enable.auto.commit", True),
        ("enable.auto.offset.store", True),
        ("auto.offset.reset", "earliest"),
        ("partition.assignment.strategy", "range"),
        ("bootstrap.servers", "other:9092"),
        ("metadata.broker.list", "other:9092"),
        ("group.id", "other"),
        ("error_cb", "x"),
    ],
)
@pytest.mark.parametrize("section", ["options", "producer", "consumer"])
def test_an_option_that_would_break_a_promise_is_refused_with_the_reason(
    name: str, value: object, section: str
) -> None:
    settings = kafka(**{section: {name: value}})
    with pytest.raises(SettingsError) as refused:
        consumer_config(settings, SinkSettings()) if section == "consumer" else producer_config(settings)
    assert f"kafka.{section}: {name} cannot be set" in refused.value.what
    assert refused.value.next_step


@pytest.mark.parametrize("name", [name for name, promise in PROMISES.items() if promise.allowed])
def test_saying_what_is_so_anyway_is_no_mistake(name: str) -> None:
    for value in PROMISES[name].allowed:
        assert producer_config(kafka(options={name: value})).plain[name] == value


def test_without_servers_the_setting_and_the_variable_are_named() -> None:
    with pytest.raises(SettingsError, match=r"kafka\.bootstrap_servers is empty") as missing:
        admin_config(KafkaSettings())
    assert "POLLY_KAFKA__BOOTSTRAP_SERVERS" in str(missing.value.next_step)


def test_unquoted_names_of_options_mean_the_same(tmp_path: Path) -> None:
    file = tmp_path / "polly.toml"
    file.write_text(
        '[kafka]\nbootstrap_servers = "a:1"\n[kafka.options]\nsecurity.protocol = "SASL_SSL"\n'
        'sasl.password = { env = "NAME" }\n'
    )
    assert read_settings(file).kafka.options == {
        "security.protocol": "SASL_SSL",
        "sasl.password": SecretFrom(env="NAME"),
    }


SECRET = "t0p-s3cret"


def with_secret(place: dict[str, str]) -> ClientConfig:
    options = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "polly"}
    return producer_config(kafka(options={**options, "sasl.password": place}))


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_is_read_from_its_file_when_a_client_is_made(tmp_path: Path, end: str) -> None:
    file = tmp_path / "password"
    config = with_secret({"file": str(file)})
    with pytest.raises(SettingsError, match=r"sasl\.password is to be read from .* No such file"):
        new_producer(config, Trouble())
    file.write_bytes(SECRET.encode() + end.encode())
    assert new_producer(config, Trouble())


def test_a_secret_that_is_not_there_is_told_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = with_secret({"env": "KAFKA_PASSWORD"})
    with pytest.raises(SettingsError, match=r"the variable KAFKA_PASSWORD, which is not set"):
        new_producer(config, Trouble())
    monkeypatch.setenv("KAFKA_PASSWORD", SECRET)
    assert new_producer(config, Trouble())


def test_an_empty_secret_is_none(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("\n")
    with pytest.raises(SettingsError, match="which is empty"):
        new_producer(with_secret({"file": str(file)}), Trouble())


def test_a_secret_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", SECRET)
    config = with_secret({"env": "KAFKA_PASSWORD"})
    assert SECRET not in repr(config)
    # librdkafka quotes a value that it does not take.
    wrong = ClientConfig("relay", config.plain, {"security.protocol": SecretFrom(env="KAFKA_PASSWORD")})
    with pytest.raises(SettingsError) as refused:
        new_producer(wrong, Trouble())
    assert SECRET not in refused.value.what
    assert "[secret]" in refused.value.what
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"no.such.option": "x"}, "No such configuration property"),
        ({"socket.timeout.ms": "soon"}, "socket.timeout.ms"),
        ({"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"}, "sasl"),
        ({"security.protocol": "SSL", "ssl.ca.location": "/nowhere/ca.pem"}, "ssl.ca.location"),
    ],
)
def test_settings_that_the_library_does_not_take_are_told(options: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=r"\[kafka\] cannot be used") as refused:
        new_producer(producer_config(kafka(options=options)), Trouble())
    assert said in refused.value.what
