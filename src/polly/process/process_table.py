"""Which processes there are, and which of them belong to a job."""
# ruff: noqa: PTH123, PTH208
# pathlib would add more to the start of every program than all else here together

import os
import sys

#: Every process of a job carries this variable, so that it is found even when all its parents are gone.
MARK = "POLLY_JOB"

#: pid -> (parent's pid, process group); zombies are left out, for they do nothing and cannot be stopped.
Table = dict[int, tuple[int, int]]


def process_table() -> Table:
    """All live processes of the machine."""
    return _proc_table() if sys.platform == "linux" else _ps_table()


def marked(mark: str) -> set[int]:
    """The processes that were given this mark in their environment, as far as we may look."""
    entry = f"{MARK}={mark}"
    return _proc_marked(entry.encode()) if sys.platform == "linux" else _ps_marked(entry)


def descendants(table: Table, roots: set[int]) -> set[int]:
    """The children of the roots, their children, and so on; the roots themselves are not among them."""
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in table.items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        new = [pid for pid in children.get(waiting.pop(), ()) if pid not in found and pid not in roots]
        found.update(new)
        waiting.extend(new)
    return found


def _proc_table() -> Table:
    table: Table = {}
    for pid in _proc_pids():
        stat = _read(f"/proc/{pid}/stat")
        fields = stat.rpartition(b")")[2].split(None, 4)
        if len(fields) > 3 and fields[0] not in (b"Z", b"X"):
            table[pid] = (int(fields[1]), int(fields[2]))
    return table


def _proc_marked(entry: bytes) -> set[int]:
    return {pid for pid in _proc_pids() if entry in _read(f"/proc/{pid}/environ").split(b"\0")}


def _proc_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:  # it ended meanwhile, or it belongs to somebody else
        return b""


def _ps_table() -> Table:
    table: Table = {}
    for line in _ps("-axo", "pid=,ppid=,pgid=,stat="):
        pid, parent, group, status = line.split(None, 3)
        if not status.startswith("Z"):
            table[int(pid)] = (int(parent), int(group))
    return table


def _ps_marked(entry: str) -> set[int]:
    # The environment follows the command, separated by blanks: macOS with -E, others with the BSD "e".
    lines = (
        _ps("-axEwwo", "pid=,command=") if sys.platform == "darwin" else _ps("axeww", "-o", "pid=,command=")
    )
    return {int(line.split(None, 1)[0]) for line in lines if entry in line.split()}


def _ps(*options: str) -> list[str]:
    """The lines of ps, but for its own."""
    import subprocess  # noqa: PLC0415 - slow to import, and Linux does without it

    with subprocess.Popen(
        ("ps", *options), stdout=subprocess.PIPE, env={"PATH": os.defpath, "LC_ALL": "C"}
    ) as ps:
        listed = ps.communicate()[0].decode(errors="replace")
    own = str(ps.pid)
    return [line for line in listed.splitlines() if line.strip() and line.split(None, 1)[0] != own]
