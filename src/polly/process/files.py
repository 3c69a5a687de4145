"""Small files that another process reads: seen whole or not at all."""
# ruff: noqa: PTH105, PTH108, PTH123
# pathlib would add more to the start of every program than all else here together

import os


def write_whole(path: str, text: str) -> None:
    """Replace the file. A reader sees the old text or the new one."""
    aside = f"{path}.{os.getpid()}.new"
    _write(aside, text)
    os.replace(aside, path)


def write_first(path: str, text: str) -> bool:
    """Make the file, unless somebody was faster: False, and the file is theirs."""
    aside = f"{path}.{os.getpid()}.new"
    _write(aside, text)
    try:
        os.link(aside, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links: exclusive too, though not whole from the start
        return _write_exclusively(path, text)
    finally:
        os.unlink(aside)
    return True


def _write_exclusively(path: str, text: str) -> bool:
    try:
        _write(path, text, os.O_EXCL)
    except FileExistsError:
        return False
    return True


def _write(path: str, text: str, flags: int = os.O_TRUNC) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
