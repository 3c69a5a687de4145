"""A router over the shipped roles; making one takes a moment."""

import pytest

from polly.routing.library import load_roles
from polly.routing.router import Router


@pytest.fixture(scope="session")
def router() -> Router:
    return Router(load_roles())
