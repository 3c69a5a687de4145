"""Do the roles fit together, and with the documents that name them? Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Literal

import msgspec

from polly.routing.documents import Figure, RoleDocument
from polly.routing.library import SHIPPED, Roles, shipped_roles
from polly.work.routing import GENERAL_ROLE, Role

#: Share of all triggers of two roles that both have, from which on nobody can tell the roles apart.
_NEARLY_THE_SAME = 0.6
_FEWEST_TRIGGERS = 3

_SHOWN = 6

_Phrase = tuple[str, ...]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something about roles that somebody should look at; a note is no reason to stop.

    where: the role's file, `shipped`, or the place in a document. roles: those that it is about.
    """

    kind: str
    level: Literal["problem", "note"] = "problem"
    where: str
    message: str
    roles: tuple[str, ...] = ()


def check_roles(roles: Roles, *, agents: Collection[str]) -> tuple[Finding, ...]:
    """What is wrong with the roles themselves; `agents` are the names that `--agent` knows.

    Two shipped roles are not compared with each other: nobody could change them.
    """
    found = [finding for role in roles for finding in _of_one(role, roles.origin(role.name), agents)]
    phrases = {role.name: {_phrase(trigger): trigger for trigger in role.triggers} for role in roles}
    near = set()
    for one, other in combinations(roles, 2):
        if _is_own(roles, one, other):
            found += _same_name(roles, one, other)
            if _are_near(phrases[one.name], phrases[other.name]):
                near.add((one.name, other.name))
                found.append(_near_duplicate(roles, one, other, phrases))
    found += _shared(roles, phrases, near)
    found += _inside(roles, phrases, near)
    found += _taken_aliases(roles)
    return tuple(found)


def check_document(document: RoleDocument, roles: Roles) -> tuple[Finding, ...]:
    """Roles that the document names and that do not exist, names that stand twice, counts that disagree."""
    return (*_unknown(document, roles), *_twice(document, roles), *_counts(document), *_idle(document))


def _of_one(role: Role, where: str, agents: Collection[str]) -> Iterator[Finding]:
    spoken = role.triggers or role.hints or role.translations
    if not (spoken or role.file_patterns or role.rules or role.name == GENERAL_ROLE):
        yield Finding(
            kind="silent",
            where=where,
            message=f"{role.name} has no trigger, file pattern or rule: it is only taken when it is named",
            roles=(role.name,),
        )
    counted = Counter(_phrase(trigger) for trigger in role.triggers)
    repeated = [trigger for trigger in role.triggers if counted.pop(_phrase(trigger), 0) > 1]
    if repeated:
        yield Finding(
            kind="repeated_trigger",
            where=where,
            message=f"{role.name} has the same trigger more than once: {_few(repeated)}",
            roles=(role.name,),
        )
    if role.agent and role.agent.partition(":")[0] not in agents:
        yield Finding(
            kind="unknown_agent",
            where=where,
            message=f"{role.name} prefers the agent {role.agent!r}, which Polly does not know; "
            f"agents: {', '.join(sorted(agents))}",
            roles=(role.name,),
        )


def _same_name(roles: Roles, one: Role, other: Role) -> Iterator[Finding]:
    if one.name.removeprefix("agent-") == other.name.removeprefix("agent-"):
        yield Finding(
            kind="duplicate_name",
            where=_where(roles, one, other),
            message=f"{one.name} and {other.name} are the same name, since `agent-` may be left out",
            roles=(one.name, other.name),
        )


def _are_near(one: Collection[_Phrase], other: Collection[_Phrase]) -> bool:
    if min(len(one), len(other)) < _FEWEST_TRIGGERS:
        return False
    left, right = set(one), set(other)
    return len(left & right) / len(left | right) >= _NEARLY_THE_SAME


def _near_duplicate(
    roles: Roles, one: Role, other: Role, phrases: Mapping[str, Mapping[_Phrase, str]]
) -> Finding:
    both = len(phrases[one.name].keys() & phrases[other.name].keys())
    every = len(phrases[one.name].keys() | phrases[other.name].keys())
    return Finding(
        kind="near_duplicate",
        where=_where(roles, one, other),
        message=f"{one.name} and {other.name} share {both} of {every} triggers: one role would do",
        roles=(one.name, other.name),
    )


def _shared(
    roles: Roles, phrases: Mapping[str, Mapping[_Phrase, str]], near: Collection[tuple[str, str]]
) -> Iterator[Finding]:
    """The same phrase in two roles: neither is preferred by it."""
    for one, other in combinations(roles, 2):
        both = [phrases[one.name][each] for each in phrases[one.name] if each in phrases[other.name]]
        if both and _is_own(roles, one, other) and (one.name, other.name) not in near:
            yield Finding(
                kind="shared_trigger",
                where=_where(roles, one, other),
                message=f"{one.name} and {other.name} have the same trigger: {_few(both)}",
                roles=(one.name, other.name),
            )


