"""polly.toml (or [tool.polly] of pyproject.toml), checked: every key has a default, none is unknown.

Values of the environment named POLLY_<SECTION>__<KEY> win over the file, e.g. POLLY_RUN__AGENTS=4.
"""

import difflib
import re
import tomllib
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

from platformdirs import user_data_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from polly.errors import SettingsError
from polly.work.issues import Severity
from polly.work.plan import GateCommand, Gates


def _command(command: str | tuple[str, ...]) -> str | tuple[str, ...]:
    program = command if isinstance(command, str) else command[0] if command else ""
    if not program.strip():
        raise ValueError('is empty, so there is nothing to run; name a program, such as "make test"')
    return command


Command = Annotated[str | tuple[str, ...], AfterValidator(_command)]


def _inner_path(path: str) -> str:
    parts = PurePosixPath(path.replace("\\", "/")).parts
    if not parts or parts[0].startswith("/") or ".." in parts or ":" in parts[0]:
        raise ValueError(f'{path!r} is no path inside the repository; write one such as "node_modules"')
    # Some file systems take these spellings for the same name.
    if any(part.casefold().rstrip(" .") in (".git", "git~1") for part in parts):
        raise ValueError(f"{path!r} belongs to git; every workspace has a .git of its own")
    return path


InnerPath = Annotated[str, AfterValidator(_inner_path)]

#: What pydantic calls by the names of Python types, in the words of TOML.
_WRONG_KIND = {
    "missing": "this key is required",
    "tuple_type": 'must be a list, such as ["…"]',
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GateSettings(_Section):
    """One gate: a command, or a table with its name, whether it runs alone, and its time limit."""

    command: Command
    name: str = ""
    serial: bool = False
    timeout: float = Field(default=600.0, gt=0, description="seconds")


def _gate(value: object) -> object:
    return {"command": value} if isinstance(value, str | list | tuple) else value


Gate = Annotated[GateSettings, BeforeValidator(_gate)]


class GatesSettings(_Section):
    """Commands that must succeed: before the run, on each package's tree, on the combined tree."""

    pre: tuple[Gate, ...] = ()
    package: tuple[Gate, ...] = ()
    post: tuple[Gate, ...] = ()


class WorkspaceSettings(_Section):
    """How a private checkout is made ready for agents and gates."""

    setup: tuple[Command, ...] = Field(default=(), description="commands run in each new workspace")
    copy_: tuple[InnerPath, ...] = Field(
        default=(), alias="copy", description="paths copied from the repository"
    )
    link: tuple[InnerPath, ...] = Field(default=(), description="paths linked to the repository's own")
    env: tuple[str, ...] = Field(default=(), description="variables handed to setup, gates and checks")
    setup_timeout: float = Field(default=600.0, gt=0, description="seconds for each setup command")


class RescanSettings(_Section):
    """How to run a scanner again. `{output}` in the command is a file that it shall write."""

    command: Command
    format: str = "sarif"
    timeout: float = Field(default=600.0, gt=0, description="seconds")


class CheckSettings(_Section):
    """A command that fails as long as these issues are open, and succeeds once they are fixed."""

    issues: tuple[str, ...] = Field(min_length=1)
    command: Command
    timeout: float = Field(default=120.0, gt=0, description="seconds")


class PlanSettings(_Section):
    """Limits and agreements of the plan."""

    max_packages: int | None = Field(default=None, ge=1)
    contracts: tuple[str, ...] = ()


class RunSettings(_Section):
    """Limits of a run."""

    agents: int = Field(default=8, ge=1, description="agents at the same time")
    role_agents: bool = Field(
        default=False, description="a package gets the agent that its role prefers, where it prefers one"
    )
    attempts: int = Field(default=2, ge=1, description="attempts per package")
    timeout_minutes: float = Field(default=60.0, gt=0, description="for one attempt")
    max_cost: float | None = Field(default=None, gt=0, description="USD for the whole run")
    max_output_mb: float = Field(default=20.0, gt=0, description="kept of what one attempt prints")
    max_disk_mb: float = Field(default=5000.0, gt=0, description="that one attempt may add to its workspace")


class SecretFrom(_Section):
    """Where a secret is read from when it is needed: a variable of the environment, or a file."""

    env: str | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.env) == bool(self.file):
            raise ValueError('must name one place: { env = "NAME" } or { file = "/path" }')
        return self


