"""The fixture of the scripted model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.model.scripted_model import ScriptedModel, running


@pytest.fixture
def model(tmp_path: Path) -> Iterator[ScriptedModel]:
    """A scripted model of this test alone, on 127.0.0.1."""
    with running(tmp_path / "model") as scripted:
        yield scripted
