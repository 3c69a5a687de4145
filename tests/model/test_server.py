"""The server as a process, spoken to over its port."""

import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.model.log import Entry, Request
from tests.model.script import Cut, Failure, Step, Usage
from tests.model.scripted_model import ScriptedModel, call, running


@dataclass(frozen=True)
class Reply:
    """What came back. whole: the server ended it in order."""

    status: int
    retry_after: str | None
    body: bytes
    whole: bool = True

    @property
    def text(self) -> str:
        return "".join(block.get("text", "") for block in json.loads(self.body)["content"])


Ask = Callable[..., Reply]


@pytest.fixture
def connect(model: ScriptedModel) -> Iterator[Callable[[], http.client.HTTPConnection]]:
    """Opens connections to the model, which are closed after the test."""
    with contextlib.ExitStack() as opened:

        def connecting() -> http.client.HTTPConnection:
            connection = http.client.HTTPConnection("127.0.0.1", model.port, timeout=60)
            return opened.enter_context(contextlib.closing(connection))

        yield connecting


def _body(prompt: str, *, turns: int = 0, **more: Any) -> str:
    messages: list[dict[str, Any]] = [{"role": "user", "content": prompt}]
    for _ in range(turns):
        messages += [{"role": "assistant", "content": "I did."}, {"role": "user", "content": "Go on."}]
    return json.dumps({"model": "m", "messages": messages, "tools": [{"name": "Bash"}], **more})


@pytest.fixture
def ask(connect: Callable[[], http.client.HTTPConnection]) -> Ask:
    """`ask(prompt)` sends one request with one tool to the Messages API."""

    def send(prompt: str, **more: Any) -> Reply:
        connection = connect()
        connection.request("POST", "/v1/messages", _body(prompt, **more))
        with connection.getresponse() as response:
            after = response.headers["retry-after"]
            try:
                return Reply(response.status, after, response.read())
            except http.client.IncompleteRead as broken:
                return Reply(response.status, after, broken.partial, whole=False)

    return send


def test_the_step_is_what_the_conversation_says_not_what_the_server_remembers(
    ask: Ask, model: ScriptedModel
) -> None:
    marker = model.add("steps", Step(text="one"), Step(text="two"), Step(text="three"))
    assert [ask(f"Go. {marker}", turns=turns).text for turns in (2, 0, 1, 0)] == [
        "three",
        "one",
        "two",
        "one",
    ]


def test_an_error_comes_as_often_as_the_script_says_in_each_conversation(
    ask: Ask, model: ScriptedModel
) -> None:
    marker = model.add(
        "busy", Step(error=Failure(status=429, times=2, retry_after_seconds=7), text="at last")
    )
    for prompt in (f"One. {marker}", f"Two. {marker}"):
        responses = [ask(prompt) for _ in range(3)]
        assert [response.status for response in responses] == [429, 429, 200]
        assert [response.retry_after for response in responses] == ["7", "7", None]


def test_a_cut_stream_breaks_off_and_is_no_answer(ask: Ask, model: ScriptedModel) -> None:
    marker = model.add("cut", Step(text="whole", cut=Cut(times=1)))
    reply = ask(f"Go. {marker}", stream=True)
    assert not reply.whole
    assert b"message_start" in reply.body
    assert b"message_stop" not in reply.body
    assert [(failed.why, failed.status) for failed in model.failures()] == [("cut", None)]
    assert model.answers() == []
    assert b"message_stop" in ask(f"Go. {marker}", stream=True).body
    assert len(model.answers()) == 1


def test_an_answer_that_never_ends_keeps_nobody_else_waiting(
    ask: Ask, connect: Callable[[], http.client.HTTPConnection], model: ScriptedModel
) -> None:
    marker = model.add("hang", Step(text="x", hang=True))
    hanging = connect()
    hanging.request("POST", "/v1/messages", _body(f"Go. {marker}", stream=True))
    begun = hanging.getresponse()
    assert begun.readline().endswith(b"message_start\n")
    assert ask(f"Go. {model.add('hello', Step(text='hello'))}").text == "hello"
    model.wait_for(lambda _: [failed.why for failed in model.failures()] == ["hung"])
    begun.close()


def test_a_delayed_answer_comes_after_those_that_are_not(ask: Ask, model: ScriptedModel) -> None:
    quick = model.add("quick", Step(text="quick"))
    for number, seconds in enumerate((1.0, 5.0, 25.0)):  # long enough for another one to come in between
        slow = model.add(f"slow{number}", Step(text="slow", delay_seconds=seconds))
        with ThreadPoolExecutor(1) as pool:
            later = pool.submit(ask, f"Go. {slow}")
            model.wait_for(partial(_is_asked_for, f"slow{number}"))
            assert ask(f"Go. {quick}").text == "quick"
            assert later.result().text == "slow"
        first, second = model.answers()[-2:]
        if first.request > second.request:
            return
    pytest.fail("no answer came before a delayed one")


