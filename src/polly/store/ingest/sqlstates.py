"""What PostgreSQL means by an error: whose trouble it is. Pure.

`SQLSTATE` is its own code: two characters of class, three of detail.
"""

import enum
import re


class Trouble(enum.Enum):
    """Whose trouble an error is, and so what helps."""

    RECORD = enum.auto()  # the record's alone: it becomes a dead letter
    PASSING = enum.auto()  # heals without anybody changing anything of ours: try again
    SETTINGS = enum.auto()  # a table, a right or a password: a person has to change it
    UNKNOWN = enum.auto()  # try again a few times, then look whether it is about single records


_BY_CODE = {
    "21000": Trouble.RECORD,  # one row twice in one statement
    "25006": Trouble.PASSING,  # read-only after a failover
    "54000": Trouble.RECORD,  # a row or a key of an index that is too large
    "54001": Trouble.RECORD,  # JSON that is nested too deeply
    "55P03": Trouble.PASSING,  # a lock was not to be had in time
    "55006": Trouble.PASSING,  # an object is in use
}
_BY_CLASS = {
    "08": Trouble.PASSING,  # connection
    "0L": Trouble.SETTINGS,  # grantor
    "0P": Trouble.SETTINGS,  # role
    "22": Trouble.RECORD,  # data
    "23": Trouble.RECORD,  # constraints; what is there already is never an error
    "28": Trouble.SETTINGS,  # authorization
    "3D": Trouble.SETTINGS,  # database
    "3F": Trouble.SETTINGS,  # schema
    "40": Trouble.PASSING,  # rolled back: deadlock, serialization
    "42": Trouble.SETTINGS,  # syntax, tables, columns, rights
    "53": Trouble.PASSING,  # out of disk, memory, connections
    "57": Trouble.PASSING,  # cancelled, shut down
    "58": Trouble.PASSING,  # input and output
    "F0": Trouble.SETTINGS,  # the server's configuration
}

#: A connection that was refused has no code, only words.
_REFUSED_FOR_GOOD = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|(role|database) .* does not exist"
    r"|not permitted to log in|permission denied|not currently accepting connections|certificate"
    r"|does not support SSL|SSL connection is required|sslmode|no such (user|database)|unsupported"
    r"|servname not supported|invalid (port|integer value)",
    re.IGNORECASE,
)
#: The row of a failed COPY; its words are in the language of the server.
_ROW_OF_COPY = re.compile(r"COPY [^,]*,[^0-9,]*(\d+)")


def trouble_of(sqlstate: str | None) -> Trouble:
    """Whose trouble a code is. Without one, the connection is gone."""
    if sqlstate is None:
        return Trouble.PASSING
    return _BY_CODE.get(sqlstate) or _BY_CLASS.get(sqlstate[:2], Trouble.UNKNOWN)


def is_missing_partition(sqlstate: str | None, table: str | None, constraint: str | None) -> bool:
    """No partition of the table takes the row: it has the code of a constraint, and is none."""
    return sqlstate == "23514" and table is not None and constraint is None


def trouble_of_connecting(message: str) -> Trouble:
    """Whose trouble it is that no connection could be made."""
    return Trouble.SETTINGS if _REFUSED_FOR_GOOD.search(message) else Trouble.PASSING


def row_of_copy(context: str | None) -> int | None:
    """Which row of a COPY, from 0 on, an error is about, when its context tells."""
    found = _ROW_OF_COPY.search(context or "")
    return int(found[1]) - 1 if found else None
