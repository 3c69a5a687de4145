"""Words for a person about what programs say to programs."""

import re

MAX_WORDS = 300
MAX_TARGET = 500

#: The key is wrong, or must not do this: asking again gets the same answer.
_REFUSED = (401, 403)
_OVERLOADED = (503, 529)
_STATUS = re.compile(r"\bstatus:? (\d{3})\b|\b(4\d\d|5\d\d) [A-Z]")


def one_line(text: object, limit: int = MAX_WORDS) -> str:
    """The text on one line without what could steer a terminal, cut at the limit."""
    plain = "".join(character if character.isprintable() else " " for character in str(text)[: 4 * limit])
    line = " ".join(plain.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def status_in(message: str) -> int | None:
    """The HTTP status that a message speaks of."""
    found = _STATUS.search(message)
    return int(found[1] or found[2]) if found else None


def refuses_key(status: object) -> bool:
    """True for an HTTP status with which a model refuses the key, now and later."""
    return status in _REFUSED


def model_failed(status: int | None, message: str = "", *, retries: int = 0) -> str:
    """Why the model gave no answer. retries: how often the program had asked again."""
    after = f" after {retries} {'retry' if retries == 1 else 'retries'}" if retries else ""
    told = one_line(message)
    why = f": {told}" if told else ""
    if status in _REFUSED:
        return f"the model refused the key ({status}){after}{why}"
    if status == 429:
        return f"out of retries: the model takes no more requests now (429){after}{why}"
    if status in _OVERLOADED:
        return f"out of retries: the model is overloaded ({status}){after}{why}"
    if status is not None and status >= 500:
        return f"the model's server failed ({status}){after}{why}"
    if status is not None:
        return f"the model refused the request ({status}){after}{why}"
    return f"the model could not be reached or broke off{after}{why}"


def target_of(given: object) -> str:
    """What a tool was called on: its file, command or question."""
    if not isinstance(given, dict):
        return ""
    for name in ("file_path", "filePath", "notebook_path", "path", "command", "pattern", "url", "query"):
        value = given.get(name)
        if isinstance(value, list):
            value = " ".join(str(part) for part in value)
        if isinstance(value, str) and value:
            return one_line(value, MAX_TARGET)
    for name in ("description", "prompt", "skill"):
        if isinstance(given.get(name), str):
            return one_line(given[name], MAX_TARGET)
    return ""
