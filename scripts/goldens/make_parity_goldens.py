#!/usr/bin/env python3
"""Writes tests/goldens/parity.json.gz: the losses of Keras in 20 steps of training, and losses and metrics under masks.

Run it when a row is added:  pip install keras jax;  python3 scripts/goldens/make_parity_goldens.py
tests/layers/parity_test.cpp makes the same models. Weights and data are not stored: both sides draw them from the same
generator (see Stream), so that the file holds the results only.
"""

import gzip
import json
import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "jax"
import jax  # noqa: E402

jax.config.update("jax_platforms", "cpu")
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import Input, Model, Sequential, layers  # noqa: E402

ROWS, STEPS = 16, 20


class Stream:
    """Numbers in [-1, 1): the upper 24 bits of a linear congruential generator."""

    def __init__(self, seed):
        self.state = seed

    def numbers(self, shape):
        values = np.empty(int(np.prod(shape)), "float32")
        for i in range(values.size):
            self.state = (1664525 * self.state + 1013904223) % 2**32
            values[i] = (self.state >> 8) / 2**23 - 1
        return values.reshape(shape)

    def classes(self, shape, count):
        return ((self.numbers(shape).astype("float64") + 1) / 2 * count).astype("int32")


def draw_weights(model, stream):
    """Kernels, that is variables with several axes, are drawn, as large as their inputs are many; others stay."""
    for variable in model.trainable_variables:
        shape = variable.shape
        if len(shape) > 1:
            variable.assign(stream.numbers(shape) * np.float32(np.sqrt(3.0 / np.prod(shape[:-1]))))


def mlp():
    return Sequential([Input((12,)), layers.Dense(16, activation="relu"), layers.Dense(5, activation="softmax")])


def cnn():
    return Sequential([
        Input((8, 8, 2)),
        layers.Conv2D(6, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(8, 2, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dense(5, activation="softmax"),
    ])  # fmt: skip


def resnet():
    x = Input((8, 8, 2))
    y = layers.Conv2D(6, 3, padding="same", use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    for filters, strides in [(6, 1), (8, 2)]:
        z = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(y)
        z = layers.ReLU()(layers.BatchNormalization()(z))
        z = layers.Conv2D(filters, 3, padding="same", use_bias=False)(z)
        z = layers.BatchNormalization()(z)
        if strides > 1:
            y = layers.Conv2D(filters, 1, strides=strides, use_bias=False)(y)
            y = layers.BatchNormalization()(y)
        y = layers.ReLU()(layers.Add()([y, z]))
    y = layers.GlobalAveragePooling2D()(y)
    return Model(x, layers.Dense(5, activation="softmax")(y))


def lstm():
    return Sequential([Input((7, 4)), layers.LSTM(12), layers.Dense(5, activation="softmax")])


def gru_masked():
    return Sequential([
        Input((7, 4)),
        layers.Masking(),
        layers.Bidirectional(layers.GRU(6, return_sequences=True)),
        layers.LSTM(8),
        layers.Dense(5, activation="softmax"),
    ])  # fmt: skip


def transformer():
    x = Input((7, 4))
    embedded = layers.Dense(8)(x)
    y = layers.LayerNormalization()(layers.Add()([embedded, layers.MultiHeadAttention(2, 4)(embedded, embedded)]))
    wider = layers.Dense(16, activation="gelu")(y)
    y = layers.LayerNormalization()(layers.Add()([y, layers.Dense(8)(wider)]))
    y = layers.LayerNormalization()(layers.Add()([y, layers.MultiHeadAttention(2, 4)(y, y, use_causal_mask=True)]))
    return Model(x, layers.Dense(5, activation="softmax")(layers.Flatten()(y)))


# name, model, the shape of a row
MODELS = [
    ("mlp", mlp, (12,)),
    ("cnn", cnn, (8, 8, 2)),
    ("resnet", resnet, (8, 8, 2)),
    ("lstm", lstm, (7, 4)),
    ("transformer", transformer, (7, 4)),
    ("gru_masked", gru_masked, (7, 4)),
]


def training(name, make, shape):
    stream = Stream(len(name))
    model = make()
    draw_weights(model, stream)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    losses = []
    for step in range(STEPS):
        x, y = stream.numbers((ROWS, *shape)), stream.classes((ROWS,), 5)
        if "masked" in name:
            for row in range(ROWS):
                x[row, 7 - (row + step) % 6 :] = 0
        losses.append(model.train_on_batch(x, y))
    return [float(loss) for loss in losses]


# Of a model whose predictions have a mask: name, loss, metrics, whether samples have weights.
CROSSENTROPY = keras.losses.SparseCategoricalCrossentropy
MASKED = [
    ("mean", CROSSENTROPY(), ["accuracy"], False),
    ("weighted", CROSSENTROPY(), ["sparse_categorical_crossentropy"], True),
    ("sum", CROSSENTROPY(reduction="sum"), [keras.metrics.SparseCategoricalAccuracy(name="a")], False),
    ("mean_with_sample_weight", CROSSENTROPY(reduction="mean_with_sample_weight"), [], False),
    ("ignore_class", CROSSENTROPY(ignore_class=2), [keras.metrics.SparseTopKCategoricalAccuracy(2, name="a")], False),
]


def masked(name, loss, metrics, weighted):
    stream = Stream(7)
    model = Sequential([
        Input((6,), dtype="int32"),
        layers.Embedding(9, 4, mask_zero=True),
        layers.SimpleRNN(5, return_sequences=True),
        layers.Dropout(0.0),
        layers.TimeDistributed(layers.Dense(5, activation="softmax")),
    ])  # fmt: skip
    draw_weights(model, stream)
    ids, y = stream.classes((ROWS, 6), 9), stream.classes((ROWS, 6), 5)
    for row in range(ROWS):
        ids[row, 6 - row % 6 :] = 0
    weights = np.repeat(stream.numbers((ROWS, 1)) + 1, 6, axis=1) if weighted else None
    model.compile("sgd", loss, metrics=metrics if not weighted else [], weighted_metrics=metrics if weighted else None)
    results = model.test_on_batch(ids, y, sample_weight=weights)
    return [float(r) for r in (results if isinstance(results, list) else [results])]


def main():
    target = pathlib.Path(__file__).resolve().parents[2] / "tests/goldens/parity.json.gz"
    losses = [f"  {json.dumps(name)}: {json.dumps(training(name, make, shape))}" for name, make, shape in MODELS]
    results = [f"  {json.dumps(name)}: {json.dumps(masked(name, *rest))}" for name, *rest in MASKED]
    text = ",\n".join(losses), ",\n".join(results)
    target.write_bytes(gzip.compress(f'{{"keras": "{keras.__version__}",\n"losses": {{\n{text[0]}}},\n"masked": {{\n{text[1]}}}}}\n'.encode(), mtime=0))
    print(f"{target}: {target.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
