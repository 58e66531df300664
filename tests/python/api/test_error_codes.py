"""Every code of errors has a section in docs/errors.md with cause and fix, and is raised, with a message naming it."""

from __future__ import annotations

import pickle
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import fx, nn

import tracejet
from tests.support.lambda_module import Lambda
from tests.support.python_engines import Everything, registered
from tracejet import _C, DecompositionTable, ErrorCode, Input
from tracejet.frontend import symbolic_loops
from tracejet.torch_compile import graph_outputs

ROOT = Path(__file__).resolve().parents[3]
ROWS = Input(min_shape=(1, 8), opt_shape=(4, 8), max_shape=(16, 8), name="x")
X = torch.randn(4, 8)


def trace(function: Callable[..., Any], *inputs: Any, **options: Any) -> Any:
    return tracejet.trace(Lambda(function), arg_inputs=inputs or (ROWS,), **options)


def compiled(function: Callable[..., Any] = torch.relu, *inputs: Any, **settings: Any) -> Any:
    return tracejet.compile(Lambda(function), arg_inputs=inputs or (ROWS,), **settings)


def saved(folder: Path) -> Path:
    tracejet.save(trace(torch.relu), folder / "net.pt2")
    return folder / "net.pt2"


def nested(x: torch.Tensor) -> torch.Tensor:
    trace(torch.relu)
    return x


def positive(x: torch.Tensor) -> torch.Tensor:
    torch._check(x.sum().item() > 1e9)
    return x * 2


class Wrong(Everything):
    name = "wrong"

    def compile(self, program: Any, settings: Any) -> Any:
        return lambda *args: [torch.zeros(1, 2, 3)]


def run_wrong(_: Path) -> None:
    with registered(Wrong()):
        compiled(torch.relu, engine="wrong")(X)


def report_without_pygal(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pygal", None)
        tracejet.write_report(folder / "net.html", trace(torch.relu))


def folder_for_a_file(folder: Path) -> None:
    (folder / ".lock").mkdir()
    _C.clear_engine_cache(str(folder))


def writes_what_shares(_: Path) -> None:
    memory = torch.zeros(8)
    program = compiled(lambda x, y: (x.add_(1), y * 2)[1], torch.zeros(4), torch.ones(4), engine="aten")
    program(memory[:4], memory[2:6])


class NotTraced:
    pass


class Pair:
    """No container that PyTorch knows."""


def reads_a_pair(x: torch.Tensor) -> Any:
    return Pair()


def cond_of_unlike(x: torch.Tensor) -> torch.Tensor:
    return torch.cond(x.sum() > 0, lambda x: (x + 1,), lambda x: [x + 2], (x,))[0]


def writes_to_outside(x: torch.Tensor) -> torch.Tensor:
    total = x + 1

    def add(y: torch.Tensor) -> torch.Tensor:
        total.add_(1)
        return y * 1

    return torch.cond(x.sum() > 0, add, lambda y: y + 1, (x,))


def binds_what_it_reads(_: Path) -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        result = x + model.total
        model.total = x * 1
        return result

    model = Lambda(forward, total=torch.zeros(3))
    tracejet.trace(model, arg_inputs=[torch.ones(3)])


@torch.library.custom_op("tracejet_test_codes::unknown", mutates_args=())
def without_fake(x: torch.Tensor) -> torch.Tensor:
    return x.clone()


@torch.library.custom_op("tracejet_test_codes::says_yes", mutates_args=())
def says_yes(x: torch.Tensor) -> bool:
    return True


says_yes.register_fake(lambda x: True)


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count = self.count + 1
        return x * self.count


def reduces_to_one(x: torch.Tensor) -> torch.Tensor:
    y = x + 1
    dist.reduce(y, 0)
    return y


def communicate(folder: Path) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=0, world_size=1)
    try:
        trace(reduces_to_one)
    finally:
        dist.destroy_process_group()


def ask_for_a_gradient(_: Path) -> None:
    model = nn.Linear(8, 8).eval()
    torch.compile(model, backend="tracejet")(X).sum().backward()


def launch_a_kernel(x: torch.Tensor) -> torch.Tensor:
    from tests.python.capture.test_triton import launch_as_wrapped

    out = torch.empty_like(x)
    launch_as_wrapped(x, out)
    return out


def refit_another(_: Path) -> None:
    tracejet.refit_module_weights(compiled(nn.Linear(8, 4)), nn.Linear(8, 5), [ROWS])


def train_what_was_compiled(_: Path) -> None:
    model = nn.Linear(8, 4)
    program = compiled(model)
    with torch.no_grad():
        model.weight.add_(1)
    program(X)


def verified_wrongly(_: Path) -> None:
    tracejet.verify(trace(torch.relu), compiled(lambda x: x + 1)).raise_if_wrong()


