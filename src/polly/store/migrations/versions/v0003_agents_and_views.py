"""Tables of agents, hooks and the router; whole executions and dead letters; JSONB; views and functions.

Three tables change more than SQLite can alter: on both databases they are made anew and filled again.
"""

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from polly.store.migrations.versions import v0001_first_tables as first
from polly.store.migrations.views_0003 import FUNCTIONS, VIEWS
from polly.store.views import create_derived, drop_derived

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

#: Columns that were JSON and are JSONB in PostgreSQL.
_JSON = {
    "work_packages": ("modifies", "creates"),
    "attempts": ("claims", "owned_changed", "strays"),
    "issues": ("locations",),
    "verdicts": ("evidence",),
}
#: Values of new columns, out of the old ones. The earliest event of an execution was its start, where known.
_EXECUTION = {"created_event_id": "coalesce(started_event_id, completed_event_id)"}
_EXECUTION_BEFORE = {"duration_ms": "CAST(round(duration_ms) AS BIGINT)"}
_LETTER = {"first_failed_at": "created_at", "failed_at": "created_at"}
#: How PostgreSQL tidies tables that grow all the time.
_BUSY = {"autovacuum_vacuum_insert_scale_factor": 0.01, "autovacuum_analyze_scale_factor": 0.01}
_NEW_TABLES = (
    "agent_actions",
    "agent_routing_decisions",
    "agent_transformation_events",
    "router_performance_metrics",
    "agent_detection_failures",
    "hook_events",
    "pruned_events",
)


def upgrade() -> None:
    """Makes what is new, and keeps every row."""
    _change_json(JSONB())
    _make_anew("events", _create_events)
    _make_anew("agent_execution_logs", _create_agent_execution_logs, _EXECUTION)
    _make_anew("dead_letters", _create_dead_letters, _LETTER)
    _create_agent_actions()
    _create_agent_routing_decisions()
    _create_agent_transformation_events()
    _create_router_performance_metrics()
    _create_agent_detection_failures()
    _create_hook_events()
    _create_pruned_events()
    create_derived(op.get_bind(), VIEWS, FUNCTIONS)


def downgrade() -> None:
    """Goes back; what the older tables have no column for stays in the events."""
    drop_derived(op.get_bind(), VIEWS, FUNCTIONS)
    for table in _NEW_TABLES:
        op.drop_table(table)
    _make_anew("dead_letters", first.create_dead_letters)
    _make_anew("agent_execution_logs", first.create_agent_execution_logs, _EXECUTION_BEFORE)
    _make_anew("events", first.create_events)
    _change_json(sa.JSON())


def _change_json(kind: sa.types.TypeEngine[Any]) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in _JSON.items():
        for column in columns:
            using = f"{column}::{kind.compile(dialect=op.get_bind().dialect)}"
            op.alter_column(table, column, type_=kind, postgresql_using=using)


def _make_anew(table: str, create: Callable[[], None], values: Mapping[str, str] | None = None) -> None:
    """Columns of the same name keep their values; `values` are expressions for others."""
    bind = op.get_bind()
    for index in sa.inspect(bind).get_indexes(table):
        op.drop_index(str(index["name"]), table)
    if bind.dialect.name == "postgresql":  # the name of the key's index would stay taken
        op.execute(f"ALTER INDEX {table}_pkey RENAME TO old_{table}_pkey")
    op.rename_table(table, f"old_{table}")
    create()
    old, new = (
        {column["name"] for column in sa.inspect(bind).get_columns(name)} for name in (f"old_{table}", table)
    )
    filled = {name: name for name in sorted(old & new)} | dict(values or {})
    op.execute(
        f"INSERT INTO {table} ({', '.join(filled)}) "  # noqa: S608  # nosec B608 - our own tables
        f"SELECT {', '.join(filled.values())} FROM old_{table}"
    )
    op.drop_table(f"old_{table}")


def _text(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, **options)


