"""Sends the server of serve_encoder.py sentences, and holds every answer against eager PyTorch's.

    python examples/serve/load_test.py --requests 10000

Kill a replica meanwhile: `pkill -9 -o -f ServeReplica`. Its requests are sent again, and Ray starts another one.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # for testing

from testing import sentence_encoder
from testing.inference_load import Question, send

WORDS = "the a quick river stone over under light music opens train slowly garden comet bright night".split()


@click.command()
@click.option("--requests", default=1000, show_default=True)
@click.option("--at-once", default=32, show_default=True)
@click.option("--url", default="http://127.0.0.1:8000", show_default=True)
def main(requests: int, at_once: int, url: str) -> None:
    model, tokens_of = sentence_encoder.load()
    asked = []
    with torch.inference_mode():
        for count in range(3, 29):
            ids, mask = tokens_of([" ".join(WORDS[(count + i * i) % len(WORDS)] for i in range(count))])
            asked.append(Question.of("encoder", {"input_ids": ids, "attention_mask": mask}, model(ids, mask)))
    load = send(f"{url}/v2/models/encoder/infer", asked, requests, at_once=at_once)
    print(f"{load.per_second:.0f} requests per second, {load.tried_again} sent again")
    print(", ".join(f"p{percent} {load.percentile(percent):.0f} ms" for percent in (50, 95, 99)))
    print(f"{len(load.lost)} lost, {len(load.wrong)} wrong")
    sys.exit(bool(load.lost or load.wrong))


if __name__ == "__main__":
    main()
