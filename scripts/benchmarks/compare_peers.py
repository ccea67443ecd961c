#!/usr/bin/env python3
"""Measures Keratin beside PyTorch and Keras on this machine's CPUs, and writes docs/performance.md.

    ./dev bench --peers [--models mlp cnn] [--batch-sizes 32 128 512] [--rounds 3]

Peers are installed by pip into build/peers-venv. Every measurement is a process of its own on the same CPUs. A first round
tries all settings of each peer, and on several threads the best one with pinned threads, too; what is best then takes
turns with Keratin, round by round, so that a slow moment of the machine hits all of them. Medians count.

All models, batch sizes and numbers of threads take hours. --json FILE keeps what one run measured; another one takes the
best settings from it instead of trying all (--settings-from FILE), and adds its rows (--merge FILE...); --models
with no model behind it measures nothing else.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import venv

from common import (ROOT, add_output_options, circumstances, draw_bars, rounds_text, run, say, span, table, this_run,
                    write_section)
from peer import PINNABLE, PINNED, settings_of

VENV = f"{ROOT}/build/peers-venv"
PACKAGES = ["torch", "tensorflow-cpu", "keras", "jax"]
NAMES = {"torch": "PyTorch", "keras-tensorflow": "Keras on TensorFlow", "keras-jax": "Keras on JAX",
         "keras-torch": "Keras on PyTorch"}
MODELS = {"mlp": "MLP", "cnn": "CNN", "wide": "wide MLP", "resnet20": "ResNet-20", "lstm": "LSTM"}
TASKS = {"train": "training", "predict": "prediction"}


def install_peers():
    python = f"{VENV}/bin/python"
    if not os.path.exists(python):
        say(f"Making {VENV}")
        venv.create(VENV, with_pip=True)
    check = subprocess.run([python, "-c", "import torch, tensorflow, keras, jax"], capture_output=True, text=True)
    if check.returncode != 0:
        say(f"Installing {' '.join(PACKAGES)} (some gigabytes)")
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


def read_cases(path):
    """The cases that an earlier run wrote. Old files have the peak and versions once, and nothing else of the run."""
    with open(path, encoding="utf-8") as file:
        earlier = json.load(file)
    for case in earlier["cases"]:
        case.setdefault("run", {"peak": earlier.get("peak"), "rounds": len(case["keratin"])})
        for library, found in case["peers"].items():
            found.setdefault("version", earlier.get("versions", {}).get(library))
            found.setdefault("found_at", [case["batch"], case["threads"]] if len(found["tried"]) > 1 else None)
    return earlier["cases"]


def known_settings(path):
    """{(model, task, library): ({the best setting of an earlier run: its images/s}, [batch, threads] of that run)}
    without those that were chosen among other settings than those of today."""
    known = {}
    for case in read_cases(path):
        for library, found in case["peers"].items():
            best, speed = max(found["tried"].items(), key=lambda pair: pair[1])
            names = {name.removesuffix(PINNED) for name in found["tried"]}
            if found["found_at"] and speed > 0 and names <= set(settings_of(library, case["model"], case["task"])):
                known[case["model"], case["task"], library] = {best.removesuffix(PINNED): speed}, found["found_at"]
    return known


def measure(arguments, python, facts, keep):
    """`keep` gets the cases after each of them. Returns [{model, task, batch, threads, run: facts, keratin: [images/s],
    gflops, peers: {library: {setting, tried: {setting: images/s}, found_at: [batch, threads], values, version}}}]"""
    usable = sorted(os.sched_getaffinity(0))
    program = f"{arguments.build}/benchmarks/keratin_training_benchmark"
    peer = f"{ROOT}/scripts/benchmarks/peer.py"
    known = known_settings(arguments.settings_from) if arguments.settings_from else {}
    cases, versions = [], {}
    for model in arguments.models:
        for task in arguments.tasks:
            for batch in arguments.batch_sizes:
                for threads in arguments.threads:
                    if threads <= len(usable):
                        cases.append({"model": model, "task": task, "batch": batch, "threads": threads,
                                      "run": facts, "keratin": [], "gflops": [], "peers": {}})

    def common(case, seconds):
        return ["--model", case["model"], "--task", case["task"], "--batch-size", str(case["batch"]), "--threads",
                str(case["threads"]), "--seconds", str(seconds)]

    def keratin(case):
        out = run([program, *common(case, arguments.seconds), "--data", "random"], usable[:case["threads"]], {})
        result = json.loads(out.strip().splitlines()[-1])
        case["keratin"].append(result["images_per_second"])
        case["gflops"].append(result["gflops"])
        say(f"  {result['images_per_second']:11,.0f} images/s  Keratin")

    def other(case, library, setting, seconds):
        threads = str(case["threads"])
        environment = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        if case["threads"] > 1:
            environment |= {"OMP_PROC_BIND": "true", "OMP_PLACES": "cores"}
        try:
            out = run([python, peer, "--library", library, "--setting", setting, *common(case, seconds)],
                      usable[:case["threads"]], environment, timeout=240)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            say(f"  {NAMES[library]}, {setting}: {str(error).strip().splitlines()[-1][:150]}")
            return 0.0
        result = json.loads(out.strip().splitlines()[-1])
        versions[library] = result["version"]
        say(f"  {result['images_per_second']:11,.0f} images/s  {NAMES[library]}, {setting}")
        return result["images_per_second"]

    def try_settings(case, library):
        """{setting: images/s}, and at which batch and threads they were compared, but for pinning."""
        names, speeds = settings_of(library, case["model"], case["task"]), {}
        found_at = [case["batch"], case["threads"]]
        if (case["model"], case["task"], library) in known:
            speeds, found_at = known[case["model"], case["task"], library]
            names = list(speeds)
        pinned = case["threads"] > 1 and library in PINNABLE
        if pinned or not speeds:
            speeds = {name: other(case, library, name, arguments.try_seconds) for name in names}
        best = max(speeds, key=speeds.get)
        if pinned and speeds[best] > 0:
            speeds = {**speeds, best + PINNED: other(case, library, best + PINNED, arguments.try_seconds)}
        return speeds, found_at

    for number, case in enumerate(cases):
        say(f"case {number + 1} of {len(cases)}: {MODELS[case['model']]}, {TASKS[case['task']]}, batch {case['batch']}, "
            f"threads: {case['threads']}")
        keratin(case)
        for library in arguments.peers:
            tried, found_at = try_settings(case, library)
            case["peers"][library] = {"setting": max(tried, key=tried.get), "tried": tried, "found_at": found_at,
                                      "values": []}
        for _ in range(arguments.rounds):
            keratin(case)
            for library, found in case["peers"].items():
                if found["tried"][found["setting"]] > 0:
                    speed = other(case, library, found["setting"], arguments.seconds)
                    found["values"] += [speed] if speed > 0 else []
                found["version"] = versions.get(library)
        case["keratin"], case["gflops"] = case["keratin"][1:], case["gflops"][1:]  # the first one warmed the machine up
        keep(cases[:number + 1])
    return cases


def speeds_of(case):
    """Images/s of Keratin, and of each library in its best setting; 0 where it failed."""
    return statistics.median(case["keratin"]), {
        library: statistics.median(found["values"]) if found["values"] else 0.0 for library, found in case["peers"].items()}


def draw(arguments, cases, threads):
    """A chart of the models at a batch of 128; returns the lines that show it, none when nothing was measured."""
    cases = [case for case in cases if case["batch"] == 128 and case["threads"] == threads]
    if not cases:
        return ""
    count = f"{threads} thread" + ("s" if threads > 1 else "")
    found = [speeds_of(case) for case in cases]
    fastest = [max(speeds.values()) for _, speeds in found]

    def series(name, values):
        return {"name": name, "values": [round(v / f, 2) if v and f else None for v, f in zip(values, fastest)]}

    shown = draw_bars(arguments, f"peers_{count.replace(' ', '_')}.svg", {
        "title": f"Batches of 128, {count}",
        "x_label": "images per second, the fastest of the others = 1",
        "groups": [f"{MODELS[case['model']]}, {TASKS[case['task']]}" for case in cases],
        "series": [series("Keratin", [own for own, _ in found]),
                   *(series(NAMES[library], [speeds.get(library) for _, speeds in found]) for library in arguments.peers)],
    })
    return f"![Speed relative to the fastest of the others, {count}]({shown})\n"


def where_found(cases):
    """How the settings of the rows' peers were found."""
    places, rows = {}, 0
    for case in cases:
        other = {found["found_at"] and tuple(found["found_at"]) for found in case["peers"].values()}
        other -= {(case["batch"], case["threads"])}
        rows += bool(other)
        places |= dict.fromkeys(other)
    if not rows:
        return "found anew for each row"
    texts = ["in an earlier run" if not place else
             f"at a batch of {place[0]} on {place[1]} thread{'s' * (place[1] > 1)}" for place in places]
    text = f"found for each model, in training and prediction, {' or '.join(sorted(texts))}"
    if rows < len(cases):
        text = f"found anew for {len(cases) - rows} of {len(cases)} rows, for the others {text.removeprefix('found ')}"
    return text


