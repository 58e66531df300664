"""`tracejet run`."""

from __future__ import annotations

import copy
from typing import Any

import click
import torch
from torch.utils import _pytree as pytree

from tracejet.api import compile as api
from tracejet.api.verify import verify
from tracejet.command_line.amount import Amount
from tracejet.command_line.inputs import InputOptions, input_options, program_of
from tracejet.command_line.model import load, model_argument
from tracejet.command_line.outcome import Status, json_option, working, writing
from tracejet.command_line.settings import compile_options, engine_option
from tracejet.command_line.values import arguments, load_inputs_option

#: The largest difference from eager that counts as rounding, relative to the largest element that was expected.
_TOLERANCE = {torch.float16: 1e-2, torch.bfloat16: 3e-2}
_TOLERANCE_OF_FLOAT = 1e-3


@click.command()
@model_argument
@engine_option
@click.option(
    "--size", type=click.Choice(["min", "opt", "max"]), default="opt", show_default=True, help="Of dynamic inputs."
)
@click.option("--seed", default=0, show_default=True, help="Of random inputs.")
@load_inputs_option
@click.option(
    "--save-outputs", type=click.Path(dir_okay=False), help="The file to write the outputs to, by torch.save."
)
@click.option("--compare", is_flag=True, help="Compares with eager, and says which call differs first.")
@click.option("--tolerance", type=Amount(), help="Which difference, relative to the largest element, is rounding.")
@json_option
@input_options
@compile_options
def run(
    model: str,
    engine: Any,
    size: str,
    seed: int,
    load_inputs: tuple[str, ...],
    save_outputs: str | None,
    compare: bool,
    tolerance: float | None,
    inputs: InputOptions,
    settings: dict[str, Any],
) -> tuple[Status, str, dict[str, Any]]:
    """Compiles MODEL and runs it once, on random inputs or those of a file.

    Exit status: 1 if --compare finds a difference.
    """
    loaded = load(model)
    program = program_of(loaded, inputs, is_run=True)
    with working("compiling"):
        compiled = api.compile(program, engine=engine, **settings)
    args, kwargs = arguments(program, size, inputs.shapes, seed, load_inputs)
    eager = loaded if isinstance(loaded, torch.nn.Module) else program.module()
    expected = None
    if compare:
        with working("running in eager"), torch.no_grad():
            expected = copy.deepcopy(eager)(*copy.deepcopy(args), **copy.deepcopy(kwargs))
    with working("running"), torch.no_grad():
        results = compiled(*copy.deepcopy(args), **copy.deepcopy(kwargs))
    if save_outputs is not None:
        with writing(save_outputs) as file:
            torch.save(results, file)
    outputs = [_described(path, value) for path, value in pytree.tree_flatten_with_path(results)[0]]
    found: dict[str, Any] = {"engine": engine or "auto", "outputs": outputs}
    if not compare:
        return Status.OK, _text(outputs), found
    precision = settings.get("precision", torch.float32)
    differences = _differences(results, expected, tolerance, precision)
    found["differences"] = differences
    found["equal"] = all(difference["equal"] for difference in differences)
    text = "\n".join([_text(outputs), *map(_difference_text, differences)])
    if found["equal"]:
        return Status.OK, f"{text}\nequal to eager", found
    with working("looking for the call that differs"):
        verification = verify(program, compiled, list(args) or None, kwarg_inputs=kwargs or None, sizes=[])
    found["verification"] = verification.to_json()
    return Status.NO, f"{text}\ndiffers from eager\n{verification}", found


def _described(path: Any, value: Any) -> dict[str, Any]:
    name = "output" + pytree.keystr(path)
    if not isinstance(value, torch.Tensor):
        return {"name": name, "value": value if isinstance(value, (bool, int, float, str)) else str(value)}
    found: dict[str, Any] = {"name": name, "dtype": str(value.dtype), "shape": list(value.shape)}
    if value.numel() and not value.is_complex():
        numbers = value.detach().double()
        found |= {"min": float(numbers.min()), "mean": float(numbers.mean()), "max": float(numbers.max())}
    return found


def _text(outputs: list[dict[str, Any]]) -> str:
    lines = []
    for output in outputs:
        if "dtype" not in output:
            lines.append(f"{output['name']}: {output['value']}")
            continue
        sizes = ", ".join(map(str, output["shape"]))
        values = (
            f": min {output['min']:.4g}, mean {output['mean']:.4g}, max {output['max']:.4g}" if "min" in output else ""
        )
        lines.append(f"{output['name']} {output['dtype'].removeprefix('torch.')}[{sizes}]{values}")
    return "\n".join(lines)


def _differences(results: Any, expected: Any, tolerance: float | None, precision: torch.dtype) -> list[dict[str, Any]]:
    ours, our_spec = pytree.tree_flatten_with_path(results)
    theirs, their_spec = pytree.tree_flatten(expected)
    if our_spec != their_spec:
        return [{"name": "output", "equal": False, "problem": f"a tree like {their_spec} was expected, got {our_spec}"}]
    return [
        _difference("output" + pytree.keystr(path), a, b, tolerance, precision)
        for (path, a), b in zip(ours, theirs, strict=True)
    ]


def _difference(name: str, a: Any, b: Any, tolerance: float | None, precision: torch.dtype) -> dict[str, Any]:
    if not isinstance(b, torch.Tensor):
        return {"name": name, "equal": a == b, "problem": "" if a == b else f"expected {b!r}, got {a!r}"}
    if not isinstance(a, torch.Tensor) or (a.dtype, a.shape) != (b.dtype, b.shape):
        return {"name": name, "equal": False, "problem": f"expected {b.dtype} {list(b.shape)}, got {a!r}"}
    if not b.is_floating_point() and not b.is_complex():
        return {"name": name, "equal": torch.equal(a, b), "problem": "" if torch.equal(a, b) else "integers differ"}
    if not torch.equal(a.isnan(), b.isnan()) or not torch.equal(a[b.isinf()], b[b.isinf()]):
        return {"name": name, "equal": False, "problem": "NaN or infinity is elsewhere"}
    finite = b.isfinite()
    largest = float(b[finite].abs().max()) if finite.any() else 0.0
    error = float((a[finite] - b[finite]).abs().max()) if finite.any() else 0.0
    allowed = tolerance
    if allowed is None:
        allowed = max(_TOLERANCE.get(dtype, _TOLERANCE_OF_FLOAT) for dtype in (b.dtype, precision))
    relative = error / largest if largest else error
    is_equal = relative <= allowed
    problem = "" if is_equal else f"the largest error is {relative:.2g} of the largest element"
    return {"name": name, "equal": is_equal, "absolute_error": error, "relative_error": relative, "problem": problem}


def _difference_text(difference: dict[str, Any]) -> str:
    if difference["problem"]:
        return f"{difference['name']}: {difference['problem']}"
    return f"{difference['name']}: largest error {difference.get('absolute_error', 0.0):.2g}"
