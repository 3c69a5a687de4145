"""What a clause says away: "do not optimise", "no need for tests", "this is not a security problem".

Findings are full of negations that are the very problem ("no index", "never closed", "without a lock",
"Do not use bare except"), so what counts is what says something about the work that is wanted.
"""

import re
from collections.abc import Sequence

_WORK = (
    r"(?:touch|chang|modify|alter|edit|rewrit|re-?write|refactor|optimi[sz]|fix|break|add|writ|mov"
    r"|remov|renam"
    r"|migrat|updat|test|document|deploy|includ|tun|profil|bother|worry|look|ask|review|car|mind"
    r"|consider|spend)"
    r"(?:e|ify|ing|ying|ning)?"
)
#: What linters forbid with the same words as people: "Do not use `assert`", "Do not catch Exception".
_ADVICE = (
    r"(?:use|call|catch|assign|compare|raise|return|rely|hard|hardcode|store|log|print|expose|trust|swallow"
    r"|leak|share|pass|perform|instantiate|concatenate|build|access|inherit|mutate|override|shadow|import"
    r"|commit|run|pin|set|put|know|work|exist|match|get|have|see|understand)"
)
_NOT = r"(?:do not|don't|dont|don t|do n't)"
_KIND = (
    r"(?:problem|issue|question|matter|bug|task|concern|request|review|topic|thing|change|vulnerability"
    r"|finding|ticket|fix)"
)

#: From such a phrase on, everything to the end of the clause is said away.
_FORWARD = re.compile(
    r"\b(?:"
    rf"(?:^|(?:please|and|but|so|also|then|just|kindly|ok|okay|no) ){_NOT} (?!{_ADVICE}\b)"
    rf"|(?:i|we|you) (?:{_NOT}|do not really|don't really) (?:need|want|care|mind|ask)\b"
    rf"|(?:must not|mustn't|should not|shouldn't|shall not|not going to|not to|never|avoid|without|stop|not"
    rf"|no|rather than|instead of|before|cannot|can't|won't|will not) {_WORK}\b"
    r"|no (?:need|reason|point|call|use) (?:to|for|in)\b|not? necessary to\b|never mind\b"
    r"|no(?: \w+){1,4} (?=(?:changes?|needed|required|necessary|wanted|please)\b)"
    r"|^no (?=(?:\w+ )?(?:\w+ing|optimi[sz]ations?|docs?|tests?|documentation)$)"
    r"|(?:not|isn't|wasn't|never) (?:really |just )?(?:about|asking|a question of|a matter of|related to)\b"
    r"|^(?:please )?not (?=(?:a|an|the|for|because|about|another|more)\b)"
    rf"|(?:not|isn't|wasn't|no) (?:really |just )?(?:a|an|any|the|some)?(?=(?: \w+){{0,3}} {_KIND}\b)"
    r"|nothing (?:to do with|wrong with|against)|unrelated to|apart from|aside from|other than|except for"
    r"|^(?:please )?(?:ignore|skip|forget|drop|postpone|instead of|rather than|apart from"
    r"|enough of)(?: about)?\b"
    r"|^(?:please )?leave\b|(?:stay|keep|keep your hands|hands) (?:away from|off|out of)\b|hold off\b"
    r"|(?:i'm|i am|we're|we are) not (?:interested|looking|worried|here|after|asking)\b"
    r"|(?:i'd|we'd|i would|we would) rather not\b|(?:nobody|no one) (?:asked|wants|needs|is asking)\b"
    r"|neither\b|(?:needs?|requires?|wants?) no\b|(?:need not|needn't|refrain from"
    r"|under no circumstances)\b|(?:do|does|did) not (?:need|want|require)\b"
    r"|(?:doesn't|didn't) (?:need|want|require)\b|no more\b|nothing about\b|(?:it is|it's|this is"
    r"|that is|that's) no\b"
    r"|no changes? (?:to|in|of)\b|nothing (?:is|was) wrong with\b|^no (?:new|more|extra|further"
    r"|additional|other|big)\b"
    r"|rather than\b|instead of (?=(?:the|a|an|any|more|new)\b)|without (?:any |new |more |further )+"
    r"|^not (?=\w+(?: \w+)?$)"
    r"|not (?=the (?:\w+ ){1,3}but\b)|not (?=\w+(?: \w+)? but\b)"
    r"|no (?=(?:\w+ ){1,3}(?:for now|today|yet|this time|here)$)"
    r"|(?:isn't|is not|not|wasn't) (?=(?:the|my|our|your) (?:\w+ ){0,2}\w+$)"
    r")"
)

#: With such a phrase the whole clause is said away.
_WHOLE = re.compile(
    r"\b(?:out of scope|(?:alone|as is|as it is|as they are|unchanged|untouched)$"
    r"|(?:is|are|looks|look) (?:all )?(?:fine|ok|okay|good|irrelevant|unrelated|not needed|not required"
    rf"|not important|not relevant|not wanted|not (?:the|a|an) {_KIND})"
    r"|(?:is|are) (?:another|a different|for another|for a later) \w+|(?:can|may) (?:stay|wait)"
    r"|comes? later|works? (?:fine|well|already|as expected)"
    r"|(?:does not|doesn't|do not|don't) (?:matter|bother me|interest me)|aside$"
    r"|(?:is|are|was|were) (?:already )?(?:done|covered|reviewed|checked|solved|settled|correct|perfect))\b"
)

#: Here the speaker comes to what is wanted after all.
_TURN = re.compile(r"\b(?:but|only|just|instead|however|because|since|although|though)\b")

_SIGNS = frozenset(
    """
    alone another apart as aside avoid away before bother can't cannot checked circumstances correct
    covered didn't different doesn't don don't done dont drop enough except fine forget good ignore
    instead interest irrelevant isn't later leave matter mustn't need needn't neither never no nobody
    not nothing off ok okay other out perfect postpone rather refrain reviewed settled shouldn't skip
    solved stay stop unchanged unrelated untouched wait wasn't without won't work works
    """.split()  # noqa: SIM905 - a table of words reads better as text
)


def negated_words(words: Sequence[str], *, going_on: bool = False) -> list[bool]:
    """For each word of a clause whether it is said away.

    going_on: the clause carries on a list that was said away ("do not touch the tests, docs or scripts").
    """
    away = [going_on] * len(words)
    if not going_on and _SIGNS.isdisjoint(words):
        return away
    text = " ".join(words)
    for match in _FORWARD.finditer(text):
        turn = _TURN.search(text, match.end())
        _say_away(away, text, match.start(), turn.start() if turn else len(text))
    whole = _WHOLE.search(text)
    if whole:
        turn = None
        for turn in _TURN.finditer(text, 0, whole.start()):  # noqa: B007 - the last one
            pass
        _say_away(away, text, turn.end() if turn else 0, whole.end())
    return away


def negation_goes_on(clauses: Sequence[Sequence[str]]) -> bool:
    """True when these next clauses carry a list on: short ones, one of which begins with "or" or "nor"."""
    for words in clauses:
        if words[0] in ("or", "nor"):
            return True
        if len(words) > 3 and not {"or", "nor"} & set(words[1:4]):
            return False
        if {"or", "nor"} & set(words):
            return True
    return False


def _say_away(away: list[bool], text: str, start: int, end: int) -> None:
    first = text.count(" ", 0, start)
    for place in range(first, min(first + text.count(" ", start, end) + 1, len(away))):
        away[place] = True