def read_secret(secret: SecretFrom, what: str) -> str:
    """The secret, read now; a file's last line end is not part of it. Raises SettingsError naming `what`."""
    import os  # noqa: PLC0415 - read when needed, never at import

    if secret.env:
        value = os.environ.get(secret.env, "")
        if not value:
            raise SettingsError(
                f"{what} is to be read from the variable {secret.env}, which is not set",
                next_step=f"Set {secret.env}, or name another place in the settings.",
            )
        return value
    file = Path(secret.file or "").expanduser()
    try:
        value = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(
            f"{what} is to be read from {file}, which cannot be read: {reason}",
            next_step="Put the secret there, readable for this user only, or name another place.",
        ) from error
    if not value:
        raise SettingsError(
            f"{what} is to be read from {file}, which is empty", next_step="Put the secret there."
        )
    return value


#: Names of librdkafka settings whose values nobody should find in a file of a repository.
_SECRET_NAME = re.compile(r"(password|secret|\.key|\.pem|token)$|^sasl\.oauthbearer\.config$")

ClientValue = bool | int | float | str | SecretFrom


def _dotted(options: object, prefix: str = "") -> object:
    """Options as librdkafka names them: TOML takes the dots of an unquoted name for tables."""
    if not isinstance(options, dict):
        return options
    flat: dict[str, object] = {}
    for name, value in options.items():
        is_table = isinstance(value, dict) and not value.keys() <= {"env", "file"}
        inner = _dotted(value, f"{prefix}{name}.") if is_table else None
        flat |= inner if isinstance(inner, dict) else {f"{prefix}{name}": value}
    return flat


def _client_options(options: dict[str, ClientValue]) -> dict[str, ClientValue]:
    for name, value in options.items():
        if _SECRET_NAME.search(name) and not isinstance(value, SecretFrom):
            raise ValueError(f'{name} is a secret: write {{ env = "NAME" }} or {{ file = "/path" }}')
    return options


ClientOptions = Annotated[dict[str, ClientValue], BeforeValidator(_dotted), AfterValidator(_client_options)]


class StoreSettings(_Section):
    """Where events are kept, and for how long."""

    url: str | None = Field(
        default=None,
        description="a SQLite file, or `postgresql://USER@HOST/DATABASE`; else SQLite in the data folder",
    )
    password: SecretFrom | None = Field(
        default=None, description="of the PostgreSQL user; else libpq's own ways, such as `~/.pgpass`"
    )
    retention_days: float = Field(
        default=90.0, gt=0, description="events older than this are removed by `polly db prune`"
    )


class KafkaSettings(_Section):
    """The cluster through which events of many machines travel, and how its topics are made."""

    bootstrap_servers: str | None = Field(default=None, description="`host:port,…`; without it, no Kafka")
    topic_prefix: str = Field(
        default="", pattern=r"^[A-Za-z0-9._-]*$", description="put before the name of every topic"
    )
    partitions: int = Field(default=6, ge=1, description="of each topic that `polly topics create` makes")
    replication: int = Field(default=1, ge=1, description="copies of each record; 3 on a real cluster")
    retention_days: float = Field(default=7.0, gt=0, description="how long topics keep records")
    dead_letter_retention_days: float = Field(
        default=30.0, gt=0, description="how long dead-letter topics do"
    )
    options: ClientOptions = Field(
        default={}, description="any librdkafka setting, for every client: TLS, SASL, time-outs"
    )
    consumer: ClientOptions = Field(default={}, description="librdkafka settings of the sink's consumer")
    producer: ClientOptions = Field(default={}, description="librdkafka settings of producers")


class SinkSettings(_Section):
    """`polly sink`: from Kafka into the store."""

    group: str = Field(default="polly-sink", min_length=1, description="consumer group")
    start: Literal["earliest", "latest"] = Field(
        default="earliest", description="where a partition begins that the group has never read"
    )
    batch_records: int = Field(default=1000, ge=1, description="the most records of one transaction")
    batch_mb: float = Field(default=8.0, gt=0, description="the most that they hold")
    linger_ms: int = Field(default=200, ge=1, le=10_000, description="how long a batch waits for more")
    queue_mb: float = Field(default=3.0, gt=0, description="fetched ahead and kept in memory")
    flood_share: float = Field(
        default=0.2, gt=0, le=1, description="of the last records: more poison than this pauses the sink"
    )
    flood_window: int = Field(default=200, ge=10, description="how many records that share is taken of")
    host: str = Field(default="127.0.0.1", description="where health and metrics are served")
    port: int = Field(default=9464, ge=0, le=65_535, description="0 takes a free one")
    drain_seconds: float = Field(default=20.0, gt=0, description="for the batch in hand, after SIGTERM")
    exit_seconds: float = Field(default=30.0, gt=0, description="after which SIGTERM ends the process anyway")


