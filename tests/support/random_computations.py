"""Templates of lines that compute: pointwise operators, reductions, products, windows, choices by index."""

from __future__ import annotations

import torch

from tests.support.random_lines import Scope, template

# Of one number ("x"); whether rounding decides is what tells the two lists apart.
SMOOTH = (
    "x.abs() x.neg() x.square() x.exp() x.sigmoid() x.tanh() x.sin() x.cos() x.erf() x.atan() x.expm1() x.sinh() "
    "x.asinh() x.relu() (1/(x.square()+1)) (x.square()+1).rsqrt() x.square().log1p() (x.abs()+0.1).sqrt() "
    "(x.abs()+1).log() F.gelu(x) F.gelu(x,approximate='tanh') F.silu(x) F.softplus(x) F.mish(x) F.elu(x) "
    "F.leaky_relu(x,0.1) F.hardtanh(x) F.hardswish(x) F.hardsigmoid(x) F.selu(x) F.logsigmoid(x) F.softsign(x) "
    "F.celu(x) F.tanhshrink(x) F.relu6(x) torch.special.expit(x) torch.logit(x.sigmoid()) x.deg2rad() x.clamp(-1,1) "
    "x**2 torch.pow(2,x) torch.exp2(x) x.erfc() torch.sinc(x) torch.lgamma(x.abs()+1) x.cosh() x.float() x.to(FLOAT)"
).split()
# The shift keeps values off the numbers at which these jump.
SHARP = "y.floor() y.ceil() y.trunc() y.round() y.sign() y.frac() y.long() x.isnan() (y>0) (y>0).logical_not()".split()
BINARY = (
    "a+b a-b a*b torch.maximum(a,b) torch.minimum(a,b) torch.add(a,b,alpha=2) a/(b.abs()+1) torch.rsub(a,b)".split()
)
BINARY_SHARP = (
    "a>c a<c a>=c a==c a!=c a.logical_and(c) a.logical_or(c) torch.where(a>c,a,b) torch.remainder(a,c.abs()+1) "
    "torch.fmod(a,c.abs()+1) torch.div(a,c.abs()+1,rounding_mode='floor') torch.div(a,c.abs()+1,rounding_mode='trunc') "
    "a//(c.abs()+1) torch.fmax(a,b) a.eq(c).sum(-1) torch.heaviside(a-c,c) torch.copysign(a.to(FLOAT),c)"
).split()
WITH_NUMBER = "x+N x*N N-x x/N x-N torch.clamp(x,min=N) torch.full_like(x,N) torch.where(x==N,x,N)".split()
WITH_SIZE = (
    "x*S x/(S+1) x+S*0.5 x-S//2 S-x x.clamp(max=S) x*(S+1)**0.5 x+x.numel() x*(S%3) x*((S+1)/2) "
    "x/torch.sym_max(S,2) x+torch.sym_min(S,3) "
    "x.float().mean()*S x.masked_fill(x.bool(),S) torch.where(x.bool(),S,x) x+torch.full((1,),S) x*(S*S-S)"
).split()


def written(texts: list[str], **names: object) -> list[str]:
    """The texts, with variables put in for their one-letter names."""
    made = []
    for text in texts:
        words = "".join(f" {c} " if not (c.isalnum() or c in "_.'") else c for c in text).split()
        made.append("".join(_put_in(word, names) for word in words))
    return made


def _put_in(word: str, names: dict[str, object]) -> str:
    head, *rest = word.split(".")
    return ".".join([f"({names[head]})" if head in names else head, *rest])


@template(12)
def pointwise(s: Scope) -> list[str]:
    x = s.number()
    return written(SMOOTH if not x.is_exact or s.rng.random() < 0.8 else SHARP, x=x, y=f"{x} + 0.123")


