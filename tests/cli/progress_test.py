# SPDX-License-Identifier: Apache-2.0
"""Progress on a terminal: progress_test.py PROGRAM."""
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = ""
LINE = re.compile(r"(?:(?P<first>[^,]*), )?(?P<done>\d+) of (?P<all>\d+) (?P<unit>[\w ]+), (?P<s>\d+) s"
                  r"(?:, [\d.]+ [\w ]+/s, about (?P<left>\d+) s left)?$")
MESH = """name: routed
clock: 1 GHz
pes: 16
bits: {input: 8, weight: 8, psum: 32}
storage:
  - level: off_chip
    network: {bandwidth: 4 words, psum: refetch}
  - level: global_buffer
    capacity: 16 KiB
    network: {bandwidth: 8 words, latency: 1, multicast: word, topology: mesh}
  - level: pe_buffer
    capacity: 512 B
"""


class Progress(unittest.TestCase):
    def watch(self, arguments, wanted):
        """The first `wanted` lines of progress; the program is interrupted then."""
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "mesh.yaml"), "w", encoding="utf-8") as f:
                f.write(MESH)
            ours, theirs = pty.openpty()
            begun = time.time()
            with subprocess.Popen([PROGRAM, *arguments], cwd=directory, stderr=theirs,
                                  stdout=subprocess.DEVNULL) as child:
                os.close(theirs)
                text = ""
                while len(text.split("\r\033[K")) < wanted + 2 and time.time() - begun < 120:
                    try:
                        text += os.read(ours, 4096).decode()
                    except OSError:
                        break
                child.send_signal(signal.SIGINT)
                child.wait(60)
            os.close(ours)
        lines = [part.strip() for part in text.split("\r\033[K")[1:wanted + 1]]
        found = [LINE.match(line) for line in lines]
        self.assertEqual(len(lines), wanted, text)
        self.assertTrue(all(found), lines)
        for m in found:
            self.assertGreaterEqual(int(m["s"]), 2)  # nothing for what is quick
            self.assertLessEqual(int(m["done"]), int(m["all"]))
        return found

    def rises(self, found):
        done = [int(m["done"]) for m in found]
        self.assertEqual(done, sorted(done))
        self.assertGreater(done[-1], done[0])

    def test_of_synthetic_traffic(self):
        found = self.watch(["noc", "--size", "8x8", "--measure", "100000000"], 3)
        self.assertEqual(found[0]["unit"], "cycles")
        self.rises(found)

    def test_within_one_layer(self):
        found = self.watch(["simulate", "-m", "mesh.yaml", "-n", "alexnet", "-d", "x_p",
                            "-l", "CONV5", "--no-data", "-j", "1"], 5)
        self.assertEqual(found[0]["first"], "0 of 1 layers")
        self.assertEqual(found[0]["unit"], "million MACs")
        self.rises(found)

    def test_of_a_timeline(self):
        found = self.watch(["timeline", "-m", "mesh.yaml", "-n", "alexnet", "-d", "x_p",
                            "-l", "CONV5"], 3)
        self.assertEqual(found[0]["unit"], "cycles")
        self.rises(found)

    def test_of_a_campaign(self):
        found = self.watch(["fuzz", "--cases", "1000000", "--seed", "3"], 3)
        self.assertEqual(found[0]["first"], "0 failing")
        self.assertEqual(found[0]["unit"], "cases")
        self.rises(found)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
