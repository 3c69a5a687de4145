"""What the database derives by itself: views, and functions where the database can keep them.

A revision that changes any of them drops those of the one before and creates its own. Nothing is replaced:
a view that is replaced cannot lose or rename a column.
"""

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa


class View(NamedTuple):
    """A view and its query in each dialect."""

    name: str
    postgresql: str
    sqlite: str

    def query(self, dialect: str) -> str:
        """The SELECT of the view."""
        return self.postgresql if dialect == "postgresql" else self.sqlite


class Function(NamedTuple):
    """A function of PostgreSQL: its name, its argument types, and what follows the argument list."""

    name: str
    arguments: str
    body: str


def create_derived(connection: sa.Connection, views: Iterable[View], functions: Iterable[Function]) -> None:
    """Creates all of them; those of the same name are dropped before."""
    views, functions = tuple(views), tuple(functions)
    drop_derived(connection, views, functions)
    for view in views:
        _run(connection, f"CREATE VIEW {view.name} AS\n{view.query(connection.dialect.name)}")
    for function in _kept_by(connection, functions):
        _run(connection, f"CREATE FUNCTION {function.name}({function.arguments})\n{function.body}")


def drop_derived(connection: sa.Connection, views: Iterable[View], functions: Iterable[Function]) -> None:
    """Drops those that are there."""
    for function in _kept_by(connection, functions):
        _run(connection, f"DROP FUNCTION IF EXISTS {function.name}")
    for view in reversed(tuple(views)):
        _run(connection, f"DROP VIEW IF EXISTS {view.name}")


def _kept_by(connection: sa.Connection, functions: Iterable[Function]) -> Iterable[Function]:
    return functions if connection.dialect.name == "postgresql" else ()


def _run(connection: sa.Connection, statement: str) -> None:
    # As it is: a colon or a per cent sign in it is no parameter.
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
