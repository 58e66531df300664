"""Input(profiles=...) and shapes that are named tuples."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import pytest
import torch

import tracejet
from testing.compare import assert_same_as_eager
from tests.support.lambda_module import Lambda
from tracejet import Input, InvalidInput

DECODE = {"min_shape": (1, 1), "opt_shape": (2, 1), "max_shape": (8, 1)}
PREFILL = {"min_shape": (1, 16), "opt_shape": (1, 64), "max_shape": (4, 128)}

Tokens = namedtuple("Tokens", "batch sequence")
Other = namedtuple("Other", "batch length")


def test_profiles_are_traced_for_all_of_them_together() -> None:
    x = Input(profiles=[DECODE, PREFILL])
    assert (x.min_shape, x.opt_shape, x.max_shape) == ((1, 1), (2, 1), (8, 128))
    assert x.profiles == [DECODE, PREFILL]
    assert x.is_dynamic
    program = assert_same_as_eager(Lambda(lambda x: x.softmax(-1) * x.shape[1]), [x])
    assert sorted((r.lower, r.upper) for r in program.range_constraints.values()) == [(1, 8), (1, 128)]


def test_an_input_without_profiles_has_none() -> None:
    assert Input((2, 3)).profiles is None
    assert Input(**DECODE).profiles is None


def test_repr_says_the_profiles() -> None:
    x = Input(profiles=[DECODE, PREFILL], dtype=torch.int64, shared_dims={0: "batch"})
    again = eval(repr(x), {"Input": Input, "torch": torch})
    assert again.profiles == x.profiles
    assert repr(again) == repr(x)


BAD = [
    ({"profiles": [DECODE], "shape": (1, 1)}, "both profiles and shape"),
    ({"profiles": [DECODE], **PREFILL}, "both profiles and min_shape, opt_shape, max_shape"),
    ({"profiles": []}, "profiles must be a list of dicts"),
    ({"profiles": DECODE}, "profiles must be a list of dicts"),
    ({"profiles": [DECODE, (1, 1)]}, r"profiles\[1\] must be a dict with the keys min_shape, opt_shape, max_shape"),
    ({"profiles": [{"min_shape": (1,)}]}, r"profiles\[0\] must be a dict with the keys"),
    ({"profiles": [DECODE, {**PREFILL, "opt_shape": (1, 200)}]}, r"profiles\[1\]: axis 1 has opt 200; expected 16 to"),
    ({"profiles": [DECODE, {**PREFILL, "min_shape": (9, 16)}]}, r"profiles\[1\]: axis 0 has min 9 and max 4"),
    (
        {"profiles": [DECODE, {"min_shape": (1,), "opt_shape": (1,), "max_shape": (2,)}]},
        "the profiles have ranks 1, 2; expected equal ranks",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[message[:40] for _, message in BAD])
def test_wrong_profiles_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Input(**arguments)


class Sum(torch.nn.Module):
    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return x + mask


def test_inputs_that_have_profiles_have_equally_many() -> None:
    with pytest.raises(InvalidInput, match="x has 2 optimization profiles, mask has 1; expected equally many"):
        tracejet.trace(Sum(), [Input(profiles=[DECODE, PREFILL]), Input(profiles=[DECODE])])


def test_a_shared_dimension_is_the_same_in_every_profile() -> None:
    shared = {0: "batch", 1: "sequence"}
    x = Input(profiles=[DECODE, PREFILL], shared_dims=shared)
    assert_same_as_eager(Sum(), [x, Input(profiles=[DECODE, PREFILL], shared_dims=shared)])
    assert_same_as_eager(Sum(), [x, Input(min_shape=(1, 1), opt_shape=(2, 1), max_shape=(8, 128), shared_dims=shared)])
    other = {"min_shape": (1, 8), "opt_shape": (1, 64), "max_shape": (8, 128)}
    with pytest.raises(InvalidInput, match=r"'batch' is declared twice.*\(x, axis 0\).*\(mask, axis 0\)"):
        tracejet.trace(Sum(), [x, Input(profiles=[DECODE, other], shared_dims=shared)])


def test_suggested_inputs_have_profiles_that_fit() -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        return x * 2 if x.shape[1] < 100 else x

    x = Input(profiles=[DECODE, PREFILL])
    report = tracejet.diagnose(Lambda(forward), arg_inputs=[x])
    (suggested,), _ = report.suggested_inputs()
    assert suggested.max_shape == (8, 99)
    assert suggested.profiles == [DECODE, {**PREFILL, "max_shape": (4, 99)}]
    assert x.profiles == [DECODE, PREFILL]
    assert_same_as_eager(Lambda(forward), [suggested])


def test_named_tuples_name_the_dynamic_axes() -> None:
    x = Input(min_shape=Tokens(1, 3), opt_shape=Tokens(4, 3), max_shape=Tokens(9, 3))
    assert x.shared_dims == {0: "batch"}
    assert_same_as_eager(Sum(), [x, Input(min_shape=Other(1, 3), opt_shape=Other(4, 3), max_shape=Other(9, 3))])


def test_named_tuples_in_profiles() -> None:
    profile = {"min_shape": Tokens(1, 1), "opt_shape": Tokens(1, 8), "max_shape": Tokens(1, 9)}
    assert Input(profiles=[profile, profile]).shared_dims == {1: "sequence"}


def test_named_tuples_that_contradict_are_refused() -> None:
    shapes: dict[str, Any] = {"min_shape": Tokens(1, 3), "opt_shape": Tokens(4, 3), "max_shape": Tokens(9, 3)}
    with pytest.raises(InvalidInput, match="leave out shared_dims"):
        Input(**shapes, shared_dims={0: "b"})
    with pytest.raises(InvalidInput, match="one shape names its axes batch, sequence, another batch, length"):
        Input(**{**shapes, "max_shape": Other(9, 3)})
    with pytest.raises(InvalidInput, match="another not at all"):
        Input(**{**shapes, "max_shape": (9, 3)})


def compiled_for_two_profiles(engine: str = "auto") -> tracejet.CompiledModule:
    return tracejet.compile(
        Lambda(lambda tokens: tokens.cumsum(-1) * 2), arg_inputs=[Input(profiles=[DECODE, PREFILL])], engine=engine
    )


@pytest.mark.parametrize("engine", ["openvino", "aten"])
def test_calls_are_held_to_the_profile_that_is_chosen(engine: str) -> None:
    compiled = compiled_for_two_profiles(engine)
    step, text = torch.randn(8, 1), torch.randn(2, 100)

    def assert_right(x: torch.Tensor) -> None:
        torch.testing.assert_close(compiled(x), x.cumsum(-1) * 2)

    with tracejet.optimization_profile(compiled, 0):
        assert_right(step)
        with pytest.raises(InvalidInput, match=r"axis 1 is 100, but profile 0 is for 1 to 1.*\"auto\""):
            compiled(text)
        with tracejet.optimization_profile(compiled, 1):
            assert_right(text)
            with pytest.raises(InvalidInput, match="axis 0 is 8, but profile 1 is for 1 to 4"):
                compiled(step)
        with tracejet.optimization_profile(compiled, "auto"):
            assert_right(text)
        with pytest.raises(InvalidInput, match="profile 0"):
            compiled(text)
        other = compiled_for_two_profiles(engine)
        torch.testing.assert_close(other(text), text.cumsum(-1) * 2)  # a profile is one module's
    assert_right(text)
    assert_right(torch.randn(8, 128))  # between the profiles: in the range that takes in all of them


@pytest.mark.parametrize("profile", [2, -1, True, "first", None])
def test_a_profile_that_is_not_there_is_refused(profile: Any) -> None:
    compiled = compiled_for_two_profiles("aten")
    message = 'this program has 2; expected "auto" or 0, 1, got'
    with pytest.raises(InvalidInput, match=message), tracejet.optimization_profile(compiled, profile):
        pass


def test_profiles_are_of_what_compile_gives() -> None:
    with pytest.raises(InvalidInput, match="expected what tracejet.compile gives, got Linear"):
        tracejet.optimization_profile(torch.nn.Linear(2, 2), 0)  # type: ignore[arg-type]
    compiled = tracejet.compile(torch.nn.ReLU(), arg_inputs=[torch.ones(2)], engine="aten")
    with tracejet.optimization_profile(compiled, 0):
        assert compiled(torch.ones(2)).tolist() == [1, 1]


def test_an_engine_is_told_the_profile_of_a_call() -> None:
    from tracejet.api.profiles import profile_of_this_call

    seen = []

    class Tuned(tracejet.Engine):
        name = "tuned"
        fingerprint = "1"

        def runs_on(self, device: torch.device) -> bool:
            return True

        def find_unsupported(self, program: Any) -> dict[Any, str]:
            return {}

        def compile(self, program: Any, settings: tracejet.CompileSettings) -> Any:
            def run(*inputs: torch.Tensor) -> Any:
                seen.append(profile_of_this_call())
                return program(*inputs)

            return run

    tracejet.register_engine(Tuned())
    try:
        compiled = compiled_for_two_profiles("tuned")
    finally:
        tracejet.unregister_engine("tuned")
    compiled(torch.randn(8, 1))
    with tracejet.optimization_profile(compiled, 1):
        compiled(torch.randn(1, 16))
    with tracejet.optimization_profile(compiled, "auto"):
        compiled(torch.randn(1, 16))
    assert seen == [None, 1, None]
