"""The small environment that a foreign program gets: what programs need, and nothing that opens doors."""

import os
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

#: names that programs need to find their tools, their language, their folders and the network
# fmt: off
NAMES = frozenset(
    (
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "COLUMNS",
        "TMPDIR", "TMP", "TEMP",
        "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
        "VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT", "NVM_DIR", "JAVA_HOME", "GOPATH", "GOROOT",
        "CARGO_HOME", "RUSTUP_HOME", "LD_LIBRARY_PATH", "NIX_SSL_CERT_FILE",
        "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "APPDATA", "LOCALAPPDATA",
        "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "COMMONPROGRAMFILES", "USERPROFILE", "USERNAME",
        "HOMEDRIVE", "HOMEPATH", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE",
    )
)
# fmt: on
PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"})

#: git asks nobody, shows nothing page by page, and is not led by the machine's own configuration
HARMLESS_GIT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "true",
}


def small_environment(extra_names: Iterable[str] = (), **variables: str) -> dict[str, str]:
    """An environment for a child: the harmless part of ours, the variables named, the variables given.

    extra_names: more of our own variables to hand on as they are. GIT_* of ours never go along: they
    would lead git to another repository. Passwords in proxy addresses are taken out unless named.
    """
    return {**_selected(os.environ, frozenset(extra_names)), **HARMLESS_GIT, **variables}


def _selected(ours: Mapping[str, str], extra_names: frozenset[str]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for name, value in ours.items():
        if name.upper().startswith("GIT_"):
            continue
        if name in extra_names or name in NAMES or name.startswith("LC_"):
            chosen[name] = value
        elif name.upper() in PROXIES:
            chosen[name] = _without_password(value)
    return chosen


def _without_password(proxy: str) -> str:
    try:
        login = urlsplit(proxy if "://" in proxy else f"//{proxy}").netloc.rpartition("@")[0]
    except ValueError:  # not an address; nothing that could be used either
        return ""
    return proxy.replace(f"{login}@", "", 1) if login else proxy
