"""What to answer to a conversation: a function of the scripts and of how often it was tried."""

import collections
import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
from tests.model.answer import Answer, Call
from tests.model.conversation import Conversation
from tests.model.dialect import told_to
from tests.model.script import ScriptError, Step, Usage, load, meant_by

Ending = Literal["whole", "cut", "hung"]


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """How one request is answered. status: other than 200, nothing but an error is sent.

    side: the request has no tools and gets an answer that belongs to no script.
    """

    status: int = 200
    retry_after_seconds: int | None = None
    message: str = ""
    delay_seconds: float = 0.0
    meet: int = 0
    ending: Ending = "whole"
    answer: Answer | None = None
    script: str | None = None
    side: bool = False


class Player:
    """Plays the scripts of some folders. It remembers only how often a scripted fault has happened."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._faults: collections.Counter[tuple[str, str]] = collections.Counter()
        self._lock = threading.Lock()

    def play(self, conversation: Conversation) -> Play:
        """The answer that the script has for this request."""
        try:
            return self._play(conversation)
        except ScriptError as error:
            # An agent takes a 400 for its own mistake and does not try again.
            return Play(status=400, message=str(error))

    def _play(self, conversation: Conversation) -> Play:
        name = conversation.marker or meant_by(self._folders, conversation.prompt)
        script = load(self._folders, name) if name else None
        if not conversation.tools and not (script and script.without_tools):
            return Play(answer=_side_answer(conversation), script=name, side=True)
        if script is None:
            raise ScriptError("the prompt names no script, and no script is meant by it")
        if conversation.step >= len(script.steps):
            raise ScriptError(f"the script {name!r} has no step {conversation.step + 1}")
        step = script.steps[conversation.step]
        error = step.error
        if error is not None and self._again("error", conversation, error.times):
            return Play(status=error.status, retry_after_seconds=error.retry_after_seconds, script=name)
        return Play(
            delay_seconds=step.delay_seconds,
            meet=step.meet,
            ending=self._ending(step, conversation),
            answer=_answer(step, conversation),
            script=name,
        )

    def _ending(self, step: Step, conversation: Conversation) -> Ending:
        if step.hang:
            return "hung"
        if step.cut is not None and self._again("cut", conversation, step.cut.times):
            return "cut"
        return "whole"

    def _again(self, fault: str, conversation: Conversation, times: int | None) -> bool:
        key = (fault, conversation.key)
        with self._lock:
            if times is not None and self._faults[key] >= times:
                return False
            self._faults[key] += 1
            return True


def _answer(step: Step, conversation: Conversation) -> Answer:
    # Names that hang on the conversation alone: a second try of a request gets the same answer.
    name = hashlib.sha256(f"{conversation.key}/{conversation.step}".encode()).hexdigest()[:20]
    calls = [told_to(conversation.tools, action, conversation.folder) for action in step.actions]
    prefix = "toolu" if conversation.api == "messages" else "call"
    return Answer(
        id=name,
        model=conversation.model,
        text=step.text,
        calls=tuple(
            Call(id=f"{prefix}_{name}{index:02}", name=call.name, input=call.input)
            for index, call in enumerate(calls)
        ),
        # Different for each step, so that a sum shows which answers were counted.
        usage=step.usage or Usage(input=1000 + 100 * conversation.step, output=20 + conversation.step),
    )


def _side_answer(conversation: Conversation) -> Answer:
    return Answer(
        id=conversation.key,
        model=conversation.model,
        text="A title",
        calls=(),
        usage=Usage(input=7, output=3),
    )
