"""Settings, names and lives of engines written in Python."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch.fx import GraphModule, Node

import tracejet
from tests.support.lambda_module import batch
from tests.support.python_engines import Adder, Everything, Sum, registered


def test_settings_reach_the_engine_and_are_refused_by_it() -> None:
    seen = []

    class Picky(Everything):
        def check_settings(self, settings: tracejet.CompileSettings) -> None:
            if settings.precision != torch.float32:
                raise tracejet.InvalidInput("everything is computed in float32")

        def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
            seen.append((settings.engine, settings.precision, settings.threads, settings.cache_dir))
            return program

    with registered(Picky()):
        tracejet.compile(Sum(), arg_inputs=[batch(8)], engine="everything", threads=3, cache_dir="somewhere")
        assert seen == [("everything", torch.float32, 3, "somewhere")]
        with pytest.raises(tracejet.InvalidInput, match="is computed in float32"):
            tracejet.compile(Sum(), arg_inputs=[batch(8)], engine="everything", precision=torch.float16)


@pytest.mark.usefixtures("adder")
def test_by_default_an_engine_takes_no_settings() -> None:
    for settings in ({"precision": torch.float16}, {"threads": 2}):
        with pytest.raises(tracejet.InvalidInput, match="but adder"):
            tracejet.compile(Sum(), arg_inputs=[batch(8)], engine="adder", **settings)


def test_settings_that_aten_cant_honour_are_errors() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        tracejet.compile(Sum(), arg_inputs=[batch(8)], engine="aten", threads=2)
        with pytest.raises(tracejet.InvalidInput, match=r"threads is 1, .* 2: set their number with torch.set_num"):
            tracejet.compile(Sum(), arg_inputs=[batch(8)], engine="aten", threads=1)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.usefixtures("adder")
def test_names_are_unique_and_known() -> None:
    assert list(tracejet.engines()) == ["openvino", "aten", "inductor", "adder"]
    assert tracejet.engines()["adder"] == "adder 1"
    assert torch.__version__.split("+")[0] in tracejet.engines()["aten"]
    with pytest.raises(tracejet.InvalidInput, match='there is an engine "adder" already'):
        tracejet.register_engine(Adder())
    with pytest.raises(tracejet.InvalidInput, match='no engine "abacus": choose openvino, aten, inductor or adder'):
        tracejet.compile(Sum(), arg_inputs=[batch(8)], engine="abacus")
    with pytest.raises(tracejet.InvalidInput, match='no engine "abacus"'):
        tracejet.unregister_engine("abacus")
    with pytest.raises(tracejet.InvalidInput, match='"aten" comes with tracejet'):
        tracejet.unregister_engine("aten")


def test_only_engines_are_registered() -> None:
    class Nameless(Adder):
        name = ""

    class Numbered(Adder):
        name = 7  # type: ignore[assignment]

    for wrong in (object(), Adder, Nameless(), Numbered()):
        with pytest.raises(tracejet.InvalidInput):
            tracejet.register_engine(wrong)  # type: ignore[arg-type]
    assert list(tracejet.engines()) == ["openvino", "aten", "inductor"]


def test_answers_that_make_no_sense_are_errors() -> None:
    class Foreign(Adder):
        def find_unsupported(self, program: GraphModule) -> Mapping[Node, str]:
            return {Node(torch.fx.Graph(), "x", "placeholder", "x", (), {}): "is of another graph"}

    class Uncallable(Adder):
        def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
            return None  # type: ignore[return-value]

    for engine, message in ((Foreign(), "nodes of the program's own graph"), (Uncallable(), "has to give a function")):
        with registered(engine), pytest.raises(tracejet.InvalidInput, match=message):
            tracejet.compile(Sum(), arg_inputs=[batch(8)], engine="adder")


def test_a_program_for_another_device_is_refused() -> None:
    class OnGpu(Adder):
        def runs_on(self, device: torch.device) -> bool:
            return device.type == "cuda"

    with registered(OnGpu()), pytest.raises(tracejet.InvalidInput, match="bias: it is on cpu .* runs on CUDA: trace"):
        tracejet.compile(Sum(), arg_inputs=[batch(8)], engine="adder")


def test_several_threads_compile_and_run_at_once() -> None:
    model = Sum()
    together = threading.Barrier(2, timeout=60)

    class Meeting(Adder):
        def compile(self, program: GraphModule, settings: tracejet.CompileSettings) -> Callable[..., Any]:
            def run(*inputs: torch.Tensor) -> Any:
                together.wait()  # would never end if one call kept the other out
                return program(*inputs)

            return run

    def work(rows: int) -> bool:
        program = tracejet.trace(model, arg_inputs=[batch(8)])
        x = torch.randn(rows, 8)
        return torch.equal(tracejet.compile(program, engine="adder")(x), model(x))

    with registered(Meeting()), ThreadPoolExecutor(2) as pool:
        assert all(pool.map(work, [1, 2, 3, 4, 5, 6]))


def test_of_several_threads_one_registers_a_name() -> None:
    def try_to_register(_: int) -> bool:
        try:
            tracejet.register_engine(Adder())
        except tracejet.InvalidInput:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_to_register, range(32))) == 1
    tracejet.unregister_engine("adder")


def test_what_is_compiled_outlives_its_engine_and_nothing_else_does() -> None:
    engine = Adder()
    gone = weakref.ref(engine)
    with registered(engine):
        compiled = tracejet.compile(Sum(), arg_inputs=[batch(8)], engine="adder")
    del engine
    assert compiled(torch.ones(2, 8)).shape == (2, 8)
    del compiled
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("kept_in", ["sys.modules['__main__']", "builtins", "engine"])
def test_a_process_ends_with_engines_registered_and_programs_at_hand(kept_in: str) -> None:
    code = f"""
        import atexit, builtins, sys
        import torch, tracejet
        from tests.support.python_engines import Adder, Sum
        from tests.support.lambda_module import batch

        engine = Adder()
        tracejet.register_engine(engine)
        compiled = tracejet.compile(Sum(), arg_inputs=[batch(8)], engine="adder")
        {kept_in}.compiled_program = compiled
        atexit.register(lambda: print(compiled(torch.ones(2, 8)).shape))
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (0, "torch.Size([2, 8])\n"), ended.stderr


def test_the_command_line_lists_engines() -> None:
    ended = subprocess.run([sys.executable, "-m", "tracejet", "engines"], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert [line.split(":")[0] for line in ended.stdout.splitlines()] == ["openvino", "aten", "inductor"]
