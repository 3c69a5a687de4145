"""Coverage-guided fuzzing of intake and of `polly check` with atheris: `make fuzz`.

Inputs that break something are written to the current folder; keep each as a small test.
"""

import importlib
import sys
from pathlib import Path

try:
    # By name: it is no dependency, and the type checker does not find it either.
    atheris = importlib.import_module("atheris")
except ImportError:
    sys.stderr.write("atheris is not installed here (not every system has a build); nothing was fuzzed.\n")
    sys.exit(0)

sys.path.insert(0, str(Path(__file__).parent))

with atheris.instrument_imports(include=["polly.intake", "polly.checking"]):
    seeds = importlib.import_module("seeds")
    target = importlib.import_module("target")

NAMES = sorted(seeds.encoded())


def one_input(data: bytes) -> None:
    """The first byte chooses the name, the rest is the document."""
    if data:
        name, document = NAMES[data[0] % len(NAMES)], data[1:]
        target.take(name, document)
        target.claim(name, document)


def main() -> None:
    """Fuzz with the options of libFuzzer, for instance -max_total_time=60 and a folder for the corpus."""
    folder = next((Path(each) for each in sys.argv[1:] if not each.startswith("-")), None)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for number, name in enumerate(NAMES):
            (folder / name).write_bytes(bytes([number]) + seeds.encoded()[name])
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
