"""The program that measures one batch: job.json in its folder is what to do, results.jsonl the answers.

An answer is one line, written as soon as it is known, so that what ends the program costs only what was
not measured yet. A source can make a parser of C or Rust end the whole program: that is this one, not Polly.
"""

import sys
from pathlib import Path

import msgspec

from polly.intelligence.batch import Batch, measure

JOB = "job.json"
RESULTS = "results.jsonl"
#: of its folder, where the tools find their files
PREPARED = "prepared"


def main(folder: Path) -> int:
    """Measure; 0 when all is written."""
    batch = msgspec.json.decode((folder / JOB).read_bytes(), type=Batch)
    (folder / PREPARED).mkdir()
    with (folder / RESULTS).open("wb", buffering=0) as results:
        for measured in measure(batch, folder / PREPARED):
            results.write(msgspec.json.encode(measured) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
