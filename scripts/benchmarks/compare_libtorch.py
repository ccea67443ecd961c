#!/usr/bin/env python3
"""Measures Keratin's training beside LibTorch's and the CPU kernels alone, and writes docs/performance.md.

    ./dev bench --data DIR      builds Keratin's programs first, then runs this

Every measurement is a process of its own on the same CPUs; the contestants take turns, round by round, so that a slow
moment of the machine hits all of them. The median of the rounds counts, and for LibTorch the best of its settings.
"""
import argparse
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys

from common import (ROOT, add_output_options, circumstances, draw_bars, output_of, rounds_text, run, say, table,
                    write_section)

PACKAGES = ["libtorch-dev", "libopenblas0-pthread", "libopenblas0-openmp"]
MODELS = {"mlp": "MLP", "cnn": "CNN"}


def package_version(name):
    return output_of("dpkg-query", "-W", "-f", "${Version}", name, default="of unknown version")


# ---- LibTorch: its package, its program, its settings ----------------------------------------------------------------


def install_libtorch():
    """Installs Debian's packages when something is missing."""
    installed = lambda name: output_of("dpkg-query", "-W", "-f", "${db:Status-Status}", name) == "installed"
    missing = [name for name in PACKAGES if not installed(name)]
    if not missing or not shutil.which("apt-get"):
        return
    if os.geteuid() != 0:
        sys.exit(f"missing: {' '.join(missing)}. As root: apt-get install {' '.join(missing)}\n"
                 "(or measure without LibTorch: ./dev bench --only kernels)")
    say(f"Installing {' '.join(missing)} (LibTorch brings hundreds of megabytes)")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    subprocess.run([*apt, "update"], env=environment, stdout=subprocess.DEVNULL, check=True)
    subprocess.run([*apt, "-y", "--no-install-recommends", "install", *missing], env=environment,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)


