"""Secrets here are made up, and put together from parts so that scanners of this repository stay quiet."""

import importlib.util
import random
import re
import string
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polly.events import redaction
from polly.events.redaction import redact, redact_event, redact_json

UPPER = string.ascii_uppercase + string.digits
WORD = string.ascii_letters + string.digits
MARKER = re.compile(r"\[redacted:[a-z-]+:[0-9a-f]{6}\]")


def made_up(length: int, alphabet: str = WORD, seed: int = 7) -> str:
    chooser = random.Random(seed + length)
    return "".join(chooser.choice(alphabet) for _ in range(length))


def key_block(kind: str = "RSA ", lines: int = 5) -> str:
    body = "\n".join(made_up(64, seed=line) for line in range(lines))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


BY_SHAPE = {
    "aws-key": ["AKIA" + made_up(16, UPPER), "ASIA" + made_up(16, UPPER)],
    "github-token": [
        *(f"gh{kind}_" + made_up(36) for kind in "pousr"),
        "github_pat_" + made_up(22) + "_" + made_up(59),
    ],
    "gitlab-token": ["glpat-" + made_up(20), "gldt-" + made_up(20)],
    "slack-token": ["xoxb-" + "1234567890-" + made_up(24), "xoxp-" + made_up(30), "xapp-1-" + made_up(30)],
    "stripe-key": ["sk_" + "live_" + made_up(24), "rk_" + "test_" + made_up(24), "whsec_" + made_up(32)],
    "google-key": ["AIza" + made_up(35), "GOCSPX-" + made_up(28), "ya29." + made_up(60)],
    "anthropic-key": ["sk-ant-" + "api03-" + made_up(93)],
    "openai-key": ["sk-" + made_up(48), "sk-" + "proj-" + made_up(48)],
    "npm-token": ["npm_" + made_up(36)],
    "pypi-token": ["pypi-" + "AgEIcHlwaS5vcmc" + made_up(80)],
    "jwt": [".".join(("eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0In0", made_up(43)))],
    "azure-key": [made_up(3) + "8Q~" + made_up(34)],
    "private-key": [key_block(), key_block(""), key_block("OPENSSH "), key_block("ENCRYPTED ")],
}
SHAPES = [(kind, secret) for kind, secrets in BY_SHAPE.items() for secret in secrets]

