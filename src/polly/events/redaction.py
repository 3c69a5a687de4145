"""Takes secrets out of text before it reaches a disk: by shape, by the name of their key, by randomness.

Standard library only and no import of Polly: programs that must start fast load this file by its path.
A secret becomes `[redacted:<kind>:<first 6 hex digits of its sha256>]`, so that two places which held the
same secret can still be recognised. Rules are compiled when a text first gives a reason to.
"""

import re
import sys
from collections.abc import Callable
from itertools import pairwise

Counts = dict[str, int]
_Judge = Callable[["re.Match[str]"], bool]


# Plain classes: `typing` and `dataclasses` would add a quarter to the start of a program that loads this.
class Redacted:
    """A text without secrets; counts: kind -> how many were taken out."""

    __slots__ = ("counts", "text")

    def __init__(self, text: str, counts: Counts) -> None:
        self.text = text
        self.counts = counts


class RedactedJson:
    """A JSON value without secrets; counts: kind -> how many were taken out."""

    __slots__ = ("counts", "value")

    def __init__(self, value: object, counts: Counts) -> None:
        self.value = value
        self.counts = counts


_MARK = r"\[redacted:[a-z-]+:[0-9a-f]{6}\]"
_START = r"(?<![A-Za-z0-9_])"

#: Names of secrets that people choose: anything may stand there. Those that machines choose look random.
_PEOPLES_WORDS = r"passwords?|passwd|pass[_-]?phrase|pwd"
_MACHINE_WORDS = (
    r"(?:secret|access|api|auth|private|account|signing|encryption|master|session|sharedaccess)[ _-]?key"
    r"|apikey|token|secret|credentials?"
)
#: What may follow the word in a key without making it the name of something else (`token_count`).
_KEY_TAIL = r"(?:[_-]?(?:\d{1,3}|value|live|test|prod|production|dev|staging|old|new|base64|b64))?"
_KEY_ANCHORS = "pass pwd key token secret credential"
_KEY = rf"(?P<password>{_PEOPLES_WORDS})|(?P<machine>{_MACHINE_WORDS})"
#: What every key with its tail and a separator looks like, and most prose about keys does not.
_KEY_HINT = r"(?i)(?:pass|pwd|key|token|secret|credential)[\w-]{0,30}\\?[\"']?\]?[ \t]*[:=,]"


class _Rule:
    """One kind of secret: texts (lower case) of which one must be there, and how to find and judge it.

    `hint` matches wherever `source` does, and is found out about several times faster; `needs` is a text
    without which `source` cannot match.
    """

    __slots__ = ("anchors", "hint", "judge", "kind", "needs", "pattern", "source")

    def __init__(
        self,
        kind: str,
        anchors: str,
        source: str,
        judge: _Judge | None = None,
        *,
        hint: str = "",
        needs: str = "",
    ) -> None:
        self.kind = kind
        self.anchors = frozenset(anchors.split())
        self.source = source
        self.judge = judge
        self.hint = hint
        self.needs = needs
        self.pattern: re.Pattern[str] | None = None

    def find(self, text: str) -> "list[re.Match[str]]":
        """The matches that are secrets; the group `secret` (or the whole match) is what is taken out."""
        if self.needs not in text or (self.hint and not re.search(self.hint, text)):  # re keeps the pattern
            return []
        if self.pattern is None:
            self.pattern = re.compile(self.source)
        return [match for match in self.pattern.finditer(text) if self.judge is None or self.judge(match)]


def redact(text: str, reasons: "frozenset[str] | None" = None) -> Redacted:
    """The text without secrets, and how many of each kind were taken out. Redacting twice changes nothing.

    reasons: what `reasons_to_look` told about a larger text of which this one is a part; saves time.
    """
    counts: Counts = {}
    while True:
        # A marker beside a text can make that text readable as something else, so the last pass is the
        # one that finds nothing. Markers are never touched: each pass leaves less to look at.
        found = _once(text, counts, reasons or _ANCHORS)
        if found == text:
            return Redacted(text, counts)
        text, reasons = found, None


