"""Path patterns: `*` and `?` stay in a folder, `**` crosses folders, without "/" it is a name anywhere."""

import re
from functools import lru_cache

_WILDCARDS = re.compile(r"[*?\[]")
_SET_SIGNS = re.compile(r"[\\\[&~|]")
_TOKENS = re.compile(r"\*\*/|\*\*|\*|\?|\[[!^]?\]?[^\]]*\]|.", re.DOTALL)


def is_pattern(path: str) -> bool:
    """True when the path contains a wildcard."""
    return bool(_WILDCARDS.search(path))


def matches(path: str, pattern: str) -> bool:
    """True when the pattern names the path, or a folder above it."""
    return bool(_compiled(pattern.replace("\\", "/").removeprefix("./").rstrip("/")).match(path))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    body = "".join(_translated(token) for token in _TOKENS.findall(pattern))
    start = "" if "/" in pattern else "(?:.*/)?"
    try:
        return re.compile(f"{start}{body}(?:/.*)?\\Z", re.DOTALL)
    except re.error:
        return re.compile(f"{start}{re.escape(pattern)}(?:/.*)?\\Z", re.DOTALL)


def _translated(token: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in known:
        return known[token]
    if len(token) > 2:
        # re keeps these for set operations of its own; "--" would be one as well.
        inner = _SET_SIGNS.sub(r"\\\g<0>", token[1:-1]).replace("--", "-\\-")
        return f"[^{inner[1:]}]" if inner[:1] in ("!", "^") else f"[{inner}]"
    return re.escape(token)