#: text with {} -> the secret that stands there
BY_PLACE = [
    ("password={}", "hunter2"),
    ("password: {}", "hunter2"),
    ('password = "{}"', "hunter2"),
    ('password = "{}"', 'ab\\"cd12'),
    ("password => '{}',", "hunter2"),
    ("DB_PASSWORD={}", "correcthorse"),
    ("export GITHUB_TOKEN={}", made_up(40, string.hexdigits.lower())),
    ("TOKEN: {}", made_up(20)),
    ('{{"api_key": "{}"}}', made_up(20)),
    ('{{\\"api_key\\": \\"{}\\"}}', made_up(20)),
    ("{{'client_secret': '{}', 'id': 3}}", made_up(32)),
    ('os.environ["API_KEY"] = "{}"', made_up(24)),
    ('headers.set("X-Api-Key", "{}")', made_up(24)),
    ("aws_secret_access_key = {}", made_up(40, WORD + "+/")),
    ("AccountName=x;AccountKey={};EndpointSuffix=y", made_up(86) + "=="),
    ("tool --password {} --verbose", "hunter2"),
    ("tool --auth-token={}", made_up(20)),
    ("GET /x?token={}&page=2", made_up(20)),
    ("<password>{}</password>", "hunter2"),
    ("Authorization: Basic {}", "dXNlcjpodW50ZXIy"),
    ('-H "Authorization: Bearer {}"', made_up(30)),
    ("authorization: token {}", made_up(40)),
    ("postgres://app:{}@db.example/main", "hunter2"),
    ("postgres://app:{}@db.example/main", "p@ss:w0rd"),
    ("redis://:{}@cache:6379/0", "hunter2"),
    ("https://{}@github.example/o/r.git", made_up(40)),
    ("https://hooks.slack.com/{}", "services/T000/B000/" + made_up(24)),
    ("the token we got was {} and it worked", made_up(32)),
    ("secret: {}", made_up(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
]

FALSE_FRIENDS = """
commit 3f9a1c77ab0f3f9a1c77ab0f3f9a1c77ab0f1234
the token for commit 3f9a1c77ab0f3f9a1c77ab0f3f9a1c77ab0f1234
token 123e4567-e89b-12d3-a456-426614174000
secret sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
password = get_password()
password = await vault.read("db")
token: str
token: str = ""
def f(token: Optional[str] = None, password: SecretStr) -> None:
os.environ["API_KEY"]
api_key = os.environ["API_KEY"]
password=os.getenv("DB_PASSWORD")
PASSWORD=$DB_PASSWORD
PASSWORD=${DB_PASSWORD}
password: <password>
token = "***"
token = "<token>"
api_key = "your-api-key"
Authorization: Bearer <token>
Authorization: Bearer ${TOKEN}
max_tokens: 4096
token_count=123456789a
password=password
self.token = token
token=self.token
client = Client(api_key=settings.api_key, token=args.token)
the bearer token is sent in the header
Basic authentication is needed
https://example.org:8080/path@x
postgres://user:${PASSWORD}@host/db
postgres://user:<password>@host/db
if token == "access_token":
class="sk-fading-circle-wrapper-big"
"token_type": "bearer"
hash of password: sha256
src/polly/events/redaction.py holds the token rules for all of it
docs/authentication/TokenRefreshHandler2.md for the token
git@github.com:owner/repo.git
token := newToken(x)
const { token } = useAuth2()
password: string;
-----BEGIN PRIVATE KEY----- is how a private key starts
SECRET_KEY = env("SECRET_KEY")
CSRF_TOKEN_NAME = "csrf_token"
password: !vault
token: ${{ secrets.GITHUB_TOKEN }}
""".strip().splitlines()


@pytest.mark.parametrize(("kind", "secret"), SHAPES)
def test_a_secret_of_a_known_shape_is_named_by_its_kind(kind: str, secret: str) -> None:
    found = redact(f"before {secret} after")
    assert secret not in found.text
    assert re.fullmatch(rf"before \[redacted:{kind}:[0-9a-f]{{6}}\] after", found.text)
    assert found.counts == {kind: 1}


@pytest.mark.parametrize(("place", "secret"), BY_PLACE)
def test_a_secret_is_known_by_where_it_stands(place: str, secret: str) -> None:
    found = redact(place.format(secret))
    assert secret not in found.text
    assert sum(found.counts.values()) == 1
    assert MARKER.sub("{}", found.text) == place.format("{}")


@pytest.mark.parametrize("text", FALSE_FRIENDS)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    found = redact(text)
    assert (found.text, found.counts) == (text, {})


def test_the_same_secret_has_the_same_marker_everywhere() -> None:
    first, second = (MARKER.findall(redact(text).text) for text in ("password=hunter2", "passwd: 'hunter2'"))
    assert first[0].rsplit(":")[-1] == second[0].rsplit(":")[-1]


def test_a_key_without_an_end_is_taken_out_as_far_as_it_goes() -> None:
    cut = key_block().rsplit("\n", 1)[0]
    found = redact(f"log\n{cut}")
    assert MARKER.fullmatch(found.text.removeprefix("log\n"))


NOISE = st.text(max_size=40)
ANY_SECRET = st.sampled_from([secret for _, secret in SHAPES])
PIECES = st.sampled_from(
    [
        "password=",
        "token: ",
        '"',
        "'",
        " ",
        "\n",
        "\\",
        "-----BEGIN PRIVATE KEY-----",
        "://",
        "@",
        ":",
        "api_key",
    ]
)


@given(st.lists(st.one_of(NOISE, PIECES, ANY_SECRET), max_size=8))
def test_redacting_twice_is_redacting_once(parts: list[str]) -> None:
    once = redact("".join(parts)).text
    again = redact(once)
    assert (again.text, again.counts) == (once, {})


@given(NOISE, ANY_SECRET, NOISE)
def test_no_secret_survives_wherever_it_is_put(before: str, secret: str, after: str) -> None:
    assert secret not in redact(f"{before} {secret} {after}").text


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), NOISE, ANY_SECRET),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NOISE, inner, max_size=3)),
    max_leaves=8,
)


