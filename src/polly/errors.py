"""The tree of errors.

PollyError                  something a person can put right; shown without a traceback, exit code 2
├── InputError              a source, a plan or an argument that cannot be used
├── SettingsError           polly.toml says something that Polly does not know
├── RepositoryError         the repository is in a state in which this must not be done
├── RunError                a run that cannot be started, found or resumed
├── StoreError              the database of events cannot be opened, read or written
│   ├── StoreUnavailable    … now; it can heal without anybody changing anything of ours
│   └── StoreMisconfigured  … until somebody changes the database, its rights or the settings
├── BusError                the Kafka cluster cannot be reached, or refused something
│   └── BusMisconfigured    … until somebody changes the cluster, its rights or the settings
└── ToolError               a program that Polly needs is missing or failed

Anything else that reaches the edge is our bug: exit code 3, with a file to report it.
"""


class PollyError(Exception):
    """What happened, to which thing, and what to do next.

    what: one sentence naming the thing and the reason.
    next_step: what the reader can do about it, or None when nothing helps but reading `what`.
    """

    def __init__(self, what: str, *, next_step: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step


class InputError(PollyError):
    """A source, a plan or an argument that cannot be used."""


class SettingsError(PollyError):
    """polly.toml (or [tool.polly]) cannot be used as it is."""


class RepositoryError(PollyError):
    """The repository is in a state in which this must not be done."""


class RunError(PollyError):
    """A run that cannot be started, found or resumed."""


class StoreError(PollyError):
    """The database of events cannot be opened, read or written."""


class StoreUnavailable(StoreError):  # noqa: N818 - reads as what is the matter
    """The database cannot do its part now: down, out of space, locked. Trying again later is right."""


class StoreMisconfigured(StoreError):  # noqa: N818
    """A table, a column, a right or a password is missing. Trying again alone will never help."""


class BusError(PollyError):
    """The Kafka cluster cannot be reached, or refused something."""


class BusMisconfigured(BusError):  # noqa: N818
    """The cluster does not let us in, or lacks a topic. Trying again alone will never help."""


class ToolError(PollyError):
    """A program that Polly needs is missing, or failed in a way that Polly cannot judge."""
