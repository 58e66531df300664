"""Serves a sentence encoder over the Open Inference Protocol: traced, compiled and saved here, run by Ray's replicas.

    python examples/serve/serve_encoder.py --replicas 2 --grpc-port 9000
    python examples/serve/ask.py "How do I fix my internet connection?"

`pip install 'tracejet[serve]'` has what it needs, beside the packages of the model.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # for testing

import tracejet
from testing import sentence_encoder
from tracejet import serve


@click.command()
@click.option("--replicas", default=2, show_default=True)
@click.option("--http-port", default=8000, show_default=True)
@click.option("--grpc-port", type=int)
def main(replicas: int, http_port: int, grpc_port: int | None) -> None:
    model, _ = sentence_encoder.load()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "encoder.pt2"
        # One thread per call: there is a replica for each core.
        tracejet.compile(model, arg_inputs=sentence_encoder.inputs(), threads=1).save(file)
        del model
        application = serve.application(
            file,
            name="encoder",
            pad={"input_ids": 0, "attention_mask": 0},  # the mask keeps padding out of every sum
            num_replicas=replicas,
        )
        serve.run(application, http_port=http_port, grpc_port=grpc_port, wait=True)


if __name__ == "__main__":
    main()
