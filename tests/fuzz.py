"""Runs random programs on engines and holds them against eager PyTorch: `python -m tests.fuzz --help`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

# Programs are small, and their processes are many.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.support.batches import judged
from tests.support.oracle import ENGINES, FAULTS, SLOW_ENGINES, VERDICTS, Finding
from tests.support.reduction import reduced


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    slow = ", ".join(SLOW_ENGINES)
    names = f"{', '.join(ENGINES)}, all (of these, the default) or {slow}, which takes seconds for each program"
    parser.add_argument("--engine", default="all", help=names)
    parser.add_argument("--count", type=int, default=1000, help="programs per engine")
    parser.add_argument("--seed", type=int, default=None, help="of the first program; new ones each time by default")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--show", default=",".join(FAULTS), help=f"verdicts to print: some of {', '.join(VERDICTS)}")
    parser.add_argument("--json", type=Path, help="where all findings go, one a line")
    parser.add_argument("--reduce", action="store_true", help="print what is left of a program that shows the fault")
    args = parser.parse_args()

    engines = ENGINES if args.engine == "all" else tuple(args.engine.split(","))
    known = (*ENGINES, *SLOW_ENGINES)
    if unknown := [engine for engine in engines if engine not in known]:
        parser.error(f"there is no engine {', '.join(unknown)}; choose some of {', '.join(known)}")
    first = time.time_ns() // 1_000_000 % 1_000_000_000 if args.seed is None else args.seed
    seeds = range(first, first + args.count)
    print(f"programs {first} to {seeds[-1]} on {', '.join(engines)}", flush=True)
    counts: Counter[tuple[str, str]] = Counter()
    log = args.json.open("w") if args.json else None
    for finding in judged(dict.fromkeys(engines, seeds), args.jobs):
        counts[finding.engine, finding.verdict] += 1
        if log:
            print(json.dumps(finding.as_dict()), file=log, flush=True)
        if finding.verdict in args.show.split(","):
            print(in_words(reduced(finding) if args.reduce else finding), flush=True)
    print(table(counts, engines))
    return int(any(counts[engine, verdict] for engine in engines for verdict in FAULTS))


def in_words(finding: Finding) -> str:
    again = f"make fuzz ENGINE={finding.engine} SEED={finding.seed} COUNT=1"
    return f"\n{finding.verdict} on {finding.engine}: {finding.reason}\n{finding.text}\nagain: {again}"


def table(counts: Counter[tuple[str, str]], engines: tuple[str, ...]) -> str:
    rows = [["", *VERDICTS], *([engine, *(str(counts[engine, v]) for v in VERDICTS)] for engine in engines)]
    return "\n" + "\n".join("".join(cell.rjust(12) for cell in row) for row in rows)


if __name__ == "__main__":
    sys.exit(main())
