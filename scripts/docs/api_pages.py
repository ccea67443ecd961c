#!/usr/bin/env python3
"""Writes docs/api from the public headers: what each declares, with its comments, without what is private; and the
table of Keras's names (keras_table.py).

    scripts/docs/api_pages.py           writes the pages
    scripts/docs/api_pages.py --check   exits with 1 when they are not what the headers say
"""

import pathlib
import re
import sys

import keras_table

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "api"

# Page, title, folders whose headers it shows, in the order a user meets them.
PAGES = [
    ("layers", "Layers", ["layers"]),
    ("training", "Models and training", ["core/training", "core/training/callbacks"]),
    ("model", "What layers are made of", ["core/model"]),
    ("ops", "Ops", ["core/ops"]),
    ("tensor", "Tensors and errors", ["core/tensor"]),
    ("devices", "Devices, backends and plans", ["core/runtime"]),
    ("io", "Data sets, files, pictures", ["io"]),
    ("graph", "Graphs and the compiler", ["core/graph", "core/compiler"]),
]

SPECIAL = re.compile(
    r"^\s*(?:(\w+)\((?:const \1&|\1&&)\)(?: noexcept)?(?: = (?:default|delete))?"
    r"|(\w+)& operator=\((?:const \2&|\2&&)\)(?: noexcept)?(?: = (?:default|delete))?"
    r"|(?:virtual )?~\w+\(\)(?: = default)?);$"
)


def headers_of(folder):
    """Public headers: all but those of folders named detail. Layers stand in folders by kind."""
    files = (ROOT / folder).rglob("*.h") if folder == "layers" else (ROOT / folder).glob("*.h")
    return sorted(f for f in files if "detail" not in f.relative_to(ROOT).parts and f.name != "layers.h")


def without_private(lines):
    """Drops everything from `private:` or `protected:` with nothing public after it to the end of its class."""
    kept, skipping = [], None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if skipping is not None and (line.strip() == "};" and indent < skipping or line.strip() == "public:"):
            skipping = None
        if line.strip() == "private:":
            skipping = indent
            while kept and not kept[-1].strip():
                kept.pop()
        if skipping is None:
            kept.append(line)
    return kept


def declarations(text):
    """The introduction (the header's first comment) and the declarations, as written."""
    lines = text.splitlines()
    intro = []
    while lines and lines[0].startswith("//"):
        intro.append(lines.pop(0)[2:].strip())
    body = []
    for line in without_private(lines):
        if re.match(r"#\s*(include|pragma)|namespace \w|}  // namespace", line):
            continue
        if SPECIAL.match(line) or re.match(r"\s*// Not inline:", line):
            continue
        body.append(re.sub(r"\s*// NOLINT(NEXTLINE)?(\([^)]*\))?:?( .*)?$", lambda m: f"  //{m[3]}" if m[3] else "", line))
    code = re.sub(r"\n{3,}", "\n\n", "\n".join(body).strip("\n"))
    return " ".join(intro), code


def pages():
    result = {}
    index = ["# API", "", "What every public header declares, made from the headers by `./dev docs`. `#include <keratin/keratin.h>` gives"]
    index += ["most of it; a page names the header of each part.", ""]
    for name, title, folders in PAGES:
        page = [f"# {title}", "", "[All pages](README.md)", ""]
        index += [f"## [{title}]({name}.md)", "", "| header | |", "|---|---|"]
        for folder in folders:
            for header in headers_of(folder):
                include = "keratin/" + header.relative_to(ROOT).as_posix()
                intro, code = declarations(header.read_text())
                page += [f"## `{include}`", "", intro, "", "```C++", code, "```", ""]
                anchor = re.sub(r"[^\w-]", "", include)
                index.append(f"| [`{include}`]({name}.md#{anchor}) | {intro.replace('|', chr(92) + '|')} |")
        index.append("")
        result[FOLDER / f"{name}.md"] = "\n".join(page).rstrip() + "\n"
    index += ["## [Keras's names](keras.md)", "", "Which names of Keras are here, which go by another way, and which are missing.", ""]
    result[FOLDER / "keras.md"] = keras_table.page()
    result[FOLDER / "README.md"] = "\n".join(index).rstrip() + "\n"
    return result


def main():
    wanted = pages()
    stale = [f for f, text in wanted.items() if not f.exists() or f.read_text() != text]
    stale += [f for f in FOLDER.glob("*.md") if f not in wanted]
    if sys.argv[1:] == ["--check"]:
        for file in stale:
            print(f"{file.relative_to(ROOT)} is not what the headers say; run ./dev docs.", file=sys.stderr)
        return 1 if stale else 0
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file in stale:
        file.unlink(missing_ok=True)
        if file in wanted:
            file.write_text(wanted[file])
    return 0


sys.exit(main())