def build_libtorch_program(folder):
    generator = ["-G", "Ninja"] if shutil.which("ninja") and not os.path.exists(f"{folder}/CMakeCache.txt") else []
    for command in (
        ["cmake", *generator, "-S", f"{ROOT}/benchmarks/libtorch", "-B", folder, "-DCMAKE_BUILD_TYPE=Release"],
        ["cmake", "--build", folder],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{done.stdout}\n{done.stderr}\nLibTorch's benchmark could not be built.")
    return f"{folder}/libtorch_training_benchmark"


def settings_of_libtorch(model, threads):
    """{name: (environment, arguments)}: what people tune. Debian's LibTorch computes products with OpenBLAS and
    convolutions with oneDNN, each with threads of its own."""
    pthread, openmp = (
        {"LD_LIBRARY_PATH": folders[0]} if (folders := glob.glob(f"/usr/lib/*/openblas-{kind}")) else {}
        for kind in ("pthread", "openmp")
    )
    # OpenBLAS 0.3.21 does not know newer CPUs and takes its AVX2 kernels on them.
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        avx512 = {"OPENBLAS_CORETYPE": "SkylakeX"} if " avx512vl" in file.read() else {}
    one = {"OPENBLAS_NUM_THREADS": "1"}
    pinned = {"OMP_PROC_BIND": "true", "OMP_PLACES": "cores"} if threads > 1 else {}

    found = {"defaults": ({**pthread, **pinned}, [])}
    if threads > 1:
        found["defaults, not pinned"] = (pthread, [])
        found["OpenBLAS on 1 thread"] = ({**pthread, **pinned, **one}, [])
        found["OpenBLAS with OpenMP"] = ({**openmp, **pinned}, [])
    base = {**pthread, **pinned, **(one if threads > 1 else {})}
    suffix = ", OpenBLAS on 1 thread" if threads > 1 else ""
    if avx512:
        found["OpenBLAS's AVX-512 kernels" + (" on 1 thread" if threads > 1 else "")] = ({**base, **avx512}, [])
        if threads > 1:
            found["OpenBLAS with OpenMP, AVX-512 kernels"] = ({**openmp, **pinned, **avx512}, [])
    found["without oneDNN" + suffix] = (base, ["--mkldnn", "false"])
    if model == "cnn":
        if avx512:  # convolutions are products now
            found["without oneDNN, OpenBLAS's AVX-512 kernels" + (" on 1 thread" if threads > 1 else "")] = (
                {**base, **avx512}, ["--mkldnn", "false"])
        found["channels_last" + suffix] = ({**base, **avx512}, ["--memory-format", "channels_last"])
    return found


# ---- measuring -------------------------------------------------------------------------------------------------------


def measure_training(arguments, libtorch):
    """[{model, threads, keratin: [images/s of each round], libtorch: {setting: [...]}}]"""
    usable = sorted(os.sched_getaffinity(0))
    data = arguments.data or "digits"
    cases = []
    for model in arguments.models:
        for threads in arguments.threads:
            if threads > len(usable):
                say(f"{model} with {threads} threads is left out: there are {len(usable)} CPUs")
                continue
            settings = settings_of_libtorch(model, threads)
            cases.append({"model": model, "threads": threads, "cpus": usable[:threads], "settings": settings,
                          "keratin": [], "libtorch": {name: [] for name in settings}})
    for number in range(arguments.rounds):
        for case in cases:
            model, threads, cpus = case["model"], str(case["threads"]), case["cpus"]
            common = ["--model", model, "--threads", threads, "--seconds", str(arguments.seconds)]
            if arguments.steps:
                common += ["--steps", str(arguments.steps), "--warm-up-steps", "2", "--warm-up-seconds", "0"]
            say(f"round {number + 1} of {arguments.rounds}: {MODELS[model]}, threads: {threads}")

            def speed(name, program, data, environment=None, extra=()):
                out = run([program, *common, "--data", data, *extra], cpus, environment or {})
                result = json.loads(out.strip().splitlines()[-1])
                say(f"  {result['images_per_second']:9,.0f} images/s  {name}")
                return result["images_per_second"]

            program = f"{arguments.build}/benchmarks/keratin_training_benchmark"
            case["keratin"].append(speed("Keratin", program, data))
            for name, (environment, extra) in case["settings"].items():
                # OMP_NUM_THREADS also sizes the pools of libraries under LibTorch, which --threads does not reach.
                environment = {"OMP_NUM_THREADS": threads, **environment}
                values = case["libtorch"][name]
                values.append(speed("LibTorch, " + name, libtorch, arguments.data or "random", environment, extra))
    for case in cases:
        medians = {name: statistics.median(values) for name, values in case["libtorch"].items()}
        case["best"] = max(medians, key=medians.get)
        case["ratio"] = statistics.median(case["keratin"]) / medians[case["best"]]
    return cases


KERNELS = {  # benchmark: what it is; products are (m x k)(k x n)
    "gemm/fc1_forward": "product 128x784, 784x128: the MLP's first layer",
    "gemm/fc1_kernel_gradient": "its kernel's gradient, 784x128, 128x128",
    "gemm/fc2_forward": "product 128x128, 128x10: the last layer",
    "gemm/fc2_kernel_gradient": "its kernel's gradient, 128x128, 128x10",
    "gemm/square_512": "product of 512x512 matrices",
    "gemm/square_1024": "product of 1024x1024 matrices",
    "conv/conv1_forward": "3x3 convolution of 28x28x1 to 32 channels",
    "conv/conv1_kernel_gradient": "its kernel's gradient",
    "conv/conv2_forward": "3x3 convolution of 13x13x32 to 64 channels",
    "conv/conv2_input_gradient": "its input's gradient",
    "conv/conv2_kernel_gradient": "its kernel's gradient",
}


def measure_kernels(arguments):
    """({benchmark: GFLOP/s}, instruction set); the benchmark "peak" is what one core can do."""
    names = [*KERNELS, *(name + "_eigen" for name in KERNELS if name.startswith("gemm/")), "peak"]
    say("kernels, one thread")
    out = run([f"{arguments.build}/benchmarks/keratin_kernel_benchmarks", "--benchmark_format=json",
               f"--benchmark_filter=^({'|'.join(names)})$", f"--benchmark_min_time={arguments.kernel_seconds}",
               f"--benchmark_repetitions={arguments.rounds}"],
              sorted(os.sched_getaffinity(0))[:1], {"KERATIN_NUM_THREADS": "1"})
    rates, isa = {}, ""
    for line in json.loads(out)["benchmarks"]:
        if line.get("run_type") == "iteration" and "GFLOP/s" in line:
            rates.setdefault(line["run_name"], []).append(line["GFLOP/s"])
            isa = line.get("label") or isa
    return {name: statistics.median(values) for name, values in rates.items()}, isa


# ---- writing ---------------------------------------------------------------------------------------------------------


def training_section(arguments, cases):
    rate = lambda values: f"{statistics.median(values):,.0f}"
    spread = lambda values: f"{min(values):,.0f} to {max(values):,.0f}"
    main, all_runs = [], []
    for case in cases:
        what = [MODELS[case["model"]], str(case["threads"])]
        best = case["libtorch"][case["best"]]
        main.append([*what, rate(case["keratin"]), rate(best), f"{case['ratio']:.2f}x", case["best"]])
        all_runs.append([*what, "Keratin", rate(case["keratin"]), spread(case["keratin"])])
        for name, values in case["libtorch"].items():
            all_runs.append([*what, "LibTorch, " + name, rate(values), spread(values)])
    data = "MNIST" if arguments.data else "the bundled digits (LibTorch: random images)"
    timing = f"{arguments.steps} steps" if arguments.steps else f"{arguments.seconds:g} s"
    return f"""## Training beside LibTorch

Training images per second, batch 128, Adam, on {data}; {rounds_text(arguments.rounds)} of {timing}:

{table(["model", "threads", "Keratin", "LibTorch", "ratio", "LibTorch's best setting"], main)}
{draw(arguments, cases)}
All runs, with the slowest and the fastest round:

{table(["model", "threads", "", "images/s", "rounds"], all_runs)}

{circumstances(arguments)}; LibTorch {package_version("libtorch-dev")}, OpenBLAS {package_version("libopenblas0-pthread")}, oneDNN {package_version("libdnnl2")}."""


def kernels_section(arguments, rates, isa):
    peak = rates["peak"]
    rows = []
    for name, meaning in KERNELS.items():
        eigen = rates.get(name + "_eigen")
        rows.append([meaning, f"{rates[name]:.0f}", f"{100 * rates[name] / peak:.0f}%", f"{eigen:.0f}" if eigen else ""])
    return f"""## Kernels

One thread, {isa}; multiply-adds on registers alone reach {peak:.0f} GFLOP/s on this core, which is 100% here. Convolutions
count the operations of their definition only; the last column is Eigen's product of the same matrices.

{table(["kernel", "GFLOP/s", "of the peak", "Eigen"], rows)}

{circumstances(arguments)}; the median of runs: {arguments.rounds}."""


def draw(arguments, cases):
    """The line that shows the chart; none when nothing is to be written."""
    if arguments.print:
        return ""
    plural = lambda n: f"{n} thread" + ("s" if n > 1 else "")
    bars = {
        "title": "Training of two MNIST models",
        "x_label": "images per second, LibTorch's best setting = 1",
        "groups": [f"{MODELS[case['model']]}, {plural(case['threads'])}" for case in cases],
        "series": [
            {"name": "Keratin", "values": [round(case["ratio"], 2) for case in cases]},
            {"name": "LibTorch", "values": [1 for _ in cases]},
        ],
    }
    return f"\n![Training speed relative to LibTorch]({draw_bars(arguments, 'training_speed.svg', bars)})\n"


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder with MNIST's IDX files (default: data/mnist if there, else digits)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="time that one run measures (default: 4)")
    parser.add_argument("--steps", type=int, default=0, help="measure this many steps instead, to try the script")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--kernel-seconds", type=float, default=0.3, help="time for each kernel (default: 0.3)")
    parser.add_argument("--only", choices=["training", "kernels"])
    add_output_options(parser)
    parser.add_argument("--json", help="write all measurements to this file, too")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds: at least 1")
    if not arguments.data and os.path.isdir(f"{ROOT}/data/mnist"):
        arguments.data = f"{ROOT}/data/mnist"
    if not os.path.exists(f"{arguments.build}/benchmarks/keratin_training_benchmark"):
        sys.exit(f"{arguments.build} has no benchmarks yet: ./dev bench builds them.")

    sections, raw, cases = {}, {}, []
    if arguments.only != "kernels":
        install_libtorch()
        libtorch = build_libtorch_program(f"{ROOT}/build/libtorch")
    arguments.load = os.getloadavg()[0]
    if arguments.load > 0.5:
        say(f"Warning: the load of the machine is {arguments.load:.1f}; the numbers will be worth little.")
    if arguments.only != "kernels":
        cases = measure_training(arguments, libtorch)
        sections["training"] = training_section(arguments, cases)
        raw["training"] = cases
    if arguments.only != "training":
        rates, isa = measure_kernels(arguments)
        sections["kernels"] = kernels_section(arguments, rates, isa)
        raw["kernels"] = rates

    for name, text in sections.items():
        print(f"\n{text}")
        if not arguments.print:
            write_section(arguments.page, name, text)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(raw, file, indent=2)


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(str(error))
