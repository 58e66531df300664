"""What functions of Python's and of libraries ask of a traced tensor or size, in rows as in `questions.py`."""

from __future__ import annotations

import collections
import decimal
import json
import math
import numbers
import random
import statistics
from math import ldexp
from math import sqrt as root
from typing import Any

import numpy as np
import torch

from tests.support.questions import REFUSED, RIGHT, Row, n, times, when


def channels(x: torch.Tensor) -> torch.Tensor:
    """An image whose channels are the dynamic size."""
    return x.view(2, n(x), 2, 1)


def halvings(x: torch.Tensor) -> Any:
    size, count = n(x), 0
    while size > 1:
        size, count = size // 2, count + 1
    return x * count


def matched(x: torch.Tensor) -> torch.Tensor:
    match n(x):
        case 1:
            return x * 2
        case int():
            return x * 3
    return x


def is_symbol(size: Any) -> bool:
    return hasattr(size, "node")


def node_of(x: torch.Tensor) -> bool:
    try:
        return bool(n(x).node)
    except AttributeError:
        return False


#: What functions make of sizes.
BY_FUNCTION: dict[str, Row] = {
    "math.gcd": (times(lambda x: math.gcd(n(x), 2)), REFUSED),
    "math.log": (times(lambda x: math.log(n(x))), REFUSED),
    "math.ldexp": (times(lambda x: math.ldexp(0.5, n(x))), RIGHT),
    "math.sin": (times(lambda x: math.sin(n(x))), REFUSED),
    "math.log2": (times(lambda x: math.log2(n(x))), REFUSED),
    "math.radians": (times(lambda x: math.radians(n(x)) + math.degrees(n(x) / 2)), RIGHT),
    "math.isnan": (when(lambda x: math.isnan(n(x)) or not math.isfinite(n(x))), RIGHT),
    "math.isinf of a fraction": (when(lambda x: math.isinf(n(x) / 2)), REFUSED),
    "sqrt by its name alone": (times(lambda x: root(n(x))), RIGHT),
    "ldexp by its name alone": (times(lambda x: ldexp(0.5, n(x))), RIGHT),
    "statistics.mean": (times(lambda x: statistics.mean([n(x), 3])), REFUSED),
    "statistics.median": (times(lambda x: statistics.median([n(x)])), RIGHT),
    "hasattr by a variable": (when(lambda x: any(hasattr(n(x), name) for name in ("node", "shape"))), RIGHT),
    "hasattr elsewhere": (when(lambda x: is_symbol(n(x))), RIGHT),
    "getattr": (when(lambda x: getattr(n(x) / 2, "node", None) is not None), RIGHT),
    "an attribute of no int": (when(node_of), RIGHT),
    "math.prod": (times(lambda x: math.prod(x.shape)), RIGHT),
    "range": (lambda x: sum((x * i for i in range(n(x))), x), REFUSED),
    "np.int64": (times(lambda x: int(np.int64(n(x)))), REFUSED),
    "dict.get": (times(lambda x: {1: 2}.get(n(x), 3)), REFUSED),
    "Counter": (times(lambda x: collections.Counter(x.shape)[1]), REFUSED),
    "list.index": (times(lambda x: [1, 4, 16].index(n(x)) if n(x) in (1, 4, 16) else 5), REFUSED),
    "sorted": (times(lambda x: sorted([n(x), 5])[0]), REFUSED),
    "percent d": (times(lambda x: len("%d" % n(x))), REFUSED),  # noqa: UP031
    "percent s": (times(lambda x: len("%s" % n(x))), REFUSED),  # noqa: UP031
    "text shown": (lambda x: x * len([f"a batch of {n(x)}", f"{x}"]), RIGHT),
    "is_contiguous, for nothing": (lambda x: x.t() if x.t().is_contiguous() else x.t().contiguous(), RIGHT),
    "stride, for nothing": (lambda x: x.as_strided(x.shape, x.stride()), RIGHT),
    "type": (when(lambda x: type(n(x)) is int), RIGHT),
    "type of a fraction": (when(lambda x: type(n(x) / 2) in (int, float)), RIGHT),
    "numbers.Integral": (when(lambda x: isinstance(n(x), numbers.Integral)), RIGHT),
    "np.sqrt": (times(lambda x: float(np.sqrt(n(x)))), RIGHT),
    "np.isnan": (when(lambda x: np.isnan(n(x)) or np.isnan(2)), RIGHT),
    "np.isfinite of a fraction": (when(lambda x: np.isfinite(n(x) / 2)), REFUSED),
    "np.log": (times(lambda x: float(np.log(n(x)))), REFUSED),
    "an array times": (times(lambda x: int((np.array([2, 3]) * n(x))[1])), RIGHT),
    "a tensor of an array": (lambda x: x * torch.from_numpy(np.arange(4) * n(x)), REFUSED),
    "np.prod": (times(lambda x: int(np.prod(x.shape))), RIGHT),
    "an array's index": (times(lambda x: int(np.arange(20)[n(x)])), REFUSED),
    "json.dumps": (times(lambda x: len(json.dumps({"rows": n(x)}))), REFUSED),
    "Decimal": (times(lambda x: int(decimal.Decimal(n(x)))), REFUSED),
    "random": (times(lambda x: random.Random(0).randint(n(x), n(x))), REFUSED),
    "a list's length": (times(lambda x: len([0] * n(x))), REFUSED),
    "a slice of a list": (times(lambda x: len([1, 2, 3, 4, 5, 6, 7][: n(x)])), REFUSED),
    "while": (halvings, REFUSED),
    "match": (matched, REFUSED),
    "and": (times(lambda x: (n(x) - 1) and 5), REFUSED),
    "text in a table": (times(lambda x: {"1": 2, "9": 5}.get(str(n(x)), 3)), REFUSED),
    "text of a fraction": (when(lambda x: str(n(x) / 2) == "4.5"), REFUSED),
    "rounded text": (when(lambda x: f"{n(x) / 3:.2f}" == "2.33"), REFUSED),
    "text of digits": (when(lambda x: f"{n(x):03d}" == "009"), REFUSED),
    "text of a comparison": (when(lambda x: str(n(x) == 1) == "True"), REFUSED),
    "number of pieces": (times(lambda x: len(x.split(2))), REFUSED),
    "where a copy begins": (times(lambda x: x[:, 1:].contiguous().storage_offset()), REFUSED),
    "memory of a copy": (times(lambda x: x[:, :2].contiguous().untyped_storage().nbytes()), REFUSED),
    "strides of zeros_like": (times(lambda x: torch.zeros_like(x.t()).stride(1)), RIGHT),
    "is_contiguous of a crop": (when(lambda x: x[: n(x) // 2 * 2].t().is_contiguous()), REFUSED),
    "is_contiguous of rows": (when(lambda x: x.view(n(x), 2, 2).permute(1, 0, 2).is_contiguous()), REFUSED),
    "is_contiguous in a format": (
        when(lambda x: channels(x).is_contiguous(memory_format=torch.channels_last)),
        REFUSED,
    ),
    "squeeze": (lambda x: x[:, None].squeeze() * 2, RIGHT),
    "squeeze and a copy": (lambda x: torch.zeros(n(x), 4).copy_(x.squeeze()), RIGHT),
    "squeeze to nothing": (lambda x: x.mean(1, keepdim=True).squeeze(), RIGHT),
    "squeeze and expand": (lambda x: x.squeeze().expand(3, n(x), 4), RIGHT),
    "squeeze of an axis": (lambda x: x.squeeze(0) * 2, RIGHT),
    "squeeze and a size": (lambda x: x.squeeze() / x.squeeze().shape[0], REFUSED),
}
