"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _text(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, **options)


def _time(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def create_events() -> None:
    """As this revision has it; a later one goes back to it."""
    op.create_table(
        "events",
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
    )
    op.create_index("ix_events_id", "events", ["id"])
    op.create_index("ix_events_subject_time", "events", ["subject", "time"])


def create_agent_execution_logs() -> None:
    """As this revision has it."""
    op.create_table(
        "agent_execution_logs",
        _text("execution_id", primary_key=True),
        _text("correlation_id", nullable=False),
        _text("session_id", nullable=False),
        _text("agent_name", nullable=False),
        _text("status", nullable=False),
        _time("created_at", nullable=False),
        _text("run"),
        _text("package"),
        sa.Column("attempt", sa.Integer),
        _text("project_path"),
        _text("project_name"),
        _time("started_at"),
        _text("started_event_id"),
        sa.Column("duration_ms", sa.BigInteger),
        _text("error_message"),
        _time("completed_at"),
        _text("completed_event_id"),
        sa.CheckConstraint(
            "status IN ('in_progress', 'success', 'failed', 'cancelled')",
            name=op.f("ck_agent_execution_logs_status_is_known"),
        ),
    )
    op.create_index(
        "ix_agent_execution_logs_project_name_started_at",
        "agent_execution_logs",
        ["project_name", "started_at"],
    )
    op.create_index("ix_agent_execution_logs_correlation_id", "agent_execution_logs", ["correlation_id"])


def create_dead_letters() -> None:
    """As this revision has it."""
    op.create_table(
        "dead_letters",
        _text("stream", primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        _text("stage", nullable=False),
        _text("reason", nullable=False),
        _text("event_id"),
        _time("created_at", nullable=False),
        sa.CheckConstraint(
            "stage IN ('decode', 'validate', 'store')", name=op.f("ck_dead_letters_stage_is_known")
        ),
    )


def upgrade() -> None:
    """Creates the tables."""
    create_events()
    create_agent_execution_logs()
    create_dead_letters()
    op.create_table(
        "runs",
        _text("run", primary_key=True),
        _text("project_path"),
        _text("project_name"),
        _text("base_commit"),
        _text("branch"),
        _text("agent"),
        sa.Column("agents", sa.Integer),
        sa.Column("max_attempts", sa.Integer),
        _text("correlation_id"),
        _text("session_id"),
        _time("started_at"),
        _text("started_event_id"),
        _text("state"),
        _time("state_at"),
        _text("state_event_id"),
        sa.Column("red", sa.Boolean),
        _time("ended_at"),
        _text("ended_event_id"),
    )
    op.create_index("ix_runs_project_path_started_at", "runs", ["project_path", "started_at"])
    op.create_table(
        "work_packages",
        _text("run", primary_key=True),
        _text("package", primary_key=True),
        _text("title"),
        _text("role"),
        _text("priority"),
        sa.Column("wave", sa.Integer),
        sa.Column("modifies", sa.JSON),
        sa.Column("creates", sa.JSON),
        sa.Column("estimated_minutes", sa.Integer),
        _time("planned_at"),
        _text("planned_event_id"),
        _text("state"),
        sa.Column("state_attempt", sa.Integer),
        _text("state_detail"),
        _time("state_at"),
        _text("state_event_id"),
    )
    op.create_table(
        "attempts",
        _text("run", primary_key=True),
        _text("package", primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
        _text("agent"),
        _text("role"),
        _text("base_commit"),
        _text("workspace"),
        _time("started_at"),
        _text("started_event_id"),
        _text("outcome"),
        sa.Column("exit_code", sa.Integer),
        sa.Column("seconds", sa.Float),
        sa.Column("output_bytes", sa.BigInteger),
        sa.Column("tokens", sa.BigInteger),
        sa.Column("cost_usd", sa.Float),
        _text("detail"),
        sa.Column("claims", sa.JSON),
        _time("ended_at"),
        _text("ended_event_id"),
        _text("tree"),
        _text("commit_hash"),
        sa.Column("owned_changed", sa.JSON),
        sa.Column("strays", sa.JSON),
        _time("captured_at"),
        _text("captured_event_id"),
    )
    op.create_table(
        "issues",
        _text("run", primary_key=True),
        _text("issue", primary_key=True),
        _text("package"),
        _text("severity"),
        _text("title"),
        _text("fingerprint"),
        sa.Column("locations", sa.JSON),
        _time("planned_at"),
        _text("planned_event_id"),
    )
    op.create_index("ix_issues_fingerprint", "issues", ["fingerprint"])
    op.create_table(
        "gate_results",
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
    )
    op.create_index("ix_gate_results_run_package", "gate_results", ["run", "package"])
    op.create_table(
        "verdicts",
        _text("event_id", primary_key=True),
        _text("run", nullable=False),
        _text("package", nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        _text("issue", nullable=False),
        _text("verdict", nullable=False),
        sa.Column("evidence", sa.JSON, nullable=False),
        _time("created_at", nullable=False),
    )
    op.create_index("ix_verdicts_run_issue", "verdicts", ["run", "issue"])
    op.create_table(
        "approvals",
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
            "decision IN ('approved', 'rejected', 'applied', 'committed', 'undone')",
            name=op.f("ck_approvals_decision_is_known"),
        ),
    )
    op.create_index("ix_approvals_run_package", "approvals", ["run", "package"])
    op.create_table(
        "sink_offsets",
        _text("stream", primary_key=True),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
        _time("updated_at", nullable=False),
    )


def downgrade() -> None:
    """Drops the tables with all that is in them."""
    for table in (
        "events",
        "runs",
        "work_packages",
        "attempts",
        "issues",
        "gate_results",
        "verdicts",
        "approvals",
        "agent_execution_logs",
        "dead_letters",
        "sink_offsets",
    ):
        op.drop_table(table)
