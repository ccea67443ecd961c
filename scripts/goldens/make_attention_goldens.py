#!/usr/bin/env python3
"""Writes tests/goldens/attention.json.gz: what Keras computes for attention layers.

Used as scripts/goldens/make_layer_goldens.py, and read by the same test.
"""

import gzip
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from make_recurrent_goldens import clean, joined, jax, keras, layers, np, numbers, random, tensor  # noqa: E402

Q, V = (2, 4, 6), (2, 3, 6)
CAUSAL = {"use_causal_mask": True}
SCORES = {"return_attention_scores": True}
# Positions that Masking finds empty: (input, row, position). The first position of a value is there for all to look at.
HOLES = [(0, 0, 3), (0, 1, 1), (1, 0, 2), (1, 1, 1), (1, 1, 2)]
# Keys that only some versions of Keras 3 know; they are left out where they say nothing.
NEW_KEYS = ("use_gate", "sliding_window", "seed")



def dot_product_attention(query, key, value, bias=None, mask=None, scale=None, is_causal=False, **_):
    """In place of Keras's for JAX, which computes in float32."""
    scores = jax.numpy.einsum("btnh,bsnh->bnts", query, key) * scale
    if is_causal:
        mask = jax.numpy.tril(jax.numpy.ones(scores.shape[-2:], bool))
    if mask is not None:
        scores = jax.numpy.where(mask, scores, -1e9)
    return jax.numpy.einsum("bnts,bsnh->btnh", jax.nn.softmax(scores), value)


# name, a function that makes the layer, input shapes (query, value, key, attention mask), and what is special about the
# case: "options" of the call, "masked" (a Masking before each input), "random" (numbers are drawn in training).
CASES = [
    ("mha", lambda **k: layers.MultiHeadAttention(2, 3, **k), [Q, V], {}),
    ("mha_options", lambda **k: layers.MultiHeadAttention(2, 3, value_dim=4, output_shape=5, use_bias=False, **k), [Q, (2, 3, 5), (2, 3, 4)], {"options": SCORES}),
    ("mha_causal", lambda **k: layers.MultiHeadAttention(2, 3, **k), [Q, Q], {"options": CAUSAL}),
    ("mha_masked", lambda **k: layers.MultiHeadAttention(2, 3, **k), [Q, V], {"masked": True}),
    ("mha_masked_causal", lambda **k: layers.MultiHeadAttention(2, 3, **k), [Q, V], {"masked": True, "options": CAUSAL}),
    ("mha_scores", lambda **k: layers.MultiHeadAttention(2, 3, **k), [Q, V], {"masked": True, "options": SCORES}),
    ("mha_mask", lambda **k: layers.MultiHeadAttention(2, 3, **k), [Q, V, V, (2, 4, 3)], {}),
    ("mha_axes", lambda **k: layers.MultiHeadAttention(2, 3, attention_axes=(2,), **k), [(2, 3, 4, 5), (2, 3, 2, 5)], {}),
    ("mha_all_axes", lambda **k: layers.MultiHeadAttention(2, 3, **k), [(2, 3, 4, 5), (2, 2, 3, 5)], {}),
    ("mha_window", lambda **k: layers.MultiHeadAttention(2, 3, sliding_window=2, **k), [Q, Q], {"options": CAUSAL}),
    ("mha_gate", lambda **k: layers.MultiHeadAttention(2, 3, use_gate=True, **k), [Q, V], {}),
    ("mha_dropout", lambda **k: layers.MultiHeadAttention(2, 3, dropout=0.25, seed=3, **k), [Q, V], {"masked": True, "random": True}),
    (
        "mha_regularized",
        lambda **k: layers.MultiHeadAttention(
            2,
            3,
            kernel_initializer=keras.initializers.HeNormal(seed=7),
            kernel_regularizer=keras.regularizers.L2(0.25),
            bias_regularizer=keras.regularizers.L1(0.125),
            activity_regularizer=keras.regularizers.L2(0.01),
            kernel_constraint=keras.constraints.MaxNorm(2.0),
            bias_constraint="non_neg",
            **k,
        ),
        [Q, V],
        {},
    ),
    ("group_query", lambda **k: layers.GroupQueryAttention(3, 4, 2, **k), [Q, V], {}),
    ("group_query_causal", lambda **k: layers.GroupQueryAttention(3, 4, 1, use_bias=False, use_gate=True, **k), [Q, V], {"options": CAUSAL}),
    ("group_query_masked", lambda **k: layers.GroupQueryAttention(3, 2, 2, sliding_window=3, **k), [Q, V], {"masked": True}),
    ("attention", lambda **k: layers.Attention(**k), [Q, V], {}),
    ("attention_scale", lambda **k: layers.Attention(use_scale=True, **k), [Q, (2, 3, 5), V], {"options": SCORES}),
    ("attention_masked", lambda **k: layers.Attention(dropout=0.5, seed=1, **k), [Q, V], {"masked": True, "random": True}),
    ("attention_causal", lambda **k: layers.Attention(**k), [Q, V], {"masked": True, "options": CAUSAL}),
    ("attention_concat", lambda **k: layers.Attention(score_mode="concat", **k), [Q, V], {}),
    ("attention_concat_scale", lambda **k: layers.Attention(True, "concat", **k), [Q, V], {}),
    ("additive_attention", lambda **k: layers.AdditiveAttention(**k), [Q, V], {}),
    ("additive_attention_masked", lambda **k: layers.AdditiveAttention(use_scale=False, **k), [Q, V], {"masked": True, "options": CAUSAL}),
]  # fmt: skip


