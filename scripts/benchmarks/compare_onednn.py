#!/usr/bin/env python3
"""Measures Keratin's CPU kernels beside oneDNN's, and writes docs/performance.md.

    ./dev bench --onednn [--rounds 3]

The program (benchmarks/onednn_benchmark.cpp) measures every kernel of both by turns in one process on one CPU. It is run
several times; the run with the median ratio counts for each kernel.
"""
import argparse
import json
import math
import os
import sys

from common import add_output_options, circumstances, run, say, table, write_section


def measure(arguments):
    """The head line, and for each kernel its name and the run with the median ratio."""
    program = f"{arguments.build}/benchmarks/keratin_onednn_benchmark"
    runs = []
    for number in range(arguments.rounds):
        say(f"round {number + 1} of {arguments.rounds}")
        out = run([program], sorted(os.sched_getaffinity(0))[-1:], {"OMP_NUM_THREADS": "1", "KERATIN_NUM_THREADS": "1"})
        runs.append([json.loads(line) for line in out.strip().splitlines()])
    middle = [sorted(kernels, key=lambda k: k["ours"] / k["onednn"])[len(kernels) // 2]
              for kernels in zip(*(lines[1:] for lines in runs))]
    return runs[0][0], middle


def section(arguments, head, kernels):
    ratios = [kernel["ours"] / kernel["onednn"] for kernel in kernels]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    rows = [[kernel["kernel"], f"{kernel['ours']:.0f}", f"{kernel['onednn']:.0f}", f"{ratio:.2f}x", kernel["way"]]
            for kernel, ratio in zip(kernels, ratios)]
    return f"""## Kernels beside oneDNN

GFLOP/s in float32 on one thread; Keratin's kernels with {head["isa"]} beside those of oneDNN {head["onednn"]}, by turns in one
process, each the best of nine rounds; results must agree. Keratin reads plain arrays and packs weights in every call, but
for the steps of an LSTM, whose loop packs them once. oneDNN has the fastest of its ways: `sgemm` or `matmul` with weights
packed before, images as NHWC or in a layout that it chooses, whose conversion is not counted. Products are of batches of
128, convolutions of 32 images.

The geometric mean of the ratios is **{mean:.2f}x**, the least {min(ratios):.2f}x.

{table(["kernel", "Keratin", "oneDNN", "ratio", "oneDNN's way"], rows)}

{circumstances(arguments)}; the median of runs: {arguments.rounds}."""


def main():
    parser = argparse.ArgumentParser(prog="./dev bench --onednn", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    add_output_options(parser)
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds: at least 1")
    if not os.path.exists(f"{arguments.build}/benchmarks/keratin_onednn_benchmark"):
        sys.exit(f"{arguments.build} has no benchmark beside oneDNN: ./dev bench --onednn builds it.")
    arguments.load = os.getloadavg()[0]
    text = section(arguments, *measure(arguments))
    print(f"\n{text}")
    if not arguments.print:
        write_section(arguments.page, "onednn", text)


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(str(error))
