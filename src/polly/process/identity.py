"""Is the process with this id still the one that was meant? Ids are used again, start times are not."""
# ruff: noqa: PTH123
# pathlib would add more to the start of every program than all else here together

import os
import sys


def start_identity(pid: int) -> str | None:
    """When the process started, as text to compare; None when it does not run (a zombie does not)."""
    if pid <= 0:
        return None
    if sys.platform == "linux":
        return _linux(pid)
    elif sys.platform == "win32":  # noqa: RET505 - a type checker follows branches of one statement only
        return _windows(pid)
    else:
        return _ps(pid)


def _linux(pid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat, open("/proc/sys/kernel/random/boot_id") as boot:
            # The name, in parentheses, may hold anything; what follows is numbers.
            fields = stat.read().rpartition(b")")[2].split()
            return None if fields[0] in (b"Z", b"X") else f"{boot.read().strip()}:{int(fields[19])}"
    except (OSError, IndexError, ValueError):
        return None


def _ps(pid: int) -> str | None:
    import subprocess  # noqa: PLC0415 - slow to import, and Linux does without it

    listed = subprocess.run(
        ("ps", "-o", "stat=,lstart=", "-p", str(pid)),
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath, "LC_ALL": "C"},
    )
    status, _, started = listed.stdout.strip().partition(" ")
    return None if not started or status.startswith("Z") else started.strip()


if sys.platform == "win32":

    def _windows(pid: int) -> str | None:
        import ctypes  # noqa: PLC0415 - only where it is needed
        from ctypes import wintypes  # noqa: PLC0415

        query_limited_information, still_active = 0x1000, 259
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        handle = kernel.OpenProcess(query_limited_information, False, pid)
        if not handle:
            return None
        try:
            times = [wintypes.FILETIME() for _ in range(4)]
            code = wintypes.DWORD()
            known = kernel.GetProcessTimes(wintypes.HANDLE(handle), *(ctypes.byref(each) for each in times))
            kernel.GetExitCodeProcess(wintypes.HANDLE(handle), ctypes.byref(code))
            if not known or code.value != still_active:
                return None
            return str(times[0].dwHighDateTime << 32 | times[0].dwLowDateTime)
        finally:
            kernel.CloseHandle(wintypes.HANDLE(handle))
