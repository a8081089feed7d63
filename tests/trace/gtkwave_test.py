# SPDX-License-Identifier: Apache-2.0
"""Opens a waveform and its save file in GTKWave on a virtual screen: gtkwave_test.py PROGRAM
[PICTURE.png]. Every signal that the save file names must exist and be shown; an FST must hold what
the VCD holds. Skipped (status 77) where GTKWave or Xvfb is missing."""
import os
import shutil
import subprocess
import sys
import tempfile

import vcd_reader

for needed in ("gtkwave", "xvfb-run", "vcd2fst", "fst2vcd"):
    if shutil.which(needed) is None:
        print(f"skipped: {needed} is not installed")
        sys.exit(77)

SCRIPT = """
set out [open "{facts}" w]
for {{set i 0}} {{$i < [gtkwave::getNumFacs]}} {{incr i}} {{ puts $out "signal [gtkwave::getFacName $i]" }}
foreach s [gtkwave::getDisplayedSignals] {{ puts $out "shown $s" }}
foreach m {{A B C}} {{ puts $out "marker $m [gtkwave::getNamedMarker $m]" }}
close $out
gtkwave::/File/Grab_To_File "{picture}"
gtkwave::/File/Quit
"""


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        sys.exit(f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        def path(name):
            return os.path.join(folder, name)

        def simulate(file, *more):
            run(program, "simulate", "-m", "small", "-n", "alexnet", "-d", "x_p", "-l", "CONV3",
                "--no-data", "--trace", path(file), "--trace-window", "0:4000", *more)

        simulate("a.vcd")
        simulate("a2.fst")
        with open(path("back.vcd"), "w", encoding="ascii") as f:
            f.write(run("fst2vcd", path("a2.fst")))
        one, two = vcd_reader.summary(path("a.vcd")), vcd_reader.summary(path("back.vcd"))
        assert one["end"] == two["end"] == 4000, (one["end"], two["end"])
        assert one["signals"] == two["signals"], "the FST differs from the VCD"

        named = []
        with open(path("a.gtkw"), encoding="ascii") as f:
            for line in f:
                if line.startswith("+{"):
                    named.append(line.split("} ", 1)[1].strip())
        with open(path("script.tcl"), "w", encoding="ascii") as f:
            f.write(SCRIPT.format(facts=path("facts"), picture=path("picture.png")))
        environment = dict(os.environ, HOME=folder)
        done = subprocess.run(
            ["xvfb-run", "-a", "-s", "-screen 0 1700x1000x24", "gtkwave", "-S", path("script.tcl"),
             path("a.vcd"), path("a.gtkw")],
            capture_output=True, text=True, timeout=120, check=False, env=environment)
        if not os.path.exists(path("facts")):
            sys.exit("GTKWave did not run the script:\n" + done.stdout + done.stderr)
        exist, shown, markers = set(), [], {}
        with open(path("facts"), encoding="ascii") as f:
            for line in f:
                kind, rest = line.strip().split(" ", 1)
                if kind == "signal":
                    exist.add(rest)
                elif kind == "shown":
                    shown.append(rest)
                else:
                    markers[rest.split()[0]] = int(rest.split()[1])
        assert len(named) == len(set(named)) == len(one["signals"]), "a signal is missing or twice"
        missing = [n for n in named if n not in exist]
        assert not missing, missing
        # What is in closed groups is shown too; aliases stand for names.
        assert len([s for s in shown if s]) >= len(named), (len(shown), len(named))
        # The run begins with a fill; work follows, then a drain.
        assert markers["A"] == 0 and 0 < markers["B"] < markers["C"], markers
        size = os.path.getsize(path("picture.png"))
        assert size > 10000, f"a picture of {size} bytes"
        if len(sys.argv) > 2:
            shutil.copy(path("picture.png"), sys.argv[2])
    print(f"{len(named)} signals, all there")


main()
