"""C3: tests/test_client.py."""

import io
import unittest
from unittest import mock

from outcome import ROOT, expect


def _run() -> unittest.TestResult:
    suite = unittest.defaultTestLoader.discover(str(ROOT / "tests"), pattern="test_client.py")
    return unittest.TextTestRunner(stream=io.StringIO(), warnings="ignore").run(suite)


def c3() -> None:
    """the client's tests pass, and fail for a client that does not close"""
    from observability.client import ActivityClient

    result = _run()
    broken = [text.strip().splitlines()[-1] for _, text in (*result.errors, *result.failures)]
    expect(not broken, f"{len(broken)} of {result.testsRun} tests of the client fail: {'; '.join(broken)}")
    expect(result.testsRun >= 3 and not result.skipped, f"{result.testsRun} tests of the client are left")
    with mock.patch.object(ActivityClient, "close", lambda self: None):
        expect(not _run().wasSuccessful(), "the tests pass for a client whose close() does nothing")
