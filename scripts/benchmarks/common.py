"""What the benchmark scripts share: running programs on chosen CPUs, and writing sections of a page of docs/."""
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))


def say(text):
    print(text, file=sys.stderr, flush=True)


def output_of(*command, default=""):
    try:
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return default


def clean_environment(more):
    """This process's environment without what steers numerical libraries, and with `more`."""
    steering = re.compile(r"(OMP|GOMP|OPENBLAS|KERATIN|MKL|DNNL|ONEDNN)_")
    return {**{k: v for k, v in os.environ.items() if not steering.match(k)}, **more}


def measure_process(command, cpus, environment):
    """Runs a program on these CPUs only; returns its seconds from start to end, its most memory in bytes, and what it
    printed. Throws RuntimeError when it fails."""
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, env=clean_environment(environment), stdout=out, stderr=errors,
                                   preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        out.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}\nfailed ({process.returncode}): {errors.read()}")
        return seconds, usage.ru_maxrss * 1024, out.read()


def run(command, cpus, environment, timeout=None):
    """Runs a program on these CPUs only; returns what it printed. Throws RuntimeError with what it said when it fails."""
    done = subprocess.run(command, env=clean_environment(environment), capture_output=True, text=True, timeout=timeout,
                          preexec_fn=lambda: os.sched_setaffinity(0, cpus))
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\nfailed ({done.returncode}): {done.stderr}")
    return done.stdout


def cache_entry(build, name):
    with open(f"{build}/CMakeCache.txt", encoding="utf-8") as file:
        found = re.search(rf"^{name}:\w+=(.*)$", file.read(), re.MULTILINE)
    return found.group(1) if found else ""


def span(values, form="{}"):
    """"2", or "2 to 3" when the values differ."""
    return " to ".join(dict.fromkeys(form.format(value) for value in (min(values), max(values))))


def rounds_text(*counts):
    """What one number of so many rounds is: of two no more than their mean."""
    if max(counts) == 1:
        return "one round"
    return f"{'mean' if min(counts) == max(counts) == 2 else 'median'} of {span(counts)} rounds"


def this_run(arguments):
    return {"date": datetime.date.today().isoformat(), "load": arguments.load,
            "commit": output_of("git", "describe", "--always", "--dirty", default="unknown")}


def circumstances(arguments, runs=None):
    """When, at which commit, on which machine, by which tools. `runs`: for each row what this_run() said back then."""
    runs = runs or [this_run(arguments)]
    known = sorted((run for run in runs if "commit" in run), key=lambda run: run["date"])
    commits = list(dict.fromkeys(run["commit"] for run in known))
    when, load = "date, commit and load not recorded", ""
    if known:
        when = f"{span([run['date'] for run in known])}, commit{'s' * (len(commits) > 1)} {', '.join(commits)}"
        load = f", load {span([run['load'] for run in known], '{:.1f}')} before the measurements"
        if len(known) < len(runs):
            when += f" (not recorded for {len(runs) - len(known)} of {len(runs)} rows)"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        cpu = re.search(r"^model name\s*:\s*(.*)$", file.read(), re.MULTILINE)
    compiler = output_of(cache_entry(arguments.build, "CMAKE_CXX_COMPILER") or "c++", "--version").split("\n")[0]
    eigen = "of unknown version"
    config = os.path.join(cache_entry(arguments.build, "Eigen3_DIR"), "Eigen3ConfigVersion.cmake")
    if os.path.exists(config):
        with open(config, encoding="utf-8") as file:
            eigen = (re.search(r'PACKAGE_VERSION "([^"]+)"', file.read()) or [None, eigen])[1]
    return (f"{when}; {cpu.group(1).strip() if cpu else 'unknown CPU'}, {os.cpu_count()} CPUs{load}; "
            f"{compiler}, Eigen {eigen}")


def table(header, rows):
    # Text to the left, numbers to the right.
    right = [all(re.match(r"$|[\d.,]+( |x|%|$)", row[i]) for row in rows) for i in range(len(header))]
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join("---:" if r else "---" for r in right) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def add_output_options(parser):
    parser.add_argument("--build", default=f"{ROOT}/build/release", help="build folder with Keratin's programs")
    parser.add_argument("--print", action="store_true", help="print what would be written; write nothing")
    parser.add_argument("--page", default=f"{ROOT}/docs/performance.md", type=os.path.abspath,
                        help="the page to write (default: docs/performance.md): one for each machine")


def draw_bars(arguments, name, bars):
    """Draws `bars` with benchmarks/bar_chart.cpp, in images/ beside the page; returns the chart's path from there.
    Charts of other pages than performance.md have the page's name before their own."""
    stem = os.path.splitext(os.path.basename(arguments.page))[0]
    shown = f"images/{name if stem == 'performance' else f'{stem}_{name}'}"
    path = os.path.join(os.path.dirname(arguments.page), shown)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    subprocess.run([f"{arguments.build}/benchmarks/keratin_bar_chart", path], input=json.dumps(bars), text=True, check=True)
    say(f"written: {path}")
    return shown


def write_section(path, name, text):
    """Puts the text between <!-- name:begin --> and <!-- name:end -->, at the end when there are no such lines."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    page = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            page = file.read()
    if begin in page and end in page:
        head, rest = page.split(begin, 1)
        page = f"{head}{begin}\n{text}\n{end}{rest.split(end, 1)[1]}"
    else:
        page = f"{page.rstrip()}\n\n{begin}\n{text}\n{end}\n".lstrip()
    with open(path, "w", encoding="utf-8") as file:
        file.write(page)
    say(f"written: {path} ({name})")