class IntelligenceSettings(_Section):
    """Questions about code: who answers them, and how long that may take."""

    enabled: bool = Field(default=True, description="`false` refuses every question")
    fallback: bool = Field(
        default=True, description="analyse in the asking process while Kafka is away or not set up"
    )
    timeout_seconds: float = Field(
        default=30.0, ge=0, allow_inf_nan=False, description="for one question, unless it says otherwise"
    )
    group: str = Field(
        default="polly-intelligence", min_length=1, description="consumer group of the servers"
    )
    workers: int | None = Field(
        default=None, ge=1, description="processes of one server that analyse; else one per processor"
    )


class Settings(BaseSettings):
    """All of it. Sections are named as in polly.toml."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="POLLY_", env_nested_delimiter="__", populate_by_name=True
    )

    workspace: WorkspaceSettings = WorkspaceSettings()
    gates: GatesSettings = GatesSettings()
    rescan: dict[str, RescanSettings] = {}
    checks: tuple[CheckSettings, ...] = ()
    plan: PlanSettings = PlanSettings()
    run: RunSettings = RunSettings()
    agents: dict[str, dict[str, Any]] = {}
    severity: dict[str, Severity | Literal["none"]] = {}
    store: StoreSettings = StoreSettings()
    kafka: KafkaSettings = KafkaSettings()
    sink: SinkSettings = SinkSettings()
    intelligence: IntelligenceSettings = IntelligenceSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file."""
        return env_settings, init_settings

    @property
    def severity_table(self) -> dict[str, str]:
        """[severity] as plain text: level, rule or tool:rule -> severity or "none"."""
        return {name: str(value) for name, value in self.severity.items()}


def plan_gates(settings: Settings) -> Gates:
    """The gates of the settings as the plan carries them."""

    def commands(gates: tuple[GateSettings, ...]) -> tuple[GateCommand, ...]:
        return tuple(
            GateCommand(
                command=gate.command, name=gate.name, serial=gate.serial, timeout_seconds=gate.timeout
            )
            for gate in gates
        )

    return Gates(
        pre=commands(settings.gates.pre),
        package=commands(settings.gates.package),
        post=commands(settings.gates.post),
    )


def settings_file(root: Path) -> Path:
    """The file that the settings of the repository at `root` are read from; it need not exist."""
    file = root / "polly.toml"
    other = root / "pyproject.toml"
    return other if other.is_file() and not (file.exists() or file.is_symlink()) else file


def load_settings(root: Path) -> Settings:
    """The settings of the repository at `root`. Raises SettingsError naming file, key and nearest known."""
    return read_settings(settings_file(root))


def read_settings(file: Path) -> Settings:
    """The settings that a file of any name holds; defaults when there is none. Raises SettingsError."""
    table: dict[str, Any] = {}
    if file.name == "pyproject.toml":
        table = _toml(file).get("tool", {}).get("polly", {})
    elif file.exists() or file.is_symlink():
        table = _toml(file)
    _refuse_password(file, table)
    try:
        return Settings(**table)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise SettingsError(
                f"{file.name}: unknown key {place!r}", next_step=_nearest(first["loc"])
            ) from error
        said = _WRONG_KIND.get(first["type"], first["msg"].removeprefix("Value error, "))
        raise SettingsError(
            f"{file.name}: {place}: {said}", next_step="docs/reference/settings.md lists every key."
        ) from error


def _refuse_password(file: Path, table: dict[str, Any]) -> None:
    store = table.get("store")
    url = store.get("url") if isinstance(store, dict) else None
    if isinstance(url, str) and re.search(r"://[^/@]*:[^/@]+@", url):
        raise SettingsError(
            f"{file.name}: store.url has a password in it, and everybody who can read the file can read it",
            next_step='Leave it out of the URL and write [store] password = { env = "NAME" }, '
            "or give the whole URL as POLLY_STORE__URL.",
        )


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be read: {error.strerror}", next_step="Make it a file, or move it away."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{file.name} is not TOML: {error}", next_step="Correct the line named."
        ) from error


def _nearest(place: tuple[int | str, ...]) -> str:
    model: Any = Settings
    for part in place[:-1]:
        model = _inner_model(model, str(part)) or model
    known = [field.alias or name for name, field in model.model_fields.items()]
    close = difflib.get_close_matches(str(place[-1]), known, n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}?" if close else f"Known keys here: {', '.join(sorted(known))}."


def _inner_model(model: Any, part: str) -> Any:
    for name, field in model.model_fields.items():
        if part in (name, field.alias):
            for candidate in (field.annotation, *getattr(field.annotation, "__args__", ())):
                if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                    return candidate
    return None


def state_home() -> Path:
    """The folder for spool, store and workspaces of this user: POLLY_HOME, else the system's data folder."""
    import os  # noqa: PLC0415 - read when needed, never at import

    chosen = os.environ.get("POLLY_HOME")
    return Path(chosen).expanduser() if chosen else user_data_path("polly", appauthor=False)
