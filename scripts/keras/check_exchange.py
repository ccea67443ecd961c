#!/usr/bin/env python3
"""Live proof that models cross between Keras and Keratin; run by ./dev test-keras.

    check_exchange.py EXCHANGE FOLDER [--only NAME] [--quick]

EXCHANGE is the program keratin_keras_exchange. For each case below, Keras saves a compiled model; Keratin loads it,
predicts, saves it again and trains five steps; Keras loads that file, predicts and trains the same five steps.
Predictions must agree within 1e-5, losses within 1e-4 (relative), and 99.9 % of the trained weights within 1e-5.
Then Keras loads what Keratin has built itself: a model for every layer. Exits 1 when anything differs.
"""

import argparse
import gzip
import json
import os
import pathlib
import subprocess
import sys
import types

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import logging  # noqa: E402

import h5py  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import Sequential, layers  # noqa: E402

logging.getLogger("absl").setLevel(logging.ERROR)  # that .h5 is an old format
BATCH, STEPS = 8, 5
CASES = {}
# What --quick looks at: whole models, and layers of each kind.
QUICK = {"mlp_adam", "cnn_sgd_schedule", "branches_adamw", "nested", "layer_lstm", "layer_mha", "layer_batch_normalization", "layer_embedding"}
MISSING = set()  # cases of layers that this version of Keras does not have yet
# Keras drops an axis that is a list when it reads .h5, also in files of its own.
LOST_IN_H5 = {"softmax_axes", "layer_normalization_axes", "rms_normalization_axes", "normalization_axes", "normalization_none"}
# Keras takes the score mode "dot" of its own .h5 for the function of this name.
LOST_IN_H5 |= {"attention", "attention_scale", "attention_masked", "attention_causal"}
# Classes that Keras finds by their module, which .h5 does not hold.
LOST_IN_H5 |= {"layer_scale", "stochastic_depth", "custom_scale_layer"}
if tuple(map(int, keras.__version__.split(".")[:2])) < (3, 15):
    LOST_IN_H5.add("concatenate_axis")  # older ones (seen: 3.0 and 3.8) drop every axis
if keras.__version__.startswith("3.0."):
    # It reads adapted statistics from .h5, its own too, but computes without them, and broadcasts no given ones.
    LOST_IN_H5 |= {"normalization", "normalization_number"}
    MISSING.add("normalization_given")


def case(function):
    CASES[function.__name__] = function
    return function


def numbers(rng, *shape):
    return rng.uniform(-1, 1, shape).astype("float32")


def labels(rng, rows, classes):
    return rng.integers(0, classes, (rows,)).astype("int32")


# A case returns (model, inputs, targets); the model is compiled, or the targets are None.


@case
def mlp_adam(rng, n):
    model = Sequential([
        keras.Input((12,)),
        layers.Dense(16, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-3)),
        layers.Dropout(0.0),
        layers.Dense(5, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, [numbers(rng, n, 12)], [labels(rng, n, 5)]


@case
def cnn_sgd_schedule(rng, n):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.05, 10, 0.9, staircase=True)
    model = Sequential([
        keras.Input((8, 8, 2)),
        layers.Rescaling(0.5, offset=0.1),
        layers.Conv2D(4, 3, padding="same", activation="relu", kernel_initializer="he_normal"),
        layers.BatchNormalization(momentum=0.9),
        layers.MaxPooling2D(),
        layers.Conv2D(6, (2, 3), strides=2, use_bias=False),
        layers.LeakyReLU(),
        layers.AveragePooling2D(1),
        layers.Flatten(),
        layers.Dense(3),
    ])
    model.compile(
        keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True, clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2)],
    )
    return model, [numbers(rng, n, 8, 8, 2)], [labels(rng, n, 3)]


@case
def late_built_rmsprop(rng, n):
    model = Sequential([layers.Dense(7, activation="tanh"), layers.LayerNormalization(), layers.Dense(2)])
    model.build((None, 6))
    model.compile(keras.optimizers.RMSprop(0.01, momentum=0.5), "mse", metrics=["mae"])
    return model, [numbers(rng, n, 6)], [numbers(rng, n, 2)]