@given(JSON)
def test_redacting_json_keeps_its_shape_and_none_of_its_secrets(value: object) -> None:
    found = redact_json(value)
    assert not any(secret in repr(found.value) for _, secret in SHAPES if "\n" not in secret)
    assert redact_json(found.value).value == found.value


def test_a_string_of_json_is_judged_by_its_key() -> None:
    found = redact_json(
        {"password": "hunter2", "nested": [{"apiToken": made_up(20)}], "token": "<token>", "n": 1}
    )
    assert isinstance(found.value, dict)
    assert MARKER.fullmatch(found.value["password"])
    assert MARKER.fullmatch(found.value["nested"][0]["apiToken"])
    assert (found.value["token"], found.value["n"]) == ("<token>", 1)
    assert found.counts == {"named-value": 2}


def test_a_secret_that_is_a_key_of_json_is_taken_out() -> None:
    secret = "ghp_" + made_up(36)
    assert secret not in repr(redact_json({secret: 1}).value)


@pytest.mark.parametrize(
    "text",
    ["a" * 200_000, "token" * 40_000, "--" * 100_000 + "token ", "://" * 60_000, 'password="' * 20_000],
)
def test_text_made_to_be_slow_is_still_read_in_one_go(text: str) -> None:
    assert redact(text).text


def test_the_file_is_usable_by_its_path_alone() -> None:
    source = Path(redaction.__file__)
    assert importlib.util.find_spec("polly") is not None
    program = (
        "import importlib.util,sys;"
        "spec=importlib.util.spec_from_file_location('redaction',sys.argv[1]);"
        "module=importlib.util.module_from_spec(spec);spec.loader.exec_module(module);"
        "print(module.redact('password=hunter2').text);"
        "print(any(name.startswith('polly') for name in sys.modules))"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "hunter2" not in done.stdout
    assert done.stdout.endswith("False\n")


HINTED = [rule for rule in redaction._RULES if rule.hint]
WORDS = (
    "password",
    "pass",
    "pwd",
    "phrase",
    "secret",
    "key",
    "token",
    "credential",
    "s",
    "live",
    "hunter2!x",
)
NEAR_KEYS = st.sampled_from([*WORDS, "abc123XYZ", "12", *"_- \t\n:=>,'\"\\][\u212a\u017f"])


@given(pieces=st.lists(NEAR_KEYS, max_size=9))
@example(pieces=["api", "_", "key", "_", "live", "'", "]", " ", "=", " ", "'", "abc123XYZ", "'"])
def test_a_hint_is_there_wherever_its_rule_finds_something(pieces: list[str]) -> None:
    text = "".join(pieces)
    for rule in HINTED:
        if re.search(rule.source, text):
            assert re.search(rule.hint, text)


@given(pieces=st.lists(NEAR_KEYS, max_size=9), others=st.lists(NEAR_KEYS, max_size=9))
def test_the_reasons_of_a_larger_text_are_enough_for_its_parts(pieces: list[str], others: list[str]) -> None:
    text = "".join(pieces)
    reasons = redaction.reasons_to_look(" ".join([text, *others]))
    assert redact(text, reasons).text == redact(text).text


def test_an_event_says_itself_how_much_of_each_kind_was_taken_out_and_adds_up() -> None:
    key = "ghp_" + "a1B2" * 9
    once = redact_event({"text": f"{key} {key}", "more": [key]})
    assert isinstance(once, dict)
    assert once["_redacted"] == {"github-token": 3}
    again = redact_event({**once, "url": "https://me:Hunter2x@example.org"})
    assert isinstance(again, dict)
    assert again["_redacted"] == {"github-token": 3, "url-password": 1}
    assert redact_event(again) == again


@pytest.mark.parametrize("data", [{"text": "nothing of the kind"}, [], "text", {"_redacted": "of another"}])
def test_what_holds_no_secret_stays_as_it_is(data: object) -> None:
    assert redact_event(data) == data
