#!/usr/bin/env python3
"""Writes tests/goldens/ops.json.gz: what functions of keras.ops compute, with the gradients of their inputs.

    make_ops_goldens.py        (needs: pip install keras jax)

The gradient is that of the sum of all floating outputs, element i of output k times ((7 i + 3 k) % 11 - 5) / 4.
tests/core/ops/golden_ops.cpp has the same functions here, by the same names.
"""

import gzip
import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "jax"
import jax  # noqa: E402

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import ops  # noqa: E402

keras.config.set_floatx("float64")
TARGET = pathlib.Path(__file__).resolve().parents[2] / "tests" / "goldens" / "ops.json.gz"
INF, NAN = float("inf"), float("nan")
random = np.random.default_rng(20261121)
cases = []


def real(*shape, low=-2.0, high=2.0):
    """Random numbers that float32 holds, and that are short."""
    return np.round(random.uniform(low, high, shape) * 64) / 64


def apart(*shape, step=0.25):
    """No two of them are equal, nor 0: for what sorts and compares."""
    n = int(np.prod(shape))
    return (random.permutation(n).reshape(shape) - n // 2 + 0.5) * step


def whole(*shape, low=-5, high=6):
    return random.integers(low, high, shape).astype("int32")


def truth(*shape):
    return random.integers(0, 2, shape).astype(bool)


def floats(*values):
    return np.array(values, "float64")


def ints(*values):
    return np.array(values, "int32")


def number(x):
    if np.isnan(x):
        return "nan"
    if np.isinf(x):
        return "inf" if x > 0 else "-inf"
    if x == int(x) and abs(x) < 2**53 and (x or not np.signbit(x)):
        return int(x)
    return float(f"{x:.9g}")


def tensor(x):
    x = np.asarray(x)
    kind = {"f": "float", "i": "int", "u": "int", "b": "bool"}[x.dtype.kind]
    return {"kind": kind, "shape": list(x.shape), "values": [number(v) for v in x.ravel().astype("float64")]}


def weights(k, shape):
    i = np.arange(int(np.prod(shape)))
    return (((7 * i + 3 * k) % 11 - 5) / 4).reshape(shape)


def case(name, function, *inputs, gradient=True):
    """`gradient` is False where Keras's function has none, or the point is one where it has a corner."""

    def outputs_of(*x):
        y = function(*x)
        return list(y) if isinstance(y, (tuple, list)) else [y]

    x = [jnp.asarray(v) for v in inputs]
    y = outputs_of(*x)
    result = {"name": name, "inputs": [tensor(v) for v in inputs], "outputs": [tensor(v) for v in y]}
    floating = [i for i, v in enumerate(inputs) if v.dtype.kind == "f"]
    if gradient and floating and any(np.asarray(v).dtype.kind == "f" for v in y):

        def objective(*chosen):
            all_inputs = list(x)
            for i, v in zip(floating, chosen):
                all_inputs[i] = v
            y = outputs_of(*all_inputs)
            return sum(jnp.sum(v * weights(k, v.shape)) for k, v in enumerate(y) if jnp.issubdtype(v.dtype, jnp.floating))

        gradients = jax.grad(objective, argnums=tuple(range(len(floating))))(*[x[i] for i in floating])
        result["gradients"] = [None] * len(inputs)
        for i, g in zip(floating, gradients):
            assert np.all(np.isfinite(g)), f"{name}: {g}"
            result["gradients"][i] = tensor(g)
    assert name not in {c["name"] for c in cases}, name
    cases.append(result)


def elements():
    x, small = real(7, low=-3, high=3), real(7, low=-0.9, high=0.9)
    for name in ["tan", "sinh", "cosh", "arcsinh", "arctan", "deg2rad", "rad2deg", "exp2", "sinc", "erfc", "fabs"]:
        case(name, getattr(ops, name), x)
    for name in ["arcsin", "arccos", "arctanh"]:
        case(name, getattr(ops, name), small)
    case("arccosh", ops.arccosh, real(7, low=1.1, high=6))
    for name in ["log2", "log10", "cbrt"]:
        case(name, getattr(ops, name), real(7, low=0.1, high=9))
    case("cbrt/negative", ops.cbrt, floats(-8, -0.125, 27, -1e6))
    case("arcsinh/wide", ops.arcsinh, floats(-1e6, -30, 0, 1e-4, 50, 1e12))
    case("sinc/zero", ops.sinc, floats(0, 0.5, -1.25))
    case("arcsin/ends", ops.arcsin, floats(-1, 0, 1), gradient=False)
    case("arccos/ends", ops.arccos, floats(-1, 0, 1), gradient=False)
    case("tan/integers", ops.tan, ints(-2, 0, 3))
    case("arctan2", ops.arctan2, floats(1, -1, 2, -2, 0.5, -0.5, 0.25, -3), floats(2, 2, 1, 1, -2, -2, -0.125, -0.5))
    case("arctan2/axes", ops.arctan2, floats(0, 0, 1, -1, 2, -2, 3), floats(1, -1, 0, 0, 2, 2, -3), gradient=False)
    case("logaddexp", ops.logaddexp, real(2, 3), real(3))
    case("logaddexp/far", ops.logaddexp, floats(-1000, 1000, 3, -INF), floats(1e-3, 1, 3, -INF), gradient=False)
    case("logaddexp2", ops.logaddexp2, real(2, 3), real(3))
    case("ldexp", ops.ldexp, real(4), ints(-2, 0, 3, 5))
    case("hypot", ops.hypot, real(2, 3), real(2, 1))
    case("hypot/wide", ops.hypot, floats(3e30, 0, -5), floats(4e30, 0, 12), gradient=False)
    case("trunc", ops.trunc, floats(-2.5, -0.25, 0, 0.75, 3), gradient=False)
    a, b = floats(7, -7, 7, -7, 0.5, -3.25), floats(3, 3, -3, -3, 2, 0.75)
    case("floor_divide", ops.floor_divide, a, b, gradient=False)
    case("floor_divide/integers", ops.floor_divide, ints(7, -7, 7, -7, 2147483647), ints(3, 3, -3, -3, 2))
    case("mod", ops.mod, a, b)
    case("mod/integers", ops.mod, ints(7, -7, 7, -7, 2147483647), ints(3, 3, -3, -3, 1000))
    case("fmod", ops.fmod, a, b)
    case("divide_no_nan", ops.divide_no_nan, floats(1, 2, 0, -3), floats(2, 0, 0, 4), gradient=False)
    case("divide_no_nan/smooth", ops.divide_no_nan, real(4), real(4, low=0.5))
    case("fmax", ops.fmax, floats(1, NAN, 2, NAN), floats(0, 3, NAN, NAN), gradient=False)
    case("fmin", ops.fmin, floats(1, NAN, 2, NAN), floats(0, 3, NAN, NAN), gradient=False)
    case("heaviside", ops.heaviside, floats(-1, 0, 2, NAN), floats(0.5, 0.25, 3, 1), gradient=False)
    odd = floats(0, -0.0, 1.5, -2, INF, -INF, NAN)
    case("signbit", ops.signbit, odd[:6])
    for name in ["isinf", "isposinf", "isneginf"]:
        case(name, getattr(ops, name), odd)
    case("nan_to_num", lambda x: ops.nan_to_num(x, nan=2.0, posinf=9.0, neginf=-7.0), odd, gradient=False)
    case("nan_to_num/smooth", ops.nan_to_num, real(4))
    case("isclose", ops.isclose, floats(1, 1, 0, INF, INF, NAN), floats(1.000001, 1.1, 1e-9, INF, 1, NAN))
    case("isclose/nan", lambda a, b: ops.isclose(a, b, 0.1, 0.5, True), floats(1, 1, 0, INF, INF, NAN), floats(1.5, 2, 1e-9, INF, 1, NAN))
    case("logical_xor", ops.logical_xor, truth(6), truth(6))
    case("saturate_cast", lambda x: ops.saturate_cast(x, "uint8"), floats(-3, 0.5, 254.75, 300), gradient=False)


def reductions():
    x, holes = real(3, 4), real(3, 4)
    holes[0, 1] = holes[2, 3] = holes[2, 0] = NAN
    sparse = whole(3, 4, low=-1, high=2)
    for name in ["all", "any"]:
        case(name, getattr(ops, name), truth(3, 4))
        case(f"{name}/axis", lambda x, f=getattr(ops, name): f(x, axis=1, keepdims=True), sparse)
    case("count_nonzero", lambda x: ops.count_nonzero(x, axis=0), sparse)
    case("allclose", ops.allclose, floats(1, 2), floats(1, 2.000001))
    case("allclose/not", ops.allclose, floats(1, 2), floats(1, 2.1))
    case("argmin", ops.argmin, apart(7))
    case("argmin/axis", lambda x: ops.argmin(x, axis=0), whole(3, 4))
    case("ptp", lambda x: ops.ptp(x, axis=1), apart(3, 4))
    case("standard_deviation", ops.std, x)
    case("standard_deviation/axis", lambda x: ops.std(x, axis=1, keepdims=True), x)
    case("moments", lambda x: ops.moments(x, axes=[0]), x)
    case("average", ops.average, x)
    case("average/weights", lambda x, w: ops.average(x, weights=w), x, real(3, 4, low=0.5))
    case("average/axis", lambda x, w: ops.average(x, axis=1, weights=w), x, real(4, low=0.5))
    case("corrcoef", ops.corrcoef, real(3, 5))
    case("norm", ops.norm, x)
    for order in [0, 1, 2, 3, INF, -INF]:
        case(f"norm/{order}", lambda x, o=order: ops.norm(x, ord=o, axis=1), apart(3, 4))
    for order in ["fro", 1, -1, INF, -INF]:
        case(f"norm/matrix_{order}", lambda x, o=order: ops.norm(x, ord=o, axis=(0, 2), keepdims=True), apart(3, 2, 3))
    for order in [1, 2, 3]:
        case(f"normalize/{order}", lambda x, o=order: ops.normalize(x, axis=0, order=o), x)
    case("normalize/zero", ops.normalize, floats(0, 0, 0), gradient=False)
    for name in ["nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin"]:
        f = getattr(ops, name)
        case(name, f, holes, gradient=False)
        case(f"{name}/axis", lambda x, f=f: f(x, axis=1, keepdims=True), holes, gradient=False)
        case(f"{name}/smooth", lambda x, f=f: f(x, axis=0), apart(3, 2))
    for name in ["nanargmax", "nanargmin"]:
        case(name, lambda x, f=getattr(ops, name): f(x, axis=1), holes)
    case("psnr", lambda a, b: ops.psnr(a, b, max_val=2.0), real(2, 3), real(2, 3))


def arranging():
    x, cube = real(3, 4), real(2, 3, 2)
    case("ravel", ops.ravel, x)
    case("moveaxis", lambda x: ops.moveaxis(x, [0, -1], [1, 0]), cube)
    case("swapaxes", lambda x: ops.swapaxes(x, 0, -1), cube)
    case("tile", lambda x: ops.tile(x, (2, 1, 2)), real(2, 3))
    case("roll", lambda x: ops.roll(x, -2), x)
    case("roll/axes", lambda x: ops.roll(x, 5, axis=(0, 1)), x)
    case("fliplr", ops.fliplr, x)
    case("flipud", ops.flipud, x)
    for k in range(4):
        case(f"rot90/{k}", lambda x, k=k: ops.rot90(x, k, axes=(0, 2)), cube)
    case("append", ops.append, real(2, 2), real(3))
    case("append/axis", lambda a, b: ops.append(a, b, axis=1), real(2, 2), real(2, 1))
    for name in ["vstack", "hstack", "dstack"]:
        f = getattr(ops, name)
        case(name, lambda a, b, f=f: f([a, b]), real(3), real(3))
        case(f"{name}/matrices", lambda a, b, f=f: f([a, b]), real(2, 2), real(2, 2))
    case("unstack", lambda x: ops.unstack(x, axis=1), x)
    case("array_split", lambda x: ops.array_split(x, 3, axis=1), x)
    case("split_at", lambda x: ops.split(x, [1, 3], axis=1), x)
    case("vsplit", lambda x: ops.vsplit(x, 2), real(4, 2))
    case("hsplit", lambda x: ops.hsplit(x, 2), x)
    case("dsplit", lambda x: ops.dsplit(x, 2), cube)
    for k in [-1, 0, 2]:
        case(f"diag/vector_{k}", lambda x, k=k: ops.diag(x, k), real(3))
        case(f"diag/matrix_{k}", lambda x, k=k: ops.diag(x, k), x)
        case(f"tril/{k}", lambda x, k=k: ops.tril(x, k), x)
        case(f"triu/{k}", lambda x, k=k: ops.triu(x, k), x)
    case("diagflat", lambda x: ops.diagflat(x, 1), real(2, 2))
    case("diagonal", lambda x: ops.diagonal(x, 1, 2, 0), real(3, 2, 4))
    case("trace", lambda x: ops.trace(x, -1), real(3, 4, 2))
    case("diff", lambda x: ops.diff(x, 2, axis=0), real(4, 2))
    case("select", lambda a, b, x, y: ops.select([a, b], [x, y], 7.0), truth(5), truth(5), real(5), real(5))
    case("meshgrid", lambda a, b, c: ops.meshgrid(a, b, c), real(2), real(3), real(2))
    case("meshgrid/ij", lambda a, b: ops.meshgrid(a, b, indexing="ij"), real(2), real(3))
    case("unravel_index", lambda i: ops.unravel_index(i, (3, 4, 5)), ints(0, 59, 23, 41))
    case("slice_update", lambda x, u: ops.slice_update(x, (1, 2), u), x, real(2, 2))
    case("depth_to_space", lambda x: ops.depth_to_space(x, 2), real(1, 2, 3, 8))
    case("space_to_depth", lambda x: ops.space_to_depth(x, 2), real(1, 4, 2, 3))
    case("extract_sequences", lambda x: ops.extract_sequences(x, 3, 2), real(2, 8))
    case("full_like", lambda x: ops.full_like(x, 2.5), x)
    case("eye", lambda: ops.eye(3, 4, 1))
    case("eye/square", lambda: ops.eye(3, dtype="int32"))
    case("tri", lambda: ops.tri(3, 4, -1))
    case("linspace", lambda: ops.linspace(-1, 2, 5))
    case("linspace/open", lambda: ops.linspace(-1, 2, 5, endpoint=False))
    case("logspace", lambda: ops.logspace(-1, 2, 4, base=2))
    case("geomspace", lambda: ops.geomspace(-1, -8, 4))
    for name in ["bartlett", "blackman", "hamming", "hanning"]:
        case(name, lambda f=getattr(ops, name): f(7))
    case("kaiser", lambda: ops.kaiser(7, 5.0))


def linear():
    a, b, v, w = real(2, 3), real(3, 2), real(3), real(3)
    case("dot", ops.dot, a, b)
    case("dot/vectors", ops.dot, v, w)
    case("dot/vector", ops.dot, real(2, 2, 3), v)
    case("dot/arrays", ops.dot, real(2, 2, 3), real(2, 3, 2))
    case("dot/number", ops.dot, a, floats(2)[0:1].reshape(()))
    case("inner", ops.inner, a, real(2, 3))
    case("outer", ops.outer, real(2, 2), v)
    case("vdot", ops.vdot, a, real(2, 3))
    case("tensordot", ops.tensordot, real(2, 3, 2), real(3, 2, 2))
    case("tensordot/axes", lambda a, b: ops.tensordot(a, b, axes=[[0, 2], [2, 0]]), real(2, 3, 3), real(3, 2, 2))
    case("kron", ops.kron, a, real(2, 2, 1))
    case("cross", ops.cross, a, v)
    case("cross/axis", lambda a, b: ops.cross(a, b, axis=0), real(3, 2), real(3, 2))
    case("cdist", ops.cdist, real(2, 3, 2), real(2, 2, 2))
    case("trapezoid", lambda y: ops.trapezoid(y, dx=0.5, axis=0), real(4, 2))
    case("trapezoid/x", lambda y, x: ops.trapezoid(y, x), a, v)
    case("vander", ops.vander, v)
    case("vander/increasing", lambda x: ops.vander(x, 2, increasing=True), v)


def sorting():
    x, odd = apart(3, 4), floats(1, NAN, -INF, 3, INF, NAN, 0)
    case("sort", ops.sort, x)
    case("sort/axis", lambda x: ops.sort(x, axis=0), x)
    case("sort/odd", ops.sort, odd, gradient=False)
    case("argsort", ops.argsort, odd)
    case("argsort/axis", lambda x: ops.argsort(x, axis=0), whole(4, 3))
    case("top_k", lambda x: tuple(ops.top_k(x, 2)), x)
    case("in_top_k", lambda t, p: ops.in_top_k(t, p, 2), ints(1, 0, 3), x)
    for method in ["linear", "lower", "higher", "midpoint", "nearest"]:
        case(f"quantile/{method}", lambda x, m=method: ops.quantile(x, 0.3, axis=1, method=m), x)
    case("quantile", lambda x: ops.quantile(x, 0.9), x)
    case("quantile/axes", lambda x: ops.quantile(x, 0.4, axis=(0, 2), keepdims=True), apart(2, 2, 3))
    case("percentile", lambda x: ops.percentile(x, 35.0, axis=0), x)
    case("median", ops.median, x)
    case("median/axis", lambda x: ops.median(x, axis=-1, keepdims=True), apart(2, 3))
    holes = apart(3, 4)
    holes[0, 1] = holes[2, 3] = holes[2, 0] = NAN
    case("nanmedian", ops.nanmedian, holes, gradient=False)
    case("nanquantile", lambda x: ops.nanquantile(x, 0.3, axis=1), holes, gradient=False)
    case("nanpercentile", lambda x: ops.nanpercentile(x, 60.0, axis=0), holes, gradient=False)
    case("searchsorted", ops.searchsorted, floats(-1, 0, 0, 2), floats(-2, 0, 1, 2, 3))
    case("searchsorted/right", lambda s, v: ops.searchsorted(s, v, side="right"), floats(-1, 0, 0, 2), floats(-2, 0, 1, 2, 3))
    case("digitize", ops.digitize, floats(-2, 0, 1.5, 4), floats(-1, 0, 2))
    case("isin", ops.isin, whole(2, 3), ints(0, 2, -3))
    case("isin/invert", lambda x, e: ops.isin(x, e, invert=True), whole(2, 3), ints(0, 2, -3))
    case("cumsum", ops.cumsum, x)
    case("cumsum/axis", lambda x: ops.cumsum(x, axis=0), x)
    case("cumsum/integers", lambda x: ops.cumsum(x, axis=1), whole(2, 3))
    case("cumprod", ops.cumprod, real(5))
    case("cumprod/axis", lambda x: ops.cumprod(x, axis=0), real(3, 2))
    case("nancumsum", lambda x: ops.nancumsum(x, axis=1), holes, gradient=False)
    case("nancumprod", lambda x: ops.nancumprod(x, axis=1), holes, gradient=False)


def scattering():
    x = real(3, 4)
    case("take_along_axis", lambda x, i: ops.take_along_axis(x, i, axis=1), x, ints(0, 3, 2, 2, -1, 0).reshape(3, 2))
    case("take_along_axis/row", lambda x, i: ops.take_along_axis(x, i, axis=0), x, ints(2, 0, 1, 1).reshape(1, 4))
    case("take", lambda x, i: ops.take(x, i, axis=1), real(2, 4, 3), ints(3, 0, 0, 1).reshape(2, 2))
    case("scatter", lambda i, v: ops.scatter(i, v, (3, 2)), ints(2, 0, 2).reshape(3, 1), real(3, 2))
    case("scatter/numbers", lambda i, v: ops.scatter(i, v, (2, 3)), ints(0, 1, 1, 2, 0, 1).reshape(3, 2), whole(3))
    case("scatter_update", ops.scatter_update, x, ints(2, 0).reshape(2, 1), real(2, 4))
    case("scatter_update/twice", ops.scatter_update, real(5), ints(3, 1, 3).reshape(3, 1), floats(1, 2, 4))
    ids = ints(0, 2, 0, 2, 3)
    for name in ["segment_sum", "segment_max", "segment_min", "segment_prod"]:
        f = getattr(ops, name)
        case(name, lambda d, i, f=f: f(d, i, num_segments=5), apart(5, 2), ids, gradient=name == "segment_sum")
        case(f"{name}/full", lambda d, i, f=f: f(d, i, num_segments=2), apart(5, 2), ints(0, 1, 0, 1, 1), gradient=name != "segment_prod")
    case("bincount", lambda x: ops.bincount(x, minlength=6), ints(1, 3, 3, 0, 5))
    case("bincount/weights", lambda x, w: ops.bincount(x, weights=w, minlength=6), ints(1, 3, 3, 0, 5), real(5), gradient=False)
    case("histogram", lambda x: ops.histogram(x, 4), real(12) + 0.015625)
    case("histogram/range", lambda x: ops.histogram(x, 4, (-1.0, 1.0)), real(12) + 0.015625)


def attention(query, key, value, bias=None, mask=None, scale=None, is_causal=False):
    """Keras's for JAX computes in float32; as it documents what it does."""
    scores = jnp.einsum("btnh,bsnh->bnts", query, key) * (scale or query.shape[-1] ** -0.5)
    if bias is not None:
        scores = scores + bias
    if mask is not None:
        scores = jnp.where(mask, scores, -1e30)
    if is_causal:
        scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -1e30)
    y = jnp.einsum("bnts,bsnh->btnh", jax.nn.softmax(scores), value)
    if not isinstance(query, jax.core.Tracer):
        assert np.allclose(y, ops.dot_product_attention(query, key, value, bias, mask, scale, is_causal), atol=1e-5)
    return y


