"""How much a folder grew, asked often enough to stop a program in time, and not more often."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False  # as typing has it, without the time that importing typing takes
if TYPE_CHECKING:
    from collections.abc import Iterator

#: seconds between two looks at the free space of the disk, which costs nothing
LOOK_SECONDS = 0.25
#: a walk over the folder may take at most this share of the time
WALK_SHARE = 0.05
#: files looked at between two reads of the program's output
WALK_STEP = 1000


class DiskWatch:
    """Measures against what the folder holds now; `limit_bytes` None means that nothing is measured."""

    def __init__(self, folder: str, limit_bytes: int | None, reserve_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._reserve = reserve_bytes
        self._before = 0 if limit_bytes is None else sum(_sizes(folder))
        self._free_at_walk = _free_bytes(folder)
        self._walk: Iterator[int] | None = None
        self._walked = 0
        self._walk_seconds = 0.0
        self._grown = 0
        now = time.monotonic()
        self._next_look = now + LOOK_SECONDS
        self._next_walk = now + 1.0

    def wait_seconds(self, now: float) -> float:
        """How long nothing needs to be asked."""
        if self._limit is None:
            return 3600.0
        return 0.0 if self._walk else max(0.0, self._next_look - now)

    def problem(self, now: float) -> str:
        """Why the program must stop, or ""."""
        if self._limit is None:
            return ""
        if self._walk is not None:
            return self._go_on_walking(self._walk)
        if now < self._next_look:
            return ""
        self._next_look = now + LOOK_SECONDS
        free = _free_bytes(self._folder)
        if free is not None and free < self._reserve:
            return f"only {_megabytes(free)} are left on the disk"
        if now >= self._next_walk or self._may_be_over(free):
            self._walk, self._walked, self._walk_seconds = iter(_sizes(self._folder)), 0, 0.0
        return ""

    def _may_be_over(self, free: int | None) -> bool:
        """The disk lost so much since the last walk that the limit may be passed already."""
        if self._limit is None or free is None or self._free_at_walk is None:
            return False
        return self._free_at_walk - free > (self._limit - self._grown) / 2

    def _go_on_walking(self, walk: Iterator[int]) -> str:
        started = time.monotonic()
        done = True
        for count, size in enumerate(walk, 1):
            self._walked += size
            if count == WALK_STEP:
                done = False
                break
        self._walk_seconds += time.monotonic() - started
        if not done:
            return ""
        self._walk = None
        self._grown = self._walked - self._before
        self._free_at_walk = _free_bytes(self._folder)
        self._next_walk = time.monotonic() + max(1.0, self._walk_seconds / WALK_SHARE)
        if self._limit is not None and self._grown > self._limit:
            return (
                f"the working folder grew by {_megabytes(self._grown)}, {_megabytes(self._limit)} are allowed"
            )
        return ""


def _sizes(folder: str) -> Iterator[int]:
    """What each file and folder takes on the disk; a file with several names counts once."""
    seen: set[tuple[int, int]] = set()
    folders = [folder]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    yield _size(entry, seen)
        except OSError:  # gone meanwhile, or closed to us
            continue


def _size(entry: os.DirEntry[str], seen: set[tuple[int, int]]) -> int:
    try:
        info = entry.stat(follow_symlinks=False)
    except OSError:
        return 0
    if info.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
        if (info.st_dev, info.st_ino) in seen:
            return 0
        seen.add((info.st_dev, info.st_ino))
    blocks: int | None = getattr(info, "st_blocks", None)
    return info.st_size if blocks is None else blocks * 512


def _free_bytes(folder: str) -> int | None:
    try:
        if hasattr(os, "statvfs"):
            disk = os.statvfs(folder)
            return disk.f_bavail * disk.f_frsize
        import shutil  # noqa: PLC0415 - only where the cheaper call does not exist

        return shutil.disk_usage(folder).free
    except OSError:  # the folder is gone: nothing grows in it
        return None


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"
