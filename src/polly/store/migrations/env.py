"""Run by Alembic: migrates the database of the connection that the caller put into the configuration."""

from alembic import context

from polly.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # Another program's table of the same name may be visible further down the search path.
    version_table_schema=context.config.attributes["schema"],
)
with context.begin_transaction():
    context.run_migrations()
