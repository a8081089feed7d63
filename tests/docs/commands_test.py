# SPDX-License-Identifier: Apache-2.0
"""Runs the commands that README.md and docs/*.md print, in their order, and compares what they print
with the text below them: commands_test.py PROGRAM FOLDER. A block below a line "File `NAME`:" is that
file. Text that ends with a line "..." is an excerpt: its lines are printed in this order, others
between them. What takes minutes or needs a user's own files is named in LEFT_OUT."""
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

PROGRAM = FOLDER = ""
STARTS = ("./run.sh ", "counterpoint ", "gtkwave ")
LEFT_OUT = {
    "gtkwave": "a window (trace/gtkwave opens one)",
    "fuzz": "campaigns (fuzz/sample is one)",
    "--saturation": "minutes",
    "packets.trace": "a user's file",
    "network.yaml": "a user's file",
    "FILE": "a pattern, not a command",
}


def blocks(text):
    """(commands, expected output of the last or None) of every block of commands."""
    parts = re.split(r"^```.*$", text, flags=re.M)  # odd places: inside
    found = []
    for i in range(1, len(parts), 2):
        lines = [l for l in parts[i].replace("\\\n", " ").splitlines() if l.strip()]
        if not lines or not all(l.startswith(STARTS) for l in lines):
            continue
        below = parts[i + 2] if i + 2 < len(parts) and not parts[i + 1].strip() else None
        found.append((lines, below))
    return found


def files(text):
    return re.findall(r"^File `([\w.]+)`:\n```[^\n]*\n(.*?)^```$", text, flags=re.M | re.S)


def is_printed(printed, expected):
    wanted = expected.strip().splitlines()
    if wanted[-1] != "...":
        return printed.strip() == expected.strip()
    lines = iter(l.strip() for l in printed.splitlines())
    return all(w.strip() in lines for w in wanted[:-1])


def pages():
    docs = os.path.join(FOLDER, "docs")
    return [os.path.join(FOLDER, "README.md"),
            *(os.path.join(docs, f) for f in sorted(os.listdir(docs)) if f.endswith(".md"))]


class Commands(unittest.TestCase):
    def test_run_as_printed(self):
        ran = compared = 0
        for page in pages():
            with open(page, encoding="utf-8") as f:
                text = f.read()
            with tempfile.TemporaryDirectory() as here:
                for name, content in files(text):
                    with open(os.path.join(here, name), "w", encoding="utf-8") as f:
                        f.write(content)
                for commands, below in blocks(text):
                    for command in commands:
                        if any(word in command for word in LEFT_OUT):
                            continue
                        words = shlex.split(command, comments=True)
                        done = subprocess.run([PROGRAM, *words[1:]], cwd=here, timeout=300,
                                              capture_output=True, text=True, check=False)
                        self.assertEqual(done.returncode in (0, 2), True,
                                         f"{page}: {command}\n{done.stdout}{done.stderr}")
                        # 2 is a refused layer, which is said in the table, not a usage error.
                        self.assertNotIn("counterpoint: error", done.stderr, f"{page}: {command}")
                        ran += 1
                        if below is not None and command == commands[-1]:
                            self.assertTrue(is_printed(done.stdout, below),
                                            f"{page}: {command}\n{done.stdout}")
                            compared += 1
        self.assertGreaterEqual(ran, 6)
        self.assertGreaterEqual(compared, 6)

    def test_are_all_in_the_readme(self):
        shown = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True,
                               check=True).stdout
        commands = re.findall(r"^  ([a-z]+)  ", shown, flags=re.M)
        self.assertGreaterEqual(len(commands), 10)
        with open(os.path.join(FOLDER, "README.md"), encoding="utf-8") as f:
            readme = f.read()
        for c in commands:
            self.assertIn(f"`counterpoint {c}`", readme)


if __name__ == "__main__":
    FOLDER = os.path.abspath(sys.argv.pop())
    PROGRAM = os.path.abspath(sys.argv.pop())
    unittest.main()
