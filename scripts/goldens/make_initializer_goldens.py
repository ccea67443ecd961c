#!/usr/bin/env python3
"""Writes tests/goldens/initializers.json.gz: the distribution that each of Keras's initialisers draws from, or its values.

    make_initializer_goldens.py [OUTPUT]        (needs: pip install keras jax)

Random numbers themselves differ; kept are their mean, standard deviation, extremes and quantiles over many draws.
"""

import gzip
import json
import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "jax"
import keras  # noqa: E402
import numpy as np  # noqa: E402

I = keras.initializers
QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
MATRIX, KERNEL, VECTOR = (250, 1000), (5, 4, 50, 200), (200000,)


def rounded(values):
    return [float(f"{v:.6g}") for v in values]


def random_case(initializer, shape):
    x = np.asarray(initializer(shape), "float64").ravel()
    return {
        "object": keras.saving.serialize_keras_object(initializer),
        "shape": list(shape),
        "statistics": rounded([x.mean(), x.std(), x.min(), x.max()]),
        "quantiles": rounded(np.quantile(x, QUANTILES)),
    }


def exact_case(initializer, shape):
    config = keras.saving.serialize_keras_object(initializer)
    if isinstance(initializer, I.Identity):
        config["config"]["gain"] = initializer.gain  # Keras leaves it out
    return {"object": config, "shape": list(shape), "values": rounded(np.asarray(initializer(shape)).ravel())}


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    output = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "tests/goldens/initializers.json.gz"
    keras.utils.set_random_seed(5)
    cases = []
    for make in (I.GlorotUniform, I.GlorotNormal, I.HeUniform, I.HeNormal, I.LecunUniform, I.LecunNormal):
        cases += [random_case(make(), shape) for shape in (MATRIX, KERNEL, VECTOR)]
    for mode in ("fan_in", "fan_out", "fan_avg"):
        for distribution in ("truncated_normal", "untruncated_normal", "uniform"):
            cases.append(random_case(I.VarianceScaling(2.5, mode, distribution), KERNEL))
    cases += [random_case(make, MATRIX) for make in (
        I.RandomUniform(), I.RandomUniform(-1.0, 3.0), I.RandomNormal(), I.RandomNormal(0.5, 2.0), I.TruncatedNormal(), I.TruncatedNormal(0.5, 2.0),
    )]  # fmt: skip
    # Entries of a random orthogonal matrix.
    cases += [random_case(I.Orthogonal(), (100, 400)), random_case(I.Orthogonal(gain=3.0), (5, 4, 20, 100))]
    cases += [exact_case(make, (2, 3)) for make in (I.Zeros(), I.Ones(), I.Constant(0.75), I.Identity(), I.Identity(gain=2.5))]
    cases += [exact_case(I.Constant(-3.0), ()), exact_case(I.Identity(), (3, 2))]
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    output.write_bytes(gzip.compress(('{"keras":"%s","probabilities":%s,"cases":[\n%s\n]}\n' % (keras.__version__, json.dumps(QUANTILES), lines)).encode(), mtime=0))
    print(output, output.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
