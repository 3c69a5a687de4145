"""The real Codex, driven by the scripted model: what Polly's adapter builds on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.agents.direct import Ended
from tests.model.script import Action, Cut, Failure, Step
from tests.model.scripted_model import ScriptedModel, edit, write

Run = Callable[..., Ended]


def _items(ended: Ended, kind: str) -> list[dict[str, Any]]:
    done = (line["item"] for line in ended.of_type("item.completed"))
    return [item for item in done if item["type"] == kind]


def test_an_edit_is_done_and_every_tool_and_token_is_in_both_records(
    codex: Run, model: ScriptedModel, project: Path
) -> None:
    ended = codex("Fix. [[script:fix_add]]")
    assert ended.code == 0
    assert (project / "calc.py").read_text(encoding="utf-8") == "def add(a, b):\n    return a + b\n"
    kinds = [line["item"]["type"] for line in ended.of_type("item.completed")]
    assert [kind for kind in kinds if kind != "agent_message"] == [
        "command_execution",
        "file_change",
        "command_execution",
    ]
    assert [asked.name for asked in model.calls()] == ["exec_command", "apply_patch", "exec_command"]
    (turn,) = ended.of_type("turn.completed")
    served = model.usage()
    assert turn["usage"]["input_tokens"] == served.input + served.cache_read + served.cache_write
    assert turn["usage"]["cached_input_tokens"] == served.cache_read
    assert turn["usage"]["output_tokens"] == served.output
    (thread,) = ended.of_type("thread.started")
    assert model.answers(thread["thread_id"]) == model.answers()


def test_calls_asked_for_at_once_are_all_done(codex: Run, model: ScriptedModel, project: Path) -> None:
    marker = model.add(
        "at_once",
        Step(
            actions=(
                edit("calc.py", "    return a - b", "    return a + b"),
                write("new.py", "NEW = 1\n"),
                Action(shell="echo hello"),
            )
        ),
        Step(text="Done."),
    )
    ended = codex(f"Fix. {marker}")
    assert _items(ended, "agent_message")[-1]["text"] == "Done."
    assert (project / "calc.py").read_text(encoding="utf-8").endswith("a + b\n")
    assert (project / "new.py").read_text(encoding="utf-8") == "NEW = 1\n"
    told = [result.id for request in model.requests() for result in request.results]
    assert sorted(told) == sorted(asked.id for asked in model.calls())


def test_a_command_that_fails_is_told_and_the_turn_goes_on(codex: Run, model: ScriptedModel) -> None:
    marker = model.add("failing", Step(actions=(Action(shell="exit 3"),)), Step(text="I give up."))
    ended = codex(f"Try. {marker}")
    (command,) = _items(ended, "command_execution")
    assert (ended.code, command["exit_code"], command["status"]) == (0, 3, "failed")


@pytest.mark.parametrize("status", [401, 429])
def test_an_error_that_stays_fails_the_turn(codex: Run, model: ScriptedModel, status: int) -> None:
    marker = model.add("refused", Step(error=Failure(status=status, retry_after_seconds=0)))
    ended = codex(f"Say it. {marker}")
    (failed,) = ended.of_type("turn.failed")
    assert ended.code == 1
    assert not ended.of_type("turn.completed")
    assert str(status) in failed["error"]["message"]
    assert {failure.status for failure in model.failures()} == {status}


def test_an_overload_that_passes_is_not_seen(codex: Run, model: ScriptedModel) -> None:
    ended = codex(f"Say it. {model.add('busy', Step(error=Failure(status=529, times=1), text='Hello.'))}")
    assert (ended.code, [item["text"] for item in _items(ended, "agent_message")]) == (0, ["Hello."])
    assert [failure.status for failure in model.failures()] == [529]


def test_a_stream_that_is_always_cut_fails_the_turn(codex: Run, model: ScriptedModel) -> None:
    ended = codex(f"Say it. {model.add('cut', Step(text='Hello.', cut=Cut()))}")
    assert (ended.code, len(ended.of_type("turn.failed"))) == (1, 1)
    assert {failure.why for failure in model.failures()} == {"cut"}
    assert len(model.failures()) > 1
