"""One spool file that many processes append to, each for a moment: the hooks of one session.

Beside the files of processes (`<producer>.jsonl`) the spool has those of sessions, `<uuid>.<key>.jsonl`:
`<key>` stands for the session. `<key>.session` names the one that is open. Whoever holds its lock may append
to that file, or close it by taking the name away. A closed file never grows again, so that it can be read to
its end and deleted; the next event of the session begins a new file, which is a new producer.

The number of an event is one more than that of the last line, read under the lock, so that a process that is
killed at any moment leaves neither a gap nor a number twice.

Standard library only, and as little of it as possible: hooks import this.
"""

import os
import time

TYPE_CHECKING = False  # the name is what type checkers know; `typing` would be slow to load
if TYPE_CHECKING:
    from types import TracebackType

#: All files of a spool together. When nobody drains it, the disk of the user must not be what stops it.
MAX_SPOOL_BYTES = 1024 * 1024 * 1024
#: A session that goes on begins a new file here.
MAX_FILE_BYTES = 16 * 1024 * 1024
#: A file to which nothing came for so long is closed by the next drain or relay.
QUIET_SECONDS = 60.0
#: A session that is asked for again after this time is a new one to the spool.
_FORGET_SECONDS = 7 * 24 * 3600.0
#: How often the size of the whole spool is looked at: when a file has grown by this.
_LOOK_BYTES = 1024 * 1024
#: Marks that a session keeps; the oldest go first.
_MOST_MARKS = 400

SPOOL_SUFFIX = ".jsonl"
_STATE_SUFFIX = ".session"
#: Digits of `sequence`, so that numbers sort as text.
SEQUENCE_DIGITS = 12
_TAIL = b'"sequence":"%012d"}\n'
_TAIL_BYTES = len(_TAIL % 0)
_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
_POLL_SECONDS = 0.002