@template(4)
def sharp(s: Scope) -> list[str]:
    x = s.exact()
    texts = (
        "x.floor() x.ceil() x.trunc() x.round() x.sign() x.frac() x>0 x<=0.5 x==x x!=x x.isnan() x.isinf() "
        "x.isfinite() torch.where(x>0,x,0) torch.where(x!=x,0,x) x.masked_fill(x.isnan(),0) x.nan_to_num(1.5) "
        "x.nan_to_num(0,2,-2) x.bool() (x>0).logical_not() x.clamp(min=0) torch.fmin(x,x*2) "
        "torch.signbit(x+0.5) torch.where(x>=1,1.0,x) (x*7/7).ceil() (x*7/(x*0+7)).floor() x*21/7==x*3 x/5*5>x-1 "
        "x+3072.0-3072.0 (x+12582912.0)-12582912.0 x.bfloat16().float() x*3%0.25"
    ).split()
    return written(texts, x=x)


@template(4)
def integers(s: Scope) -> list[str]:
    a = s.any(lambda v: v.is_integer)
    b = s.broadcastable(a, lambda v: v.is_integer)
    texts = (
        "a+b a-b a*b a//(b.abs()+1) a%(b.abs()+1) a//3 a%5 a//-2 a%-3 a*3 -a a.abs() a<<1 a>>1 a&b a|b a^b ~a "
        "a==b a>b a<=b a!=2 torch.maximum(a,b) torch.minimum(a,b) a.clamp(0,5) a.clamp(min=1) a.sum() a.sum(-1) "
        "a.amax(-1) a.amin() a.prod(-1) a.cumsum(-1) a.max() a.square() a/2 a/(b.abs()+1) a.sign() a.bool() "
        "a.to(torch.uint8) a.to(torch.int8) a.to(torch.int32) a.to(torch.int64) a.to(torch.int16) "
        "a.sum(dtype=torch.int32) torch.where(a>b,a,b) torch.div(a,b.abs()+1,rounding_mode='trunc') "
        "torch.fmod(a,b.abs()+1) a**2 a.float() (a/7).ceil() (a/3).long() (a*6/(b.abs()+1)).floor()"
    ).split()
    return written(texts, a=a, b=b)


@template(10)
def binary(s: Scope) -> list[str]:
    a = s.number()
    b = s.broadcastable(a, lambda v: v.dtype is not torch.bool)
    return written(
        BINARY if not (a.is_exact and b.is_exact) or s.rng.random() < 0.6 else BINARY_SHARP, a=a, b=b, c=f"{b} + 0.123"
    )


@template(7)
def with_number(s: Scope) -> list[str]:
    x = s.number()
    return written(WITH_NUMBER, x=x, N=s.choice(2, -1, 3, 0.5, -1.5, 1)) + written(WITH_SIZE, x=x, S=s.size_of_any())


@template(3)
def truth(s: Scope) -> list[str]:
    a = s.any(lambda v: not v.is_float)
    b = s.broadcastable(a, lambda v: not v.is_float)
    return written("a&b a|b a^b ~a a.any(-1) a.all() a.logical_xor(b) (a&b).sum() a.to(FLOAT)".split(), a=a, b=b)


@template(4)
def masked(s: Scope) -> list[str]:
    x = s.number()
    mask = s.broadcastable(x, lambda v: v.dtype is torch.bool)
    texts = "torch.where(m,x,0) torch.where(m,x,x*2) x.masked_fill(m,2) torch.where(m,1.5,x) x*m".split()
    return written(texts, x=x, m=mask)


@template(2)
def ternary(s: Scope) -> list[str]:
    x = s.float()
    y = s.broadcastable(x, lambda v: v.dtype == x.dtype)
    return [f"torch.lerp({x}, {y}, 0.3)", f"torch.addcmul({x}, {x}, {y}, value=2)", f"torch.hypot({x}, {y})",
            f"torch.addcdiv({x}, {y}, {y}.abs() + 1)", f"torch.clamp({x}, {y}, {y} + 1)", f"F.mse_loss({x}, {y})",
            f"F.smooth_l1_loss({x}, {y}, reduction='none')", f"torch.dist({x}, {y})"]  # fmt: skip


# Reductions ----------------------------------------------------------------------------------------------------------