def versions_of(cases):
    """"PyTorch: 2.15.0; ..." with all versions that rows were measured with."""
    versions = {}
    for case in cases:
        for library, found in case["peers"].items():
            if found.get("version"):
                versions.setdefault(library, {})[found["version"]] = None
    return "; ".join(f"{NAMES[library]}: {' and '.join(names)}" for library, names in versions.items())


def section(arguments, cases, charts):
    rows, ratios = [], []
    for case in cases:
        own, speeds = speeds_of(case)
        fastest = max(speeds, key=speeds.get)
        ratio = own / speeds[fastest] if speeds[fastest] > 0 else math.nan
        ratios.append(ratio)
        peak = case["run"]["peak"]
        share = f"{statistics.median(case['gflops']) / (peak * case['threads']):.0%}" if peak else ""
        rows.append([MODELS[case["model"]], TASKS[case["task"]], str(case["batch"]), str(case["threads"]), f"{own:,.0f}",
                     share, f"{ratio:.2f}x", f"{NAMES[fastest]}, {case['peers'][fastest]['setting']}",
                     *(f"{speeds[library]:,.0f}" if speeds.get(library) else "failed" if library in speeds else ""
                       for library in arguments.peers)])
    usable = [ratio for ratio in ratios if ratio == ratio]
    mean = math.exp(sum(map(math.log, usable)) / len(usable)) if usable else math.nan
    header = ["model", "", "batch", "threads", "Keratin", "of the peak", "ratio to the fastest", "which is",
              *(NAMES[library] for library in arguments.peers)]
    runs = [case["run"] for case in cases]
    rounds = rounds_text(*(run["rounds"] for run in runs))
    seconds = [run["seconds"] for run in runs if "seconds" in run]
    timing = f" of {span(seconds, '{:g}')} s" if seconds else ""
    if len(seconds) < len(runs):
        timing += f" (the time of a round was not recorded for {len(runs) - len(seconds)} of {len(runs)} rows)"
    peaks = [run["peak"] for run in runs if run["peak"]]
    reached = f"{span(peaks, '{:.0f}')} GFLOP/s for each thread" if peaks else "not recorded"
    if all("commit" in run for run in runs):
        reached += ", measured in the same run as the row"
    slower = sum(ratio < 1 for ratio in usable)
    return f"""## Beside PyTorch and Keras

Images per second; {rounds}{timing}. Each peer runs in the best of its settings
(`scripts/benchmarks/peer.py` lists them), {where_found(cases)}.
On several threads Keratin pins its own, OpenMP those of PyTorch, and pinned ones are a setting of TensorFlow and JAX.
Random images, Adam; the peers get float images that are scaled already, Keratin bytes. "Of the peak" is the arithmetic
of dense layers, convolutions and LSTMs against what multiply-adds on registers reach ({reached}).

The geometric mean of the ratios is **{mean:.2f}x**; a peer is faster in {slower} of {len(usable)} rows.

{charts}
{table(header, rows)}

{circumstances(arguments, runs)}. {versions_of(cases)}."""


