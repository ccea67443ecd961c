#!/usr/bin/env python3
"""keras.applications with random weights: which load in Keratin, predict the same within 1e-4, and train a step.

    check_applications.py EXCHANGE FOLDER [--small] [--only NAME] [--write FILE.md]

EXCHANGE is the program keratin_keras_exchange. Each architecture is made for small images and 10 classes, its weights
and moving statistics random, and saved as .keras; Keratin loads it. A row says what came of it, or what Keratin
named as unsupported. --small takes one of each family. --write puts the table between the markers of a page; with
--only, in place of the rows that it has of these architectures.
The loss of the step must be Keras's (in brackets) within a thousandth; dropout is set to 0 for that.
Exits 1 when fewer than four fifths pass, or with --small when any fails.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402

# Smaller ones end in maps of one element, whose statistics over a batch as small as this one are noise.
SIZE, SIZES = 64, {"InceptionV3": 107, "InceptionResNetV2": 107, "Xception": 96}
SMALL = ("VGG16", "ResNet50", "ResNet50V2", "InceptionV3", "Xception", "MobileNet", "MobileNetV2", "MobileNetV3Small",
         "DenseNet121", "NASNetMobile", "EfficientNetB0", "EfficientNetV2B0", "ConvNeXtTiny")  # fmt: skip
TOLERANCE, LOSS_TOLERANCE, SHARE, CLASSES, ROWS = 1e-4, 1e-3, 0.8, 10, 4
BEGIN, END = "<!-- applications:begin -->", "<!-- applications:end -->"


def architectures():
    names = [n for n in dir(keras.applications) if n[0].isupper() and callable(getattr(keras.applications, n))]
    return sorted(names, key=lambda name: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)])


def randomise(model, images, rng):
    """Keras starts normalisations as identities, which would hide mistakes in them. Their statistics become those of
    images: with others the deepest models would overflow."""
    for variable in model.variables:
        value = keras.ops.convert_to_numpy(variable)
        if variable.path.endswith("gamma"):
            variable.assign(rng.uniform(0.8, 1.2, value.shape).astype(value.dtype))
        elif variable.path.endswith(("beta", "bias")):
            variable.assign(rng.uniform(-0.1, 0.1, value.shape).astype(value.dtype))
    momenta = {layer: layer.momentum for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)}
    for layer in momenta:
        layer.momentum = 0.0
    model(images, training=True)
    for layer, momentum in momenta.items():
        layer.momentum = momentum
        variance = keras.ops.convert_to_numpy(layer.moving_variance)
        # Channels that hardly vary would amplify rounding, layer after layer.
        layer.moving_variance.assign(np.maximum(variance, variance.mean()))


def save(name, folder):
    """Makes and saves a model, with an input; its size, number of parameters, prediction and loss in training."""
    keras.utils.set_random_seed(7)
    rng = np.random.default_rng(3)
    size = SIZES.get(name, SIZE)
    model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=CLASSES)
    # Patches of colour under noise: images of noise alone look the same to deep layers, which then amplify rounding.
    coarse = rng.uniform(0, 1, (8 * ROWS, 4, 4, 3)).repeat(-(-size // 4), 1).repeat(-(-size // 4), 2)[:, :size, :size]
    images = (0.8 * coarse + 0.2 * rng.uniform(0, 1, coarse.shape)).astype("float32")
    x = images[:ROWS]
    for layer in model._flatten_layers():
        for attribute in ("rate", "drop_path_rate"):  # so that both sides' training computes the same
            if isinstance(getattr(layer, attribute, None), float):
                setattr(layer, attribute, 0.0)
    randomise(model, images, rng)
    model.compile("sgd", "sparse_categorical_crossentropy")
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.keras")
    with h5py.File(folder / "data.h5", "w") as f:
        f["x0"], f["y0"] = x, np.arange(ROWS, dtype="int32")
    prediction, training = (keras.ops.convert_to_numpy(model(x, training=t)).astype("float64") for t in (False, True))
    return size, model.count_params(), prediction, float(-np.log(training[np.arange(ROWS), np.arange(ROWS)]).mean())


def check(exchange, name, folder):
    """A row of the table, and whether it passed."""
    size, parameters, expected, expected_loss = save(name, folder)
    row = [name, f"{size}x{size}", f"{parameters / 1e6:.1f} M"]
    run = subprocess.run([exchange, "step", str(folder)], capture_output=True, text=True)
    (folder / "model.keras").unlink()  # up to a gigabyte each
    results = folder / "results.keras.h5"
    if run.returncode or not results.exists():
        message = run.stderr.strip().replace(str(folder), "").replace("\n", " ").lstrip("/: ")
        unsupported = sorted(set(re.findall(r"the \w+ class '\w+' is not supported", message)))  # once, not for each layer
        return row + ["no", "", "", "; ".join(unsupported) or message[:300].replace("|", "\\|") or f"exit {run.returncode}"], False
    with h5py.File(results) as f:
        prediction, trained, loss = f["prediction0"][()], f["trained_prediction0"][()], float(f["losses"][0])
    difference = float(np.max(np.abs(prediction - expected)))
    steps = abs(loss / expected_loss - 1) <= LOSS_TOLERANCE and np.isfinite(trained).all() and (trained != prediction).any()
    row += ["yes", f"{difference:.0e}", f"{'yes' if steps else 'no'}, loss {loss:.4f} ({expected_loss:.4f})", ""]
    return row, difference <= TOLERANCE and steps


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("exchange")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--small", action="store_true", help="one architecture of each family")
    parser.add_argument("--only", default="", help="a regular expression")
    parser.add_argument("--write", type=pathlib.Path, help="put the table into this page")
    arguments = parser.parse_args()
    names = [n for n in architectures() if re.search(arguments.only, n) and (n in SMALL or not arguments.small)]
    rows, passed = [], 0
    for name in names:
        row, good = check(arguments.exchange, name, arguments.folder / name)
        passed += good
        rows.append("| " + " | ".join(row) + " |")
        print(("ok   " if good else "FAIL ") + rows[-1], flush=True)
        keras.utils.clear_session()
    if arguments.write and arguments.only:
        made = {row.split("|")[1].strip(): row for row in rows}
        old = arguments.write.read_text().split(BEGIN)[1].split(END)[0]
        everything = [line for line in old.splitlines() if re.match(r"\| [A-Z]", line)]
        rows = [made.get(line.split("|")[1].strip(), line) for line in everything]
        columns = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
        passed = sum(c[3] == "yes" and float(c[4]) <= TOLERANCE and c[5].startswith("yes") for c in columns)
        names = [c[0] for c in columns]
    verdict = f"Keras {keras.__version__} ({keras.backend.backend()}): {passed} of {len(names)} architectures load, predict within {TOLERANCE:.0e} and train a step"
    print(verdict)
    if arguments.write:
        table = ["", "| architecture | images | parameters | loads | largest difference of a prediction | a step of training, its loss (Keras's) | why not |",
                 "|---|---|---:|---|---:|---|---|", *rows, "", verdict + ".", ""]  # fmt: skip
        page = arguments.write.read_text()
        before, rest = page.split(BEGIN)
        arguments.write.write_text(before + BEGIN + "\n" + "\n".join(table) + END + rest.split(END)[1])
    sys.exit(bool(passed < (len(names) if arguments.small or arguments.only else SHARE * len(names))))


if __name__ == "__main__":
    main()
