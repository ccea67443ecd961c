#!/usr/bin/env python3
"""Step times of Keratin beside those of PyTorch and JAX on the same GPU in the same run, and what was aimed for.

    gpu_targets.py RESULTS      RESULTS has speed.jsonl and peers.jsonl, which gpu_check.sh writes

Prints Markdown. Exit status: 0 when every target is met, 1 when one is missed, 77 when none is missed but some could not
be compared. The targets are for an H200; on another GPU they are shown, and none counts as missed.
"""
import json
import os
import sys

BATCH_SIZE = 128
STEP_TARGETS = {"mlp": 35.0, "cnn": 180.0}  # microseconds at most, precision "high"
EAGER_RATIO = 3.0  # at least so many times as fast as PyTorch eager
OTHERS = [("pytorch", "compile reduce-overhead"), ("jax", "jit"), ("jax", "lax.scan")]  # none of them may be faster


def read_lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip().startswith("{")]


def is_counted(row):
    return row.get("batch_size") == BATCH_SIZE and row.get("precision") == "high" and "microseconds_per_step" in row


def compare(ours, theirs):
    """Markdown lines, and how many targets were met, missed and not measured."""
    ours = [row for row in ours if is_counted(row) and row.get("task") == "train"
            and not row.get("device", "").startswith("cpu")]
    device = ours[0].get("device_description", "unknown") if ours else "unknown"
    on_target_device = "H200" in device
    lines = [f"Training steps on {device}, batch {BATCH_SIZE}, precision `high`, microseconds each.", "",
             "| model | library | us/step | Keratin is faster by |", "|---|---|---:|---:|"]
    verdicts, count = [], {"met": 0, "missed": 0, "not measured": 0}

    def judge(text, met):
        word = "not measured" if met is None else "met" if met else "missed"
        count[word] += 1
        verdicts.append(f"- {text}: **{word}**")

    for model, limit in STEP_TARGETS.items():
        step = next((row["microseconds_per_step"] for row in ours if row["model"] == model), None)
        rows = sorted((row for row in theirs if is_counted(row) and row["model"] == model),
                      key=lambda row: row["microseconds_per_step"])
        if step is not None:
            lines.append(f"| {model} | Keratin | {step:.1f} | |")
        for row in rows:
            time = row["microseconds_per_step"]
            ratio = f"{time / step:.2f}x" if step else ""
            lines.append(f"| {model} | {row['library']} {row['way']} | {time:.1f} | {ratio} |")
        for row in theirs:
            if row.get("model") == model and "error" in row:
                lines.append(f"| {model} | {row['library']} {row['way']} | failed: {row['error'][:60]} | |")

        shown = "no time" if step is None else f"{step:.1f} us"
        judge(f"{model}: {shown}, at most {limit:.0f} us wanted", None if step is None else step <= limit)
        eager = next((row for row in rows if row["library"] == "pytorch" and row["way"] == "eager"), None)
        ratio = eager["microseconds_per_step"] / step if step and eager else None
        shown = "PyTorch eager unknown" if ratio is None else f"{ratio:.2f} times as fast as PyTorch eager"
        judge(f"{model}: {shown}, at least {EAGER_RATIO:.0f} wanted", None if ratio is None else ratio >= EAGER_RATIO)
        others = [row for row in rows if row is not eager]
        ratio = others[0]["microseconds_per_step"] / step if step and others else None
        shown = ("the others unknown" if ratio is None else
                 f"{ratio:.2f} times as fast as the fastest other ({others[0]['library']} {others[0]['way']})")
        # One that is missing could have been the fastest: that can turn "met" to "missed", and nothing else.
        found = {(row["library"], row["way"]) for row in others}
        missing = [" ".join(other) for other in OTHERS if other not in found]
        lack = f", no time of {', '.join(missing)}" if missing else ""
        judge(f"{model}: {shown}, at least 1 wanted{lack}",
              None if ratio is None or (missing and ratio >= 1) else ratio >= 1)
    lines += [""] + verdicts
    if ours and not on_target_device:
        lines += ["", "The targets are for an H200: none counts as missed here."]
        count["missed"] = 0
    return lines, count


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    ours, theirs = (read_lines(os.path.join(sys.argv[1], name)) for name in ("speed.jsonl", "peers.jsonl"))
    lines, count = compare(ours, theirs)
    print("\n".join(lines))
    sys.exit(1 if count["missed"] else 77 if count["not measured"] else 0)


if __name__ == "__main__":
    main()
