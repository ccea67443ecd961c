#!/usr/bin/env python3
"""Writes tests/goldens/recurrent.json.gz: what Keras computes for recurrent layers, their wrappers and masks.

Used as scripts/goldens/make_layer_goldens.py, whose functions it shares, and read by the same test. Outputs of a layer
that has several are joined, row by row.
"""

import gzip
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from make_layer_goldens import NEW_KEYS, NEW_INITIALIZER_KEYS, jax, keras, layers, np, numbers, random, tensor  # noqa: E402

keras.config.set_floatx("float64")  # cells inside of layers take no dtype
keras.src.backend.numpy.tanh = jax.numpy.tanh  # Keras's computes in float32
X = (3, 5, 2)
# Steps that Masking finds empty: (row, step).
HOLES = [(0, 0), (0, 3), (1, 3), (1, 4), (2, 2)]


def gru_plain(**k):
    return layers.GRU(2, reset_after=False, use_bias=False, **k)


# name, a function that makes the layer, input shapes with the batch, and what is special about the case: "masked" (a
# Masking before it), "initial_state" (the inputs after the first), "cell" (called on an input and states), "ids", "random".
CASES = [
    ("simple_rnn", lambda **k: layers.SimpleRNN(3, **k), [X], {}),
    ("simple_rnn_sequences", lambda **k: layers.SimpleRNN(3, activation="relu", use_bias=False, return_sequences=True, go_backwards=True, **k), [X], {}),
    ("simple_rnn_masked", lambda **k: layers.SimpleRNN(3, return_sequences=True, return_state=True, **k), [X], {"masked": True}),
    ("lstm", lambda **k: layers.LSTM(3, **k), [X], {}),
    ("lstm_sequences_state", lambda **k: layers.LSTM(2, return_sequences=True, return_state=True, unit_forget_bias=False, **k), [X], {}),
    ("lstm_initial_state", lambda **k: layers.LSTM(2, return_state=True, go_backwards=True, **k), [X, (3, 2), (3, 2)], {"initial_state": True}),
    ("lstm_masked", lambda **k: layers.LSTM(3, return_state=True, **k), [X], {"masked": True}),
    ("lstm_masked_backwards", lambda **k: layers.LSTM(3, return_sequences=True, go_backwards=True, **k), [X], {"masked": True}),
    (
        "lstm_regularized",
        lambda **k: layers.LSTM(
            2,
            activation="relu",
            recurrent_activation="hard_sigmoid",
            use_bias=False,
            kernel_initializer=keras.initializers.HeNormal(seed=7),
            recurrent_initializer="glorot_uniform",
            kernel_regularizer=keras.regularizers.L2(0.25),
            recurrent_regularizer=keras.regularizers.L1(0.125),
            activity_regularizer=keras.regularizers.L2(0.5),
            kernel_constraint=keras.constraints.MaxNorm(2.0),
            recurrent_constraint="non_neg",
            unroll=True,
            **k,
        ),
        [X],
        {},
    ),
    ("lstm_dropout", lambda **k: layers.LSTM(2, dropout=0.25, recurrent_dropout=0.5, seed=3, **k), [X], {"random": True}),
    ("gru", lambda **k: layers.GRU(3, **k), [X], {}),
    ("gru_sequences", lambda **k: layers.GRU(3, return_sequences=True, return_state=True, **k), [X], {}),
    ("gru_reset_before", lambda **k: layers.GRU(2, reset_after=False, return_sequences=True, **k), [X], {}),
    ("gru_no_bias", lambda **k: layers.GRU(2, use_bias=False, **k), [X], {}),
    ("gru_no_bias_reset_before", lambda **k: gru_plain(**k), [X], {}),
    ("gru_masked", lambda **k: layers.GRU(3, return_sequences=True, **k), [X], {"masked": True}),
    ("gru_initial_state", lambda **k: layers.GRU(2, **k), [X, (3, 2)], {"initial_state": True}),
    ("rnn_lstm_cell", lambda **k: layers.RNN(layers.LSTMCell(2, name="a"), return_sequences=True, **k), [X], {}),
    ("rnn_simple_cell_masked", lambda **k: layers.RNN(layers.SimpleRNNCell(2, name="a"), return_sequences=True, zero_output_for_mask=True, **k), [X], {"masked": True}),
    (
        "rnn_stacked",
        lambda **k: layers.RNN(
            layers.StackedRNNCells(
                [layers.GRUCell(3, name="a"), layers.LSTMCell(2, name="b")],
                name="stack"),
            return_sequences=True, **k),
        [X],
        {},
    ),
    ("simple_rnn_cell", lambda **k: layers.SimpleRNNCell(2, **k), [(3, 4), (3, 2)], {"cell": True}),
    ("lstm_cell", lambda **k: layers.LSTMCell(2, **k), [(3, 4), (3, 2), (3, 2)], {"cell": True}),
    ("gru_cell", lambda **k: layers.GRUCell(2, reset_after=False, **k), [(3, 4), (3, 2)], {"cell": True}),
    ("stacked_rnn_cells", lambda **k: layers.StackedRNNCells([layers.GRUCell(3, name="a"), layers.LSTMCell(2, name="b")], **k),
     [(3, 4), (3, 3), (3, 2), (3, 2)], {"cell": True}),
    ("bidirectional", lambda **k: layers.Bidirectional(layers.LSTM(2, name="a"), **k), [X], {}),
    ("bidirectional_sum", lambda **k: layers.Bidirectional(layers.GRU(2, return_sequences=True, name="a"), merge_mode="sum", **k), [X], {}),
    ("bidirectional_mul_masked", lambda **k: layers.Bidirectional(layers.LSTM(2, return_sequences=True, name="a"), merge_mode="mul", **k), [X], {"masked": True}),
    ("bidirectional_ave_masked", lambda **k: layers.Bidirectional(layers.SimpleRNN(2, name="a"), merge_mode="ave", **k), [X], {"masked": True}),
    (
        "bidirectional_apart",
        lambda **k: layers.Bidirectional(
            layers.GRU(2, return_sequences=True, name="a"), merge_mode=None,
            backward_layer=layers.GRU(3, return_sequences=True, go_backwards=True, name="b"), **k),
        [X],
        {},
    ),
    ("time_distributed", lambda **k: layers.TimeDistributed(layers.Dense(3, activation="tanh", name="a"), **k), [X], {}),
    ("masking", lambda **k: layers.Masking(**k), [X], {"holes": True}),
    ("embedding_mask_zero", lambda **k: layers.Embedding(5, 3, mask_zero=True, **k), [(2, 4)], {"ids": 5}),
    ("conv_lstm1d", lambda **k: layers.ConvLSTM1D(2, 3, **k), [(2, 3, 5, 2)], {}),
    ("conv_lstm1d_state", lambda **k: layers.ConvLSTM1D(2, 2, strides=2, return_sequences=True, return_state=True, **k), [(3, 5, 4, 1)], {}),
    ("conv_lstm2d", lambda **k: layers.ConvLSTM2D(2, (2, 3), return_sequences=True, **k), [(2, 3, 4, 5, 1)], {}),
    (
        "conv_lstm2d_same",
        lambda **k: layers.ConvLSTM2D(
            2, 3, padding="same", dilation_rate=(2, 1), activation="relu", recurrent_activation="hard_sigmoid",
            unit_forget_bias=False, go_backwards=True, return_state=True, kernel_regularizer="l2", **k),
        [(2, 3, 4, 3, 2)],
        {},
    ),
    ("conv_lstm2d_initial_state", lambda **k: layers.ConvLSTM2D(1, 2, use_bias=False, **k), [(2, 2, 3, 3, 1), (2, 2, 2, 1), (2, 2, 2, 1)], {"initial_state": True}),
    ("conv_lstm2d_dropout", lambda **k: layers.ConvLSTM2D(1, 2, dropout=0.25, recurrent_dropout=0.5, seed=3, **k), [(2, 2, 3, 3, 1)], {"random": True}),
    ("conv_lstm3d", lambda **k: layers.ConvLSTM3D(1, 2, strides=(1, 2, 1), return_sequences=True, **k), [(1, 2, 3, 4, 3, 1)], {}),
]  # fmt: skip


