"""Brings home the events that hooks had to write elsewhere, because the user's spool could not be written."""

import os
import shutil
import sys
from pathlib import Path

from polly.sink.places import is_ours, other_folders, spool_folder
from polly.sink.spool import lock_path, producer_is_alive, spool_files


def bring_home(spool: Path) -> None:
    """Moves complete files of this user from the other folders into the spool; nothing for other spools.

    A process that is killed in between leaves a copy: the store takes each event once. What cannot be moved
    now is left for the next time.
    """
    home = spool_folder(os.environ, sys.platform)
    if home is None or spool != Path(home):
        return
    for folder in other_folders(os.environ, str(Path.cwd())):
        if is_ours(folder):
            for path in spool_files(Path(folder)):
                _bring(path, spool)


def _bring(path: Path, spool: Path) -> None:
    try:
        if path.is_symlink() or producer_is_alive(path.parent, path.stem):
            return
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = spool / f"{path.name}.new"
        shutil.copyfile(path, aside)
        aside.chmod(0o600)
        aside.replace(spool / path.name)
        path.unlink()
        lock_path(path.parent, path.stem).unlink(missing_ok=True)
    except OSError:  # the disk that did not take the events before may still be full
        return
