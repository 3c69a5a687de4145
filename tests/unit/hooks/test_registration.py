"""Putting the recorder into settings and taking it out keeps every byte of what else stands there."""

import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.errors import InputError, SettingsError
from polly.hooks import registration
from polly.hooks.plugin import export_plugin
from polly.hooks.programs import fail_closed, guard_argv, is_ours, record_argv
from polly.hooks.registration import Place, install, look, place_of, uninstall

OTHERS = {"matcher": "Bash", "hooks": [{"type": "command", "command": "say done"}]}


def place(folder: Path, agent: registration.Agent = "claude") -> Place:
    return Place(agent=agent, scope="user", file=folder / "settings.json")


def round_trip(folder: Path, text: bytes, agent: registration.Agent = "claude") -> dict[str, Any]:
    """The settings with the recorder in them; taking it out must give the same bytes."""
    where = place(folder, agent)
    where.file.write_bytes(text)
    assert install(where)
    assert look(where).state == "installed"
    written = where.file.read_bytes()
    assert not install(where)
    assert where.file.read_bytes() == written
    assert uninstall(where)
    assert where.file.read_bytes() == text
    assert not uninstall(where)
    assert [path.name for path in folder.iterdir()] == ["settings.json"]
    whole: dict[str, Any] = json.loads(written.decode("utf-8-sig"))
    return whole


HOOKS = st.none() | st.dictionaries(
    st.sampled_from(["Stop", "PreToolUse", "Other"]), st.lists(st.just(OTHERS), max_size=3), max_size=3
)
REST = st.dictionaries(
    st.text(max_size=5).filter(lambda key: key not in ("hooks", "enabledPlugins")),
    st.none() | st.booleans() | st.text(max_size=9) | st.lists(st.integers(), max_size=3),
    max_size=3,
)


@given(
    rest=REST,
    hooks=HOOKS,
    indent=st.sampled_from([None, 1, 2, 4, "\t"]),
    end=st.sampled_from(["", "\n", "\r\n", "\n\n "]),
    is_windows=st.booleans(),
    mark=st.sampled_from(["", "\ufeff"]),
    is_first=st.booleans(),
)
def test_what_others_registered_keeps_every_byte(
    rest: dict[str, Any],
    hooks: dict[str, Any] | None,
    indent: int | str | None,
    end: str,
    is_windows: bool,
    mark: str,
    is_first: bool,
) -> None:
    own = {} if hooks is None else {"hooks": hooks}
    value = {**own, **rest} if is_first else {**rest, **own}
    text = mark + json.dumps(value, indent=indent, ensure_ascii=is_windows) + end
    text = text.replace("\n", "\r\n") if is_windows else text
    with tempfile.TemporaryDirectory() as folder:
        whole = round_trip(Path(folder), text.encode("utf-8", "surrogatepass"))
    for event, groups in (hooks or {}).items():
        assert whole["hooks"][event][: len(groups)] == groups
    assert {key: whole[key] for key in rest} == rest
    assert set(whole["hooks"]) >= set(registration.CLAUDE_EVENTS)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{\n}\n",
        "{ }",
        '{"hooks":{}}',
        '{\n  "hooks": {\n  }\n}',
        '{"hooks": {"Stop": [\n]}}',
        '{"a":1}\n',
    ],
)
@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_empty_containers_of_others_stay_as_they_are(
    tmp_path: Path, text: str, agent: registration.Agent
) -> None:
    round_trip(tmp_path, text.encode(), agent)


def test_a_file_that_was_made_for_the_recorder_goes_with_it(tmp_path: Path) -> None:
    where = place(tmp_path / "new")
    assert install(where)
    assert set(json.loads(where.file.read_bytes())) == {"hooks"}
    assert uninstall(where)
    assert list((tmp_path / "new").iterdir()) == []


def test_what_others_add_afterwards_stays(tmp_path: Path) -> None:
    where = place(tmp_path)
    install(where)
    value = json.loads(where.file.read_bytes())
    value["hooks"]["Stop"].append(OTHERS)
    value["model"] = "x"
    where.file.write_text(json.dumps(value, indent=2))  # as agent programs write their settings
    assert uninstall(where)
    assert json.loads(where.file.read_bytes()) == {"hooks": {"Stop": [OTHERS]}, "model": "x"}


def test_a_recorder_of_another_installation_is_replaced_not_doubled(tmp_path: Path) -> None:
    where = place(tmp_path)
    install(where)
    text = where.file.read_text()
    where.file.write_text(text.replace(record_argv()[0], "/old/python"))
    assert look(where).state == "outdated"
    assert install(where)
    assert where.file.read_text() == text


