#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Can the harness be trusted? Puts faults into a copy of the models, one at a time, and asks
`counterpoint fuzz` to find every one. docs/fuzz.md says what the result was.

The faults are in scripts/mutation_faults.toml: a piece of text of a file, and the text that takes
its place. The copy holds all of them behind a switch (the environment variable
COUNTERPOINT_FAULT), so it is built once and the project's own sources hold none. A fault whose
text is no longer found, or not just once, is an error that names it."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
FAULTS = ROOT / "scripts" / "mutation_faults.toml"
FOLDERS = ["cmake", "input", "hw", "workloads", "stats", "analytic", "sim", "validation",
           "report", "cli"]

SWITCH = """#pragma once
#include <cstdlib>
namespace counterpoint_fault {
inline const int chosen = [] {
  const char* text = std::getenv("COUNTERPOINT_FAULT");
  return text != nullptr ? std::atoi(text) : 0;
}();
}
#define FAULT_IS(n) (__builtin_expect(counterpoint_fault::chosen == (n), 0))
"""


class Fault:
    def __init__(self, number, entry):
        unknown = set(entry) - {"name", "file", "what", "inside", "old", "new", "sample", "says"}
        if unknown:
            sys.exit(f"{FAULTS.name}: fault '{entry.get('name')}': unknown key {sorted(unknown)}")
        self.number = number
        self.name = entry["name"]
        self.file = entry["file"]
        self.what = entry["what"]
        self.inside = entry.get("inside")  # text around `old` that stands once in the file
        self.old = entry["old"]
        self.new = entry["new"]
        self.sample = entry.get("sample", False)
        self.says = entry.get("says")  # what has to be said about it
        self.begin = self.end = 0

    @property
    def model(self):
        return self.file.split("/")[0]

    def locate(self, text):
        """None, or why it does not apply."""
        at, area = 0, text
        if self.inside is not None:
            if text.count(self.inside) != 1:
                return f"its surroundings stand {text.count(self.inside)} times in {self.file}"
            at, area = text.index(self.inside), self.inside
        if area.count(self.old) != 1:
            return f"its text stands {area.count(self.old)} times in {self.file}"
        self.begin = at + area.index(self.old)
        self.end = self.begin + len(self.old)
        return None


def read_faults():
    entries = tomllib.loads(FAULTS.read_text())["fault"]
    faults = [Fault(i + 1, e) for i, e in enumerate(entries)]
    names = [f.name for f in faults]
    for n in set(names):
        if names.count(n) > 1:
            sys.exit(f"{FAULTS.name}: two faults are called '{n}'")
    return faults


def mutate(path, text, faults):
    """The text of a file with the faults that are in it, each behind its switch."""
    spans = {}
    for f in faults:
        spans.setdefault((f.begin, f.end), []).append(f)
    ordered = sorted(spans)
    for a, b in zip(ordered, ordered[1:]):
        if b[0] < a[1]:
            sys.exit(f"{path}: the faults '{spans[a][0].name}' and '{spans[b][0].name}' overlap")
    out, done = [], 0
    for begin, end in ordered:
        old = text[begin:end]
        statement = old.rstrip().endswith((";", "}"))
        out.append(text[done:begin])
        for f in spans[(begin, end)]:
            out.append(f"if (FAULT_IS({f.number})) {{ {f.new} }} else " if statement
                       else f"(FAULT_IS({f.number}) ? ({f.new}) : ")
        out.append("{ " + old + " }" if statement
                   else "(" + old + ")" + ")" * len(spans[(begin, end)]))
        done = end
    out.append(text[done:])
    return "".join(out)


def put(path, text):
    """Writes only what changed, so that a second run builds little."""
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def prepare(faults, build):
    """The copy of the sources. Fails, naming each fault that does not apply."""
    source = build / "source"
    by_file = {}
    for f in faults:
        by_file.setdefault(f.file, []).append(f)
    wrong = []
    texts = {}
    for file, those in by_file.items():
        path = ROOT / file
        if not path.exists():
            wrong += [f"{f.name}: there is no {file}" for f in those]
            continue
        text = path.read_text()
        found = []
        for f in those:
            why = f.locate(text)
            if why:
                wrong.append(f"{f.name}: {why}")
            else:
                found.append(f)
        texts[file] = mutate(file, text, found)
    if wrong:
        sys.exit("these faults no longer apply; correct scripts/mutation_faults.toml:\n  "
                 + "\n  ".join(wrong))
    if build is None:
        return None
    kept = set()
    for path in [ROOT / "CMakeLists.txt"] + [p for d in FOLDERS for p in sorted((ROOT / d).rglob("*"))]:
        if not path.is_file():
            continue
        name = str(path.relative_to(ROOT))
        if path.suffix not in (".cpp", ".h", ".txt", ".cmake"):
            continue
        kept.add(name)
        put(source / name, texts.get(name) or path.read_text())
    for path in source.rglob("*"):
        if path.is_file() and str(path.relative_to(source)) not in kept:
            path.unlink()
    for folder in ["hw", "workloads"]:  # installed with the program, not read by `fuzz`
        for data in ["presets", "energy", "networks", "dataflows"]:
            if (ROOT / folder / data).is_dir():
                (source / folder / data).mkdir(parents=True, exist_ok=True)
    put(source / "fault.h", SWITCH)
    put(source / "README.md", "A copy with faults; see scripts/mutation.py.\n")
    for name in ["LICENSE", "CHANGELOG.md"]:
        put(source / name, (ROOT / name).read_text())
    return source


