"""The forms that a word of a role may take in a text, so that reading a text is looking words up.

Forms are made from the words of the roles, never the other way round: a stemmer that cuts the words of a
text makes "container" of "contains", "dependency" of "depends" and "authorization" of "author".
"""

import functools
import re

_VOWELS = frozenset("aeiou")

#: Short words have too many neighbours for this: a "letter" is not what lets.
_LONG_ENOUGH_FOR_ER = 5

_IRREGULAR: dict[str, tuple[str, ...]] = {
    "bad": ("badly", "worse", "worst"),
    "break": ("broke", "broken"),
    "build": ("built",),
    "fast": ("faster", "fastest"),
    "find": ("found",),
    "freeze": ("froze", "frozen"),
    "hang": ("hung",),
    "index": ("indices",),
    "leak": ("leaky",),
    "lose": ("lost",),
    "matrix": ("matrices",),
    "schema": ("schemata",),
    "slow": ("slower", "slowest", "slowly", "slowness"),
    "throw": ("threw", "thrown"),
    "write": ("wrote", "written"),
}

#: Two ways to spell a part of a word, and what comes after it.
_SPELLINGS = (
    ("is", "iz", r"(?=(?:e[drs]?|ing|ations?|ers?)$)"),
    ("ys", "yz", r"(?=(?:e[drs]?|ing|ers?)$)"),
    ("iour", "ior", r"(?=s?$)"),
    ("colour", "color", r"(?=s?$)"),
    ("licence", "license", r"(?=[ds]?$)"),
)
_RESPELLED = tuple(
    (re.compile(old + ending), new)
    for one, other, ending in _SPELLINGS
    for old, new in ((one, other), (other, one))
)


@functools.cache
def forms_of(word: str) -> frozenset[str]:
    """A word (lower case) with its plural, singular, verb and noun forms, in British and American spelling.

    A form too many does no harm where nobody writes it. Words of two letters or fewer, and what is not
    made of ASCII letters, stay as they are.
    """
    if len(word) < 3 or not (word.isascii() and word.isalpha()):
        return frozenset((word,))
    made = {word, *_IRREGULAR.get(word, ())}
    for base in _bases(word):
        for spelled in _spelled(base):
            made |= _inflected(spelled)
    return frozenset(made)


def _spelled(word: str) -> tuple[str, ...]:
    """The word, and the same as it is spelled on the other side of the Atlantic where that differs."""
    for pattern, new in _RESPELLED:
        if pattern.search(word):
            return word, pattern.sub(new, word)
    return (word,)


def _bases(word: str) -> tuple[str, ...]:
    """What else takes the forms of this word: its singular, and the verb that a noun is made of."""
    if word.endswith("ies") and len(word) > 4:
        return (word, f"{word[:-3]}y")
    if word.endswith(("ches", "shes", "sses", "xes")):
        return (word, word[:-2])
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return (word, word[:-1])
    for noun, verb in (("ization", "ize"), ("isation", "ise"), ("ation", "ate")):
        if word.endswith(noun) and len(word) > len(noun) + 2:
            return (word, word.removesuffix(noun) + verb)
    if word.endswith(("ection", "ction", "ertion")) and len(word) > 7:
        return (word, word[:-3])
    return (word,)


def _inflected(word: str) -> set[str]:
    """-s, -ed, -ing, -er, and -ation or -ion of the verbs that have them."""
    if len(word) < 3 or word.endswith(("ing", "ed", "ion", "ity", "ness", "ment", "ance", "ence", "ship")):
        return {word, _plural(word)}
    stem = _before_vowel(word)
    made = {word, _plural(word), f"{stem}ed", f"{stem}ing", f"{stem}ings"}
    if word.endswith("y") and word[-2] not in _VOWELS:
        made |= {f"{word[:-1]}ied"} - {f"{stem}ed"}
    if len(word) >= _LONG_ENOUGH_FOR_ER and not word.endswith("er"):
        made |= {f"{stem}er", f"{stem}ers"}
    if word.endswith(("ize", "ise")):
        made |= {f"{stem}ation", f"{stem}ations"}
    elif word.endswith("ate"):
        made |= {f"{stem}ion", f"{stem}ions", f"{stem}or", f"{stem}ors"}
    elif word.endswith(("ect", "ert", "ete")) and len(word) > 5:
        made |= {f"{stem}ion", f"{stem}ions"}
    return made


def _plural(word: str) -> str:
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word if word.endswith("s") and not word.endswith("ss") else f"{word}es"
    if word.endswith("y") and word[-2] not in _VOWELS:
        return f"{word[:-1]}ies"
    return f"{word}s"


def _before_vowel(word: str) -> str:
    """What -ed and -ing are put on: "cache" gives "cach", "plan" gives "plann"."""
    if word.endswith("e") and not word.endswith(("ee", "oe", "ye")):
        return word[:-1]
    closed = len(word) <= 5 and word[-1] not in "aeiouwxy" and word[-2] in _VOWELS and word[-3] not in _VOWELS
    if closed and (len(word) <= 4 or word.endswith("ug")):
        return word + word[-1]
    return word
