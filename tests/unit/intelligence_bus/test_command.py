"""`polly intelligence` where there is nothing to talk to."""

from pathlib import Path

import pytest

from polly.cli.exit_code import ExitCode
from polly.cli.intelligence import health_file, serve, status
from polly.errors import InputError, SettingsError
from polly.intelligence.bus.server import Server
from polly.settings import IntelligenceSettings, KafkaSettings


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "polly.toml"
    file.write_text('[kafka]\nbootstrap_servers = "127.0.0.1:1"\n', encoding="utf-8")
    return file


def test_without_a_cluster_serving_names_the_key_to_set(tmp_path: Path) -> None:
    empty = tmp_path / "polly.toml"
    empty.touch()
    with pytest.raises(SettingsError, match=r"kafka\.bootstrap_servers is empty") as refused:
        serve(config=empty)
    assert "POLLY_KAFKA__BOOTSTRAP_SERVERS" in (refused.value.next_step or "")


def test_folders_that_are_not_there_are_refused_before_anything_starts(config: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--root .* is not there"):
        serve(root=tmp_path / "nowhere", config=config)
    with pytest.raises(InputError, match=r"--root .* is no folder"):
        serve(root=config, config=config)
    with pytest.raises(InputError, match="no such folder"):
        serve(health_file=tmp_path / "nowhere" / "health.json", config=config)


def test_status_tells_that_nothing_is_set_up_switched_off_or_away(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, off = tmp_path / "empty.toml", tmp_path / "off.toml"
    empty.touch()
    off.write_text("[intelligence]\nenabled = false\n", encoding="utf-8")
    assert status(config=empty) is ExitCode.WRONG_USE
    assert "not configured" in capsys.readouterr().out
    assert status(config=off) is ExitCode.UNFIXED
    assert "disabled" in capsys.readouterr().out
    assert status(config=config) is ExitCode.WRONG_USE
    assert "127.0.0.1:1 cannot be reached" in capsys.readouterr().out


def test_the_health_file_holds_the_state_whole(tmp_path: Path) -> None:
    kafka = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    server = Server(kafka, IntelligenceSettings(workers=2), root=tmp_path)
    health_file(tmp_path / "health.json")(server.state)
    assert '"state":"starting"' in (tmp_path / "health.json").read_text(encoding="utf-8")
    assert [each.name for each in tmp_path.iterdir()] == ["health.json"]
