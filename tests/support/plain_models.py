"""Small models that need nothing but torch, of any version: one for each thing that a `.pt2` file can hold.

case = MODELS["attention"]
case.module()               # in eval mode, the same weights every time
case.shapes(rows=3)         # of its arguments
case.inputs(rows=3)         # the same tensors every time
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

SIZES = (1, 2, 5, 9)

F8 = [torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz]
DTYPES = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
DTYPES += [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128]


@dataclass(frozen=True)
class Case:
    module_type: Callable[[], nn.Module]
    axes: tuple[tuple[int | str, ...], ...]  #: of each argument; "n" varies

    def module(self) -> nn.Module:
        torch.manual_seed(7)
        return self.module_type().eval()

    def shapes(self, rows: int) -> list[list[int]]:
        return [[rows if axis == "n" else axis for axis in argument] for argument in self.axes]

    def inputs(self, rows: int) -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(rows)
        return [torch.randn(shape, generator=generator) for shape in self.shapes(rows)]


class Calls(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(x)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.qkv = nn.LayerNorm(8), nn.Linear(8, 24)
        self.register_buffer("mask", torch.full((16, 16), float("-inf")).triu(1))

    def forward(self, x):
        batch, length, _ = x.shape
        q, k, v = self.qkv(self.norm(x)).view(batch, length, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q @ k.transpose(-1, -2) + self.mask[:length, :length]).softmax(-1)
        return (scores @ v).transpose(1, 2).reshape(batch, length, 8)


class Counter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("scratch", torch.ones(3), persistent=False)
        self.register_buffer("unused", torch.ones(2))

    def forward(self, x):
        self.calls.add_(1)
        self.scratch.mul_(x.mean())
        return x * self.calls + self.scratch


class WritesInput(nn.Module):
    def forward(self, x, out):
        out.copy_(x * 2)
        x.add_(1)
        return out + x


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)
        self.b.weight = self.a.weight
        self.table = torch.arange(3.0)

    def forward(self, x):
        return self.b(self.a(x)) + self.table + torch.tensor([1.0, float("-inf"), 2.0])


class Holds(nn.Module):
    """A buffer of each dtype, and what `kept` makes of it and of x."""

    def __init__(self, dtypes: list[torch.dtype], kept: Callable[[torch.Tensor, torch.Tensor], Any]) -> None:
        super().__init__()
        self.kept = kept
        for dtype in dtypes:
            self.register_buffer(f"of_{str(dtype)[6:]}", torch.randint(0, 2, (3,)).to(dtype))

    def forward(self, x):
        return [self.kept(x, buffer) for buffer in self.buffers()]


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 6, 2, batch_first=True)

    def forward(self, x):
        output, (hidden, _) = self.lstm(x)
        return output, hidden


def kept(x, buffer):
    return x + 1, buffer.clone()


def convolutions() -> nn.Module:
    head = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3)]
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), *head)


def encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


def branch(x):
    return torch.cond(x.sum() > 0, lambda x: x * 2, lambda x: x - x.shape[0], (x,))


def loop(x):
    from torch._higher_order_ops.while_loop import while_loop

    return while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * 2), (torch.tensor(0), x))


def scanned(x):
    from torch._higher_order_ops.scan import scan

    return scan(lambda carry, row: (carry + row, carry * row), torch.zeros(3), x)


def counted(x):
    count = (x > 0).sum().item()
    torch._check(count >= 0)
    torch._check(count < 100)
    return torch.ones(count) * 2, x.new_full((2,), 3) * count


def sizes(x):
    n = x.shape[0]
    return x.new_zeros(n * 2 + 1), n // 2, n % 3, x[-1:], x[: n // 2]


def infinities(x):
    return x.masked_fill(x > 0, float("-inf")), torch.full_like(x, float("nan")), x.clamp(max=float("inf")), -0.0 * x


def nested(x):
    return {"a": [x, None, (x + 1, 2.5, 3)], "b": {}, "c": (True, "text" if x.dim() == 3 else None)}


def function(body: Callable[[torch.Tensor], Any]) -> Callable[[], nn.Module]:
    return lambda: Calls(body)


ROWS = (("n", 3),)
MODELS = {
    "attention": Case(Attention, ((4, "n", 8),)),
    "convolutions": Case(convolutions, (("n", 3, 8, 8),)),
    "encoder": Case(encoder, (("n", 5, 8),)),
    "recurrent": Case(Recurrent, (("n", 5, 4),)),
    "state": Case(Counter, ROWS),
    "written_inputs": Case(WritesInput, (("n", 3), ("n", 3))),
    "tied": Case(Tied, ROWS),
    "dtypes": Case(lambda: Holds(DTYPES, torch.mul), ROWS),
    "kept_dtypes": Case(lambda: Holds([*DTYPES, torch.uint16, *F8], kept), ROWS),
    "wide_unsigned": Case(lambda: Holds([torch.uint32, torch.uint64], kept), ROWS),
    "branch": Case(function(branch), ROWS),
    "loop": Case(function(loop), ROWS),
    "scan": Case(function(scanned), ROWS),
    "sizes_of_data": Case(function(counted), ROWS),
    "rows_of_data": Case(function(lambda x: (x.nonzero(), x[x > 0])), ROWS),
    "sizes": Case(function(sizes), ROWS),
    "nested": Case(function(nested), ROWS),
    "complex": Case(function(lambda x: torch.view_as_real(torch.complex(x, x * 2) * 2j)), ROWS),
    "infinities": Case(function(infinities), ROWS),
    "input_is_result": Case(function(lambda x: (x, x, x + 1)), ROWS),
    "topk": Case(function(lambda x: (*x.topk(2, dim=1), *x.sort(0), *torch.var_mean(x, 1), x.argmax())), ROWS),
    "bool": Case(function(lambda x: ((x > 0).any(), (x > 0).logical_xor(x < 1), x.isinf())), ROWS),
    "layouts": Case(function(lambda x: (x.t(), x[:, None].expand(-1, 2, -1), x.unfold(1, 2, 1), x.flip(0))), ROWS),
    "static": Case(lambda: nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Softmax(-1)), ((2, 3),)),
}
