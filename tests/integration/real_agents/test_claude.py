"""The real Claude Code, driven by the scripted model: what Polly's adapter builds on."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.agents import direct
from tests.agents.direct import CLAUDE_RETRIES, Ended
from tests.model.log import Failed, Request
from tests.model.script import Action, Cut, Failure, Step, Subagent, Usage
from tests.model.scripted_model import ScriptedModel, call, edit, write

Run = Callable[..., Ended]

#: What the pinned program takes for a million tokens of its default model, in dollars.
_PRICES = {"input": 4.0, "cache_read": 0.2, "cache_write": 5.0, "output": 20.0}


def _tool_uses(lines: Iterable[dict[str, Any]]) -> list[str]:
    blocks = (block for line in lines for block in line["message"]["content"])
    return [block["id"] for block in blocks if block["type"] == "tool_use"]


def _results(ended: Ended) -> dict[str, bool]:
    blocks = (block for line in ended.of_type("user") for block in line["message"]["content"])
    return {
        block["tool_use_id"]: bool(block.get("is_error"))
        for block in blocks
        if block["type"] == "tool_result"
    }


def _cost(usage: Usage) -> float:
    tokens: dict[str, int] = msgspec.structs.asdict(usage)
    return sum(price * tokens[kind] / 1_000_000 for kind, price in _PRICES.items())


def test_an_edit_is_done_and_every_tool_token_and_dollar_is_in_both_records(
    claude: Run, model: ScriptedModel, project: Path
) -> None:
    ended = claude("Fix. [[script:fix_add]]")
    assert (ended.code, ended.result["is_error"], ended.result["num_turns"]) == (0, False, 4)
    assert (project / "calc.py").read_text(encoding="utf-8") == "def add(a, b):\n    return a + b\n"
    assert _tool_uses(ended.of_type("assistant")) == [asked.id for asked in model.calls()]
    assert _results(ended) == {asked.id: False for asked in model.calls()}
    served, told = model.usage(), ended.result["usage"]
    assert served == Usage(
        input=told["input_tokens"],
        cache_read=told["cache_read_input_tokens"],
        cache_write=told["cache_creation_input_tokens"],
        output=told["output_tokens"],
    )
    assert ended.result["total_cost_usd"] == pytest.approx(_cost(served))
    assert model.answers(ended.result["session_id"]) == model.answers()


def test_edits_asked_for_at_once_are_all_done(claude: Run, model: ScriptedModel, project: Path) -> None:
    marker = model.add(
        "at_once",
        Step(actions=(Action(read="calc.py"), Action(read="other.py"))),
        Step(
            actions=(edit("calc.py", "    return a - b", "    return a + b"), write("other.py", "NAME = 1\n"))
        ),
        Step(text="Done."),
    )
    ended = claude(f"Fix. {marker}")
    assert (project / "calc.py").read_text(encoding="utf-8").endswith("a + b\n")
    assert (project / "other.py").read_text(encoding="utf-8") == "NAME = 1\n"
    assert sorted(_results(ended)) == sorted(asked.id for asked in model.calls())


def test_a_subagent_works_in_the_same_session_and_is_counted_once(
    claude: Run, model: ScriptedModel, project: Path
) -> None:
    marker = model.add(
        "chief", Step(actions=(Action(subagent=Subagent(script="fix_add")),)), Step(text="It is done.")
    )
    ended = claude(f"Let it be fixed. {marker}")
    assert (project / "calc.py").read_text(encoding="utf-8").endswith("a + b\n")
    by_script = [request.script for request in model.requests()]
    assert by_script == ["chief", *["fix_add"] * 4, "chief"]
    (start,) = [asked for asked in model.calls() if asked.name == "Agent"]
    below = [line for line in ended.of_type("assistant") if line["parent_tool_use_id"] == start.id]
    assert _tool_uses(below) == [asked.id for asked in model.calls() if asked.name != "Agent"]
    told = ended.result["modelUsage"].values()
    assert sum(part["inputTokens"] for part in told) == model.usage().input
    assert sum(part["outputTokens"] for part in told) == model.usage().output
    assert ended.result["total_cost_usd"] == pytest.approx(_cost(model.usage()))


def test_tools_that_fail_are_told_to_the_model_and_the_run_goes_on(claude: Run, model: ScriptedModel) -> None:
    marker = model.add(
        "failing",
        Step(actions=(Action(shell="echo before; exit 3"),)),
        Step(actions=(edit("calc.py", "this is not there", "x"),)),
        Step(actions=(call("NoSuchTool", x=1),)),
        Step(text="I give up."),
    )
    ended = claude(f"Try. {marker}")
    assert (ended.code, ended.result["result"]) == (0, "I give up.")
    assert list(_results(ended).values()) == [True, True, True]
    told = [result for request in model.requests() for result in request.results]
    assert [result.failed for result in told] == [True, True, True]
    assert "before" in told[0].text


def test_a_write_outside_of_its_folder_is_denied_and_a_shell_write_inside_is_not(
    claude: Run, model: ScriptedModel, project: Path, tmp_path: Path
) -> None:
    marker = model.add(
        "outside",
        Step(actions=(write(str(tmp_path / "outside.txt"), "x\n"),)),
        Step(actions=(Action(shell="echo x > stray.txt"),)),
        Step(text="Done."),
    )
    ended = claude(f"Write. {marker}")
    assert [denied["tool_name"] for denied in ended.result["permission_denials"]] == ["Write"]
    assert not (tmp_path / "outside.txt").exists()
    assert (project / "stray.txt").exists()


def test_after_one_429_it_waits_and_goes_on(claude: Run, model: ScriptedModel) -> None:
    marker = model.add(
        "limited", Step(error=Failure(status=429, times=1, retry_after_seconds=0), text="Hello.")
    )
    ended = claude(f"Say it. {marker}")
    assert (ended.code, ended.result["is_error"], ended.result["result"]) == (0, False, "Hello.")
    (retry,) = [line for line in ended.of_type("system") if line["subtype"] == "api_retry"]
    assert (retry["attempt"], retry["error_status"], retry["error"]) == (1, 429, "rate_limit")
    assert [failed.status for failed in model.failures()] == [429]
    assert ended.result["usage"]["input_tokens"] == model.usage().input


@pytest.mark.parametrize("status", [401, 529])
def test_an_error_that_stays_is_a_success_that_is_an_error(
    claude: Run, model: ScriptedModel, status: int
) -> None:
    marker = model.add("refused", Step(error=Failure(status=status)))
    ended = claude(f"Say it. {marker}")
    result = ended.result
    assert (ended.code, result["subtype"], result["is_error"]) == (1, "success", True)
    assert (result["api_error_status"], result["terminal_reason"]) == (status, "api_error")
    assert [failed.status for failed in model.failures()] == [status] * (CLAUDE_RETRIES + 1)
    assert result["total_cost_usd"] == 0


def test_a_stream_that_is_cut_is_tried_again_and_done_once(
    claude: Run, model: ScriptedModel, project: Path
) -> None:
    step = Step(actions=(Action(shell="echo once >> count.txt"),), cut=Cut(times=1))
    marker = model.add("cut", step, Step(text="Done."))
    ended = claude(f"Count. {marker}")
    assert (ended.code, ended.result["is_error"]) == (0, False)
    assert [failed.why for failed in model.failures()] == ["cut"]
    assert (project / "count.txt").read_text(encoding="utf-8") == "once\n"


def test_four_at_once_keep_to_their_own_script_folder_and_session(
    claude_program: Path, model: ScriptedModel, tmp_path: Path
) -> None:
    def work(number: int) -> Ended:
        folder = tmp_path / f"part{number}"
        folder.mkdir()
        steps = (Step(actions=(write("mine.txt", f"{number}\n"),)), Step(text=f"Part {number}."))
        marker = model.add(f"part{number}", *steps)
        start = direct.claude(claude_program, model, tmp_path / f"home{number}", f"Do it. {marker}")
        return direct.run(start, folder)

    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(work, range(4)))
    assert [end.result["result"] for end in ends] == [f"Part {number}." for number in range(4)]
    assert [(tmp_path / f"part{number}" / "mine.txt").read_text() for number in range(4)] == [
        f"{number}\n" for number in range(4)
    ]
    for end in ends:
        session = end.result["session_id"]
        assert _tool_uses(end.of_type("assistant")) == [asked.id for asked in model.calls(session)]
        assert end.result["usage"]["input_tokens"] == model.usage(session).input
    assert not [entry for entry in model.entries() if isinstance(entry, Failed)]


def test_it_talks_to_the_model_and_to_nobody_else_of_its_provider(claude: Run, model: ScriptedModel) -> None:
    claude(f"Say it. {model.add('hello', Step(text='Hello.'))}")
    asked = [(entry.method, entry.path) for entry in model.entries() if isinstance(entry, Request)]
    assert asked == [("POST", "/v1/messages?beta=true")]