def call(layer, inputs, special, training=None):
    """Of tensors and of the values of a functional model."""
    masking = layers.Masking()
    x = [masking(v) if special.get("masked") else v for v in inputs[:3]]
    keywords = dict(special.get("options", {}))
    if training is not None:
        keywords["training"] = training
    if isinstance(layer, layers.Attention):
        return layer(x, **keywords)
    if len(inputs) > 2:
        keywords["key"] = x[2]
    if len(inputs) > 3:
        keywords["attention_mask"] = inputs[3]
    return layer(x[0], x[1], **keywords)


def run(layer, special, trainable, inputs, cotangent):
    def forward(trainable, *inputs):
        state = list(zip(layer.trainable_variables, trainable))
        with keras.StatelessScope(state_mapping=state, collect_losses=True) as scope:
            y = joined(call(layer, inputs, special, False))
            losses = list(scope.losses)
        return (0.0 if cotangent is None else (y * cotangent).sum()), (y, losses)

    _, (y, losses) = forward(trainable, *inputs)
    if cotangent is None:
        return y
    floating = [i for i, x in enumerate(inputs) if np.issubdtype(x.dtype, np.floating)]
    gradients, _ = jax.grad(forward, argnums=(0, *[i + 1 for i in floating]), has_aux=True)(trainable, *inputs)
    return {
        "output": tensor(y),
        "losses": float(sum(losses)) if losses else 0.0,
        "weight_gradients": [tensor(g) for g in gradients[0]],
        "input_gradients": [tensor(g) for g in gradients[1:]],
        "state": [],
    }


def layer_case(name, make, shapes, special):
    config = clean(make().get_config(), type(make()).__name__)
    config = {k: v for k, v in config.items() if k not in NEW_KEYS or v not in (None, False)}
    layer = make()
    inputs = [numbers(shape) for shape in shapes[:3]]
    inputs += [random.integers(0, 2, shape, dtype="int32") for shape in shapes[3:]]
    for mask in inputs[3:]:
        mask[..., 0] = 1
    if special.get("masked"):
        for which, row, position in HOLES:
            inputs[which][row, position] = 0
    call(layer, inputs, special)
    for variable in layer.weights:
        if variable.trainable:
            variable.assign(numbers(variable.shape, 0.5))
    trainable = [v.value for v in layer.trainable_variables]
    case = {
        "name": name,
        "class_name": "GroupQueryAttention" if name.startswith("group") else type(layer).__name__,
        "config": config,
        "inputs": [{"dtype": str(x.dtype), **tensor(x)} for x in inputs],
        "weights": [{"name": v.name, "trainable": True, **tensor(v.value)} for v in layer.trainable_variables],
    }
    for key in ("masked", "random", "options"):
        if special.get(key):
            case[key] = special[key]
    cotangent = numbers(run(layer, special, trainable, inputs, None).shape)
    case["cotangent"] = tensor(cotangent)
    case["predict"] = run(layer, special, trainable, inputs, cotangent)
    return case


def main():
    keras.src.backend.nn.dot_product_attention = dot_product_attention
    target = pathlib.Path(__file__).resolve().parents[2] / "tests/goldens/attention.json.gz"
    cases = [layer_case(*case) for case in CASES]
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    target.write_bytes(gzip.compress(f'{{"keras":"{keras.__version__}",\n"layers":[\n{lines}\n]}}\n'.encode(), mtime=0))
    print(f"{target}: {target.stat().st_size} bytes, {len(cases)} layers", file=sys.stderr)


if __name__ == "__main__":
    main()