@template(9)
def reduction(s: Scope) -> list[str]:
    x = s.float(1)
    axes, axis, keep = s.axes(x), s.signed_axis(x), s.choice("", ", keepdim=True")
    names = "sum mean amax amin logsumexp count_nonzero std var norm".split()
    options = [f"{x}.{name}({axes}{keep if name != 'count_nonzero' else ''})" for name in names if name != "norm"]
    options += [f"torch.linalg.vector_norm({x}, dim={axes}{keep})", f"{x}.prod({axis}{keep})", f"{x}.norm(dim={axis})"]
    options += [f"{x}.{name}()" for name in "sum mean max min prod std var".split()]
    options += [f"torch.var_mean({x}, {axes})[1]", f"{x}.nansum({axis})", f"{x}.aminmax(dim={axis}).max"]
    return options


@template(3)
def reduction_of_integers(s: Scope) -> list[str]:
    x = s.any(lambda v: not v.is_float and v.rank > 0)
    axis = s.signed_axis(x)
    return [f"{x}.sum({axis})", f"{x}.cumsum({axis})", f"{x}.any({axis})", f"{x}.float().mean({axis})", f"{x}.all()",
            f"{x}.sum()", f"{x}.all({axis})", f"{x}.prod({axis})", f"{x}.count_nonzero()"]  # fmt: skip


@template(6)
def along_axis(s: Scope) -> list[str]:
    x = s.float(1)
    axis = s.signed_axis(x)
    names = "softmax log_softmax cumsum cumprod logcumsumexp".split()
    return [f"{x}.{name}({axis})" for name in names] + [f"F.normalize({x}, dim={axis})", f"torch.diff({x}, dim={axis})",
            f"F.softmin({x}, {axis})", f"{x}.renorm(2, {axis}, 1.0)", f"F.glu({x}, {axis})"]  # fmt: skip


@template(6)
def by_order(s: Scope) -> list[str]:
    x = s.exact(1)
    axis = s.axis(x, lambda axis: x.least(axis) > 0)
    k = s.choice(1, x.least(axis))
    return [
        f"{x}.argmax({axis})", f"{x}.argmin({axis}, keepdim=True)", f"{x}.max({axis}).values",
        f"{x}.min({axis}).indices",
        f"{x}.cummax({axis}).values", f"{x}.cummin({axis}).indices", f"{x}.sort({axis}, stable=True).indices",
        f"{x}.sort({axis}, descending=True).values", f"{x}.argsort({axis}, stable=True)",
        f"{x}.topk({k}, {axis}).values",
        f"{x}.topk(torch.sym_min(3, {x}.shape[{axis}]), {axis}).values", f"{x}.kthvalue({k}, {axis}).values",
        f"{x}.contiguous().median({axis}).values", f"{x}.argmax()", f"{x}.msort()",
        f"{x}.topk({x}.shape[{axis}], {axis}).values", f"{x}.max({axis}).indices", f"{x}.argmin()",
        f"{x}.sort({axis}, descending=True, stable=True).indices", f"{x}.cummax({axis}).indices",
        f"{x}.amax({axis})", f"{x}.aminmax(dim={axis}).min",
    ]  # fmt: skip


@template(2)
def of_state(s: Scope) -> list[str]:
    """Buffers are written in place, or assigned to as a whole."""
    state = s.any(lambda v: v.name.startswith("s"))
    x = s.any(lambda v: not v.is_exact or v.is_float)
    return [f"{state}.add_({x}.sum().to({state}.dtype).clamp(-1, 1))", f"{state}.copy_({state} + 1)",
            f"{state}[:1] = {x}.amax().to({state}.dtype)", f"{state} + 1", f"{state}.mul_(0.5)",
            f"{state}.copy_({state}.roll(1))", f"{x} + {state}.sum()"]  # fmt: skip


