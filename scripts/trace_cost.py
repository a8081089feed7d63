# SPDX-License-Identifier: Apache-2.0
"""What looking at a run costs: trace_cost.py [PROGRAM]. Prints the tables of docs/performance.md."""
import os
import resource
import subprocess
import sys
import tempfile
import time

program = sys.argv[1] if len(sys.argv) > 1 else "build/release/cli/counterpoint"

SHORT = ["-n", "squeezenet1_1", "-l", "fire2_e3", "-m", "accelerator_1", "--waive-capacity", "-d"]
LONG = ["-n", "vgg16", "-l", "CONV4-2", "-m", "edge256", "-d"]
VIEWS = [("summary", ["--trace", "s.vcd", "--trace-level", "summary"]),
         ("links", ["--trace", "l.vcd"]),
         ("pes", ["--trace", "p.vcd", "--trace-level", "pes"]),
         ("data", ["--trace", "d.vcd", "--trace-level", "data"]),
         ("links as FST", ["--trace", "l.fst"]),
         ("timeline", ["--timeline", "t.json"]),
         ("profile", ["--profile", "--format", "json"])]


def seconds(command, folder, times):
    """Time on the clock and user time with all children; the best."""
    best = [float("inf")] * 2
    for _ in range(times):
        begin = time.monotonic()
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        best = [min(best[0], time.monotonic() - begin), min(best[1], after - before)]
    return best


def table(title, what, dataflows, views, times):
    print(f"{title}\n\n| dataflow | untraced | {' | '.join(name for name, _ in views)} |")
    print("|---" * (len(views) + 2) + "|")
    for dataflow in dataflows:
        # Files in memory where there is a place for them: a disk's speed is not ours.
        place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        with tempfile.TemporaryDirectory(dir=place) as folder:
            simulate = [os.path.abspath(program), "simulate", "-j", "1", *what, dataflow]
            clock, user = seconds(simulate, folder, times)
            row = f"| {dataflow} | {clock:.2f} s "
            for _, arguments in views:
                file = os.path.join(folder, arguments[1]) if arguments[0] != "--profile" else ""
                limit = ["--trace-limit", "64G"] if file else []
                t, u = seconds([*simulate, *arguments, *limit], folder, times)
                row += f"| {t / clock:.2f} ({u / user:.2f})"
                if file:
                    row += f", {os.path.getsize(file) / 1e6:.3g} MB"
                    os.remove(file)
                row += " "
            print(row + "|", flush=True)
    print()


table("fire2_e3 of SqueezeNet 1.1, 27.9 M multiply-accumulates:", SHORT,
      ["kc_p", "x_p", "row_stationary"], VIEWS, 5)
table("CONV4-2 of VGG16, 1.85 G multiply-accumulates:", LONG, ["ky_p", "row_stationary"],
      [v for v in VIEWS if v[0] in ("summary", "links", "profile")], 3)
