# SPDX-License-Identifier: Apache-2.0
"""The table of docs/studies/interconnects.md is what its script prints.

    study_test.py PROGRAM SOURCE_DIR"""
import csv
import pathlib
import subprocess
import sys
import tempfile

program, source = sys.argv[1], pathlib.Path(sys.argv[2])
names = {"pipe": "pipe", "xy": "X/Y bus", "mesh 1 port": "mesh, 1 port", "mesh 4 ports": "mesh, 4 ports"}
table = {}
for line in (source / "docs/studies/interconnects.md").read_text().splitlines():
    cells = [c.strip() for c in line.strip("|").split("|")]
    if len(cells) == 10 and cells[1].replace(",", "").isdigit():
        table[cells[0]] = [c.replace(",", "") for c in cells[1:]]
with tempfile.TemporaryDirectory() as out:
    subprocess.run(["bash", source / "docs/studies/interconnects.sh", program, out],
                   check=True, stdout=subprocess.DEVNULL)
    rows = list(csv.DictReader(open(pathlib.Path(out) / "table.txt")))
assert len(rows) == len(table) == 7, (len(rows), len(table))
wrong = 0
for row in rows:
    name, *numbers = row.values()
    base = name.removesuffix(" path").removesuffix(" fork")
    label = names[base] + (", " + name[len(base) + 1:] if base != name else "")
    numbers.insert(2, f"{int(numbers[1]) / int(numbers[0]):.2f}x")
    if base == "pipe":  # nothing is above it: the cells are empty
        assert set(numbers[3:]) == {"0"}, numbers
        numbers[3:] = [""] * 6
    if table.get(label) != numbers:
        wrong += 1
        print(f"{label}: the page has {table.get(label)}, the script prints {numbers}")
sys.exit(wrong != 0)