@template(5)
def normalization(s: Scope) -> list[str]:
    x = s.float(2)
    last = s.rng.randint(1, x.rank - 1)
    sizes = ", ".join(x.size(axis) for axis in range(last, x.rank))
    groups = s.choice(1, max(x.least(1), 1)) if x.is_fixed(1) else 1
    return [
        f"F.layer_norm({x}, ({sizes},))", f"F.rms_norm({x}, ({sizes},))", f"F.group_norm({x}, {groups})",
        f"F.batch_norm({x}, None, None, training=True)", f"F.layer_norm({x}, {x}.shape[{last}:])",
        f"F.instance_norm({x})",
        f"F.local_response_norm({x}, 2)",
    ]  # fmt: skip


# Products ------------------------------------------------------------------------------------------------------------


@template(8)
def product(s: Scope) -> list[str]:
    a = s.float(1)
    like = [v for v in s.variables if v.dtype == a.dtype and v.rank > 0]
    same = [v for v in like if v.sizes(-1) == a.sizes(-1)]
    options = [f"torch.matmul({a}, {v})" for v in like if v.sizes(max(v.rank - 2, 0)) == a.sizes(-1)]
    options += [f"{a} @ {v}.mT" for v in same if v.rank > 1]
    options += [f"F.linear({a}, {v})" for v in same if v.rank == 2]
    options += [f"torch.cdist({a}, {v})" for v in same if v.rank == a.rank > 1 and v is not a]
    options += [f"torch.baddbmm({a}, {a}, {v})" for v in same if v.rank == a.rank == 3]
    options += [f"F.cosine_similarity({a}, {v}, dim=-1)" for v in same if v.shape == a.shape and v is not a]
    if a.rank == 1:
        options += [f"torch.outer({a}, {a})", f"torch.dot({a}, {a})", f"torch.kron({a}, {a})"]
    if a.is_fixed(-1):
        options.append(f"F.linear({a}, WEIGHTS[:2 * {a.size(-1)}].view(2, -1).to({a}.dtype))")
    return options


@template(3)
def einsum(s: Scope) -> list[str]:
    x = s.float(1, 4)
    letters = "abcd"[: x.rank]
    kept = "".join(s.rng.sample(letters, s.rng.randint(0, x.rank)))
    options = [f"torch.einsum('{letters}->{kept}', {x})"]
    for other in s.variables:
        if other.dtype == x.dtype and 1 <= other.rank <= 4:
            names = "".join(next((c for c, n in zip(letters, x.shape) if n == wanted), "z") for wanted in other.shape)
            options.append(f"torch.einsum('{letters},{names}->{kept}', {x}, {other})")
    return options


@template(3)
def attention(s: Scope) -> list[str]:
    q = s.float(3, 4)
    options = []
    for k in s.variables:
        if k.rank == q.rank and k.shape[:-2] == q.shape[:-2] and k.sizes(-1) == q.sizes(-1) and k.dtype == q.dtype:
            options += [
                f"F.scaled_dot_product_attention({q}, {k}, {k}{end})" for end in ("", ", is_causal=True", ", scale=2.0")
            ]
    return options


# Windows -------------------------------------------------------------------------------------------------------------


@template(4)
def convolution(s: Scope) -> list[str]:
    axes = s.choice(1, 2)
    x = s.any(lambda v: v.is_float and v.rank == axes + 2 and v.is_fixed(1))
    channels, kernel = x.least(1), s.choice(1, 2, 3)
    windows = ["", f", stride={s.choice(2, 3)}", f", padding={kernel // 2}", f", padding={kernel - 1}, dilation=2"]

    def weight(outer: int, inner: int) -> str:
        shape = [outer, inner, *[kernel] * axes]
        return f"WEIGHTS[:{2 * channels * kernel**axes}].view({shape}).to({x}.dtype)"

    options = [f"F.conv{axes}d({x}, {weight(2, channels)}{end})" for end in [*windows, ", padding='same'"]]
    options += [
        f"F.conv_transpose{axes}d({x}, {weight(channels, 2)}{end})"
        for end in [*windows, ", stride=2, output_padding=1"]
    ]
    return options


