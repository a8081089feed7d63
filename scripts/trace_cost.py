# SPDX-License-Identifier: Apache-2.0
"""What looking at a run costs: trace_cost.py [PROGRAM]. Prints the table of docs/performance.md."""
import os
import resource
import subprocess
import sys
import tempfile
import time

program = sys.argv[1] if len(sys.argv) > 1 else "build/release/cli/counterpoint"


def seconds(command):
    """User time with all children, and time on the clock; the best of five."""
    best = [float("inf")] * 2
    for _ in range(5):
        begin = time.monotonic()
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        best = [min(best[0], after - before), min(best[1], time.monotonic() - begin)]
    return best


with tempfile.TemporaryDirectory() as folder:
    for dataflow in ("kc_p", "x_p", "row_stationary"):
        simulate = [program, "simulate", "-m", "accelerator_1", "-n", "squeezenet1_1", "-l",
                    "fire2_e3", "--waive-capacity", "-d", dataflow]
        plain, wall = seconds(simulate)
        row = f"| {dataflow} | {plain:.2f} s, {wall:.2f} s on the clock "
        for name, more in [("summary.vcd", ["--trace-level", "summary"]), ("links.vcd", []),
                           ("pes.vcd", ["--trace-level", "pes"]),
                           ("data.vcd", ["--trace-level", "data"]), ("links.fst", []), ("timeline.json", None), ("", [])]:
            file = os.path.join(folder, name)
            option = "--timeline" if more is None else "--trace"
            arguments = [option, file, "--trace-limit", "64G", *(more or [])]
            if name == "":
                arguments = ["--profile", "--format", "json"]
            took, wall = seconds([*simulate, *arguments])
            row += f"| {took:.2f} s ({took / plain:.2f}x"
            if name == "links.fst":  # and what its converter alone takes
                dump = os.path.join(folder, "links.vcd")
                alone, _ = seconds(["vcd2fst", "-v", dump, "-f", file])
                row += f", of which vcd2fst {alone:.2f} s; {wall:.2f} s on the clock"
                os.remove(dump)
            if name:
                row += f", {os.path.getsize(file) / 1e6:.3g} MB"
                if name != "links.vcd":
                    os.remove(file)
            row += ") "
        print(row + "|", flush=True)