def _inside(
    roles: Roles, phrases: Mapping[str, Mapping[_Phrase, str]], near: Collection[tuple[str, str]]
) -> Iterator[Finding]:
    """A phrase that is part of another role's phrase: whoever says the longer one says both."""
    owners: dict[_Phrase, list[Role]] = defaultdict(list)
    for role in roles:
        for phrase in phrases[role.name]:
            owners[phrase].append(role)
    pairs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for role in roles:
        for phrase, longer in phrases[role.name].items():
            for part in _parts(phrase):
                for other in owners.get(part, ()):
                    if other is not role and _is_own(roles, role, other):
                        shorter = phrases[other.name][part]
                        pairs[other.name, role.name].append(f"{shorter!r} in {longer!r}")
    for (short, long), said in pairs.items():
        if (short, long) not in near and (long, short) not in near:
            yield Finding(
                kind="inner_trigger",
                level="note",
                where=_where(roles, *(role for role in roles if role.name in (short, long))),
                message=f"a trigger of {short} is part of one of {long}: {', '.join(said[:_SHOWN])}",
                roles=(short, long),
            )


def _taken_aliases(roles: Roles) -> Iterator[Finding]:
    for role in shipped_roles():
        current = roles.get(role.name)
        if current is None or roles.origin(role.name) != SHIPPED:
            continue
        for alias in sorted(set(role.aliases) - set(current.aliases)):
            taker = roles.find(alias)
            yield Finding(
                kind="taken_alias",
                level="note",
                where=roles.origin(taker.name),
                message=f"{alias!r} now means {taker.name}; it was another name of {role.name}",
                roles=(taker.name, role.name),
            )


def _unknown(document: RoleDocument, roles: Roles) -> Iterator[Finding]:
    """One finding for each role that is not there, at the first place that names it."""
    places: dict[str, list[str]] = defaultdict(list)
    for place, name in (*document.named, *document.entries):
        if name and roles.get(name) is None:
            places[name].append(place)
    for name, where in places.items():
        hint = roles.nearest(name)
        times = f" ({len(where)} times)" if len(where) > 1 else ""
        yield Finding(
            kind="unknown_role",
            where=where[0],
            message=f"there is no role {name!r}{times}"
            + (f"; {hint.lower()}" if hint.startswith("Did") else ""),
            roles=(name,),
        )


def _twice(document: RoleDocument, roles: Roles) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for place, name in document.entries:
        role = roles.get(name)
        key = role.name if role else name.casefold().removeprefix("agent-")
        if key in seen and key:
            same = "" if seen[key] == name else f", as {seen[key]!r} is"
            yield Finding(
                kind="duplicate_name",
                where=place,
                message=f"{name!r} stands twice{same}" if not same else f"{name!r} is the role {key!r}{same}",
                roles=(key,),
            )
        seen.setdefault(key, name)


def _counts(document: RoleDocument) -> Iterator[Finding]:
    for group in document.figures:
        if len({figure.number for figure in group}) > 1:
            yield Finding(kind="count", where=_odd_one(group).place, message=_joined(group))


def _idle(document: RoleDocument) -> Iterator[Finding]:
    for place in document.idle_gates:
        yield Finding(
            kind="empty_gate", where=place, message="the gate has no command, so nothing would be run"
        )


def _odd_one(group: tuple[Figure, ...]) -> Figure:
    """The figure to correct: the first that differs from what the entries themselves show."""
    return next(figure for figure in group if figure.number != group[-1].number)


def _joined(group: tuple[Figure, ...]) -> str:
    *first, last = (figure.says for figure in group)
    return f"{', '.join(first)}, and {last}" if len(first) > 1 else f"{first[0]}, and {last}"


def _phrase(trigger: str) -> _Phrase:
    """The words of a trigger; a plural is the same word."""
    words = re.findall(r"\w+", trigger.casefold())
    return tuple(
        word.removesuffix("s") if len(word) > 3 and not word.endswith("ss") else word for word in words
    )


def _parts(phrase: _Phrase) -> Iterator[_Phrase]:
    """All shorter runs of its words, each once."""
    cuts = range(len(phrase) + 1)
    runs = {phrase[start:end] for start, end in combinations(cuts, 2)} - {phrase}
    yield from sorted(runs)


def _is_own(roles: Roles, *some: Role) -> bool:
    return any(roles.origin(role.name) != SHIPPED for role in some)


def _where(roles: Roles, *some: Role) -> str:
    origins = [roles.origin(role.name) for role in some]
    return ", ".join(dict.fromkeys(origin for origin in origins if origin != SHIPPED)) or SHIPPED


def _few(texts: Iterable[str]) -> str:
    shown = [repr(text) for text in texts]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