#: What raises each code; it is given a folder of its own.
RAISED: dict[ErrorCode, Callable[[Path], Any]] = {
    ErrorCode.ERROR: lambda _: _raise(tracejet.Error("something else")),
    ErrorCode.UNREADABLE_FILE: lambda folder: tracejet.load(folder / "nowhere.pt2"),
    ErrorCode.UNWRITABLE_FILE: lambda folder: tracejet.save(trace(torch.relu), folder / "no" / "net.pt2"),
    ErrorCode.MISSING_PACKAGE: report_without_pygal,
    ErrorCode.ENGINE_FAILURE: run_wrong,
    ErrorCode.RUNTIME_ASSERTION: lambda _: compiled(positive, engine="aten")(X),
    ErrorCode.PYTORCH_REFUSAL: lambda _: trace(lambda x: x.sum() + torch.ones(2).item()),
    ErrorCode.FOREIGN_TRACE: lambda _: trace(nested),
    ErrorCode.SIZE_ARITHMETIC: lambda _: trace(lambda x: x * (x.shape[0] * 2**62 * 2)),
    ErrorCode.ENGINE_CACHE: folder_for_a_file,
    ErrorCode.INVALIDINPUT: lambda _: trace(cond_of_unlike),
    ErrorCode.INPUT_DECLARATION: lambda _: Input(min_shape=(2,), opt_shape=(1,), max_shape=(4,)),
    ErrorCode.DYNAMIC_SHAPES: lambda _: trace(torch.relu, X, dynamic_shapes={"y": None}),
    ErrorCode.MODEL_ARGUMENTS: lambda _: tracejet.trace(nn.ReLU(), arg_inputs=[]),
    ErrorCode.NOT_A_MODULE: lambda _: tracejet.trace(nn.ReLU, arg_inputs=[X]),  # type: ignore[arg-type]
    ErrorCode.UNSUPPORTED_ARGUMENT: lambda _: trace(torch.relu, NotTraced()),
    ErrorCode.PROGRAM_RESULT: lambda _: trace(reads_a_pair),
    ErrorCode.CALL_ARGUMENTS: lambda _: compiled()(X, X),
    ErrorCode.INPUT_MISMATCH: lambda _: compiled()(np.zeros((2, 8))),
    ErrorCode.GUARD_VIOLATION: lambda _: compiled()(torch.zeros(17, 8)),
    ErrorCode.SHARED_MEMORY: writes_what_shares,
    ErrorCode.INVALID_SETTING: lambda _: compiled(threads=-1),
    ErrorCode.ENGINE_SETTING: lambda _: compiled(engine="aten", optimization_level=3),
    ErrorCode.UNKNOWN_ENGINE: lambda _: compiled(engine="none of them"),
    ErrorCode.ENGINE_DEFINITION: lambda _: tracejet.register_engine(object()),  # type: ignore[arg-type]
    ErrorCode.DECOMPOSITION_TABLE: lambda _: DecompositionTable().expand("aten::nothing"),
    ErrorCode.VERIFY_INPUTS: lambda _: tracejet.verify(trace(torch.relu), compiled(), inputs=X),  # type: ignore[arg-type]
    ErrorCode.OTHER_PROGRAM: refit_another,
    ErrorCode.WEIGHTS_CHANGED: train_what_was_compiled,
    ErrorCode.DIVISION_BY_ZERO: lambda _: trace(lambda x: x * (x.shape[0] // 0)),
    ErrorCode.COMMAND_LINE: lambda _: _shape("x:1y3"),
    ErrorCode.MODEL_REPOSITORY: lambda folder: tracejet.save_model_repository(
        trace(torch.relu),
        folder,
        server="vllm",
        name="x",  # type: ignore[arg-type]
    ),
    ErrorCode.UNSUPPORTEDOPERATOR: lambda _: trace(lambda x: x * says_yes(x)),
    ErrorCode.ENGINE_REFUSAL: lambda _: compiled(lambda x: torch.fft.rfft(x).abs(), engine="openvino"),
    ErrorCode.PLAIN_NUMBER: lambda _: trace(lambda x: x * {4: 1.0}.get(x.shape[0], 2.0)),
    ErrorCode.FAKE_IMPLEMENTATION: lambda _: trace(without_fake),
    ErrorCode.TENSOR_LAYOUT: lambda _: trace(lambda x: x.to_sparse().to_dense()),
    ErrorCode.IN_PLACE_WRITE: lambda _: trace(lambda x: torch.zeros(1, 8).expand(3, 8).add_(1) + x.sum()),
    ErrorCode.MODEL_STATE: binds_what_it_reads,
    ErrorCode.CONTROL_FLOW: lambda _: trace(writes_to_outside),
    ErrorCode.SIZE_LOOP: lambda _: symbolic_loops._refuse_if(True, "writes to a file"),
    ErrorCode.TORCHSCRIPT: lambda _: tracejet.trace(torch.jit.script(Counting()), arg_inputs=[X]),
    ErrorCode.FILE_CONTENT: lambda folder: tracejet.save(trace(lambda x: torch.max(x, 1)), folder / "net.pt2"),
    ErrorCode.COLLECTIVE: communicate,
    ErrorCode.TRAINING: ask_for_a_gradient,
    ErrorCode.REPLACEMENT: lambda _: trace(
        nn.functional.silu, decompositions=DecompositionTable().replace(torch.ops.aten.silu, lambda x: "silu")
    ),
    ErrorCode.TRITON_KERNEL: lambda _: trace(launch_a_kernel),
    ErrorCode.RANDOM_GENERATOR: lambda _: trace(lambda x: x + torch.rand(8, generator=torch.Generator())),
    ErrorCode.RETURNED_VIEW: lambda _: graph_outputs._check_shows_all(fx.Graph().placeholder("x"), torch.zeros(8)[:4]),
    ErrorCode.SHAPEERROR: lambda _: trace(lambda x: x @ torch.ones(7, 4)),
    ErrorCode.DEVICE_MISMATCH: lambda _: trace(lambda x: x + torch.ones(8, device="meta")),
    ErrorCode.CONSTRAINTVIOLATION: lambda _: trace(lambda x: x + torch.ones(4, 8)),
    ErrorCode.DATADEPENDENT: lambda _: trace(lambda x: x * 2 if x.sum() > 0 else x - 1),
    ErrorCode.DATA_ACCESS: lambda _: trace(lambda x: x.numpy()),
    ErrorCode.VERIFICATIONERROR: verified_wrongly,
}
#: Only C++ can, of a graph that it has spoilt: the test that does.
RAISED_IN_CPP = {ErrorCode.INTERNAL_ERROR: "tests/cpp/ir/graph_verify_test.cpp"}


def _raise(error: Exception) -> None:
    raise error


def _shape(text: str) -> Any:
    from tracejet.command_line.shapes import read_shapes

    return read_shapes(text)


def sections() -> dict[str, str]:
    text = (ROOT / "docs/errors.md").read_text()
    return {heading.lower(): body for heading, body in re.findall(r"^##+ (\S+)\n(.*?)(?=^##|\Z)", text, re.M | re.S)}


@pytest.mark.parametrize("code", ErrorCode.__members__.values(), ids=ErrorCode.__members__)
def test_every_code_has_a_section_with_cause_and_fix(code: ErrorCode) -> None:
    section = sections()[code.anchor]
    assert "**Cause:**" in section and "**Fix:**" in section
    assert code.help == f"docs/errors.md#{code.anchor}"


@pytest.mark.parametrize("code", ErrorCode.__members__.values(), ids=ErrorCode.__members__)
def test_every_code_is_raised_and_named(code: ErrorCode, tmp_path: Path) -> None:
    if code in RAISED_IN_CPP:
        name = "".join(word.capitalize() for word in code.anchor.split("-"))
        assert f"ErrorCode::k{name}" in (ROOT / RAISED_IN_CPP[code]).read_text()
        return
    with pytest.raises(Exception) as caught:
        RAISED[code](tmp_path)
    error: BaseException | None = caught.value
    while error is not None and not isinstance(error, tracejet.Error):  # torch.compile wraps what its backend raises
        error = getattr(error, "inner_exception", None) or error.__cause__
    assert isinstance(error, tracejet.Error), repr(caught.value)
    assert error.code == code, f"{error.code}: {error}"
    assert str(error) == f"{error.message}\nSee {error.help}" and error.help == code.help
    assert "See docs/errors.md" not in error.message
    assert type(error) is getattr(tracejet, code.kind) or isinstance(error, TypeError)


def test_an_error_keeps_its_code_on_its_way() -> None:
    error = tracejet.InvalidInput("no", ErrorCode.ENGINE_SETTING)
    error.__cause__ = None
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.code, str(copy)) == (tracejet.InvalidInput, error.code, str(error))
    assert tracejet.InvalidInput("no").code == ErrorCode.INVALIDINPUT
    named = _C.error_named_in(f"RuntimeError: {error}\n  somewhere")
    assert isinstance(named, tracejet.InvalidInput) and named.code == ErrorCode.ENGINE_SETTING
    assert _C.error_named_in("no. See docs/errors.md#nothing") is None and _C.error_named_in("no") is None


def test_an_engines_own_error_keeps_its_words(tmp_path: Path) -> None:
    class Refusing(Everything):
        name = "refusing"

        def compile(self, program: Any, settings: Any) -> Any:
            raise tracejet.UnsupportedOperator("not today", ErrorCode.ENGINE_REFUSAL)

    with registered(Refusing()), pytest.warns(tracejet.BuildWarning, match="not today") as caught:
        compiled(torch.relu, engine=["refusing", "aten"], min_block_size=1)
    assert "See docs" not in str(caught[0].message)
