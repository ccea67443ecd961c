#!/usr/bin/env python3
"""Measures training at the precisions high and medium beside highest, and writes its section of docs/performance.md.

    ./dev bench --precision     builds Keratin's programs first, then runs this

Every measurement is a process of its own on the same CPUs; the levels take turns, round by round, so that a slow moment
of the machine hits all of them. The median of the rounds counts, for ratios that of the rounds' ratios.
"""
import argparse
import json
import os
import statistics
import sys

from common import add_output_options, circumstances, rounds_text, run, say, table, write_section

MODELS = {"mlp": "MLP", "cnn": "CNN", "wide": "6-layer MLP of width 1024", "resnet20": "ResNet-20"}
LEVELS = ["highest", "high", "medium"]


def measure(arguments, model, threads, level):
    command = [f"{arguments.build}/benchmarks/keratin_training_benchmark", "--model", model, "--precision", level,
               "--threads", str(threads), "--seconds", str(arguments.seconds), "--data", "random"]
    if arguments.steps:
        command += ["--steps", str(arguments.steps), "--warm-up-steps", "2", "--warm-up-seconds", "0"]
    out = run(command, sorted(os.sched_getaffinity(0))[:threads], {})
    return json.loads(out.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(prog="./dev bench --precision", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="time that one run measures (default: 4)")
    parser.add_argument("--steps", type=int, default=0, help="measure this many steps instead, to try the script")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    add_output_options(parser)
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds: at least 1")
    program = f"{arguments.build}/benchmarks/keratin_training_benchmark"
    if not os.path.exists(program):
        sys.exit(f"{arguments.build} has no benchmarks yet: ./dev bench --precision builds them.")
    arguments.load = os.getloadavg()[0]
    if arguments.load > 0.5:
        say(f"Warning: the load of the machine is {arguments.load:.1f}; the numbers will be worth little.")

    # "high as highest, medium by AVX512_BF16"
    command = [program, "--data", "random", "--steps", "1", "--warm-up-steps", "0", "--warm-up-seconds", "0"]
    probe = run(command, os.sched_getaffinity(0), {})
    meaning = json.loads(probe.strip().splitlines()[-1])["precisions"]
    skipped = {}
    if "high as highest" in meaning or "high and medium as highest" in meaning:
        skipped["high"] = "skipped: this processor has no AMX"
    if "medium as highest" in meaning:
        skipped["medium"] = "skipped: neither AMX nor a fast AVX512_BF16"
    levels = [level for level in LEVELS if level not in skipped]
    for level, why in skipped.items():
        print(f"{level} {why}")

    usable = len(os.sched_getaffinity(0))
    cases = [(model, threads) for model in arguments.models for threads in arguments.threads if threads <= usable]
    speeds = {}
    for number in range(arguments.rounds):
        for model, threads in cases:
            say(f"round {number + 1} of {arguments.rounds}: {MODELS[model]}, threads: {threads}")
            for level in levels:
                speed = measure(arguments, model, threads, level)["images_per_second"]
                say(f"  {speed:9,.0f} images/s  {level}")
                speeds.setdefault((model, threads, level), []).append(speed)

    rows = []
    for model, threads in cases:
        medians = {level: statistics.median(speeds[model, threads, level]) for level in levels}
        row = [MODELS[model], str(threads), f"{medians['highest']:,.0f}"]
        for level in LEVELS[1:]:
            if level in skipped:
                row += ["", ""]
            else:
                pairs = zip(speeds[model, threads, level], speeds[model, threads, "highest"])
                ratio = statistics.median(low / highest for low, highest in pairs)
                row += [f"{medians[level]:,.0f}", f"{ratio:.2f}x"]
        rows.append(row)
    timing = f"{arguments.steps} steps" if arguments.steps else f"{arguments.seconds:g} s"
    notes = "".join(f" `{level}` was {why}." for level, why in skipped.items())
    rounds = rounds_text(arguments.rounds)
    text = f"""Training images per second, batch 128, Adam, random images; {rounds} of {timing}, the levels by turns.
On this processor: {meaning}.{notes}

{table(["model", "threads", "highest", "high", "ratio", "medium", "ratio"], rows)}

{circumstances(arguments)}."""
    print(f"\n{text}")
    if not arguments.print:
        write_section(arguments.page, "precision", text)


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(str(error))
