"""opencode and aider, driven by the scripted model through the Chat Completions API: on demand only."""

import json
from pathlib import Path

from tests.agents import direct
from tests.model.script import Failure, Step
from tests.model.scripted_model import ScriptedModel

_BLOCK = """\
calc.py
```
<<<<<<< SEARCH
    return a - b
=======
    return a + b
>>>>>>> REPLACE
```
"""


def test_an_edit_of_opencode_is_done_and_every_tool_and_token_is_in_both_records(
    opencode_program: Path, model: ScriptedModel, project: Path, tmp_path: Path
) -> None:
    start = direct.opencode(opencode_program, model, tmp_path / "home", "Fix. [[script:fix_add]]")
    ended = direct.run(start, project)
    assert ended.code == 0
    assert (project / "calc.py").read_text(encoding="utf-8").endswith("a + b\n")
    assert [line["part"]["callID"] for line in ended.of_type("tool_use")] == [
        call.id for call in model.calls()
    ]
    told = [line["part"]["tokens"] for line in ended.of_type("step_finish")]
    steps = {request.number for request in model.requests()}  # without the one for a title
    served = [answer.usage.output for answer in model.answers() if answer.request in steps]
    assert [tokens["output"] for tokens in told] == served


def test_an_edit_of_aider_is_done_and_every_token_is_in_both_records(
    aider_program: Path, model: ScriptedModel, project: Path, tmp_path: Path
) -> None:
    model.add("aider", Step(text=_BLOCK), without_tools=True)
    start = direct.aider(aider_program, model, tmp_path / "home", "Fix. [[script:aider]]", "calc.py")
    assert direct.run(start, project).code == 0
    assert (project / "calc.py").read_text(encoding="utf-8").endswith("a + b\n")
    log = (tmp_path / "home" / "analytics.jsonl").read_text(encoding="utf-8")
    events = [json.loads(line) for line in log.splitlines()]
    (sent,) = [event["properties"] for event in events if event["event"] == "message_send"]
    usage = model.usage()
    assert (sent["prompt_tokens"], sent["completion_tokens"]) == (usage.input, usage.output)


def test_aider_ends_with_exit_status_0_also_when_its_key_is_refused(
    aider_program: Path, model: ScriptedModel, project: Path, tmp_path: Path
) -> None:
    model.add("refused", Step(error=Failure(status=401)), without_tools=True)
    start = direct.aider(aider_program, model, tmp_path / "home", "Fix. [[script:refused]]", "calc.py")
    assert direct.run(start, project).code == 0
    assert (project / "calc.py").read_text(encoding="utf-8").endswith("a - b\n")
    assert {failed.status for failed in model.failures()} == {401}
