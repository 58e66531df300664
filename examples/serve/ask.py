"""Asks a server for the embeddings of sentences with KServe's client, and ranks them by how near a question they are.

python examples/serve/ask.py "How do I fix my internet connection?"
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # for testing

from testing import sentence_encoder

SENTENCES = [
    "The museum stays open until nine on Thursdays.",
    "If the router's light blinks red, hold the reset button for ten seconds and wait for it to restart.",
    "Water the seedlings every morning, but never in full sun.",
    "A comet will be visible without a telescope low in the western sky this week.",
]


async def embeddings(url: str, sentences: list[str]) -> np.ndarray:
    _, tokens_of = sentence_encoder.load()
    given = []
    for name, tensor in zip(("input_ids", "attention_mask"), tokens_of(sentences)):
        entry = InferInput(name, list(tensor.shape), "INT64")
        entry.set_data_from_numpy(tensor.numpy())
        given.append(entry)
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    request = InferRequest("encoder", given, parameters={"binary_data_output": True})
    answer = await client.infer(url, request, model_name="encoder")
    return answer.outputs[0].as_numpy()


def main() -> None:
    questions = sys.argv[1:] or ["How do I fix my internet connection?"]
    found = asyncio.run(embeddings("http://127.0.0.1:8000", [*questions, *SENTENCES]))
    asked, known = found[: len(questions)], found[len(questions) :]
    for question, scores in zip(questions, asked @ known.T):
        print(question)
        for i in np.argsort(-scores)[:2]:
            print(f"  {scores[i]:.2f}  {SENTENCES[i]}")


if __name__ == "__main__":
    main()