@template(5)
def pooling(s: Scope) -> list[str]:
    axes, kernel = s.choice(1, 2), s.choice(2, 3)
    x = s.any(lambda v: v.is_float and axes + 1 <= v.rank <= axes + 2)
    ends = ["", ", 1", ", 2", ", ceil_mode=True", f", 2, {kernel // 2}", f", 2, {kernel // 2}, ceil_mode=True"]
    options = [f"F.{kind}_pool{axes}d({x}, {kernel}{end})" for kind in ("max", "avg") for end in ends]
    options += [f"F.adaptive_{kind}_pool{axes}d({x}, {size})" for kind in ("max", "avg") for size in (1, 2, 3)]
    return [
        *options,
        f"F.lp_pool{axes}d({x}, 2, {kernel})",
        f"F.avg_pool{axes}d({x}, 3, 2, 1, count_include_pad=False)",
    ]


@template(5)
def resampling(s: Scope) -> list[str]:
    x = s.float(3, 4)
    modes = [
        "nearest",
        "nearest-exact",
        "area",
        "linear" if x.rank == 3 else "bilinear",
        *(["bicubic"] if x.rank == 4 else []),
    ]
    sizes = ["scale_factor=2", "scale_factor=1.5", "scale_factor=0.5", "size=5", f"size={x}.shape[-1] * 2", "size=3",
             "scale_factor=1.7, recompute_scale_factor=True"]  # fmt: skip
    options = [f"F.interpolate({x}, {size}, mode={mode!r})" for size in sizes for mode in modes]
    options += [
        f"F.interpolate({x}, {size}, mode={mode!r}, align_corners=True)" for size in sizes for mode in modes[3:]
    ]
    if x.rank == 4:
        options += [f"F.pixel_unshuffle({x}, 2)", f"F.pixel_shuffle({x}, 2)", f"F.unfold({x}, 2)",
                    f"F.channel_shuffle({x}, 2)",
                    f"F.unfold({x}, 3, padding=1, stride=2)"] * 3  # fmt: skip
    return options


@template(3)
def padding(s: Scope) -> list[str]:
    x = s.float(1, 4)
    low, high = s.choice(0, 1, 2), s.choice(0, 1)
    options = [f"F.pad({x}, {sides}, value=1.5)" for sides in ((low, high), (-1, high), (1, low, 0, high))]
    sides = (low, high) if x.rank < 4 else (low, high, 1, 0)
    return options + [f"F.pad({x}, {sides}, mode={mode!r})" for mode in ("reflect", "replicate", "circular")]


# Choices by index ----------------------------------------------------------------------------------------------------


@template(6)
def by_index(s: Scope) -> list[str]:
    x = s.number(1)
    axis = s.axis(x)
    i = s.any(lambda v: v.dtype is torch.int64)
    index = f"({i} % {x}.shape[{axis}])"
    options = [f"{x}[{':, ' * axis}{index}]"]
    if i.rank == 1:
        options += [
            f"{x}.index_select({axis}, {index})",
            f"{x}.index_add({axis}, {index}, {x}.index_select({axis}, {index}))",
        ]
    if i.rank == x.rank:
        options += [f"{x}.gather({axis}, {index})", f"{x}.scatter_add({axis}, {index}, {x}.gather({axis}, {index}))",
                    f"{x}.scatter({axis}, {index}, 2)", f"torch.take_along_dim({x}, {index}, {axis})",
                    f"{x}.scatter_reduce({axis}, {index}, {x}.gather({axis}, {index}), 'amax')"]  # fmt: skip
    if x.rank == 2 and x.is_float:
        options.append(f"F.embedding({i} % {x}.shape[0], {x})")
    return [*options, f"torch.take({x}, {i} % {x}.numel())"]


@template(2)
def search(s: Scope) -> list[str]:
    x = s.exact()
    bounds = "torch.tensor([-1.0, 0.3, 2.0], dtype=FLOAT)"
    return [f"torch.bucketize({x}, {bounds})", f"torch.searchsorted({bounds}, {x}.to(FLOAT), right=True)",
            f"F.one_hot({x}.long() % 4, 4)", f"torch.isin({x}.long(), torch.tensor([0, 1, 2]))"]  # fmt: skip
