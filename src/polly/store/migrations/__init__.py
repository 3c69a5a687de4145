"""Alembic's home inside the package: `versions` in order, each with a way up and a way down."""
