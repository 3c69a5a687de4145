"""The sample, made once; each test that changes it works on a copy."""

import shutil
from pathlib import Path

import pytest

from polly.demo.sample import Sample, create_sample


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A sample that no test changes."""
    return create_sample(tmp_path_factory.mktemp("demo") / "sample")


@pytest.fixture
def service(sample: Sample, tmp_path: Path) -> Path:
    """A copy of the sample's repository."""
    return shutil.copytree(sample.root, tmp_path / "service")
