"""What a file by its name tests."""

import re

_TEST_STEM = re.compile(
    r"test[_-](?P<after>.+)"
    r"|(?P<before>.+?)(?:[_.-](?:test|tests|spec|unittest)|Tests?|Spec)",
)

#: One of these in a name makes it worth a closer look.
_MARK = re.compile(r"test|spec|\.bats$", re.IGNORECASE)

_SCRIPTS = ("js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte")
_FAMILIES = (_SCRIPTS, ("c", "cc", "cpp", "cxx", "h", "hh", "hpp"), ("sh", "bash", "bats"), ("ex", "exs"))
_FAMILY = {suffix: family[0] for family in _FAMILIES for suffix in family}


def subject_of(path: str) -> tuple[str, str] | None:
    """(stem, family of languages) of the file that this one tests, or None when it is no test."""
    name = path[path.rfind("/") + 1 :]
    if _MARK.search(name) is None:
        return None
    stem, suffix = split_name(name)
    found = _TEST_STEM.fullmatch(stem)
    if found is not None:
        return (found["after"] or found["before"], family(suffix))
    return (stem, family(suffix)) if suffix == "bats" else None


def is_test(path: str) -> bool:
    """True for a file that tests another one, by its name."""
    return subject_of(path) is not None


def split_name(path: str) -> tuple[str, str]:
    """Stem and suffix (without its dot) of the last name of a path; a leading dot belongs to the stem."""
    name = path[path.rfind("/") + 1 :]
    dot = name.rfind(".")
    return (name[:dot], name[dot + 1 :]) if 0 < dot < len(name) - 1 else (name, "")


def family(suffix: str) -> str:
    """The same text for suffixes whose files test one another."""
    return _FAMILY.get(suffix.lower(), suffix.lower())
