"""Models by name: `timm:resnet18`, and `hf:folder` of what transformers has saved. Nothing is downloaded."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path
from typing import Any

import click
import torch
from torch import nn

from tracejet.frontend.input import Input


def of_timm(name: str) -> nn.Module:
    """A model of timm with random weights; `timm:local-dir:path` is one of a folder, with its own."""
    timm = _package("timm")
    is_saved = name.startswith("local-dir:")
    try:
        return timm.create_model(name, pretrained=is_saved).eval()
    except (RuntimeError, FileNotFoundError, OSError) as error:
        raise click.UsageError(f"timm has no model {name!r}: {error}") from error


def of_transformers(folder: str) -> nn.Module:
    """The model that `save_pretrained` wrote into `folder`, of the class that its configuration names; one that
    generates gives no cache of keys and values."""
    if not (Path(folder) / "config.json").is_file():
        raise click.UsageError(f"hf:{folder}: expected a folder with a config.json, as save_pretrained writes it")
    transformers = _package("transformers")
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    names = config.architectures or []
    kind = next((kind for name in names if (kind := getattr(transformers, name, None)) is not None), None)
    if kind is None:
        raise click.UsageError(f"hf:{folder}: transformers has no class {', '.join(names) or 'in its config.json'}")
    model: nn.Module = kind.from_pretrained(folder, local_files_only=True)
    if hasattr(config, "use_cache"):
        model.config.use_cache = False
    return model.eval()


def own_inputs(model: nn.Module) -> dict[str, Input]:
    """What a model of timm or transformers says itself that it takes, by the names of forward's parameters; one example
    of static shape. Empty where it doesn't say."""
    size = (getattr(model, "pretrained_cfg", None) or {}).get("input_size")
    if size is not None:
        return {"x": Input((1, *size))}
    examples: Any = getattr(model, "dummy_inputs", None)
    if not isinstance(examples, dict):
        return {}
    return {name: Input.from_tensor(value) for name, value in examples.items() if isinstance(value, torch.Tensor)}


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise click.UsageError(f"{name} isn't installed: pip install {name}") from None
    except RuntimeError as error:
        if not _is_raised_in("torchvision", error):
            raise
        raise click.UsageError(
            f"{name} can't be imported, as torchvision doesn't load beside this torch ({error}): install both from one "
            "index, both for CUDA or both for CPUs"
        ) from None


def _is_raised_in(package: str, error: BaseException | None) -> bool:
    """Whether it, or what led to it, went through code of a package."""
    if error is None:
        return False
    modules = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__))
    of_package = any(module.partition(".")[0] == package for module in modules)
    return of_package or _is_raised_in(package, error.__cause__)
