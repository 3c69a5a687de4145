"""Roles that a text names: `agent-performance`, `@debug`, "ask the testing role", and "don't use …"."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from polly.routing.quiet import PASTED, loudness
from polly.routing.words import windows
from polly.work.routing import Role

_ARTICLE = r"(?:(?:the|our|an?|your) )?"

#: Before a name in hyphens this is enough.
_LEAD = re.compile(
    r"\b(?:use|using|uses|ask|let|have|with|as|by|via|to|through|invoke|run|call|try|take|pick|choose"
    r"|want|like"
    rf"|get|first|then|next|could|can|may|should|would|will|need|assign|and|or|be|act|become) {_ARTICLE}$"
)
#: Before names that are ordinary words somebody has to be addressed.
_ADDRESS = re.compile(
    r"\b(?:ask|invoke|assign(?:ed)? (?:\w+ ){0,2}to|delegate (?:\w+ ){0,2}to|hand (?:\w+ ){0,3}to"
    r"|route (?:\w+ ){0,2}to|dispatch (?:\w+ ){0,2}to|send (?:\w+ ){0,2}to) $"
)
_ASSIGNED = re.compile(r"\b(?:role|agent|subagent_type) ?[=:] ?[\"'(]?$")
_CALLED_A_ROLE = re.compile(r"[`\"']? (?:role|agent|specialist|persona)\b")
_SPOKEN_TO = re.compile(r"[`]?(?: ?[:,](?!\w)| (?:please|should|can|could|must|might|would)\b| ?[.!?]*$)")
_TOLD_TO = re.compile(r"[`]?(?: please\b| (?:should|must|might) \w|,? please\b)")
_IS_A_THING = re.compile(
    r"[`]? (?:jobs?|workflows?|packages?|modules?|service|components?|library|folders?|files?"
    r"|scripts?|classe?s?"
    r"|steps?|fails?|failed|crash\w*|throws?|is|was|were|are|has|does|did)\b"
)
_PERSON = ("architect", "expert", "specialist", "engineer", "auditor", "analyst", "reviewer")

#: Right before a name, perhaps with other names between: it is not to be used.
_NOT_THIS_ONE = re.compile(
    r"\b(?:don't|do not|dont|never|not|no|without|instead of|rather than|except|avoid|skip|other than"
    r"|exclud\w+|nor)"
    r"(?: (?:use|using|ask|asking|run|invoke|call|want|need|take|pick|choose|let|have|to|the|an?|any"
    r"|for|with|via"
    r"|[\w@-]{1,40} (?:or|nor|and)))*+ ?$"
)
_UNKNOWN = re.compile(r"(?<![\w./-])@?agent-([a-z0-9]{1,40}(?:-[a-z0-9]{1,40}){0,5})(?![\w/]|\.\w)")

_BEFORE = 80
_AFTER = 40
_MOST_UNKNOWN = 5


class Named(NamedTuple):
    """Roles by name. wanted: in the order of the text. unwanted: said away. unknown: `agent-…` of no role."""

    wanted: tuple[str, ...] = ()
    unwanted: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()


def in_most(named: Sequence[Named]) -> Named:
    """What at least half of the texts of a request say."""
    enough = len(named) / 2
    wanted = Counter(role for each in named for role in each.wanted)
    unwanted = Counter(role for each in named for role in each.unwanted)
    return Named(
        tuple(role for role in wanted if wanted[role] >= enough),
        frozenset(role for role in unwanted if unwanted[role] >= enough),
        tuple(dict.fromkeys(name for each in named for name in each.unknown)),
    )


class Names:
    """The names, aliases and titles of all roles, and how a text has to say them."""

    def __init__(self, roles: Iterable[Role]) -> None:
        self._role_of: dict[str, str] = {}
        roles = tuple(roles)
        for role in roles:
            self._role_of.setdefault(_spaced(role.title), role.name)
        for role in roles:
            for alias in role.aliases:
                self._role_of[_spaced(alias)] = role.name
        for role in roles:
            self._role_of[_spaced(role.name)] = role.name

    def named(self, text: str) -> Named:
        """What the text says about roles by name; names inside other words, paths and quotes are none."""
        wanted: dict[str, None] = {}
        unwanted: set[str] = set()
        unknown: dict[str, None] = {}
        for window in windows(text):
            plain = _plain(window)
            loud = None
            for role, start, is_wanted in self._mentions(plain):
                loud = loud or loudness(plain)
                if loud[start] == PASTED and not _ASSIGNED.search(plain[max(start - _BEFORE, 0) : start]):
                    continue
                if is_wanted:
                    wanted[role] = None
                else:
                    unwanted.add(role)
            if "agent-" in plain:
                found = (match[1] for match in _UNKNOWN.finditer(plain))
                unknown.update(dict.fromkeys(name for name in found if _spaced(name) not in self._role_of))
        kept = tuple(role for role in wanted if role not in unwanted)
        return Named(kept, frozenset(unwanted), tuple(unknown)[:_MOST_UNKNOWN])

    def _mentions(self, text: str) -> list[tuple[str, int, bool]]:
        """Role, place, and whether it is wanted, of each mention in the order of the text."""
        spaced = _spaced(text)
        present = [name for name in self._role_of if name in spaced]
        if not present:
            return []
        names = "|".join(re.escape(name) for name in sorted(present, key=lambda name: (-len(name), name)))
        found = []
        for match in re.finditer(rf"(?<![\w./])(@)?(agent )?({names})(?![\w/]|\.\w)", spaced):
            start, end = match.span(3)
            before, after = text[max(match.start() - _BEFORE, 0) : match.start()], text[end : end + _AFTER]
            if before.endswith("-") or after.startswith(("-", "=")):
                continue
            marked = bool(match[1]) or text[match.start(2) : match.end(2)] in ("agent-", "agent_")
            name = text[start:end]
            if _NOT_THIS_ONE.search(before):
                if marked or _is_compound(name) or _CALLED_A_ROLE.match(after):
                    found.append((self._role_of[match[3]], start, False))
            elif marked or _is_meant(name, before.removesuffix("`"), after):
                found.append((self._role_of[match[3]], start, True))
        return found


def _is_meant(name: str, before: str, after: str) -> bool:
    """Whether a name without `agent-` or `@` is one, given what stands around it."""
    if _ASSIGNED.search(before):
        return True
    leads = bool(_LEAD.search(before))
    if _CALLED_A_ROLE.match(after) and (leads or before.endswith("the ")):
        return True
    if _ADDRESS.search(before) and (_is_compound(name) or after.startswith(" to ")):
        return True
    if not _is_compound(name):
        return leads and " " in name and name.endswith(_PERSON)
    if _IS_A_THING.match(after):
        return False
    first = not before.strip() or before.rstrip()[-1] in ".!?:;"
    return leads or bool(_TOLD_TO.match(after)) or (first and bool(_SPOKEN_TO.match(after)))


def _is_compound(name: str) -> bool:
    return "-" in name or "_" in name


def _plain(text: str) -> str:
    """Lower case with plain blanks and apostrophes; every character stays at its place."""
    lowered = text.lower()
    lowered = lowered if len(lowered) == len(text) else text
    return re.sub(r"[\t\n\r\u00a0]", " ", lowered.replace("\u2019", "'"))


def _spaced(name: str) -> str:
    return name.lower().replace("-", " ").replace("_", " ") if len(name) == len(name.lower()) else name