class SessionFile:
    """The open file of a session, locked for as long as the block lasts.

    Raises TimeoutError when others have held it for `wait_seconds`, OSError of the disk.

    marks: short texts without white space that the session remembers, the newest last.
    dropped: events of the session that a full spool did not take since the last one that was written.
    """

    def __init__(self, folder: str, session: str, *, wait_seconds: float = 2.0) -> None:
        self.marks: list[str] = []
        self.dropped = 0
        self._folder = folder
        self._key = key_of(session)
        self._wait_seconds = wait_seconds
        self._producer = ""
        self._kept = b""
        self._lock = -1

    def __enter__(self) -> "SessionFile":
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        self._lock = _locked(_state_path(self._folder, self._key), self._wait_seconds)
        self._read_state()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        try:
            self._write_state()
        finally:
            _release(self._lock)

    def append(self, events: list[bytes]) -> bool:
        """Writes the events at once; False when the spool is full.

        An event is a JSON object without its last brace; its source and number are added here.
        """
        file, size = self._open()
        try:
            if self._is_full(size, sum(map(len, events))):
                self.dropped += len(events)
                return False
            number, repair = _last_number(file, size)
            _write(file, repair + _numbered(events, self._producer, number + 1))
        finally:
            os.close(file)
        self.dropped = 0
        return True

    def close_file(self) -> None:
        """Nothing more comes for now: a reader may take the file to be complete."""
        self._producer = ""

    def _open(self) -> tuple[int, int]:
        """The file to append to, and its size."""
        if self._producer:
            try:
                file = os.open(self._path(), os.O_RDWR | os.O_APPEND | _FLAGS)
                size = os.fstat(file).st_size
                if size < MAX_FILE_BYTES:
                    return file, size
                os.close(file)
            except FileNotFoundError:
                pass
        self._producer = f"{new_id()}.{self._key}"
        file = os.open(self._path(), os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
        # Written before the first event: a file that nobody names would be taken to be complete.
        self._write_state()
        return file, 0

    def _path(self) -> str:
        return os.path.join(self._folder, self._producer + SPOOL_SUFFIX)

    def _is_full(self, size: int, more: int) -> bool:
        if size and not self.dropped and size // _LOOK_BYTES == (size + more) // _LOOK_BYTES:
            return False
        return spool_bytes(self._folder) + more > MAX_SPOOL_BYTES

    def _read_state(self) -> None:
        self._kept = os.read(self._lock, 64 * 1024)
        lines = self._kept.decode("utf-8", "replace").split("\n")
        if len(lines) > 2 and lines[1].isdigit():
            self._producer, self.dropped, self.marks = lines[0], int(lines[1]), lines[2].split()

    def _write_state(self) -> None:
        state = f"{self._producer}\n{self.dropped}\n{' '.join(self.marks[-_MOST_MARKS:])}\n".encode()
        if state != self._kept:
            os.lseek(self._lock, 0, os.SEEK_SET)
            os.write(self._lock, state)
            os.ftruncate(self._lock, len(state))
            self._kept = state


def write_alone(folder: str, events: list[bytes]) -> None:
    """Writes the events as a file of their own, for when a session's file cannot be had. Raises OSError."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    producer = new_id()
    path = os.path.join(folder, producer + SPOOL_SUFFIX)
    file = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
    try:
        _write(file, _numbered(events, producer, 1))
    finally:
        os.close(file)
    os.rename(path + ".new", path)


def is_of_a_session(producer: str) -> bool:
    """True for the producers of this module."""
    return "." in producer


def is_closed(folder: str, producer: str) -> bool:
    """True when nobody will append to this file of a session any more: it is closed when it was quiet."""
    state = _state_path(folder, producer.partition(".")[2])
    try:
        lock = _locked(state, 0.0, flags=0)
    except TimeoutError:
        return False
    except FileNotFoundError:
        return True  # a session that has an open file has this one
    try:
        if os.read(lock, 128).partition(b"\n")[0] != producer.encode():
            return True
        last = os.stat(os.path.join(folder, producer + SPOOL_SUFFIX)).st_mtime
        if abs(time.time() - last) < QUIET_SECONDS:
            return False
        os.lseek(lock, 0, os.SEEK_SET)
        rest = os.read(lock, 64 * 1024).partition(b"\n")[2]
        os.lseek(lock, 0, os.SEEK_SET)
        os.write(lock, b"\n" + rest)
        os.ftruncate(lock, len(rest) + 1)
    finally:
        _release(lock)
    return True


def forget_old_sessions(folder: str) -> None:
    """Takes away what is kept about sessions that have been over for a week. Raises OSError."""
    for entry in list(os.scandir(folder)):
        if not entry.name.endswith(_STATE_SUFFIX) or time.time() - entry.stat().st_mtime < _FORGET_SECONDS:
            continue
        try:
            lock = _locked(entry.path, 0.0, flags=0)
        except (TimeoutError, FileNotFoundError):
            continue
        try:
            if os.read(lock, 1) in (b"", b"\n"):
                os.unlink(entry.path)
        except PermissionError:  # Windows: somebody has it open
            pass
        finally:
            _release(lock)


def spool_bytes(folder: "str | os.PathLike[str]") -> int:
    """The size of all files of the spool together; 0 when there is none."""
    total = 0
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return 0
    for entry in entries:
        if entry.name.endswith(SPOOL_SUFFIX):
            try:
                total += entry.stat().st_size
            except FileNotFoundError:  # drained and deleted in between
                continue
    return total


def key_of(session: str) -> str:
    """What stands for a session in the names of files. Two sessions may share one, and so a file."""
    plain = "".join(each if each.isascii() and each.isalnum() else "-" for each in session[:64])
    return plain.lower().strip("-") or "session"


def new_id() -> str:
    """A UUID of version 7, made without the modules that its own would load."""
    return uuid_text((time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big"), 7)


def uuid_text(number: int, version: int) -> str:
    """The UUID of this version (RFC 9562) in which all other bits are those of the number."""
    digits = f"{number & ~(0xF << 76 | 0x3 << 62) | version << 76 | 0x2 << 62:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _numbered(events: list[bytes], producer: str, first: int) -> bytes:
    origin = _origin(producer)
    return b"".join(event + origin + _TAIL % number for number, event in enumerate(events, first))


def _origin(producer: str) -> bytes:
    host = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    plain = "".join(each if each.isascii() and (each.isalnum() or each in ".-") else "-" for each in host)
    name = producer.partition(".")[0]
    return f',"source":"urn:polly:{plain or "localhost"}:{name}",'.encode()


def _state_path(folder: str, key: str) -> str:
    return os.path.join(folder, key + _STATE_SUFFIX)


def _last_number(file: int, size: int) -> tuple[int, bytes]:
    """The number of the last event, and what must be written first after a write that was cut off."""
    if not size:
        return 0, b""
    os.lseek(file, max(0, size - _TAIL_BYTES), os.SEEK_SET)
    tail = os.read(file, _TAIL_BYTES)
    number = _number_in(tail)
    if number:
        return number, b""
    os.lseek(file, 0, os.SEEK_SET)
    whole = b""
    while chunk := os.read(file, _LOOK_BYTES):
        whole += chunk
    repair = b"" if whole.endswith(b"\n") else b"\n"
    # A last line that lacks only its end is an event, and has its number.
    lines = (whole + repair).splitlines(keepends=True)
    return max((_number_in(line[-_TAIL_BYTES:]) for line in lines), default=0), repair


def _number_in(tail: bytes) -> int:
    digits = tail[-15:-3]
    return int(digits) if digits.isdigit() and tail == _TAIL % int(digits) else 0


def _write(file: int, content: bytes) -> None:
    # What a full disk took of it stays: a drain may have read whole lines of it already.
    if os.write(file, content) != len(content):
        raise OSError("only a part of an event could be written")


def _locked(path: str, wait_seconds: float, flags: int = os.O_CREAT) -> int:
    """The file, opened and locked. Raises TimeoutError, OSError."""
    deadline = time.monotonic() + wait_seconds
    while True:
        file = os.open(path, os.O_RDWR | flags | _FLAGS, 0o600)
        try:
            _wait_for_lock(file, path, deadline)
            # After taking a lock, look again: whoever held it may have taken the file away.
            if os.fstat(file).st_nlink:
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _wait_for_lock(file: int, path: str, deadline: float) -> None:
    while not _try_lock(file):
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{path} is held by somebody else")
        time.sleep(_POLL_SECONDS)


def _try_lock(file: int) -> bool:
    try:
        import fcntl  # there is none on Windows
    except ImportError:
        import msvcrt  # there is one on Windows only

        try:
            # Far behind the content, so that the content can be read.
            os.lseek(file, 1 << 30, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _release(file: int) -> None:
    """Closing it is what releases it."""
    os.close(file)
