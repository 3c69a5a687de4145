"""Input made to exhaust the memory or the patience: refused or read within a gigabyte."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

_MANY = 10 << 20
#: A gigabyte of zeros in one megabyte.
_BOMB = gzip.compress(bytes(16 << 20), mtime=0) * 64
_CHILD = """
import resource, sys
sys.path.insert(0, sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
import target
data = sys.stdin.buffer.read()
print("refused" if target.take(sys.argv[2], data) is None else "read")
target.claim(sys.argv[2], data)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of the memory of a process")
@pytest.mark.parametrize(
    ("name", "data", "outcome"),
    [
        ("x.md", b"a" * _MANY, "refused"),
        ("x.md", b"| a " * (_MANY // 4), "refused"),
        ("x.md", b"### C1. x\n**File**: `a.py:" + b"1," * (_MANY // 8) + b"1`\n", "read"),
        ("x.md", b"### C1. " + b"x" * _MANY + b"\n**File**: `a.py`\n", "read"),
        ("x.md", b"### C1. x\n**File**: `a.py:1`\n" * 9000, "read"),
        ("x.md", b"# x\n" * (_MANY // 4), "refused"),
        ("x.md", b"> " * (_MANY // 2), "refused"),
        ("x.md", "\u202e\x1b[2J".encode() * (_MANY // 7), "refused"),
        ("x.json", b"[" * _MANY, "refused"),
        ("x.json", b'{"a":' * (_MANY // 5), "refused"),
        ("x.json", b'{"version": "2.1.0", "runs": [{"results": [' + b"[" * _MANY, "refused"),
        ("x.json", b"1" * _MANY, "refused"),
        ("x.json", b'{"tasks": [{"id": "a", "title": "' + b"\\ud800" * (_MANY // 6) + b'"}]}', "read"),
        ("x.md.gz", _BOMB, "refused"),
        ("x.json.gz", gzip.compress(_BOMB, mtime=0), "refused"),
    ],
    ids=range(15),
)
def test_a_gigabyte_of_memory_is_enough_for_any_source(name: str, data: bytes, outcome: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(Path(__file__).parent), name],
        input=data,
        capture_output=True,
        check=False,
    )
    assert (done.stdout.decode().strip(), done.stderr.decode()[-2000:]) == (outcome, "")
