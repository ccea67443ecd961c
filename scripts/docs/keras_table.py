"""The table of Keras's names in docs/api/keras.md: what Keratin has is read from its headers. Used by api_pages.py."""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
INTRO = """# Keras's names

[All pages](README.md)

Every public name of Keras {version}'s modules, and what stands for it here: made from Keras and from Keratin's headers by
`./dev docs`. *Yes* means the same name with the same options in the same order (`keras.layers.Dense` is `Dense`, `keras.losses.Huber` is
`losses::Huber`); losses, metrics, activations, optimizers, initialisers, regularisers and constraints also go by their
names in text. An op of the same name does the same (`keras.ops.matmul` is `ops::matmul`); its arguments are in
[Ops](ops.md). *Differently* says how. *Not yet* is not there.
[Coming from Keras](../coming_from_keras.md) has the two side by side.
"""
SECTIONS = {
    "layers": "Layers",
    "activations": "Activations",
    "losses": "Losses",
    "metrics": "Metrics",
    "optimizers": "Optimizers",
    "optimizers.schedules": "Schedules",
    "initializers": "Initialisers",
    "regularizers": "Regularisers",
    "constraints": "Constraints",
    "callbacks": "Callbacks",
    "ops": "Ops",
    "ops.image": "Image ops",
    "random": "Random numbers",
    "applications": "Applications",
    "utils": "Utilities",
    "datasets": "Data sets",
    "models": "Models",
    "saving": "Files",
}


def found(pattern, *files):
    return {name for file in files for f in ROOT.glob(file) for name in re.findall(pattern, f.read_text(), re.M)}


def here():
    """For each of Keras's modules, the names that Keratin has."""
    functions = {
        "losses": ("Loss", "core/training/losses.h"),
        "metrics": ("Metric", "core/training/metrics.h"),
        "optimizers": ("Optimizer", "core/training/optimizers.h"),
        "optimizers.schedules": ("Schedule", "core/training/schedules.h"),
        "initializers": ("Initializer", "core/model/initializers.h"),
        "regularizers": ("Regularizer", "core/model/regularizers.h"),
        "constraints": ("Constraint", "core/model/constraints.h"),
        "callbacks": ("Callback", "core/training/callbacks/callbacks.h"),
        "utils": (r"(?:Tensor|Dataset|std::pair<Dataset, Dataset>)", "core/training/preprocess.h"),
        "ops": ("(?:Value|Values)", "core/ops/*.h"),
        "ops.image": ("Value", "core/ops/image.h", "core/ops/color.h", "core/ops/filters.h"),
    }
    names = {module: found(rf"^{kind} (\w+)\(", *files) for module, (kind, *files) in functions.items()}
    names["layers"] = found(r"^class (\w+) : public Layer\b", "layers/**/*.h") - {"Input"}
    activations = found(r'^    \{"(\w+)", (?:nullptr|\[\])', "core/model/activation.cpp")
    names["activations"] = activations | (found(r"^Value (\w+)\(", "core/ops/activations.h"))
    return names


def same(a, b):
    return a.replace("_", "").lower() == b.replace("_", "").lower()


def page():
    keras = json.loads((HERE / "keras_names.json").read_text())
    notes = json.loads((HERE / "keras_notes.json").read_text())
    supported, used = here(), set()
    text, summary = [], ["| | yes | differently | not yet |", "|---|---|---|---|"]
    for module, title in SECTIONS.items():
        rows, counts = [], [0, 0, 0]
        merged = []
        for names in keras[module]:  # functions beside classes of the same name are one row
            other = next((m for m in merged if module not in ("ops", "activations") and any(same(names[0], n) for n in m)), None)
            if other:
                other += [n for n in names if n not in other]
            else:
                merged.append(list(names))
        for names in merged:
            names.sort(key=lambda n: n[0].islower())
            key = next((f"{module}.{n}" for n in names if f"{module}.{n}" in notes), None)
            label = ", ".join(f"`{n}`" for n in names)
            if any(n in supported.get(module, ()) for n in names):
                kind, how = 0, "yes"
                if notes.get(key, "").startswith("yes"):
                    how = notes[key]
                    used.add(key)
            elif key:
                kind, how = 1, "differently: " + notes[key]
                used.add(key)
            else:
                kind, how = 2, "not yet"
            counts[kind] += 1
            rows.append(f"| {label} | {how} |")
        summary.append(f"| [{title}](#{title.lower().replace(' ', '-')}) | {counts[0]} | {counts[1]} | {counts[2]} |")
        text += [f"## {title}", "", f"`keras.{module}`", "", f"| Keras | Keratin |", "|---|---|", *rows, ""]
    unused = sorted(set(notes) - used)
    if unused:
        raise SystemExit(f"scripts/docs/keras_notes.json: these are supported by now, or no names of Keras: {', '.join(unused)}")
    return "\n".join([INTRO.format(version=keras["version"]), *summary, "", *text]).rstrip() + "\n"