def test_a_group_that_calls_others_as_well_is_not_ours(tmp_path: Path) -> None:
    mine = registration.entries("claude")["Stop"]["hooks"][0]
    group = {"hooks": [mine, OTHERS["hooks"][0]]}
    where = place(tmp_path)
    where.file.write_text(json.dumps({"hooks": {"Stop": [group]}}))
    assert look(where).state == "not installed"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{ // mine\n "a": 1}', "comments are no JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b"\xff\xfe{}", "not UTF-8"),
    ],
)
def test_what_cannot_be_edited_is_refused_and_left_alone(tmp_path: Path, text: bytes, reason: str) -> None:
    where = place(tmp_path)
    where.file.write_bytes(text)
    with pytest.raises(SettingsError, match=reason) as raised:
        install(where)
    assert "Nothing was changed" in str(raised.value.next_step)
    assert where.file.read_bytes() == text
    assert look(where).state == "unreadable"


@pytest.mark.parametrize("text", ['{"hooks": []}', '{"hooks": {"Stop": {}}}', '{"hooks": 3}'])
def test_hooks_of_another_shape_are_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    where = place(tmp_path)
    where.file.write_text(text)
    with pytest.raises(SettingsError, match="cannot"):
        install(where)
    assert where.file.read_text() == text


def test_the_plugin_and_the_settings_do_not_both_record(tmp_path: Path) -> None:
    where = place(tmp_path)
    where.file.write_text(json.dumps({"enabledPlugins": {"polly@tools": True}}))
    with pytest.raises(SettingsError, match="plugin polly@tools"):
        install(where)
    where.file.write_text(json.dumps({"enabledPlugins": {"polly@tools": False}}))
    assert install(where)


def test_the_file_before_is_kept_beside_it(tmp_path: Path) -> None:
    where = place(tmp_path)
    where.file.write_text('{"a": 1}')
    install(where)
    assert (tmp_path / "settings.json.before-polly").read_text() == '{"a": 1}'


@pytest.mark.skipif(os.name == "nt", reason="links and modes of POSIX")
def test_a_link_stays_a_link_and_rights_stay_rights(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    real.chmod(0o640)
    (tmp_path / "home").mkdir()
    where = place(tmp_path / "home")
    where.file.symlink_to(real)
    install(where)
    assert where.file.is_symlink()
    assert "record.py" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_codex_takes_whole_seconds_and_three_at_the_end_of_a_session() -> None:
    groups = registration.entries("codex")
    seconds = {event: group["hooks"][0]["timeout"] for event, group in groups.items()}
    assert all(isinstance(each, int) for each in seconds.values())
    assert seconds["SessionEnd"] <= 3


def test_files_of_settings_follow_the_variables_of_the_programs(tmp_path: Path) -> None:
    environ = {"CLAUDE_CONFIG_DIR": "/c", "CODEX_HOME": "/x"}
    assert place_of("claude", "user", tmp_path, environ).file == Path("/c/settings.json")
    assert place_of("codex", "user", tmp_path, environ).file == Path("/x/hooks.json")
    assert place_of("claude", "project", tmp_path, {}).file == tmp_path / ".claude" / "settings.local.json"


def test_programs_are_known_on_every_system() -> None:
    assert is_ours(" ".join(record_argv()))
    assert is_ours("py.exe -I -S C:\\x\\polly\\hooks\\guard.py claude")
    assert not is_ours("python my/hooks/record.py")
    assert fail_closed(guard_argv())[-len(guard_argv()) :] == guard_argv()


def test_a_plugin_is_exported_again_over_itself_and_over_nothing_else(tmp_path: Path) -> None:
    first = export_plugin(tmp_path / "plugin")
    assert export_plugin(tmp_path / "plugin") == first
    names = {path.relative_to(tmp_path / "plugin").as_posix() for path in first}
    assert names >= {".claude-plugin/plugin.json", "hooks/hooks.json", "README.md"}
    hooks = json.loads((tmp_path / "plugin/hooks/hooks.json").read_bytes())["hooks"]
    assert set(hooks) == set(registration.CLAUDE_EVENTS)
    (tmp_path / "plugin" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        export_plugin(tmp_path / "plugin")
    with pytest.raises(InputError, match="no folder"):
        export_plugin(tmp_path / "plugin" / "notes.txt")
