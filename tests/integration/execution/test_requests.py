"""The folder in which an agent asks for files, with whatever an agent may make of it."""

import asyncio
import json
import os
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polly.events.catalog import FileRequested
from polly.events.event import EventData
from polly.execution.requests.desk import MAX_REQUESTS, Desk
from polly.execution.requests.letterbox import Told, ask, waiting
from polly.execution.requests.rules import Tree
from polly.git import Entry
from polly.work.plan import Files
from polly.work.requests import FileRequest, files_with

_PATIENCE_SECONDS = 300.0


class Office:
    """A desk for one package of a wave of two, whose state is what was recorded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "requests"
        self.folder.mkdir()
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        self.recorded: list[FileRequest] = []
        self.has_recorded = asyncio.Event()
        self.owned: list[Files] = []
        self.desk = Desk(
            run="run-1",
            package="WP1",
            attempt=1,
            folder=self.folder,
            workspace=self.workspace,
            entries=lambda: Tree({"free.txt": Entry(mode="100644", id="1")}),
            wave=lambda: {
                "WP1": files_with(Files(modify=("mine.txt",)), self.recorded),
                "WP2": Files(modify=("other.txt",)),
            },
            asked=lambda: tuple(self.recorded),
            protected=lambda _: None,
            append=self._append,
            own=self.owned.append,
        )

    def _append(self, event: EventData) -> None:
        assert isinstance(event, FileRequested)
        self.recorded.append(event.request)
        self.has_recorded.set()

    def drop(self, content: bytes | dict[str, Any], name: str = "") -> Path:
        """A request as any program may drop it; where its answer will be."""
        name = name or uuid.uuid4().hex
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        (self.folder / f"{name}.request").write_bytes(raw)
        return self.folder / f"{name}.answer"

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            asyncio.run(self.desk.look())


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def _answer(file: Path) -> dict[str, str]:
    told: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return told


def test_who_asks_waits_for_the_answer_and_leaves_nothing_behind(office: Office) -> None:
    told: list[Told | None] = []

    def asking() -> None:
        told.append(ask(office.folder, "free.txt", "it must", patience_seconds=_PATIENCE_SECONDS))

    asker = threading.Thread(target=asking)
    asker.start()
    while asker.is_alive():
        office.look()
    assert told == [Told(answer="granted", told="free.txt is WP1's now.")]
    assert office.owned[-1].owns("free.txt")
    assert list(office.folder.iterdir()) == []


def test_without_an_answer_the_request_stays_for_whoever_goes_on(office: Office) -> None:
    assert ask(office.folder, "free.txt", "it must", patience_seconds=0.0) is None
    office.look()
    assert [each.answer for each in office.recorded] == ["granted"]


def test_an_agent_is_told_again_what_it_was_told_and_it_is_recorded_once(office: Office) -> None:
    answers = [
        office.drop({"path": path, "reason": "r"})
        for path in ("free.txt", "other.txt", "free.txt", "other.txt")
    ]
    office.look()
    assert sorted(each.answer for each in office.recorded) == ["granted", "owned"]
    assert sorted(_answer(file)["answer"] for file in answers) == ["granted", "granted", "owned", "owned"]


def test_a_file_of_its_own_is_granted_without_a_record(office: Office) -> None:
    answer = office.drop({"path": "mine.txt", "reason": ""})
    office.look()
    assert _answer(answer)["answer"] == "granted"
    assert office.recorded == []


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"path": "free.txt", "reason": "x" * 10_000_000}).encode(),
        b"",
        b"{",
        b"[]",
        b"[" * 10_000,
        b'{"path": 1, "reason": 2}',
        b'{"path": "free.txt"}',
        b"\xff\xfe",
    ],
    ids=["10 MB", "nothing", "half", "a list", "deep", "numbers", "no reason", "no text"],
)
def test_what_is_no_request_is_answered_and_not_recorded(office: Office, content: bytes) -> None:
    answer = office.drop(content)
    office.look()
    assert _answer(answer)["answer"] == "refused"
    assert office.recorded == []
    assert waiting(office.folder) == []


def test_thousands_of_requests_are_bounded(office: Office) -> None:
    for number in range(MAX_REQUESTS + 50):
        office.drop({"path": f"new-{number}.txt", "reason": "r"})
    office.look(times=8)
    assert len(office.recorded) == MAX_REQUESTS
    assert office.desk.left_out == 50
    assert waiting(office.folder) == []


def test_names_that_are_no_requests_are_left_alone(office: Office) -> None:
    for name in ("x.request", "../x.request", "a" * 31 + ".request", "G" * 32 + ".request"):
        (office.folder / Path(name).name).write_text('{"path": "free.txt", "reason": "r"}', encoding="utf-8")
    office.look()
    assert office.recorded == []


@pytest.mark.skipif(os.name == "nt", reason="links and pipes of POSIX")
def test_links_and_pipes_in_the_folder_lead_nowhere(office: Office, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("keep", encoding="utf-8")
    one, two, three = ("a" * 32, "b" * 32, "c" * 32)
    (office.folder / f"{one}.request").symlink_to(outside)
    os.mkfifo(office.folder / f"{two}.request")
    answer = office.drop({"path": "free.txt", "reason": "r"}, three)
    answer.symlink_to(outside)
    office.look()
    assert outside.read_text(encoding="utf-8") == "keep"
    assert not answer.is_symlink()
    assert _answer(answer)["answer"] == "granted"


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_a_folder_that_the_agent_made_a_link_is_not_looked_into(office: Office, tmp_path: Path) -> None:
    office.drop({"path": "free.txt", "reason": "r"})
    elsewhere = tmp_path / "elsewhere"
    office.folder.rename(elsewhere)
    office.folder.symlink_to(elsewhere)
    office.look()
    assert office.recorded == []
    assert len(list(elsewhere.iterdir())) == 1


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_a_path_through_a_link_of_the_workspace_is_refused(office: Office, tmp_path: Path) -> None:
    (office.workspace / "way").symlink_to(tmp_path)
    office.drop({"path": "way/x.txt", "reason": "r"})
    office.look()
    assert [each.answer for each in office.recorded] == ["refused"]


def test_following_ends_when_it_is_cancelled(office: Office) -> None:
    async def follow() -> None:
        following = asyncio.create_task(office.desk.follow())
        await office.has_recorded.wait()
        following.cancel()
        await asyncio.wait([following])

    office.drop({"path": "free.txt", "reason": "r"})
    run: Callable[..., None] = asyncio.run
    run(follow())
    assert len(office.recorded) == 1