def reasons_to_look(text: str) -> "frozenset[str]":
    """What in the text makes `redact` look closer, in lower case; it returns a text without any unchanged.

    No reason has white space in it: of many texts, the words can be asked, each once.
    """
    lowered = text.lower()
    return frozenset([anchor for anchor in _ANCHORS if anchor in lowered])


def _once(text: str, counts: Counts, reasons: "frozenset[str]") -> str:
    lowered = text.lower()
    present = {anchor for anchor in reasons if anchor in lowered}
    for rule in _RULES:
        if not rule.anchors.isdisjoint(present):
            parts = re.split(f"({_MARK})", text) if "[redacted:" in text else [text]
            parts[::2] = [_apply(rule, part, counts) for part in parts[::2]]
            text = "".join(parts)
    return text


def _apply(rule: _Rule, text: str, counts: Counts) -> str:
    pieces, end = [], 0
    for match in rule.find(text):
        group = "secret" if "secret" in match.re.groupindex else 0
        start, stop = match.span(group)
        pieces += [text[end:start], _mark(rule.kind, match[group], counts)]
        end = stop
    return "".join([*pieces, text[end:]]) if pieces else text


def _mark(kind: str, secret: str, counts: Counts) -> str:
    counts[kind] = counts.get(kind, 0) + 1
    digest = _sha256(secret.encode("utf-8", "surrogatepass"))
    return f"[redacted:{kind}:{digest[:6]}]"


def _sha256(raw: bytes) -> str:
    # Only a text with a secret in it pays for an import, and `hashlib` loads all of OpenSSL for a few bytes.
    name = "_sha2" if sys.version_info >= (3, 12) else "_sha256"
    try:
        digest: str = __import__(name).sha256(raw).hexdigest()
    except ImportError:  # an interpreter that was built without it
        import hashlib  # noqa: PLC0415

        return hashlib.sha256(raw).hexdigest()
    return digest


# --- judging ----------------------------------------------------------------------------------------------

_PLACEHOLDERS = """
    password passwd pwd passphrase pass secret token key apikey api_key changeme change_me example sample
    redacted hidden masked none null nil true false undefined string str bytes int integer bool boolean
    float number object any optional required empty todo tbd dummy placeholder value your_password
    your_token secretstr text user username foo bar baz self input prompt env
    sha1 sha256 sha512 md5 bcrypt scrypt argon2 argon2id pbkdf2
"""


def _is_placeholder(value: str) -> bool:
    """True for what stands where a secret would: `<token>`, `${TOKEN}`, `***`, `your-api-key`, `None`."""
    bare = value.strip().strip("\"'`").lower()
    if not bare or "[redacted" in bare or re.fullmatch(r"[*x•.\-_#?=]+", bare):
        return True
    if re.match(
        r"<[^<>]*>$|\$[{(]|\$[a-z_]\w*$|%[sd]$|%[({]|%\w+%$|\{[^{}]*\}$|\{\{|&[a-z_]+$|your[_\- ][a-z_\- ]+$"
        r"|!(?:vault|secret|env|env_var|ref|sub)\b",
        bare,
    ):
        return True
    return bare.replace("-", "_") in _PLACEHOLDERS.split()