def clean(config, class_name, inside=False):
    """A configuration without what differs between versions and dtypes, those inside it too."""
    left_out = NEW_KEYS.get(class_name, set()) | {"dtype"} | (set() if inside else {"name", "trainable"})
    kept = {k: v for k, v in config.items() if k not in left_out}

    def strip(value):
        if isinstance(value, dict) and "class_name" in value:
            value = {k: v for k, v in value.items() if k not in ("build_config", "shared_object_id")}
            if value.get("module") == "keras.initializers":
                value["config"] = {k: v for k, v in value["config"].items() if k not in NEW_INITIALIZER_KEYS}
                if value["class_name"] == "Orthogonal":
                    value["class_name"] = "OrthogonalInitializer"  # as versions before called it, and all understand
            else:
                value["config"] = clean(value["config"], value["class_name"], inside=True)
            return value
        if isinstance(value, (list, tuple)):
            return [strip(v) for v in value]
        return value

    kept = {k: strip(v) for k, v in kept.items()}
    return kept if inside else {"trainable": config["trainable"], **kept}


def joined(outputs):
    if not isinstance(outputs, (list, tuple)):
        return outputs
    if len(outputs) == 1:
        return outputs[0]
    return jax.numpy.concatenate([y.reshape(y.shape[0], -1) for y in outputs], axis=-1)


