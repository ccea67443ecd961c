#!/usr/bin/env python3
"""Trains the two MNIST models of examples/ with Keras and records the test accuracies.

Keratin's accuracies are read beside these (scripts/benchmarks/mnist_accuracy.sh). Run by hand, in an environment of its
own; JAX is the lightest of Keras's backends to install:

    python3 -m venv /tmp/keras && /tmp/keras/bin/pip install keras jax
    /tmp/keras/bin/python scripts/benchmarks/keras_mnist.py --data DIR --output docs/benchmarks/keras_mnist.json
"""
import argparse
import datetime
import gzip
import json
import os
import statistics
import time

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras  # noqa: E402  (the backend is chosen first)
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402

EPOCHS = {"mlp": 5, "cnn": 3}


def read_idx(folder, name):
    path = os.path.join(folder, name)
    with (gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb")) as file:
        data = file.read()
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def make_model(name):
    body = {
        "mlp": [],
        "cnn": [
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
        ],
    }[name]
    return keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Rescaling(1 / 255), *body, layers.Flatten()]
        + [layers.Dense(128, activation="relu"), layers.Dense(10, activation="softmax")]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with MNIST's IDX files, plain or gzipped")
    parser.add_argument("--output", help="write the results to this file, too")
    parser.add_argument("--models", nargs="+", default=["mlp", "cnn"], choices=["mlp", "cnn"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, help="instead of 5 for the MLP and 3 for the CNN")
    parser.add_argument("--samples", type=int, default=60000, help="train on the first ones only, to try the script")
    arguments = parser.parse_args()

    x, y = (read_idx(arguments.data, f"train-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
    x_test, y_test = (read_idx(arguments.data, f"t10k-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
    x, y = x[: arguments.samples, ..., None], y[: arguments.samples].astype("int32")
    x_test, y_test = x_test[..., None], y_test.astype("int32")

    backend = keras.backend.backend()
    result = {
        "keras": keras.__version__,
        "backend": f"{backend} {__import__(backend).__version__}",
        "date": datetime.date.today().isoformat(),
        "data": "MNIST" if arguments.samples >= 60000 else f"the first {arguments.samples} images of MNIST",
        "batch_size": 128,
        "optimizer": "adam",
        "seeds": arguments.seeds,
        "models": {},
    }
    for name in arguments.models:
        epochs = arguments.epochs or EPOCHS[name]
        runs = []
        for seed in arguments.seeds:
            keras.utils.set_random_seed(seed)
            model = make_model(name)
            model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
            start = time.time()
            model.fit(x, y, batch_size=128, epochs=epochs, verbose=0)
            loss, accuracy = model.evaluate(x_test, y_test, batch_size=256, verbose=0)
            runs.append({"seed": seed, "test_loss": round(float(loss), 5), "test_accuracy": round(float(accuracy), 5)})
            print(f"{name}, seed {seed}: test accuracy {accuracy:.4f}, {time.time() - start:.0f} s", flush=True)
        result["models"][name] = {
            "epochs": epochs,
            "runs": runs,
            "median_test_accuracy": statistics.median(run["test_accuracy"] for run in runs),
        }
        # Written after every model: the second takes long.
        if arguments.output:
            with open(arguments.output, "w", encoding="utf-8") as file:
                file.write(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