def peak_of_one_core(arguments):
    out = run([f"{arguments.build}/benchmarks/keratin_kernel_benchmarks", "--benchmark_format=json",
               "--benchmark_filter=^peak$", "--benchmark_min_time=0.3", "--benchmark_repetitions=3"],
              sorted(os.sched_getaffinity(0))[:1], {"KERATIN_NUM_THREADS": "1"})
    return statistics.median(line["GFLOP/s"] for line in json.loads(out)["benchmarks"]
                             if line.get("run_type") == "iteration")


def measure_now(arguments, keep):
    python = install_peers()
    arguments.load = os.getloadavg()[0]
    if arguments.load > 0.5:
        say(f"Warning: the load of the machine is {arguments.load:.1f}; the numbers will be worth little.")
    facts = {**this_run(arguments), "peak": peak_of_one_core(arguments), "rounds": arguments.rounds,
             "seconds": arguments.seconds}
    return measure(arguments, python, facts, keep)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench --peers", description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[32, 128, 512])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--peers", nargs="+", default=list(NAMES), choices=list(NAMES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="time that one run measures (default: 3)")
    parser.add_argument("--try-seconds", type=float, default=1.5, help="the same when settings are tried (default: 1.5)")
    add_output_options(parser)
    parser.add_argument("--settings-from", help="JSON of an earlier run: its best settings are taken, not all tried")
    parser.add_argument("--merge", nargs="+", default=[], help="JSON of earlier runs, whose rows come first")
    parser.add_argument("--json", help="write all measurements to this file, too")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds: at least 1")
    if not os.path.exists(f"{arguments.build}/benchmarks/keratin_training_benchmark"):
        sys.exit(f"{arguments.build} has no benchmarks yet: ./dev bench builds them.")
    cases = [case for path in arguments.merge for case in read_cases(path)]

    def keep(measured):
        if arguments.json:
            with open(arguments.json, "w", encoding="utf-8") as file:
                json.dump({"cases": cases + measured}, file, indent=2)

    if arguments.models:
        cases = cases + measure_now(arguments, keep)
    if not cases:
        sys.exit("There is nothing to show: no models were named, and no earlier runs.")
    order = {name: number for number, name in enumerate([*MODELS, *TASKS])}
    cases.sort(key=lambda case: (order[case["model"]], order[case["task"]], case["batch"], case["threads"]))
    charts = "" if arguments.print else "\n".join(filter(None, (draw(arguments, cases, n) for n in (1, 2))))
    text = section(arguments, cases, charts)
    print(f"\n{text}")
    if not arguments.print:
        write_section(arguments.page, "peers", text)


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(str(error))