def _is_code(value: str) -> bool:
    """True for a name or a dotted path of names, as programs have them on the right of `=`."""
    return (
        re.fullmatch(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[A-Za-z_]+|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+", value)
        is not None
    )


def _is_digest(value: str) -> bool:
    """True for what identifies things in public: git hashes, checksums, UUIDs."""
    return (
        re.fullmatch(
            r"(?:sha\d+[:-])?(?:[0-9a-f]{7,40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})"
            r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            value.lower(),
        )
        is not None
    )


def _changes(value: str) -> float:
    """How often the class of characters (lower, upper, digit) changes, per character; words have few."""
    classes = [
        "digit" if character.isdigit() else "upper" if character.isupper() else "lower"
        for character in value
        if character.isalnum()
    ]
    return sum(left != right for left, right in pairwise(classes)) / max(len(classes) - 1, 1)


def _is_mixed(value: str) -> bool:
    """True for a value that no word looks like: a digit among letters, or letters of both cases within."""
    has_digit = any(character.isdigit() for character in value)
    has_letter = any(character.isalpha() for character in value)
    inner_upper = any(character.isupper() for character in value[1:])
    return has_letter and (has_digit or (inner_upper and not value.isupper()))


def _is_random(value: str) -> bool:
    """True for a long value whose characters follow each other as in a key, not as in words or paths."""
    if len(value) < 20 or _is_digest(value) or not re.search(r"\d", value) or len(set(value)) < 10:
        return False
    has_both_cases = re.search(r"[a-z]", value) and re.search(r"[A-Z]", value)
    return _changes(value) >= (0.4 if has_both_cases else 0.3)


def _judge_mixed(match: "re.Match[str]") -> bool:
    return _is_mixed(match[0]) and _changes(match[0]) > 0.15


def _judge_header(match: "re.Match[str]") -> bool:
    secret = match["secret"]
    if _is_placeholder(secret) or match.string[match.end() : match.end() + 1] in ("(", "["):
        return False
    if match["header"]:
        return _is_mixed(secret)
    return _is_mixed(secret) and _changes(secret) > 0.2 and not _is_digest(secret)


def _judge_url(match: "re.Match[str]") -> bool:
    return not _is_placeholder(match["secret"])


def _judge_user_url(match: "re.Match[str]") -> bool:
    return len(match["secret"]) >= 20 and _is_mixed(match["secret"])


def _judge_quoted(match: "re.Match[str]") -> bool:
    return _is_secret_value(match["secret"], is_password=bool(match["password"]))


def _is_secret_value(value: str, *, is_password: bool) -> bool:
    """Judges a string that stands under the key of a secret."""
    if _is_placeholder(value) or len(value) < 4:
        return False
    if re.search(r"\s", value):
        return is_password and re.search(r"\d|[^\w\s.,:;!?'-]", value) is not None
    if is_password:
        return re.fullmatch(r"[a-z]+(?:[_.][a-z]+)+", value) is None
    return len(value) >= 8 and not value.startswith(("/", "./", "http")) and _is_mixed(value)


def _judge_bare(match: "re.Match[str]") -> bool:
    value, separator = match["secret"], match["separator"]
    if _is_placeholder(value) or match.string[match.end() : match.end() + 1] in ("(", "[", "{"):
        return False
    if re.match(r"[A-Za-z_][\w.]*\[|\w+::|\./|/|\\|https?:|[A-Za-z]:\\|\d{1,3}(?:\.\d+)?$", value):
        return False
    is_assigned = match["word"].isupper() and separator == "="
    if match["password"] and is_assigned:
        return len(value) >= 4
    if _is_code(value) or len(value) < (4 if match["password"] else 8):
        return False
    if match["password"]:
        return re.search(r"\d|[^\w.]", value) is not None
    return _is_mixed(value)


def _judge_near(match: "re.Match[str]") -> bool:
    before = match.string[max(0, match.start() - 60) : match.start()].rpartition("\n")[2]
    return re.search(rf"(?i)(?:{_KEY})s?(?![A-Za-z0-9])", before) is not None and _is_random(match[0])


# --- the rules, most telling first ------------------------------------------------------------------------

_RULES = (
    _Rule(
        "private-key",
        "private",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
        r"(?:(?:(?!-----BEGIN)[\s\S]){0,20000}?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
        r"|(?:(?:[\s\"',|>#*-]|\\[nrt]|[A-Z][A-Za-z-]+: [^\n]*\n)*[A-Za-z0-9+/=]{20,})+)",
    ),
    _Rule("aws-key", "akia asia abia acca", rf"{_START}(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{{16}}(?![A-Za-z0-9])"),
    _Rule(
        "github-token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})",
    ),
    _Rule(
        "gitlab-token",
        "glpat- gldt- glrt- glptt- glcbt- glft- glsoat- glagent-",
        r"\bgl(?:pat|dt|rt|ptt|cbt|ft|soat|agent)-[A-Za-z0-9_.-]{20,}",
    ),
    _Rule("slack-token", "xox xapp-", r"(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}"),
    _Rule(
        "slack-webhook",
        "hooks.slack.com",
        r"hooks\.slack\.com/(?P<secret>(?:services|workflows|triggers)/[A-Za-z0-9/]{20,})",
    ),
    _Rule(
        "stripe-key", "_live_ _test_ whsec_", rf"{_START}(?:[rsp]k_(?:live|test)_|whsec_)[A-Za-z0-9]{{16,}}"
    ),
    _Rule("google-key", "aiza gocspx- ya29.", r"AIza[\w-]{35}|GOCSPX-[\w-]{20,}|ya29\.[\w-]{20,}"),
    _Rule("anthropic-key", "sk-ant-", r"sk-ant-[\w-]{16,}"),
    _Rule("openai-key", "sk-", r"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9][\w-]{18,}", _judge_mixed),
    _Rule("npm-token", "npm_", r"npm_[A-Za-z0-9]{36}"),
    _Rule("pypi-token", "pypi-", r"pypi-[\w-]{32,}", _judge_mixed),
    _Rule("jwt", "eyj", rf"{_START}eyJ[\w-]{{8,}}\.[\w-]{{8,}}\.[\w-]*(?:\.[\w-]+)*"),
    _Rule(
        "azure-key",
        "accountkey sharedaccesskey sig= q~",
        r"(?i:(?:AccountKey|SharedAccessKey)=)(?P<secret>[A-Za-z0-9+/]{20,}={0,2})",
    ),
    _Rule("azure-key", "q~", rf"{_START}[\w.~-]{{3}}\dQ~[\w.~-]{{31,34}}"),
    _Rule("azure-key", "sig=", r"[?&]sig=(?P<secret>[A-Za-z0-9%+/=]{30,})"),
    _Rule(
        "auth-header",
        "basic bearer authorization",
        r"(?i)(?P<header>authorization[\\\"']*\s?[:=]\s?[\\\"']*)?\b(?:basic|bearer|token)[ \t]+"
        r"(?P<secret>[A-Za-z0-9+/=._~-]{8,})",
        _judge_header,
    ),
    _Rule(
        "url-password",
        "://",
        r"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s:/?#@\"'<>\\]*:(?P<secret>[^\s/\"'<>\\]+)@(?=[^\s@]|$)",
        _judge_url,
    ),
    _Rule("url-password", "://", r"://(?P<secret>[^\s:/?#@\"'<>\\]+)(?::[^\s:/@]*)?@", _judge_user_url),
    _Rule(
        "quoted-value",
        _KEY_ANCHORS,
        rf"(?i)(?:{_KEY}){_KEY_TAIL}(?![A-Za-z0-9_-])(?:\\?[\"'])?\]?[ \t]*(?::=|=>|[:=]|,)[ \t]*"
        r"(?:[rbuf]{0,2})(?P<quote>\\?[\"'`])(?P<secret>(?:(?!(?P=quote))\\[^\n]|(?!(?P=quote))[^\n\\]){1,4096})(?P=quote)",
        _judge_quoted,
        hint=_KEY_HINT,
    ),
    _Rule(
        "xml-value",
        _KEY_ANCHORS,
        rf"(?i)<[\w:.-]{{0,60}}?(?:{_KEY}){_KEY_TAIL}>(?P<secret>[^<>\n]{{1,4096}})</",
        _judge_quoted,
        needs="</",
    ),
    _Rule(
        "plain-value",
        _KEY_ANCHORS,
        rf"(?i)(?P<word>{_KEY}){_KEY_TAIL}(?![A-Za-z0-9_-])(?:\\?[\"'])?"
        r"(?P<separator>[ \t]*(?::=|=>|[:=])[ \t]*)"
        r"(?P<secret>[^\s\"'`,;&<>(){}\[\]|\\]{1,4096})",
        _judge_bare,
        hint=_KEY_HINT,
    ),
    _Rule(
        "option-value",
        _KEY_ANCHORS,
        rf"(?i)(?<![\w-])--?[\w-]{{0,40}}?(?P<word>{_KEY})(?P<separator>[ \t]+)"
        r"(?P<secret>[^\s\"'`|;<>(){}\[\]-][^\s\"'`|]{0,4096})",
        _judge_bare,
        needs="-",
    ),
    _Rule("random-value", _KEY_ANCHORS, r"(?<![\w+/=.-])[A-Za-z0-9_+/=-]{20,}+", _judge_near),
)
_ANCHORS = frozenset[str]().union(*(rule.anchors for rule in _RULES))


# --- values of JSON ---------------------------------------------------------------------------------------


def redact_json(value: object) -> RedactedJson:
    """The JSON value without secrets, strings and keys; the key of a string helps to judge it."""
    counts: Counts = {}
    return RedactedJson(_redact_value(value, "", counts), counts)


def redact_event(data: object) -> object:
    """The `data` of an event without secrets. `_redacted` at its top says how many of each kind were taken
    out, here and by whoever redacted it before; without any it is not there.
    """
    found = redact_json(data)
    if not found.counts or not isinstance(found.value, dict):
        return found.value
    before = found.value.get("_redacted")
    counts = added(before if isinstance(before, dict) else {}, found.counts)
    return {**found.value, "_redacted": counts}


def added(one: Counts, other: Counts) -> Counts:
    """Both together, by kind."""
    return {kind: one.get(kind, 0) + other.get(kind, 0) for kind in sorted({*one, *other})}


def _redact_value(value: object, key: str, counts: Counts) -> object:
    if isinstance(value, str):
        return _redact_string(value, key, counts)
    if isinstance(value, dict):
        return {
            _counted(name, counts) if isinstance(name, str) else name: _redact_value(each, str(name), counts)
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_redact_value(each, key, counts) for each in value]
    return value


def _redact_string(value: str, key: str, counts: Counts) -> str:
    # Few keys have one of these words: the others need not pay for compiling the pattern.
    may_be_named = any(anchor in key.lower() for anchor in _KEY_ANCHORS.split())
    named = re.search(rf"(?i)(?:{_KEY})s?{_KEY_TAIL}$", key) if may_be_named else None
    if named and _is_secret_value(value, is_password=bool(named["password"])):
        return _mark("named-value", value, counts)
    return _counted(value, counts)


def _counted(text: str, counts: Counts) -> str:
    found = redact(text)
    for kind, count in found.counts.items():
        counts[kind] = counts.get(kind, 0) + count
    return str(found.text)


# --- streams ----------------------------------------------------------------------------------------------

#: Bytes held back at most while a line or a private key is not complete.
STREAM_BUFFER_BYTES = 64 * 1024
#: Of a line that is longer than the buffer, this much stays back: a secret may go on in the next chunk.
_OVERLAP = 4096
_KEY_BEGIN = r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"


class StreamRedactor:
    """Redacts a stream of bytes line by line. Bytes that are no UTF-8 go through as they are."""

    def __init__(self) -> None:
        self.counts: Counts = {}
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What can be shown after this chunk; an unfinished line or private key is held back."""
        self._held += chunk
        end = max(self._held.rfind(b"\n"), self._held.rfind(b"\r")) + 1
        lines = _text(self._held[:end])
        if "PRIVATE KEY" in lines:
            end = len(_bytes(lines[: _open_key(lines)]))
        ready, self._held = self._held[:end], self._held[end:]
        shown = self._redact(ready)
        if len(self._held) > STREAM_BUFFER_BYTES:
            shown += self._shorten()
        return shown

    def close(self) -> bytes:
        """What was still held back."""
        held, self._held = self._held, b""
        return self._redact(held)

    def _redact(self, raw: bytes) -> bytes:
        return _bytes(_counted(_text(raw), self.counts))

    def _shorten(self) -> bytes:
        """Releases all but the end of what is held. The end is redacted already, which is as good as not."""
        text = _counted(_text(self._held), self.counts)
        cut = max(len(text) - _OVERLAP, 0)
        for marker in re.finditer(_MARK, text):
            if marker.start() < cut < marker.end():
                cut = marker.start()
        self._held = _bytes(text[cut:])
        return _bytes(text[:cut])


def _open_key(lines: str) -> int:
    """Where a private key begins that has not ended yet; the length of the text when there is none."""
    begins = [match.start() for match in re.finditer(_KEY_BEGIN, lines)]
    if begins and "-----END" not in lines[begins[-1] :]:
        return begins[-1]
    return len(lines)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