def _is_asked_for(script: str, entries: list[Entry]) -> bool:
    return any(isinstance(entry, Request) and entry.script == script for entry in entries)


def test_everything_asked_and_served_is_in_the_log_once(ask: Ask, model: ScriptedModel) -> None:
    steps = [Step(actions=(call("Bash", command=str(number)),)) for number in range(20)]
    marker = model.add("many", *steps)
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda turns: json.loads(ask(f"Go. {marker}", turns=turns).body), range(20)))
    asked = {block["id"]: block["input"] for message in told for block in message["content"]}
    assert {one.id: one.input for one in model.calls()} == asked
    assert len(model.calls()) == len(asked) == 20
    assert model.usage() == Usage(
        input=sum(message["usage"]["input_tokens"] for message in told),
        output=sum(message["usage"]["output_tokens"] for message in told),
    )
    numbers = [entry.number for entry in model.entries() if isinstance(entry, Request)]
    assert sorted(numbers) == list(range(1, 21))


def test_a_request_without_tools_is_answered_beside_the_script(ask: Ask, model: ScriptedModel) -> None:
    marker = model.add("talk", Step(text="scripted"))
    assert ask(f"Title of: {marker}", tools=[]).text == "A title"
    assert model.requests() == []


def test_a_prompt_without_a_marker_finds_the_script_that_means_it(ask: Ask, model: ScriptedModel) -> None:
    model.add("second", Step(text="second"), when="^# WP2:")
    model.add("third", Step(text="third"), when="^# WP3:")
    assert ask("A page\n# WP3: it\n# more").text == "third"


@pytest.mark.parametrize(
    ("prompt", "turns", "reason"),
    [
        ("no marker", 0, "names no script"),
        ("[[script:none]]", 0, "no script 'none'"),
        ("[[script:fix_add]]", 4, "no step 5"),
    ],
)
def test_what_no_script_foresees_is_an_error_of_the_request(
    ask: Ask, model: ScriptedModel, prompt: str, turns: int, reason: str
) -> None:
    response = ask(prompt, turns=turns)
    assert response.status == 400
    assert reason in json.loads(response.body)["error"]["message"]
    assert [(failed.status, reason in failed.why) for failed in model.failures()] == [(400, True)]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/", 200),
        ("HEAD", "/api/hello", 200),
        ("GET", "/v1/models", 200),
        ("GET", "/x", 404),
        ("POST", "/x", 413),
    ],
)
def test_other_pages_are_answered_and_logged(
    connect: Callable[[], http.client.HTTPConnection],
    model: ScriptedModel,
    method: str,
    path: str,
    status: int,
) -> None:
    connection = connect()
    connection.request(method, path)
    with connection.getresponse() as response:
        assert response.status == status
    assert [(entry.method, entry.path) for entry in model.entries() if isinstance(entry, Request)] == [
        (method, path)
    ]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses", "/v1/chat/completions"])
@pytest.mark.parametrize("body", ["{", "[]", '{"messages": 1, "input": 1}', '{"tools": [{}]}'])
def test_what_is_no_request_is_refused(
    connect: Callable[[], http.client.HTTPConnection], model: ScriptedModel, path: str, body: str
) -> None:
    connection = connect()
    connection.request("POST", path, body)
    with connection.getresponse() as response:
        assert response.status == 400
        assert "no request" in json.load(response)["error"]["message"]
    assert [failed.status for failed in model.failures()] == [400]


def test_agents_meet_where_their_script_says_so(ask: Ask, model: ScriptedModel) -> None:
    marker = model.add("meeting", Step(text="met", meet=3))
    with ThreadPoolExecutor(3) as pool:
        replies = [pool.submit(ask, f"{name}. {marker}") for name in ("One", "Two")]
        model.wait_for(lambda entries: len(entries) == 2)
        assert model.answers() == []
        replies.append(pool.submit(ask, f"Three. {marker}"))
        assert [reply.result().text for reply in replies] == ["met"] * 3
    assert ask(f"A late one. {marker}").text == "met"


def test_it_listens_on_the_loopback_address_alone(model: ScriptedModel) -> None:
    addresses = {
        connection.laddr.ip
        for connection in psutil.Process(model.pid).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


def test_it_ends_with_whoever_started_it_even_when_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from tests.model.scripted_model import running\n"
        "with running(pathlib.Path(sys.argv[1])) as model:\n"
        "    print(model.pid, flush=True)\n"
        "    time.sleep(300)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "model")],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
    )
    with owner:
        assert owner.stdout is not None
        server = psutil.Process(int(owner.stdout.readline()))
        owner.kill()
    assert server.wait(timeout=60) is None or not server.is_running()


def test_it_ends_by_itself_when_it_was_forgotten(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.model.server", str(tmp_path / "log"), "0.2", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as forgotten:
        assert forgotten.wait(timeout=60) == 0


def test_leaving_ends_it(tmp_path: Path) -> None:
    with running(tmp_path / "model") as model:
        assert psutil.pid_exists(model.pid)
    assert not psutil.pid_exists(model.pid)
