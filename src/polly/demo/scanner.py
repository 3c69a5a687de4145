"""What a real scanner says about the sample, as SARIF without a trace of the machine that it ran on.

`python -m polly.demo.scanner` writes findings.sarif again, from the project as it is in this checkout.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from polly.errors import ToolError

#: Each of these rules finds a fault that the review names too.
RULES = ("S108", "DTZ005", "DTZ006", "SLF001")


def find_scanner() -> tuple[str, ...] | None:
    """The command that starts ruff: the one installed with this Python, else the one on PATH, or None."""
    if importlib.util.find_spec("ruff") is not None:
        return (sys.executable, "-m", "ruff")
    found = shutil.which("ruff")
    return (found,) if found else None


def scan_command(scanner: tuple[str, ...], output: str) -> tuple[str, ...]:
    """The command that scans the current folder and writes SARIF to `output`."""
    # Isolated: no configuration of a folder above may change what is found.
    options = ("--isolated", "--no-cache", "--exit-zero", "--output-format", "sarif")
    return (*scanner, "check", *options, "--select", ",".join(RULES), "--output-file", output, ".")


def scan(scanner: tuple[str, ...], root: Path) -> str:
    """The scanner's SARIF about the project at `root`, with paths relative to it. Raises ToolError."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "findings.sarif"
        done = subprocess.run(
            scan_command(scanner, str(output)), cwd=root, capture_output=True, text=True, check=False
        )
        if done.returncode != 0 or not output.is_file():
            raise ToolError(
                f"ruff could not scan {root}: {done.stderr.strip()}", next_step="Install a newer ruff."
            )
        document = json.loads(output.read_text(encoding="utf-8"))
    for run in document["runs"]:
        for result in run["results"]:
            for location in result["locations"]:
                artifact = location["physicalLocation"]["artifactLocation"]
                artifact["uri"] = artifact["uri"].removeprefix(root.resolve().as_uri() + "/")
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    here = Path(__file__).parent
    ruff = find_scanner()
    if ruff is None:
        sys.exit("ruff is not installed")
    (here / "findings.sarif").write_text(scan(ruff, here / "project"), encoding="utf-8", newline="\n")