def call_cell(layer, inputs):
    states = inputs[1:]
    if isinstance(layer, layers.StackedRNNCells):
        states = [states[:1], states[1:]]
    y, states = layer(inputs[0], states)
    return [y, *keras.tree.flatten(states)]


def run(layer, special, trainable, inputs, cotangent, training):
    """Output, losses and gradients of sum(output * cotangent)."""
    rest = [v.value for v in layer.non_trainable_variables]
    masking = layers.Masking()

    def forward(trainable, *inputs):
        state = list(zip(layer.trainable_variables + layer.non_trainable_variables, [*trainable, *rest]))
        with keras.StatelessScope(state_mapping=state, collect_losses=True) as scope:
            x = masking(inputs[0]) if special.get("masked") else inputs[0]
            keywords = {"initial_state": list(inputs[1:])} if special.get("initial_state") else {}
            if layer._call_has_training_arg:
                keywords["training"] = training
            y = joined(call_cell(layer, inputs) if special.get("cell") else layer(x, **keywords))
            losses = [v for v in scope.losses]
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
    layer = make()
    inputs = [numbers(shape) for shape in shapes]
    if "ids" in special:
        inputs = [random.integers(0, special["ids"], shape, dtype="int32") for shape in shapes]
    if special.get("masked") or special.get("holes"):
        for row, step in HOLES:
            inputs[0][row, step] = 0
    if special.get("cell"):
        call_cell(layer, inputs)
    else:
        layer(inputs[0], **({"initial_state": inputs[1:]} if special.get("initial_state") else {}))
    for variable in layer.weights:
        variable.assign(numbers(variable.shape, 1.0))
    trainable = [v.value for v in layer.trainable_variables]
    case = {
        "name": name,
        "class_name": type(layer).__name__,
        "config": config,
        "inputs": [{"dtype": str(x.dtype), **tensor(x)} for x in inputs],
        "weights": [{"name": v.name, "trainable": True, **tensor(v.value)} for v in layer.trainable_variables],
    }
    for key in ("masked", "random"):
        if special.get(key):
            case[key] = True
    y = run(layer, special, trainable, inputs, None, False)
    cotangent = numbers(y.shape)
    case["cotangent"] = tensor(cotangent)
    case["predict"] = run(layer, special, trainable, inputs, cotangent, False)
    return case


def main():
    target = pathlib.Path(__file__).resolve().parents[2] / "tests/goldens/recurrent.json.gz"
    cases = [layer_case(*case) for case in CASES]
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    target.write_bytes(gzip.compress(f'{{"keras":"{keras.__version__}",\n"layers":[\n{lines}\n]}}\n'.encode(), mtime=0))
    print(f"{target}: {target.stat().st_size} bytes, {len(cases)} layers", file=sys.stderr)


if __name__ == "__main__":
    main()
