"""What arrived, how far it was read, what could not be stored, and what is gone."""

import sqlalchemy as sa

from polly.store.schema.columns import BUSY, json, metadata, number, one_of, text, time

# The id leads the key: it grows with time, so that new rows go to one end of the index, and it is what people
# ask for. The index over time is a few pages in PostgreSQL (BRIN), where rows lie in the order of arrival.
events = sa.Table(
    "events",
    metadata,
    text("id", primary_key=True),
    text("source", primary_key=True),
    text("type", nullable=False),
    time("time", nullable=False),
    text("subject", nullable=False),
    text("correlation_id", nullable=False),
    text("session_id", nullable=False),
    text("sequence", nullable=False),
    text("envelope", nullable=False),
    time("stored_at", nullable=False),
    sa.Index(None, "subject", "time"),
    sa.Index(None, "session_id", "time"),
    sa.Index(None, "source", "sequence"),
    sa.Index(
        None,
        "time",
        "stored_at",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": True},
    ),
    postgresql_with=BUSY,
)

sink_offsets = sa.Table(
    "sink_offsets",
    metadata,
    text("stream", primary_key=True),
    sa.Column("next_offset", sa.BigInteger, nullable=False),
    time("updated_at", nullable=False),
)

dead_letters = sa.Table(
    "dead_letters",
    metadata,
    text("stream", primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("raw", sa.LargeBinary, nullable=False),
    sa.Column("key", sa.LargeBinary),
    json("headers", nullable=False, server_default="[]"),
    time("record_timestamp"),
    text("stage", nullable=False),
    text("error_class", nullable=False, server_default=""),
    text("sqlstate"),
    text("reason", nullable=False),
    text("event_id"),
    text("disposition", nullable=False, server_default="poison"),
    number("attempts", nullable=False, server_default="1"),
    number("replays", nullable=False, server_default="0"),
    time("first_failed_at", nullable=False),
    time("failed_at", nullable=False),
    time("published_at"),
    text("status", nullable=False, server_default="open"),
    time("resolved_at"),
    text("resolved_by"),
    text("resolution_note"),
    time("created_at", nullable=False),
    one_of("stage", "decode", "validate", "store"),
    one_of("disposition", "poison", "oversize", "manual"),
    one_of("status", "open", "replayed", "discarded"),
    sa.Index(None, "status", "created_at"),
)

#: Numbered events that were removed for their age, so that nobody takes them for lost.
pruned_events = sa.Table(
    "pruned_events",
    metadata,
    text("source", primary_key=True),
    sa.Column("events", sa.BigInteger, nullable=False),
    text("first_sequence", nullable=False),
    text("last_sequence", nullable=False),
    time("pruned_at", nullable=False),
)
