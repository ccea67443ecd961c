#!/usr/bin/env python3
"""Measures latency, start and memory of Keratin beside PyTorch and Keras, and writes docs/performance.md.

    ./dev bench --footprint [--data DIR]

Latency: one prediction for one image, of calls one after another. Start: a whole process that makes the CNN, its data and one
training step, from its start to its end. Memory: the most that a process has resident while it trains the CNN. One CPU.
"""
import argparse
import json
import os
import statistics
import sys

from common import ROOT, add_output_options, circumstances, measure_process, rounds_text, run, say, table, write_section
from compare_peers import MODELS, NAMES, install_peers, peak_of_one_core
from peer import MANY_AT_ONCE, settings_of

KERATIN = "Keratin"
LATENCY_MODELS = ["mlp", "cnn", "lstm"]


class Bench:
    def __init__(self, arguments, python):
        self.arguments, self.python = arguments, python
        self.cpus = sorted(os.sched_getaffinity(0))[-1:]
        self.program = f"{arguments.build}/benchmarks/keratin_training_benchmark"
        self.versions = {}

    def peer(self, library, setting, *more):
        return [self.python, f"{ROOT}/scripts/benchmarks/peer.py", "--library", library, "--setting", setting, *more]

    def latency(self, model):
        """{name: microseconds}, and the floating-point operations of one prediction."""
        common = ["--model", model, "--task", "predict", "--batch-size", "1", "--threads", "1", "--seconds",
                  str(self.arguments.seconds)]
        own, flops = [], 0.0
        best = {library: {} for library in self.arguments.peers}
        for _ in range(self.arguments.rounds):
            result = json.loads(run([self.program, *common, "--data", "random"], self.cpus, {}).strip().splitlines()[-1])
            own.append(result["microseconds_per_step"])
            flops = result["gflops"] * 1e9 * result["microseconds_per_step"] * 1e-6
            for library in self.arguments.peers:
                for setting in settings_of(library, model, "predict"):
                    if MANY_AT_ONCE in setting:
                        continue  # nobody has the first of these results before the last one
                    try:
                        out = run(self.peer(library, setting, *common), self.cpus, {"OMP_NUM_THREADS": "1"}, timeout=240)
                    except RuntimeError as error:
                        say(f"  {NAMES[library]}, {setting}: {str(error).strip().splitlines()[-1][:120]}")
                        continue
                    speed = json.loads(out.strip().splitlines()[-1])["images_per_second"]
                    best[library].setdefault(setting, []).append(1e6 / speed)
                    say(f"  {1e6 / speed:10.1f} us  {MODELS[model]}, {NAMES[library]}, {setting}")
        times = {KERATIN: statistics.median(own)}
        for library, settings in best.items():
            times[library] = min(map(statistics.median, settings.values())) if settings else None
        say(f"  {times[KERATIN]:10.1f} us  {MODELS[model]}, {KERATIN}")
        return times, flops

    def process(self, own, peer_options):
        """{name: (seconds, bytes)} of whole processes, medians."""
        found = {name: [] for name in [KERATIN, *self.arguments.peers]}
        for _ in range(self.arguments.rounds):
            found[KERATIN].append(measure_process([self.program, *own], self.cpus, {})[:2])
            for library in self.arguments.peers:
                command = self.peer(library, settings_of(library, "cnn", "train")[0], *peer_options)
                seconds, memory, out = measure_process(command, self.cpus, {"OMP_NUM_THREADS": "1"})
                self.versions[library] = json.loads(out.strip().splitlines()[-1])["version"]
                found[library].append((seconds, memory))
                say(f"  {seconds:8.2f} s {memory / 1e6:8.0f} MB  {NAMES[library]}")
        return {name: tuple(statistics.median(run[i] for run in runs) for i in (0, 1)) for name, runs in found.items()}


def section(arguments, bench, peak, latencies, start, training, mnist):
    names = [KERATIN, *(NAMES[library] for library in arguments.peers)]
    keys = [KERATIN, *arguments.peers]
    rows = []
    for model, (times, flops) in latencies.items():
        bare = flops / (peak * 1e9) * 1e6
        rows.append([f"{MODELS[model]}, one prediction", "us", f"{bare:.1f}",
                     *(f"{times[key]:,.1f}" if times[key] else "failed" for key in keys)])
    rows.append(["process with one training step", "s", "", *(f"{start[key][0]:.2f}" for key in keys)])
    rows.append(["memory of training, most", "MB", "", *(f"{training[key][1] / 1e6:,.0f}" for key in keys)])
    versions = "; ".join(f"{NAMES[library]}: {version}" for library, version in bench.versions.items())
    real = (f"With all of MNIST, 55 MB of images, the most is {mnist / 1e6:.0f} MB for Keratin." if mnist else "")
    return f"""## Latency, start and memory

One CPU, one thread; {rounds_text(arguments.rounds)}. A prediction is for one image or sequence, of calls one after
another, each peer in the fastest of its settings; "arithmetic" is what its multiplications and additions take at
{peak:.0f} GFLOP/s. The process makes the CNN, 20,000 random images and one training step, and ends; memory is what the
process has resident at most while it trains the CNN in batches of 128. Keratin's images are bytes, those of the peers
floats (63 MB). {real}

{table(["", "unit", "arithmetic", *names], rows)}

{circumstances(arguments)}. {versions}."""


def main():
    parser = argparse.ArgumentParser(prog="./dev bench --footprint", description=__doc__.splitlines()[0])
    parser.add_argument("--peers", nargs="+", default=["torch", "keras-tensorflow", "keras-jax"], choices=list(NAMES))
    parser.add_argument("--data", help="folder with MNIST's IDX files: its memory is measured, too")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5, help="time that one run measures (default: 1.5)")
    add_output_options(parser)
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds: at least 1")
    python = install_peers()
    arguments.load = os.getloadavg()[0]
    bench = Bench(arguments, python)
    latencies = {model: bench.latency(model) for model in LATENCY_MODELS}
    cnn = ["--model", "cnn", "--threads", "1"]
    start = bench.process([*cnn, "--data", "random", "--steps", "1", "--warm-up-steps", "0", "--warm-up-seconds", "0"],
                          [*cnn, "--first-step"])
    seconds = ["--seconds", "1"]
    training = bench.process([*cnn, "--data", "random", *seconds], [*cnn, *seconds])
    mnist = None
    if arguments.data:
        mnist = measure_process([bench.program, *cnn, *seconds, "--data", arguments.data], bench.cpus, {})[1]
    text = section(arguments, bench, peak_of_one_core(arguments), latencies, start, training, mnist)
    print(f"\n{text}")
    if not arguments.print:
        write_section(arguments.page, "footprint", text)


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(str(error))
