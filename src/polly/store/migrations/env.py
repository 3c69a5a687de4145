"""Run by Alembic: migrates the database of the connection that the caller put into the configuration."""

from alembic import context

from polly.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