def networks():
    x = real(2, 3, 4)
    case("layer_normalization", ops.layer_normalization, x)
    case("layer_normalization/scaled", lambda x, g, b: ops.layer_normalization(x, g, b, epsilon=0.01), x, real(4), real(4))
    case("layer_normalization/axes", lambda x, g: ops.layer_normalization(x, g, axis=[1, 2], epsilon=0.01), x, real(3, 4), gradient=True)
    case("rms_normalization", ops.rms_normalization, x)
    case("rms_normalization/scaled", lambda x, s: ops.rms_normalization(x, s, axis=-1, epsilon=0.01), x, real(4))
    case("batch_normalization", lambda x, m, v: ops.batch_normalization(x, m, v, axis=-1), x, real(4), real(4, low=0.2))
    case("batch_normalization/scaled", lambda x, m, v, o, s: ops.batch_normalization(x, m, v, 1, o, s, 0.1), x, real(3), real(3, low=0.2), real(3), real(3))
    q, k, v = real(2, 3, 2, 4), real(2, 5, 2, 4), real(2, 5, 2, 4)
    case("dot_product_attention", attention, q, k, v)
    mask = truth(2, 1, 3, 5)
    mask[..., 0] = True
    case("dot_product_attention/options", lambda q, k, v, b, m: attention(q, k, v, b, m, 0.3, True), q, k, v, real(2, 1, 5)[:1], mask)
    case("multi_hot", lambda x: ops.multi_hot(x, 5), ints(1, 3, 0, 0).reshape(2, 2))
    case("multi_hot/row", lambda x: ops.multi_hot(x, 5), ints(1, 3))
    image = apart(1, 5, 6, 2)
    case("adaptive_average_pool", lambda x: ops.adaptive_average_pool(x, (3, 2)), image)
    case("adaptive_max_pool", lambda x: ops.adaptive_max_pool(x, (3, 2)), image)
    case("adaptive_average_pool/1d", lambda x: ops.adaptive_average_pool(x, 3), real(1, 5, 2))
    image = real(1, 4, 5, 2)
    case("depthwise_conv2d", ops.depthwise_conv, image, real(2, 3, 2, 2))
    case("separable_conv2d", lambda x, d, p: ops.separable_conv(x, d, p, strides=2), image, real(2, 2, 2, 2), real(1, 1, 4, 3))