def compile_copy(build, source, jobs):
    tree = build / "tree"
    log = build / "build.log"
    ccache = "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache" if shutil.which("ccache") else None
    commands = [
        [x for x in ["cmake", "-S", str(source), "-B", str(tree), "-G", "Ninja",
                     "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O1",
                     "-DCOUNTERPOINT_TESTS=OFF", f"-DCMAKE_CXX_FLAGS=-include {source}/fault.h -w",
                     ccache] if x],
        ["cmake", "--build", str(tree), "--target", "counterpoint", "--", "-k", "0", "-j", str(jobs)],
    ]
    with open(log, "w") as out:
        for command in commands:
            if subprocess.run(command, stdout=out, stderr=subprocess.STDOUT).returncode != 0:
                errors = [l for l in log.read_text().splitlines() if "error" in l][:20]
                sys.exit("the copy with the faults does not build:\n" + "\n".join(errors)
                         + f"\n(all of it: {log})")
    return tree / "cli" / "counterpoint"


def run(program, number, seed, cases, timeout=3600):
    environment = dict(os.environ, COUNTERPOINT_FAULT=str(number))
    command = [str(program), "fuzz", "--seed", str(seed), "--cases", str(cases), "--jobs", "1",
               "--failures", "1", "--no-shrink", "--case-time", "15"]
    return subprocess.run(command, env=environment, capture_output=True, text=True,
                          timeout=timeout)


def outcome(result, says=None):
    """(caught, after how many cases, which law and what it said)."""
    if result.returncode == 0:
        return False, None, ""
    checked = re.search(r": (\d+) checked, (\d+) failing", result.stdout)
    failed = re.search(r"^FAILED: case \d+\n  (.*)$", result.stdout, re.M)
    if result.returncode != 1 or not checked or not failed:
        sys.exit(f"`counterpoint fuzz` ended with status {result.returncode}:\n{result.stderr}")
    if says is not None and says not in result.stdout:
        return False, None, f"found, but nothing says '{says}': {failed.group(1)}"
    return True, int(checked.group(1)), failed.group(1)


def write_report(options, rows):
    caught = [cases for _, found, cases, _ in rows if found]
    models = [sum(f.model == m for f, *_ in rows) for m in ("analytic", "sim")]
    kinds = {}
    for _, found, _, says in rows:
        if found:
            kinds[says.split(":")[0]] = kinds.get(says.split(":")[0], 0) + 1
    lines = [
        "# Faults that the harness found", "",
        "Written by `scripts/mutation.py --report docs/mutation.md`; [fuzz.md](fuzz.md) says what "
        "this is.", "",
        f"{len(rows)} faults, {models[0]} in the estimator and {models[1]} in the simulator; "
        f"{len(caught)} caught, within at most {options.cases} cases of seed {options.seed} each. "
        f"Half of them within {sorted(caught)[len(caught) // 2]} cases, the last after "
        f"{max(caught)}. The law that broke first: "
        + ", ".join(f"{k} ({n})" for k, n in sorted(kinds.items(), key=lambda x: -x[1])) + ".", "",
        "`estimator` and `simulator` are a model's own checks. The numbers are those of the "
        "estimate, then those of the simulation.", "",
        "| fault | what is wrong | found in case | by |", "|---|---|---|---|"]
    for f, found, cases, says in rows:
        by = says.replace("|", "\\|").replace("estimated, simulated: ", "")
        by = by.replace("estimator: estimator: ", "estimator: ")
        by = by.replace("simulator: simulator: ", "simulator: ")
        lines.append(f"| {f.name} | {f.what} | "
                     + (f"{cases} | {by if len(by) < 90 else by[:87] + '...'} |" if found
                        else f"**not** | {by} |"))
    options.report.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true",
                        help="only see that every fault still applies to the sources")
    parser.add_argument("--list", action="store_true", help="list the faults")
    parser.add_argument("--sample", action="store_true", help="only the faults marked as sample")
    parser.add_argument("--only", metavar="NAME,...", help="only these faults")
    parser.add_argument("--cases", type=int, default=10000, help="most cases per fault (10000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the cases (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1,
                        help="faults side by side")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "mutation",
                        help="folder of the copy and its build (build/mutation)")
    parser.add_argument("--report", type=pathlib.Path, help="write a table (Markdown) there")
    options = parser.parse_args()

    faults = read_faults()
    options.build = options.build.resolve()
    if options.list:
        for f in faults:
            print(f"{f.number:3} {f.file:28} {f.name}: {f.what}")
        return 0
    source = prepare(faults, options.build)
    if options.check:
        print(f"{len(faults)} faults apply")
        return 0
    program = compile_copy(options.build, source, options.jobs)
    chosen = faults
    if options.sample:
        chosen = [f for f in faults if f.sample]
    if options.only:
        names = options.only.split(",")
        unknown = set(names) - {f.name for f in faults}
        if unknown:
            sys.exit(f"no fault is called {', '.join(sorted(unknown))}")
        chosen = [f for f in faults if f.name in names]

    # Without a fault nothing may fail, or the rest would mean nothing.
    clean = run(program, 0, options.seed, min(options.cases, 400))
    if clean.returncode != 0:
        sys.exit("the copy fails without any fault:\n" + clean.stdout[-4000:] + clean.stderr)

    began = time.time()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(
            lambda f: outcome(run(program, f.number, options.seed, options.cases), f.says),
            chosen))
    rows, escaped = [], []
    for f, (caught, cases, says) in zip(chosen, results):
        rows.append((f, caught, cases, says))
        if not caught:
            escaped.append(f)
        print(f"{'caught ' if caught else 'ESCAPED'} {str(cases or '-'):>6}  {f.name:44} {says[:90]}")
    print(f"\n{len(chosen) - len(escaped)} of {len(chosen)} faults caught, "
          f"{time.time() - began:.0f} s", flush=True)
    if options.report:
        write_report(options, rows)
    return 1 if escaped else 0


if __name__ == "__main__":
    sys.exit(main())
