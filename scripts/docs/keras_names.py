#!/usr/bin/env python3
"""Writes scripts/docs/keras_names.json: the public names of Keras's modules, for the table in docs/api/keras.md.

    keras_names.py        (needs: pip install keras; any backend or none, since Keras is read, not imported)
"""

import ast
import importlib.util
import json
import pathlib
import re

MODULES = [
    "layers", "activations", "losses", "metrics", "optimizers", "optimizers.schedules", "initializers", "regularizers",
    "constraints", "callbacks", "ops", "ops.nn", "ops.numpy", "ops.linalg", "ops.image", "random", "applications", "utils",
    "datasets", "models", "saving",
]  # fmt: skip
# Not what programs are written with.
MACHINERY = {"serialize", "deserialize", "get"}


def names_of(folder):
    """One list for each object: its names, the one of its definition first."""
    objects = {}
    for node in ast.parse((folder / "__init__.py").read_text()).body:
        if not isinstance(node, ast.ImportFrom) or not node.module.startswith("keras.src"):
            continue
        for name in node.names:
            public = name.asname or name.name
            if public not in MACHINERY and not public.startswith("_"):
                # The module tells apart what different classes call the same.
                objects.setdefault((node.module, name.name), []).append(public)
    return sorted((sorted(names, key=lambda n: (n != origin, n)) for (_, origin), names in objects.items()), key=lambda n: n[0].lower())


def main():
    root = pathlib.Path(importlib.util.find_spec("keras").origin).parent
    version = re.search(r'__version__ = "([^"]+)"', (root / "src/version.py").read_text())[1]
    result, seen = {}, set()
    for module in MODULES:
        names = names_of(root / module.replace(".", "/"))
        if module == "datasets":  # each is a module with load_data
            names = [[f.name] for f in sorted((root / "datasets").iterdir()) if (f / "__init__.py").exists()]
        # What keras.ops has is not listed again for keras.ops.nn.
        names = [n for n in names if not (module.startswith("ops.") and n[0] in seen)]
        if module == "ops":
            seen = {name for n in names for name in n}
        if names:
            result[module] = names
    lines = ",\n".join(f'"{m}": {json.dumps(names)}' for m, names in result.items())
    target = pathlib.Path(__file__).with_suffix(".json")
    target.write_text(f'{{"version": "{version}",\n{lines}\n}}\n')
    print(target, {m: len(n) for m, n in result.items()})


if __name__ == "__main__":
    main()
