"""The tables. `events` holds every envelope as it came; all other rows about runs are derived from it.

A derived row can be fed by several events that arrive in any order. Each such group of columns is a part:
`<part>_at` and `<part>_event_id` say which event wrote it. There are no foreign keys between derived rows:
a row must be storable before the row that it belongs to.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from polly.events.status import OperationStatus

#: The revision of the migrations that produces this schema.
REVISION = "0002"

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware time, stored in UTC. SQLite keeps it as text that sorts."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"the time {value} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        aware: datetime = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC)


def _text(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, **options)


def _time(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, UtcDateTime, **options)


def _part(name: str, *columns: sa.Column[Any]) -> tuple[sa.Column[Any], ...]:
    """Columns that one kind of event fills, with the event that did."""
    return (*columns, _time(f"{name}_at"), _text(f"{name}_event_id"))


events = sa.Table(
    "events",
    metadata,
    _text("source", primary_key=True),
    _text("id", primary_key=True),
    _text("type", nullable=False),
    _time("time", nullable=False),
    _text("subject", nullable=False),
    _text("correlation_id", nullable=False),
    _text("session_id", nullable=False),
    _text("sequence", nullable=False),
    _text("envelope", nullable=False),
    _time("stored_at", nullable=False),
    sa.Index(None, "subject", "time"),
    sa.Index(None, "id"),
)

runs = sa.Table(
    "runs",
    metadata,
    _text("run", primary_key=True),
    *_part(
        "started",
        _text("project_path"),
        _text("project_name"),
        _text("base_commit"),
        _text("branch"),
        _text("agent"),
        sa.Column("agents", sa.Integer),
        sa.Column("max_attempts", sa.Integer),
        _text("correlation_id"),
        _text("session_id"),
    ),
    *_part("state", _text("state")),
    *_part("ended", sa.Column("red", sa.Boolean)),
    sa.Index(None, "project_path", "started_at"),
)

work_packages = sa.Table(
    "work_packages",
    metadata,
    _text("run", primary_key=True),
    _text("package", primary_key=True),
    *_part(
        "planned",
        _text("title"),
        _text("role"),
        _text("priority"),
        sa.Column("wave", sa.Integer),
        sa.Column("modifies", sa.JSON),
        sa.Column("creates", sa.JSON),
        sa.Column("estimated_minutes", sa.Integer),
    ),
    *_part("state", _text("state"), sa.Column("state_attempt", sa.Integer), _text("state_detail")),
)

attempts = sa.Table(
    "attempts",
    metadata,
    _text("run", primary_key=True),
    _text("package", primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
    *_part("started", _text("agent"), _text("role"), _text("base_commit"), _text("workspace")),
    *_part(
        "ended",
        _text("outcome"),
        sa.Column("exit_code", sa.Integer),
        sa.Column("seconds", sa.Float),
        sa.Column("output_bytes", sa.BigInteger),
        sa.Column("tokens", sa.BigInteger),
        sa.Column("cost_usd", sa.Float),
        _text("detail"),
        sa.Column("claims", sa.JSON),
    ),
    *_part(
        "captured",
        _text("tree"),
        _text("commit_hash"),
        sa.Column("owned_changed", sa.JSON),
        sa.Column("strays", sa.JSON),
    ),
)

issues = sa.Table(
    "issues",
    metadata,
    _text("run", primary_key=True),
    _text("issue", primary_key=True),
    *_part(
        "planned",
        _text("package"),
        _text("severity"),
        _text("title"),
        _text("fingerprint"),
        sa.Column("locations", sa.JSON),
    ),
    _text("tool"),
    _text("rule"),
    sa.Index(None, "fingerprint"),
)

gate_results = sa.Table(
    "gate_results",
    metadata,
    _text("event_id", primary_key=True),
    _text("run", nullable=False),
    _text("package"),
    sa.Column("attempt", sa.Integer),
    _text("name", nullable=False),
    _text("scope", nullable=False),
    _text("tree", nullable=False),
    _text("status", nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    _text("output", nullable=False),
    _time("created_at", nullable=False),
    sa.Index(None, "run", "package"),
)

verdicts = sa.Table(
    "verdicts",
    metadata,
    _text("event_id", primary_key=True),
    _text("run", nullable=False),
    _text("package", nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    _text("issue", nullable=False),
    _text("verdict", nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    _time("created_at", nullable=False),
    sa.Index(None, "run", "issue"),
)

approvals = sa.Table(
    "approvals",
    metadata,
    _text("event_id", primary_key=True),
    _text("run", nullable=False),
    _text("package", nullable=False),
    _text("decision", nullable=False),
    _text("tree"),
    _text("decided_by", nullable=False),
    _text("note"),
    _text("commit_hash"),
    _text("branch"),
    _time("created_at", nullable=False),
    sa.CheckConstraint(
        "decision IN ('approved', 'rejected', 'applied', 'committed', 'undone')", name="decision_is_known"
    ),
    sa.Index(None, "run", "package"),
)

agent_execution_logs = sa.Table(
    "agent_execution_logs",
    metadata,
    _text("execution_id", primary_key=True),
    _text("correlation_id", nullable=False),
    _text("session_id", nullable=False),
    _text("agent_name", nullable=False),
    _text("status", nullable=False),
    _time("created_at", nullable=False),
    *_part(
        "started",
        _text("run"),
        _text("package"),
        sa.Column("attempt", sa.Integer),
        _text("project_path"),
        _text("project_name"),
    ),
    *_part("completed", sa.Column("duration_ms", sa.BigInteger), _text("error_message")),
    sa.CheckConstraint(
        "status IN ({})".format(", ".join(f"'{status.value}'" for status in OperationStatus)),
        name="status_is_known",
    ),
    sa.Index(None, "correlation_id"),
    sa.Index(None, "project_name", "started_at"),
)

dead_letters = sa.Table(
    "dead_letters",
    metadata,
    _text("stream", primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("raw", sa.LargeBinary, nullable=False),
    _text("stage", nullable=False),
    _text("reason", nullable=False),
    _text("event_id"),
    _time("created_at", nullable=False),
    sa.CheckConstraint("stage IN ('decode', 'validate', 'store')", name="stage_is_known"),
)

sink_offsets = sa.Table(
    "sink_offsets",
    metadata,
    _text("stream", primary_key=True),
    sa.Column("next_offset", sa.BigInteger, nullable=False),
    _time("updated_at", nullable=False),
)
