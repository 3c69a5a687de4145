"""Draws docs/demo.svg from a real `polly demo` in a pseudo-terminal. Run: make picture (Linux, macOS)."""

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

WIDTH = 150
PICTURE = Path(__file__).with_name("demo.svg")
THEME = TerminalTheme(
    (24, 26, 31),
    (216, 218, 222),
    [(24, 26, 31), (224, 108, 117), (126, 192, 110), (222, 184, 100), (97, 160, 230), (190, 132, 220),
     (86, 182, 194), (216, 218, 222)],
)  # fmt: skip


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="polly-picture-") as folder:
        text = shown([sys.executable, "-m", "polly", "demo", f"{folder}/demo"], Path(folder))
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text.from_ansi("$ polly demo\n" + text), soft_wrap=False)
    # Pictures of this project load nothing from elsewhere.
    plain = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    svg = console.export_svg(title="polly demo", theme=THEME, code_format=plain, unique_id="demo")
    PICTURE.write_text(svg, encoding="utf-8")
    sys.stdout.write(f"{PICTURE}: {len(svg)} bytes\n")


def shown(command: list[str], home: Path) -> str:
    """What a person sees at the end: the output without rows that were drawn over."""
    main_end, side = pty.openpty()
    env = os.environ | {"COLUMNS": str(WIDTH), "POLLY_HOME": str(home / "home"), "TERM": "xterm-256color"}
    process = subprocess.Popen(command, stdout=side, stderr=side, stdin=side, env=env, cwd=home)
    os.close(side)
    said = b""
    try:
        while chunk := os.read(main_end, 65536):
            said += chunk
    except OSError:  # the other end is closed
        pass
    if process.wait():
        sys.exit(f"polly demo ended with {process.returncode}")
    text = said.decode("utf-8").replace("\r\n", "\n").replace(f"{home}/", "")
    # Live rows are drawn between hiding and showing the cursor, and taken away again.
    return re.sub(r"\x1b\[\?25l.*\x1b\[\?25h", "", text, flags=re.DOTALL)


if __name__ == "__main__":
    main()