def images():
    image = real(1, 5, 6, 2)
    case("extract_patches", lambda x: ops.image.extract_patches(x, (2, 3)), image)
    case("extract_patches/same", lambda x: ops.image.extract_patches(x, (2, 3), strides=(2, 2), padding="same"), real(1, 3, 4, 1))
    case("extract_patches/dilated", lambda x: ops.image.extract_patches(x, (2, 2), strides=(1, 1), dilation_rate=2), real(1, 4, 4, 1))
    case("extract_patches_3d", lambda x: ops.image.extract_patches_3d(x, (2, 1, 2), strides=(1, 2, 2)), real(1, 3, 2, 4, 2))
    case("extract_patches_3d/same", lambda x: ops.image.extract_patches_3d(x, (2, 2, 2), padding="same"), real(1, 3, 2, 1, 1))
    case("ssim", lambda a, b: ops.image.ssim(a, b, filter_size=3), real(2, 4, 5, 2, low=0), real(2, 4, 5, 2, low=0))
    case("sobel_edges", ops.image.sobel_edges, real(1, 3, 4, 2))
    case("gaussian_blur", lambda x: ops.image.gaussian_blur(x, (3, 3), (1.5, 0.5), "channels_last"), real(1, 3, 4, 2))


def loops():
    case("map", lambda x: ops.map(lambda row: ops.sum(row) * row, x), real(3, 2))
    case("fori_loop", lambda x: ops.fori_loop(1, 4, lambda i, y: jnp.sin(y) * ops.cast(i, "float64"), x), real(3))
    halve = lambda x: ops.while_loop(lambda y: ops.sum(y) > 1, lambda y: (y[0] * 0.5,) if isinstance(y, tuple) else y * 0.5, x)  # noqa: E731
    case("while_loop", halve, floats(4, 1, 3), gradient=False)
    case("cond", lambda x: ops.cond(ops.sum(x) > 0, lambda: x * 2.0, lambda: jnp.sin(x)), floats(1, -0.5, 2))
    case("cond/not", lambda x: ops.cond(ops.sum(x) > 0, lambda: x * 2.0, lambda: jnp.sin(x)), floats(1, -3.5, 2))



def main():
    for part in [elements, reductions, arranging, linear, sorting, scattering, networks, images, loops]:
        part()
    with gzip.GzipFile(TARGET, "wb", compresslevel=9, mtime=0) as file:
        file.write(json.dumps({"keras": keras.__version__, "cases": cases}, separators=(",", ":")).encode())
    print(TARGET, len(cases), "cases", TARGET.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
