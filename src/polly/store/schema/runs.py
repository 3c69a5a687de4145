"""Rows about runs of plans."""

import sqlalchemy as sa

from polly.store.schema.columns import amount, json, metadata, number, one_of, part, text, time, truth

runs = sa.Table(
    "runs",
    metadata,
    text("run", primary_key=True),
    *part(
        "started",
        text("project_path"),
        text("project_name"),
        text("base_commit"),
        text("branch"),
        text("agent"),
        number("agents"),
        number("max_attempts"),
        text("correlation_id"),
        text("session_id"),
    ),
    *part("state", text("state")),
    *part("ended", truth("red")),
    sa.Index(None, "project_path", "started_at"),
)

work_packages = sa.Table(
    "work_packages",
    metadata,
    text("run", primary_key=True),
    text("package", primary_key=True),
    *part(
        "planned",
        text("title"),
        text("role"),
        text("priority"),
        number("wave"),
        json("modifies"),
        json("creates"),
        number("estimated_minutes"),
    ),
    *part("state", text("state"), number("state_attempt"), text("state_detail")),
)

attempts = sa.Table(
    "attempts",
    metadata,
    text("run", primary_key=True),
    text("package", primary_key=True),
    number("attempt", primary_key=True, autoincrement=False),
    *part("started", text("agent"), text("role"), text("base_commit"), text("workspace")),
    *part(
        "ended",
        text("outcome"),
        number("exit_code"),
        amount("seconds"),
        sa.Column("output_bytes", sa.BigInteger),
        sa.Column("tokens", sa.BigInteger),
        amount("cost_usd"),
        text("detail"),
        json("claims"),
    ),
    *part("captured", text("tree"), text("commit_hash"), json("owned_changed"), json("strays")),
)

issues = sa.Table(
    "issues",
    metadata,
    text("run", primary_key=True),
    text("issue", primary_key=True),
    *part(
        "planned",
        text("package"),
        text("severity"),
        text("title"),
        text("fingerprint"),
        json("locations"),
    ),
    text("tool"),
    text("rule"),
    sa.Index(None, "fingerprint"),
)

gate_results = sa.Table(
    "gate_results",
    metadata,
    text("event_id", primary_key=True),
    text("run", nullable=False),
    text("package"),
    number("attempt"),
    text("name", nullable=False),
    text("scope", nullable=False),
    text("tree", nullable=False),
    text("status", nullable=False),
    amount("seconds", nullable=False),
    text("output", nullable=False),
    time("created_at", nullable=False),
    sa.Index(None, "run", "package"),
)

verdicts = sa.Table(
    "verdicts",
    metadata,
    text("event_id", primary_key=True),
    text("run", nullable=False),
    text("package", nullable=False),
    number("attempt", nullable=False),
    text("issue", nullable=False),
    text("verdict", nullable=False),
    json("evidence", nullable=False),
    time("created_at", nullable=False),
    sa.Index(None, "run", "issue"),
)

approvals = sa.Table(
    "approvals",
    metadata,
    text("event_id", primary_key=True),
    text("run", nullable=False),
    text("package", nullable=False),
    text("decision", nullable=False),
    text("tree"),
    text("decided_by", nullable=False),
    text("note"),
    text("commit_hash"),
    text("branch"),
    time("created_at", nullable=False),
    one_of("decision", "approved", "rejected", "applied", "committed", "undone"),
    sa.Index(None, "run", "package"),
)
