# SPDX-License-Identifier: Apache-2.0
"""What looking at a run costs: trace_cost.py [PROGRAM]. Prints the table of docs/performance.md."""
import os
import resource
import subprocess
import sys
import tempfile

program = sys.argv[1] if len(sys.argv) > 1 else "build/release/cli/counterpoint"


def seconds(arguments):
    best = float("inf")
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run([program, "simulate", "-m", "accelerator_1", "-n", "squeezenet1_1", "-l",
                        "fire2_e3", "--waive-capacity", *arguments], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        best = min(best, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
    return best


with tempfile.TemporaryDirectory() as folder:
    for dataflow in ("kc_p", "x_p", "row_stationary"):
        plain = seconds(["-d", dataflow])
        row = f"| {dataflow} | {plain:.2f} s "
        for name, more in [(f"{level}.vcd", ["--trace-level", level])
                           for level in ("summary", "links", "pes", "data")] + [
                               ("links.fst", []), ("timeline.json", None), ("", None)]:
            file = os.path.join(folder, name)
            if name == "":
                arguments = ["--profile", "--format", "json"]
            elif more is None:
                arguments = ["--timeline", file, "--trace-limit", "64G"]
            else:
                arguments = ["--trace", file, "--trace-limit", "64G", *more]
            took = seconds(["-d", dataflow, *arguments])
            row += f"| {took:.2f} s ({took / plain:.2f}x"
            if name:
                row += f", {os.path.getsize(file) / 1e6:.3g} MB"
                os.remove(file)
            row += ") "
        print(row + "|", flush=True)
