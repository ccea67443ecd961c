#!/usr/bin/env python3
"""Whether the lower precisions of float32 learn as well: trains the MNIST examples on the CPU with five seeds for five
epochs at each level, and prints how much the curves of the training loss differ from those of `highest`, beside how much
the curves of `highest` differ from seed to seed. Levels that the processor has no instructions for are computed in plain
C++ (KERATIN_CPU_BF16=portable), which is slow: hence few images.

  scripts/benchmarks/precision_curves.py DIR [--build build/release] [--levels high,medium] [--models mlp,cnn]

DIR holds MNIST's IDX files, gzipped or not (scripts/download_mnist.sh).
"""
import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile

import common

IMAGES = {"mlp": 10240, "cnn": 2560}
FILES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
EPOCHS = 5
SEEDS = range(1, 6)


def write_part(source, target, samples):
    """The first samples of all four files."""
    for name in FILES:
        path = os.path.join(source, name)
        with open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz", "rb") as file:
            data = file.read()
        header = 4 + 4 * data[3]
        size = (len(data) - header) // int.from_bytes(data[4:8], "big")
        count = min(samples, int.from_bytes(data[4:8], "big"))
        with open(os.path.join(target, name), "wb") as file:
            file.write(data[:4] + count.to_bytes(4, "big") + data[8:header] + data[header:header + count * size])


def losses(build, model, data, seed, level):
    """The training loss of each epoch."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as report:
        environment = common.clean_environment({"KERATIN_FLOAT32_PRECISION": level})
        if level != "highest":
            environment["KERATIN_CPU_BF16"] = "portable"
        subprocess.run([f"{build}/examples/mnist_{model}", "--data", data, "--epochs", str(EPOCHS), "--device", "cpu",
                        "--seed", str(seed), "--report", report.name], env=environment, check=True,
                       stdout=subprocess.DEVNULL)
        return [epoch["loss"] for epoch in json.load(report)["epochs"]]


def percent(ratio):
    return f"{100 * ratio:.3g}%"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--levels", default="high,medium")
    parser.add_argument("--models", default="mlp,cnn")
    options = parser.parse_args()
    worst = 0.0
    print("| model, images | level | epoch | `highest`, five seeds | between seeds | the level's | from `highest`, at most |")
    print("|---|---|---:|---|---:|---|---:|")
    for model in options.models.split(","):
        with tempfile.TemporaryDirectory() as part:
            write_part(options.data, part, IMAGES[model])
            curves = {level: [losses(options.build, model, part, seed, level) for seed in SEEDS]
                      for level in ["highest"] + options.levels.split(",")}
        for level in options.levels.split(","):
            for epoch in range(EPOCHS):
                best = [curve[epoch] for curve in curves["highest"]]
                ours = [curve[epoch] for curve in curves[level]]
                between = (max(best) - min(best)) / min(best)
                off = max(abs(a - b) / b for a, b in zip(ours, best))
                worst = max(worst, off / between)
                print(f"| {model}, {IMAGES[model]:,} | `{level}` | {epoch + 1} | {min(best):.4f} to {max(best):.4f} | "
                      f"{percent(between)} | {min(ours):.4f} to {max(ours):.4f} | {percent(off)} |", flush=True)
    print(f"\nAt most {percent(worst)} of what lies between seeds.")
    sys.exit(0 if worst < 1 else 1)


if __name__ == "__main__":
    main()