@case
def branches_adamw(rng, n):
    x = keras.Input((6, 6, 3))
    y = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    shortcut = layers.Conv2D(4, 1)(x)
    y = layers.Add()([layers.BatchNormalization()(y), shortcut])
    y = layers.Concatenate()([layers.GlobalAveragePooling2D()(y), layers.GlobalMaxPooling2D()(y)])
    model = keras.Model(x, layers.Dense(4, activation="softmax")(y))
    model.compile(
        keras.optimizers.AdamW(3e-3, weight_decay=0.01, global_clipnorm=2.0),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy"],
    )
    return model, [numbers(rng, n, 6, 6, 3)], [np.eye(4, dtype="float32")[labels(rng, n, 4)]]


@case
def shared_two_inputs(rng, n):
    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    shared = layers.Dense(5, activation="relu")
    deep = shared(shared(b))
    difference = layers.Subtract()([shared(a), layers.Dense(5)(deep)])
    model = keras.Model([a, b], layers.Dense(1, activation="sigmoid")(difference))
    model.compile("adam", keras.losses.BinaryCrossentropy(label_smoothing=0.05), metrics=["accuracy"])
    return model, [numbers(rng, n, 5), numbers(rng, n, 5)], [labels(rng, n, 2).astype("float32")[:, None]]


@case
def several_outputs(rng, n):
    x = keras.Input((7,))
    hidden = layers.Dense(9, activation="gelu")(x)
    kind = layers.Dense(3, activation="softmax", name="kind")(hidden)
    size = layers.Dense(1, name="size")(hidden)
    model = keras.Model(x, [kind, size])
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, 50, warmup_target=0.02, warmup_steps=3)),
        ["sparse_categorical_crossentropy", keras.losses.Huber()],  # Keras forgets another delta
        loss_weights=[1.0, 0.5],
        metrics=[["accuracy"], ["mae", keras.metrics.RootMeanSquaredError()]],
    )
    return model, [numbers(rng, n, 7)], [labels(rng, n, 3), numbers(rng, n, 1)]


@case
def dictionaries_of_outputs(rng, n):
    x = keras.Input((4,))
    hidden = layers.Dense(4)(x)
    model = keras.Model(x, [layers.Dense(2, name="left")(hidden), layers.Dense(3, name="right")(hidden)])
    model.compile("sgd", {"right": "mae", "left": "mse"}, metrics={"right": ["mse"]}, loss_weights={"left": 2.0, "right": 1.0})
    return model, [numbers(rng, n, 4)], [numbers(rng, n, 2), numbers(rng, n, 3)]


@case
def nested(rng, n):
    inner = Sequential([keras.Input((6,)), layers.Dense(4, use_bias=False), layers.BatchNormalization()], name="inner")
    c = keras.Input((4,))
    two = keras.Model(c, [layers.Dense(3, activation="tanh")(c), layers.PReLU()(c)], name="two")
    x = keras.Input((6,))
    left, right = two(inner(x))
    again, _ = two(layers.Dense(4, activation="softsign")(x))
    model = keras.Model(x, [layers.Dense(2)(layers.Concatenate()([left, right, again])), right])
    model.compile("adam", ["mse", "mse"])
    return model, [numbers(rng, n, 6)], [numbers(rng, n, 2), numbers(rng, n, 4)]


@case
def functional_as_output(rng, n):
    c = keras.Input((3,))
    inner = keras.Model(c, layers.Dense(2)(c), name="inner_functional")
    x = keras.Input((3,))
    model = keras.Model(x, inner(x))
    model.compile("rmsprop", "mse")
    return model, [numbers(rng, n, 3)], [numbers(rng, n, 2)]


