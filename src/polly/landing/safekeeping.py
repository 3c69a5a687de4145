"""Files kept in memory while git changes them, and put back when it fails."""

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from polly.errors import RepositoryError


class UntouchedError(RepositoryError):
    """Git looked first and changed no file."""


@contextmanager
def kept(root: Path, paths: Sequence[str]) -> Iterator[None]:
    """Puts the files back as they were if the block fails."""
    before_move = [(root / path, _read(root / path)) for path in paths]
    folders = {folder for file, _ in before_move for folder in file.parents if folder.is_relative_to(root)}
    new_folders = sorted((folder for folder in folders if not folder.exists()), reverse=True)
    try:
        yield
    except UntouchedError:
        raise
    except BaseException:
        for file, content in before_move:
            _put_back(file, content)
        for folder in new_folders:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


@dataclass(frozen=True, kw_only=True)
class _Content:
    data: bytes
    mode: int
    modified_at_ns: int


def _read(file: Path) -> _Content | Path | None:
    try:
        status = file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(status.st_mode):
        return file.readlink()
    return _Content(data=file.read_bytes(), mode=status.st_mode, modified_at_ns=status.st_mtime_ns)


def _put_back(file: Path, content: _Content | Path | None) -> None:
    if _read(file) == content:
        return
    file.unlink(missing_ok=True)
    if content is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, Path):
        file.symlink_to(content)
        return
    file.write_bytes(content.data)
    file.chmod(stat.S_IMODE(content.mode))
    os.utime(file, ns=(content.modified_at_ns, content.modified_at_ns))
