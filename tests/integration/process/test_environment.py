"""The small environment: what programs need goes along, what opens doors does not."""

import pytest

from polly.process import small_environment


def test_tokens_and_passwords_stay_behind_and_tools_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("LC_TIME", "C")
    for name in ("GITHUB_TOKEN", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "SSH_AUTH_SOCK"):
        monkeypatch.setenv(name, "secret")
    env = small_environment()
    assert env["PATH"] == "/usr/bin"
    assert env["LC_TIME"] == "C"
    assert "secret" not in env.values()


def test_git_of_the_child_is_not_led_by_git_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/elsewhere/index")
    env = small_environment(["GIT_DIR"])
    assert "GIT_DIR" not in env
    assert "GIT_INDEX_FILE" not in env
    assert env["GIT_TERMINAL_PROMPT"] == "0"


def test_named_and_given_variables_go_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_KEY", "wanted")
    monkeypatch.delenv("NOT_SET", raising=False)
    env = small_environment(["SERVICE_KEY", "NOT_SET"], POLLY_RUN_ID="r1", PATH="/only")
    assert (env["SERVICE_KEY"], env["POLLY_RUN_ID"], env["PATH"]) == ("wanted", "r1", "/only")
    assert "NOT_SET" not in env


@pytest.mark.parametrize(
    ("address", "handed_on"),
    [
        ("http://user:pass@proxy:8080", "http://proxy:8080"),
        ("user:p@ss@proxy:8080", "proxy:8080"),
        ("http://proxy:8080", "http://proxy:8080"),
        ("localhost,127.0.0.1", "localhost,127.0.0.1"),
        ("http://[broken", ""),
    ],
)
def test_proxies_go_along_without_their_password(
    monkeypatch: pytest.MonkeyPatch, address: str, handed_on: str
) -> None:
    monkeypatch.setenv("https_proxy", address)
    assert small_environment()["https_proxy"] == handed_on
    assert small_environment(["https_proxy"])["https_proxy"] == address