@case
def frozen_base(rng, n):
    base = Sequential([keras.Input((5,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(3)], name="base")
    base.trainable = False
    model = Sequential([keras.Input((5,)), base, layers.Dense(2)])
    model.compile("adam", "mse")
    return model, [numbers(rng, n, 5)], [numbers(rng, n, 2)]


@case
def transfer_constraints(rng, n):
    model = Sequential([
        keras.Input((4,)),
        layers.Dense(6, kernel_constraint="max_norm", bias_constraint=keras.constraints.NonNeg(), kernel_initializer="orthogonal"),
        layers.Dense(3, kernel_constraint=keras.constraints.UnitNorm(), bias_regularizer="l1",
                     activity_regularizer=keras.regularizers.L2(0.01)),
    ])  # fmt: skip
    model.compile(keras.optimizers.SGD(0.1, weight_decay=0.01, clipvalue=0.5), "mae")
    return model, [numbers(rng, n, 4)], [numbers(rng, n, 3)]


@case
def embedding_text(rng, n):
    model = Sequential([
        keras.Input((6,), dtype="int32"),
        layers.Embedding(20, 4),
        layers.Reshape((3, 8)),
        layers.Permute((2, 1)),
        layers.Flatten(),
        layers.Dense(2, activation="log_softmax"),
    ])
    model.compile("adam", "mse")
    return model, [rng.integers(0, 20, (n, 6)).astype("int32")], [numbers(rng, n, 2)]


@case
def images_of_any_size(rng, n):
    x = keras.Input((None, None, 3))
    y = layers.ZeroPadding2D(((1, 0), (2, 1)))(x)
    y = layers.Conv2D(4, 3, dilation_rate=2)(y)
    y = layers.UpSampling2D(2)(y)
    y = layers.Cropping2D(1)(y)
    y = layers.Conv2D(4, 3, strides=2, padding="same", groups=2)(y)
    y = layers.ReLU(max_value=3, negative_slope=0.1)(y)
    y = layers.GlobalAveragePooling2D(keepdims=True)(y)
    model = keras.Model(x, layers.Flatten()(y))
    model.compile("sgd", "mse")
    return model, [numbers(rng, n, 9, 8, 3)], [numbers(rng, n, 4)]


@case
def explicit_masks(rng, n):
    x, steps = keras.Input((5, 3)), keras.Input((5,), dtype="bool")
    y = layers.LSTM(4, return_sequences=True)(x, mask=steps)
    z = layers.MultiHeadAttention(1, 3)(x, x, value_mask=steps)
    y = layers.Concatenate()([layers.GlobalAveragePooling1D()(y), layers.Flatten()(z)])
    model = keras.Model([x, steps], layers.Dense(2)(y))
    model.compile(keras.optimizers.SGD(0.1), "mse")  # the keys' bias has no gradient but rounding, which Adam would make steps of
    mask = rng.integers(0, 2, (n, 5)).astype("bool")
    mask[:, 1] = True
    return model, [numbers(rng, n, 5, 3), mask], [numbers(rng, n, 2)]


@case
def loss_ctc(rng, n):
    model = Sequential([keras.Input((6, 3)), layers.Dense(8, activation="tanh"), layers.Dense(5)])
    model.compile("adam", keras.losses.CTC())
    y = rng.integers(1, 5, (n, 3)).astype("int32")
    y[::2, 2] = 0
    return model, [numbers(rng, n, 6, 3)], [y]


@case
def loss_circle(rng, n):
    model = Sequential([keras.Input((6,)), layers.Dense(4), layers.UnitNormalization()])
    model.compile("sgd", keras.losses.Circle(gamma=4.0, margin=0.25))
    return model, [numbers(rng, n, 6)], [labels(rng, n, 3)]


def layer_cases():
    """A model for each layer, with the layers of the golden cases."""
    goldens = pathlib.Path(__file__).resolve().parents[1] / "goldens"

    def cases(name):
        source = goldens / name
        text = source.read_text()
        for double in ('jax.config.update("jax_enable_x64", True)', 'keras.config.set_floatx("float64")'):
            text = text.replace(double, "")
        module = sys.modules[source.stem] = types.ModuleType(source.stem)
        module.__file__ = str(source)
        exec(compile(text, str(source), "exec"), module.__dict__)
        return [(*each, vars(module).get("call")) for each in module.CASES]

    scripts = ["make_layer_goldens.py", "make_recurrent_goldens.py", "make_attention_goldens.py"]
    for name, make, shapes, special, call in [each for script in scripts for each in cases(script)]:
        if special.get("cell"):
            continue  # part of a recurrent layer, not of a model
        try:
            make()
        except (AttributeError, TypeError, ValueError):  # the layer, or an argument of it
            MISSING.add(name)
            continue
        if name == "category_encoding_column" and len(make()(np.zeros((2, 1), "int32")).shape) == 3:
            MISSING.add(name)  # old versions (seen: 3.0) keep the axis of size 1
            continue
        if name.startswith("random_grayscale"):
            image = keras.Input((4, 3, 3))
            try:
                keras.Model(image, make()(image))(np.zeros((1, 4, 3, 3), "float32"))
            except KeyError:
                MISSING.add(name)  # some versions (seen: 3.8) cannot run their own model of it
                continue
        if name.startswith("mha") and not hasattr(layers.MultiHeadAttention, "query_dense"):
            MISSING.add(name)  # old versions (seen: 3.0) call the weights otherwise in files, and cannot read today's
            continue

        def build(rng, n, make=make, shapes=shapes, special=special, call=call):
            ids = ["ids" in special or (call and i == 3) for i in range(len(shapes))]
            inputs = [keras.Input(s[1:], dtype="int32" if i else "float32") for s, i in zip(shapes, ids)]
            if call:
                y = call(make(), inputs, special)
            elif special.get("initial_state"):
                y = make()(inputs[0], initial_state=inputs[1:])
            elif special.get("masked"):
                y = make()(layers.Masking()(inputs[0]))
            else:
                y = make()(inputs[0] if len(inputs) == 1 else inputs, **special.get("options", {}))
            limit = special.get("ids", 2)
            x = [rng.integers(0, limit, (n, *s[1:])).astype("int32") if i else numbers(rng, n, *s[1:]) for s, i in zip(shapes, ids)]
            if special.get("masked"):
                x[0][:, 1::2] *= rng.integers(0, 2, (n, shapes[0][1] // 2, 1))
            return keras.Model(inputs, y), x, None

        CASES["layer_" + name] = build


def compiled_cases():
    """Small models compiled with every optimizer, loss and metric of the training goldens."""
    goldens = json.loads(gzip.decompress((pathlib.Path(__file__).resolve().parents[2] / "tests/goldens/training.json.gz").read_bytes()))

    def made(description):
        try:
            return keras.saving.deserialize_keras_object(json.loads(json.dumps(description)))
        except Exception:  # noqa: BLE001  what an older version does not know
            return None

    def add(name, outputs, activation, targets, optimizer="sgd", loss="mse", metrics=None):
        def build(rng, n):
            model = Sequential([keras.Input((6,)), layers.Dense(8, activation="tanh"), layers.Dense(outputs, activation=activation)])
            chosen = optimizer if isinstance(optimizer, str) else made(optimizer)
            model.compile(chosen, loss if isinstance(loss, str) else made(loss), metrics=[made(m) for m in metrics or []])
            return model, [numbers(rng, n, 6)], [targets(rng, n)]

        if all(made(d) is not None for d in [optimizer, loss, *(metrics or [])] if not isinstance(d, str)):
            CASES[name] = build

    kinds = {}  # the second case of a class has the moving average, weight decay and clipping
    for golden in goldens["optimizers"]["cases"]:
        kinds.setdefault(golden["object"]["class_name"], []).append(golden["object"])
    for name, objects in kinds.items():
        for i, description in enumerate(objects[:2]):
            add(f"optimizer_{name}_{i}", 4, None, lambda rng, n: numbers(rng, n, 4), optimizer=description)

    def bits(rng, n):
        return rng.integers(0, 2, (n, 3)).astype("float32")

    def one_hot(rng, n):
        return np.eye(3, dtype="float32")[labels(rng, n, 3)]

    def sparse(rng, n):
        return labels(rng, n, 3)

    for i, golden in enumerate(goldens["losses"]):
        description, shape = golden["object"], golden["p"]["shape"]
        config = description["config"]
        # Keras forgets these when it saves; the goldens have them from elsewhere.
        if config.get("delta", 1.0) != 1.0 or len(shape) != 2 or "weight" in golden or config.get("reduction") == "none":
            continue
        if config.get("axis") not in (None, -1) or description["class_name"] in ("Dice", "Tversky") and config.get("axis"):
            continue
        name = description["class_name"]
        if name == "Circle":  # loss_circle has embeddings for it
            continue
        targets = sparse if "Sparse" in name or "Generalized" in name else bits if "Binary" in name or name in ("Dice", "Tversky") else one_hot
        if name == "MeanAbsolutePercentageError":  # of targets that are 0 it is 1e7 times any rounding error

            def targets(rng, n):
                return numbers(rng, n, 3) + 2

        probabilities = "entropy" in name.lower() or name in ("KLDivergence", "Poisson", "MeanSquaredLogarithmicError", "Dice", "Tversky")
        activation = None if config.get("from_logits") or not probabilities else "sigmoid" if targets is bits else "softmax"
        add(f"loss_{name}_{i}", 3, activation, targets, loss=description)

    groups = {"bits": (bits, "sigmoid", []), "one_hot": (one_hot, "softmax", []), "sparse": (sparse, "softmax", [])}
    for golden in goldens["metrics"]:
        description, (y, p, *weight) = golden["object"], golden["updates"][0] if len(golden["updates"][0]) > 1 else (None, None)
        # Metrics that take class numbers as predictions, or values alone, belong to no such model.
        if weight or y is None or p["dtype"] != "float32" or len(p["shape"]) != 2 or p["shape"][1] != 3:
            continue
        config, name = description["config"], description["class_name"]
        if config.get("axis", -1) != -1 and "axis" in config or config.get("from_logits"):
            continue
        if config.get("num_regressors"):  # Keras cannot compile it for JAX
            continue
        kind = "sparse" if len(y["shape"]) == 1 else "one_hot" if "Categorical" in name or "OneHot" in name else "bits"
        members = groups[kind][2]
        if name in ("R2Score", "CosineSimilarity", "PearsonCorrelation", "ConcordanceCorrelation"):
            members = groups["one_hot"][2]
        if not any(m["class_name"] == name and m["config"] == config for m in members):
            members.append({**description, "config": {**config, "name": f"{config.get('name', 'm')}_{len(members)}"}})
    for kind, (targets, activation, members) in groups.items():
        loss = {"bits": "binary_crossentropy", "one_hot": "categorical_crossentropy", "sparse": "sparse_categorical_crossentropy"}[kind]
        for first in range(0, len(members), 12):
            add(f"metrics_{kind}_{first}", 3, activation, targets, loss=loss, metrics=members[first : first + 12])


def batch_of(arrays, step):
    return [a[step * BATCH : (step + 1) * BATCH] for a in arrays]


def one(arrays):
    return arrays[0] if len(arrays) == 1 else arrays


def predict(model, x):
    y = model.predict(one(x), verbose=0, batch_size=BATCH)
    return list(y) if isinstance(y, (list, tuple)) else [y]


def evaluate(model, x, y):
    """The loss and every number of every metric."""
    return np.concatenate([np.ravel(v) for v in model.evaluate(one(x), one(y), batch_size=BATCH, verbose=0, return_dict=True).values()])


def train(model, x, y):
    losses = []
    for step in range(STEPS):
        result = model.train_on_batch(one(batch_of(x, step)), one(batch_of(y, step)))
        losses.append(float(result[0] if isinstance(result, (list, tuple)) else result))
    return losses


def save_data(path, x, y):
    with h5py.File(path, "w") as f:
        for i, a in enumerate(x):
            f[f"x{i}"] = a.astype("uint8") if a.dtype == bool else a
        for i, a in enumerate(y or []):
            f[f"y{i}"] = a


class Report:
    def __init__(self):
        self.failures = []
        self.worst = {"prediction": 0.0, "loss": 0.0}
        self.least_close = 1.0

    def check(self, name, what, good, detail=""):
        if not good:
            self.failures.append(f"{name}: {what} {detail}")

    def predictions(self, name, what, ours, keras_s):
        for a, b in zip(ours, keras_s):
            error = float(np.max(np.abs(a - b) / (1 + np.abs(b)))) if a.size else 0.0
            self.worst["prediction"] = max(self.worst["prediction"], error)
            self.check(name, what, a.shape == b.shape and error <= 1e-5, f"differ by {error:.2e}")
        self.check(name, what, len(ours) == len(keras_s), "differ in number")

    def losses(self, name, ours, keras_s):
        error = max(abs(a - b) / max(abs(b), 1e-8) for a, b in zip(ours, keras_s))
        self.worst["loss"] = max(self.worst["loss"], error)
        self.check(name, "losses", error <= 1e-4, f"differ by {error:.2e} (relative): {ours} and {keras_s}")

    def weights(self, name, ours, keras_s):
        differences = np.concatenate([np.abs(a - b).ravel() for a, b in zip(ours, keras_s)])
        close = float(np.mean(differences <= 1e-5))
        self.least_close = min(self.least_close, close)
        self.check(name, "weights", close >= 0.999, f"only {close:.2%} are near after training, the worst by {differences.max():.2e}")


def results_of(path, prefix):
    with h5py.File(path) as f:
        return [f[f"{prefix}{i}"][()] for i in range(len(f)) if f"{prefix}{i}" in f]


def from_keras(exchange, folder, names, report):
    expected = {}
    for name in names:
        here = folder / name
        here.mkdir(parents=True, exist_ok=True)
        keras.utils.set_random_seed(5)
        model, x, y = CASES[name](np.random.default_rng(11), BATCH * STEPS)
        if y is not None:
            train(model, x, y)  # so that the optimizer has a state
        save_data(here / "data.h5", x, y)
        model.save(here / "model.keras")
        # Keras cannot write every optimizer's state to .h5: it gives two variables one name.
        if not name.startswith(("optimizer_", "loss_", "metrics_")):
            try:
                model.save(here / "model.h5")
            except TypeError:  # Keras fails to copy lists in configurations of layers with random numbers
                (here / "model.h5").unlink(missing_ok=True)
        prediction = predict(model, x)
        evaluation = evaluate(model, x, y) if name.startswith("metrics") else None
        expected[name] = (model, x, y, prediction, train(model, x, y) if y is not None else None, evaluation)
    run = subprocess.run([exchange, "run", *[str(folder / n) for n in names]], capture_output=True, text=True)
    report.failures += [line for line in run.stderr.splitlines() if "warning" not in line]
    report.check("exchange", "failed", run.returncode in (0, 1), run.stderr)
    for name in names:
        model, x, y, prediction, losses, evaluation = expected[name]
        for extension in (".keras", ".h5"):
            results = folder / name / f"results{extension}.h5"
            if not results.exists():
                continue
            what = f"{name}{extension}"
            report.predictions(what, "predictions here", results_of(results, "prediction"), prediction)
            if evaluation is not None:
                report.predictions(what, "metrics here", results_of(results, "evaluation"), [evaluation])
            if y is not None:
                with h5py.File(results) as f:
                    report.losses(what, list(f["losses"][()]), losses)
                trained = keras.models.clone_model(model)
                trained.load_weights(folder / name / f"trained{extension}.weights.h5")
                report.weights(what, trained.get_weights(), model.get_weights())
            if extension == ".h5" and name.removeprefix("layer_") in LOST_IN_H5:
                continue
            try:
                back = keras.saving.load_model(folder / name / f"back{extension}")
            except Exception as error:  # noqa: BLE001
                report.check(what, "does not load in Keras:", False, str(error)[:600])
                continue
            report.predictions(what, "predictions in Keras", predict(back, x), prediction)
            # Keras cannot train a model from .h5 with JAX, not even its own: its optimizer is built for no variables.
            if y is None or extension == ".h5":
                continue
            report.check(what, "is not compiled", back.compiled)
            if evaluation is not None:
                report.predictions(what, "metrics back in Keras", [evaluate(back, x, y)], [evaluation])
            report.losses(what + " back in Keras", train(back, x, y), losses)
            report.weights(what + " back in Keras", back.get_weights(), model.get_weights())


def from_keratin(exchange, folder, report, only, chosen=None):
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([exchange, "write", str(folder)], check=True)
    count = 0
    for here in sorted(folder.iterdir()):
        if (only and only not in here.name) or (chosen and here.name not in chosen) or here.name in MISSING:
            continue
        count += 1
        with h5py.File(here / "data.h5") as f:
            x = [f[f"x{i}"][()] for i in range(len(f)) if f"x{i}" in f]
        for extension in (".keras", ".h5"):
            if extension == ".h5" and here.name in LOST_IN_H5:
                continue
            try:
                model = keras.saving.load_model(here / f"model{extension}")
                report.predictions(f"written {here.name}{extension}", "predictions", results_of(here / "data.h5", "prediction"), predict(model, x))
            except Exception as error:  # noqa: BLE001
                report.check(f"written {here.name}{extension}", "does not load in Keras:", False, str(error)[:600])
    return count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("exchange")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true", help="only some models of each kind")
    parser.add_argument("--written-only", action="store_true", help="only load what Keratin has written")
    arguments = parser.parse_args()
    report = Report()
    names = []
    layer_cases()
    compiled_cases()
    if not arguments.written_only:
        names = [name for name in CASES if arguments.only in name and (name in QUICK or not arguments.quick)]
        from_keras(arguments.exchange, arguments.folder / "from_keras", names, report)
    chosen = {name.removeprefix("layer_") for name in QUICK} if arguments.quick else None
    written = from_keratin(arguments.exchange, arguments.folder / "from_keratin", report, arguments.only, chosen)
    print(f"Keras {keras.__version__}: {len(names)} models from Keras and back, {written} models from here")
    print(
        f"largest difference of predictions {report.worst['prediction']:.1e}, of losses {report.worst['loss']:.1e} "
        f"(relative), least share of weights within 1e-5: {report.least_close:.4%}"
    )
    for failure in report.failures:
        print("FAIL", failure, file=sys.stderr)
    sys.exit(1 if report.failures else 0)


if __name__ == "__main__":
    main()
