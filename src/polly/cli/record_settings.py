"""The settings of commands that need no repository: those about events, topics and the store."""

from pathlib import Path
from typing import Annotated

import typer

from polly.errors import PollyError, SettingsError
from polly.git import Repository
from polly.kafka.settings import require_servers
from polly.settings import Settings, load_settings, read_settings

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings to use instead of the polly.toml of this repository or folder.",
        show_default=False,
    ),
]


def record_settings(config: Path | None) -> Settings:
    """The settings of `config`, else of the repository around the current folder, else of that folder.

    Variables POLLY_* win over each of them. Raises SettingsError.
    """
    if config is None:
        return load_settings(_root())
    if not config.is_file():
        raise SettingsError(
            f"{config} is {'no file' if config.exists() else 'not there'}",
            next_step="Name a file of settings after --config, or leave the option out.",
        )
    return read_settings(config)


def require_bootstrap_servers(settings: Settings) -> str:
    """The addresses of the cluster. Raises SettingsError when no Kafka is set up."""
    return require_servers(settings.kafka)


def polly_folder() -> Path:
    """The folder .polly of this repository, else of the current folder; it need not exist."""
    return _root() / ".polly"


def _root() -> Path:
    here = Path.cwd()
    try:
        return Repository.find(here).root
    except PollyError:  # no repository here, or no git on this machine: neither is needed
        return here