def _time(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def _json(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON().with_variant(JSONB(), "postgresql"), **options)


def _create_events() -> None:
    op.create_table(
        "events",
        _text("id", primary_key=True),
        _text("source", primary_key=True),
        _text("type", nullable=False),
        _time("time", nullable=False),
        _text("subject", nullable=False),
        _text("correlation_id", nullable=False),
        _text("session_id", nullable=False),
        _text("sequence", nullable=False),
        _text("envelope", nullable=False),
        _time("stored_at", nullable=False),
        postgresql_with=_BUSY,
    )
    op.create_index("ix_events_subject_time", "events", ["subject", "time"])
    op.create_index("ix_events_session_id_time", "events", ["session_id", "time"])
    op.create_index("ix_events_source_sequence", "events", ["source", "sequence"])
    op.create_index(
        "ix_events_time_stored_at",
        "events",
        ["time", "stored_at"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": True},
    )


def _create_agent_execution_logs() -> None:
    op.create_table(
        "agent_execution_logs",
        _text("execution_id", primary_key=True),
        _text("status", nullable=False),
        _text("correlation_id", nullable=False),
        _text("session_id", nullable=False),
        _text("agent_name", nullable=False),
        _text("run"),
        _text("project_path"),
        _text("project_name"),
        _time("created_at", nullable=False),
        _text("created_event_id"),
        _text("package"),
        sa.Column("attempt", sa.Integer),
        _text("user_prompt"),
        _text("terminal_id"),
        _json("metadata"),
        _time("started_at"),
        _text("started_event_id"),
        _text("progress_stage"),
        sa.Column("progress_percent", sa.Float),
        _json("progress_metadata"),
        _time("progress_at"),
        _text("progress_event_id"),
        sa.Column("duration_ms", sa.Float),
        _text("error_message"),
        _text("error_type"),
        _json("completed_metadata"),
        _time("completed_at"),
        _text("completed_event_id"),
        sa.Column("quality_score", sa.Float),
        _time("quality_at"),
        _text("quality_event_id"),
        sa.CheckConstraint(
            "status IN ('in_progress', 'success', 'failed', 'cancelled')",
            name=op.f("ck_agent_execution_logs_status_is_known"),
        ),
        postgresql_with=_BUSY,
    )
    _day("agent_execution_logs", "created_at", "status", "agent_name", "duration_ms")
    _index("agent_execution_logs", "correlation_id", "agent_name", "created_at")
    _index("agent_execution_logs", "session_id", "created_at")
    _index("agent_execution_logs", "project_name", "created_at")


def _create_dead_letters() -> None:
    op.create_table(
        "dead_letters",
        _text("stream", primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("key", sa.LargeBinary),
        _json("headers", nullable=False, server_default="[]"),
        _time("record_timestamp"),
        _text("stage", nullable=False),
        _text("error_class", nullable=False, server_default=""),
        _text("sqlstate"),
        _text("reason", nullable=False),
        _text("event_id"),
        _text("disposition", nullable=False, server_default="poison"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="1"),
        sa.Column("replays", sa.Integer, nullable=False, server_default="0"),
        _time("first_failed_at", nullable=False),
        _time("failed_at", nullable=False),
        _time("published_at"),
        _text("status", nullable=False, server_default="open"),
        _time("resolved_at"),
        _text("resolved_by"),
        _text("resolution_note"),
        _time("created_at", nullable=False),
        _one_of("dead_letters", "stage", "decode", "validate", "store"),
        _one_of("dead_letters", "disposition", "poison", "oversize", "manual"),
        _one_of("dead_letters", "status", "open", "replayed", "discarded"),
    )
    _index("dead_letters", "status", "created_at")


def _event_row() -> tuple[sa.Column[Any], ...]:
    return (
        _text("event_id", primary_key=True),
        _text("correlation_id", nullable=False),
        _text("session_id", nullable=False),
        _text("run"),
        _text("project_path"),
        _text("project_name"),
        _time("created_at", nullable=False),
    )


def _one_of(table: str, column: str, *words: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}_is_known"))


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _day(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_day", table, list(columns))


def _create_agent_actions() -> None:
    op.create_table(
        "agent_actions",
        *_event_row(),
        _text("agent_name", nullable=False),
        _text("action_type", nullable=False),
        _text("action_name", nullable=False),
        _json("action_details", nullable=False),
        sa.Column("debug_mode", sa.Boolean, nullable=False),
        sa.Column("duration_ms", sa.Float),
        _text("action"),
        _text("parent_action"),
        _text("execution_id"),
        _text("working_directory"),
        _one_of("agent_actions", "action_type", "tool_call", "decision", "error", "success"),
        postgresql_with=_BUSY,
    )
    _day("agent_actions", "created_at", "action_type", "agent_name", "action_name")
    _index("agent_actions", "correlation_id", "agent_name", "created_at")
    _index("agent_actions", "session_id", "created_at")


def _create_agent_routing_decisions() -> None:
    op.create_table(
        "agent_routing_decisions",
        *_event_row(),
        _text("user_request", nullable=False),
        _text("selected_agent", nullable=False),
        sa.Column("confidence_score", sa.Float, nullable=False),
        _text("routing_strategy", nullable=False),
        sa.Column("routing_time_ms", sa.Float, nullable=False),
        _json("alternatives", nullable=False),
        _text("reasoning"),
        _json("context", nullable=False),
        _json("confidence_components", nullable=False),
        sa.Column("cache_hit", sa.Boolean),
    )
    _day(
        "agent_routing_decisions",
        "created_at",
        "routing_strategy",
        "selected_agent",
        "confidence_score",
        "routing_time_ms",
    )
    _index("agent_routing_decisions", "correlation_id")


def _create_agent_transformation_events() -> None:
    steps = ("transformation_start", "transformation_complete", "transformation_failed")
    op.create_table(
        "agent_transformation_events",
        *_event_row(),
        _text("event_type", nullable=False),
        _text("source_agent", nullable=False),
        _text("target_agent", nullable=False),
        _text("transformation_reason"),
        sa.Column("confidence_score", sa.Float),
        _text("routing_strategy"),
        sa.Column("transformation_duration_ms", sa.Float),
        sa.Column("success", sa.Boolean, nullable=False),
        _text("error_message"),
        _text("error_type"),
        sa.Column("quality_score", sa.Float),
        _json("context_snapshot", nullable=False),
        _text("user_request"),
        _one_of("agent_transformation_events", "event_type", *steps),
    )
    _day("agent_transformation_events", "created_at", "target_agent", "success")


def _create_router_performance_metrics() -> None:
    op.create_table(
        "router_performance_metrics",
        *_event_row(),
        _text("query_text", nullable=False),
        sa.Column("routing_duration_ms", sa.Float, nullable=False),
        sa.Column("cache_hit", sa.Boolean, nullable=False),
        sa.Column("candidates_evaluated", sa.Integer, nullable=False),
        _text("trigger_match_strategy"),
        _json("confidence_components", nullable=False),
        _text("selected_agent"),
        sa.Column("confidence_score", sa.Float),
        _json("stage_microseconds", nullable=False),
    )
    _day("router_performance_metrics", "created_at", "cache_hit", "routing_duration_ms")


def _create_agent_detection_failures() -> None:
    statuses = ("no_detection", "low_confidence", "wrong_agent", "timeout", "error")
    op.create_table(
        "agent_detection_failures",
        _text("event_id", primary_key=True),
        _text("correlation_id"),
        _text("session_id"),
        _text("run"),
        _text("project_path"),
        _text("project_name"),
        _text("user_prompt"),
        sa.Column("prompt_length", sa.Integer),
        _text("prompt_hash"),
        _text("detection_status"),
        _text("failure_reason"),
        _text("failure_category"),
        _text("detected_agent"),
        sa.Column("detection_confidence", sa.Float),
        _text("detection_method"),
        sa.Column("routing_duration_ms", sa.Float),
        _text("expected_agent"),
        _json("attempted_methods"),
        sa.Column("candidates_evaluated", sa.Integer),
        _json("trigger_matches"),
        _json("capability_scores"),
        _json("fuzzy_match_results"),
        _json("detection_metadata"),
        _time("created_at"),
        _text("created_event_id"),
        sa.Column("reviewed", sa.Boolean, nullable=False),
        _text("reviewed_by"),
        _text("reviewed_expected_agent"),
        _text("resolution_notes"),
        sa.Column("pattern_updated", sa.Boolean),
        _text("pattern_update_type"),
        _text("pattern_update_details"),
        _time("reviewed_at"),
        _text("reviewed_event_id"),
        _one_of("agent_detection_failures", "detection_status", *statuses),
        sa.CheckConstraint(
            "created_event_id IS NULL OR (created_at IS NOT NULL AND correlation_id IS NOT NULL "
            "AND session_id IS NOT NULL AND user_prompt IS NOT NULL AND prompt_length IS NOT NULL "
            "AND prompt_hash IS NOT NULL AND detection_status IS NOT NULL)",
            name=op.f("ck_agent_detection_failures_failure_is_whole"),
        ),
    )
    _day("agent_detection_failures", "created_at", "detection_status", "reviewed")


def _create_hook_events() -> None:
    op.create_table(
        "hook_events",
        *_event_row(),
        _text("source", nullable=False),
        _text("action", nullable=False),
        _text("resource", nullable=False),
        _text("resource_id"),
        _text("agent_name"),
        _text("outcome"),
        _json("payload", nullable=False),
        _json("metadata", nullable=False),
        postgresql_with=_BUSY,
    )
    _day("hook_events", "created_at", "source", "action", "outcome")
    _index("hook_events", "session_id", "created_at")


def _create_pruned_events() -> None:
    op.create_table(
        "pruned_events",
        _text("source", primary_key=True),
        sa.Column("events", sa.BigInteger, nullable=False),
        _text("first_sequence", nullable=False),
        _text("last_sequence", nullable=False),
        _time("pruned_at", nullable=False),
    )
