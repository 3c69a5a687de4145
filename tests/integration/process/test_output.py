"""The log: complete when it is short, bounded when it is long, without secrets, and never in the way."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polly.events.redaction import StreamRedactor
from polly.process import Job, run, small_environment, tail
from polly.process.output import BoundedLog, LastBytes, PlainStream
from polly.work.run import AttemptOutcome

MakeJob = Callable[..., Job]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its programs are those of POSIX")


def test_a_gigabyte_of_output_leaves_a_bounded_log_and_a_small_supervisor(
    job: MakeJob, tmp_path: Path
) -> None:
    watched: list[int] = []

    async def watch() -> None:
        running = asyncio.ensure_future(run(job("head -c 1000000000 /dev/zero", output_bytes=2_000_000)))
        while not running.done():
            await asyncio.sleep(0.01)
            watched.append(_peak_memory_kilobytes(tmp_path / "job"))
        report = await running
        assert (report.outcome, report.output_bytes) == (AttemptOutcome.FINISHED, 1_000_000_000)

    asyncio.run(watch())
    assert (tmp_path / "job" / "log.txt").stat().st_size < 2_200_000
    assert 0 < max(watched) < 60_000


def _peak_memory_kilobytes(folder: Path) -> int:
    try:
        pid = json.loads((folder / "started.json").read_text())["pid"]
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(peaks[0]) if peaks else 0


def test_a_long_log_keeps_its_first_and_its_last_lines_and_says_what_is_missing(
    job: MakeJob, tmp_path: Path
) -> None:
    report = asyncio.run(run(job("seq 1 100000", output_bytes=2000)))
    text = (tmp_path / "job" / "log.txt").read_text()
    head, note, end = text.partition("\n[polly: ")
    left_out = int(end.split()[0])
    last = end.partition("]\n")[2]
    assert note
    assert head.startswith("1\n2\n")
    assert last.endswith("99999\n100000\n")
    assert len(head) + left_out + len(last) == report.output_bytes
    assert all(line.isdigit() for line in (head + last).split())


def test_bytes_that_are_no_text_are_kept_as_they_are(job: MakeJob, tmp_path: Path) -> None:
    data = bytes(range(256)) * 10
    asyncio.run(run(job((sys.executable, "-c", f"import os; os.write(1, {data!r})"))))
    assert (tmp_path / "job" / "log.txt").read_bytes() == data


def test_both_streams_are_in_the_log_in_order(job: MakeJob, tmp_path: Path) -> None:
    asyncio.run(run(job("echo one; echo two >&2; echo three")))
    assert (tmp_path / "job" / "log.txt").read_text() == "one\ntwo\nthree\n"


def test_a_secret_never_reaches_the_log(job: MakeJob, tmp_path: Path) -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    half = len(token) // 2
    # Printed in two writes: it must be seen as one.
    line = f"printf 'token is {token[:half]}'; sleep 0.1; echo '{token[half:]} end'"
    asyncio.run(run(job(line, env={**small_environment(), "KEY": token})))
    text = (tmp_path / "job" / "log.txt").read_text()
    assert text.startswith("token is [redacted:github-token:")
    assert text.endswith(" end\n")
    kept = [file.read_text() for file in (tmp_path / "job").iterdir()]
    assert len(kept) > 3
    assert not any(token in each for each in kept)


def test_a_secret_at_the_edge_of_what_is_left_out_is_not_cut_into_something_harmless(tmp_path: Path) -> None:
    token = b"ghp_" + b"a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"

    class Recorder(PlainStream):
        fed = b""

        def feed(self, data: bytes) -> bytes:
            type(self).fed += data
            return data

    text = (b"x" * 20 + b" " + token + b"\n") * 10_000
    log = BoundedLog(str(tmp_path / "log"), 100_030, Recorder)
    for start in range(0, len(text), 777):
        log.write(text[start : start + 777])
    log.close()
    kept = (tmp_path / "log").read_bytes()
    assert len(kept) < 101_000
    pieces = [line for line in kept.split(b"\n") if line and not line.startswith(b"[polly: ")]
    assert all(line.endswith(token) for line in pieces)


def test_a_full_disk_does_not_stop_the_draining() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    log = BoundedLog("/dev/full", 1000, PlainStream)
    for _ in range(100):
        log.write(b"much\n" * 100)
    log.close()
    assert log.problem == "the log is not complete: No space left on device"
    assert log.total_bytes == 50_000


def test_the_end_of_a_stream_takes_little_memory_whatever_the_size_of_its_pieces() -> None:
    last = LastBytes(100_000)
    for number in range(200_000):
        last.append(b"%06d\n" % number)
    kept = last.take()
    assert 100_000 <= len(kept) <= 100_000 + 2 * 65_536 + 7
    assert kept.endswith(b"199998\n199999\n")
    assert last.take() == b""


def test_the_tail_is_whole_lines_without_control_sequences(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"first line\n\x1b[31mred\x1b[0m and \xff\x00\x07 odd\r\nlast\n")
    assert tail(log) == "first line\nred and � odd\nlast\n"
    assert tail(log, 6) == "last\n"
    assert tail(log, 3) == "st\n"
    assert tail(tmp_path / "missing") == ""


def test_the_tail_of_a_long_line_is_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 100 + b"end")
    assert tail(log, 5) == "xxend"


def test_the_log_counts_what_it_leaves_out_of_what_it_keeps_and_nothing_else(tmp_path: Path) -> None:
    key = b"ghp_" + b"a1B2" * 9
    path = tmp_path / "log.txt"
    log = BoundedLog(str(path), 2000, StreamRedactor)
    for line in (key, *(b"plain " * 20 + b"%d" % number for number in range(2000)), key):
        log.write(line + b"\n")
    log.close()
    assert path.read_bytes().count(b"[redacted:github-token:") == 2
    assert log.redactions == {"github-token": 2}
