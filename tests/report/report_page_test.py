# SPDX-License-Identifier: Apache-2.0
"""The report in a headless Chromium: report_page_test.py PROGRAM. Exit status 77: no Chromium."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import browser

PROGRAM = ""
ENTER = "\ue007"

# A name that would leave every context it might be pasted into.
HOSTILE = "</script><script>window.hit=1</script><img src=x onerror=window.hit=1>\"'&<!--\u2028"


def make(directory, arguments, name, change=None):
    result = os.path.join(directory, name + ".json")
    done = subprocess.run([PROGRAM, *arguments, "--format", "json", "--out", result],
                          check=False, capture_output=True)
    # 2: some layer is refused, which a report shows.
    assert done.returncode in (0, 2), done.stderr.decode()
    if change is not None:
        with open(result, encoding="utf-8") as f:
            j = json.load(f)
        change(j)
        with open(result, "w", encoding="utf-8") as f:
            json.dump(j, f)
    page = os.path.join(directory, name + ".html")
    subprocess.run([PROGRAM, "report", result, "--out", page], check=True, capture_output=True)
    return page


class ReportPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.estimated = make(cls.directory.name, [
            "estimate", "-m", "nvdla_like", "-n", "alexnet", "-d", "nvdla"], "estimate")
        cls.validated = make(cls.directory.name, [
            "validate", "-m", "small", "-n", "alexnet", "-d", "x_p", "-l", "CONV3,CONV5",
            "--no-data", "--profile"], "validate")

        # Like `small`, with routers inside.
        cls.routed = {}
        for topology in ("mesh", "tree"):
            machine = os.path.join(cls.directory.name, topology + ".yaml")
            with open(machine, "w", encoding="utf-8") as f:
                f.write(f"""name: routed
clock: 1 GHz
pes: 16
bits: {{input: 8, weight: 8, psum: 32}}
storage:
  - level: off_chip
    network: {{bandwidth: 4 words, psum: refetch}}
  - level: global_buffer
    capacity: 16 KiB
    network: {{bandwidth: 8 words, latency: 1, multicast: word, topology: {topology}}}
  - level: pe_buffer
    capacity: 512 B
""")
            cls.routed[topology] = make(cls.directory.name, [
                "simulate", "-m", machine, "-n", "alexnet", "-d", "x_p", "-l", "CONV5",
                "--no-data", "--profile"], topology)

        def hostile(j):
            j["network"] = j["layers"][0]["layer"] = j["layers"][0]["nest"] = HOSTILE
            j["layers"][0]["bound_machine"]["storage"][0]["name"] = HOSTILE
            j["layers"].append({"layer": HOSTILE, "status": "refused", "reason": HOSTILE})
        cls.hostile = make(cls.directory.name, [
            "estimate", "-m", "small", "-n", "alexnet", "-d", "x_p", "-l", "CONV3"], "hostile",
            hostile)
        cls.browser = browser.Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.directory.cleanup()

    def open(self, page, width=1200, scheme="light"):
        b = self.browser
        b.size(width, 900)
        b.scheme(scheme)
        b.log("browser")
        b.log("performance")
        b.open("file://" + page)
        self.assertEqual(b.run("return document.documentElement.dataset.ready"), "yes")

    def assert_quiet(self, page):
        """No message on the console, no address but the page's own."""
        self.assertEqual(self.browser.log("browser"), [])
        asked = []
        for entry in self.browser.log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked.append(message["params"]["request"]["url"])
        self.assertEqual([u for u in asked if not u.startswith("data:")], ["file://" + page])

    def column(self, title):
        return self.browser.run(
            "const h=[...document.querySelectorAll('#layers th')].findIndex(t=>t.textContent===arguments[0]);"
            "return [...document.querySelectorAll('#layers tbody tr')].map(r=>r.children[h].textContent)",
            title)

    def numbers(self, title):
        return [int("".join(c for c in t if c.isdigit())) for t in self.column(title)
                if any(c.isdigit() for c in t)]

    def test_loads_without_messages_and_without_network(self):
        for page in (self.estimated, self.validated, self.hostile):
            self.open(page)
            charts = self.browser.run(
                "return [...document.querySelectorAll('.chart')].map(c=>c.querySelectorAll('svg path').length)")
            self.assertGreaterEqual(len(charts), 4)
            self.assertTrue(all(n > 3 for n in charts), charts)
            self.assert_quiet(page)

    def test_shows_the_numbers_of_the_result(self):
        with open(self.validated.replace(".html", ".json"), encoding="utf-8") as f:
            layers = json.load(f)["layers"]
        self.open(self.validated)
        self.assertEqual(self.column("Layer"), [l["layer"] for l in layers])
        self.assertEqual(self.numbers("MACs"), [l["macs"] for l in layers])
        self.assertEqual(self.numbers("Cycles, estimated"),
                         [l["estimate"]["cycles"] for l in layers])
        self.assertEqual(self.numbers("Cycles, simulated"),
                         [l["simulation"]["cycles"] for l in layers])
        self.assertEqual(self.browser.run("return document.querySelector('pre').textContent"),
                         layers[0]["nest"])

    def test_draws_what_a_profile_recorded(self):
        with open(self.validated.replace(".html", ".json"), encoding="utf-8") as f:
            layer = json.load(f)["layers"][0]
        p = layer["profile"]
        self.open(self.validated)
        cells = self.browser.run(
            "return [...document.querySelectorAll('svg.units')].map(s=>"
            "[s.getAttribute('aria-label'), [...s.querySelectorAll('title')].map(t=>t.textContent)])")
        self.assertEqual(cells[0][0], "Utilization of each PE")
        cycles = layer["simulation"]["cycles"]
        self.assertEqual(cells[0][1], [f"unit {i}: {100 * m / cycles:.1f} %"
                                       for i, m in enumerate(p["pe_macs"])])
        # A map per network with several children.
        several = [n for n in p["networks"] if len(n["delivered"]) > 1]
        self.assertEqual(len(cells), 1 + len(several))
        for (_, titles), n in zip(cells[1:], several):
            self.assertEqual(len(titles), len(n["delivered"]))
        labels = self.browser.run(
            "return [...document.querySelectorAll('.chart')].map(c=>c.getAttribute('aria-label'))")
        self.assertIn("Words per cycle over time", labels)
        self.assertIn("Multiply-accumulates per cycle over time", labels)
        self.assert_quiet(self.validated)

    def test_draws_the_links_between_routers(self):
        # A 4 x 4 mesh has 2 * 3 * 4 pairs of neighbours, a tree of 15 switches 14; two ways each.
        for topology, lines, routers in (("mesh", 48, 16), ("tree", 28, 15)):
            with open(self.routed[topology].replace(".html", ".json"), encoding="utf-8") as f:
                network = json.load(f)["layers"][0]["profile"]["routed"]
            self.assertEqual(len(network), 1)
            links = network[0]["links"]
            for l in links:
                self.assertLessEqual(l["used"] + l["stalled"] + l["lost"], network[0]["cycles"])
            self.open(self.routed[topology])
            drawn = self.browser.run(
                "return ['line title', '.box title', ':scope > rect:not(.box) title'].map(q=>"
                "[...document.querySelector('svg.routers').querySelectorAll(q)]"
                ".map(t=>t.textContent))")
            self.assertEqual([len(d) for d in drawn[:2]], [lines, routers])
            told = [f"{l['name']}: {100 * l['used'] / network[0]['cycles']:.1f} % used"
                    for l in links]
            self.assertEqual(sorted(t.rsplit(", ", 1)[0] for t in drawn[0] + drawn[2]),
                             sorted(told))
            self.assertTrue(any(l["used"] > 0 for l in links if "to" in l))
            self.assert_quiet(self.routed[topology])
            self.open(self.routed[topology], width=390)
            self.assertEqual(self.browser.run(
                "return [document.documentElement.scrollWidth, window.innerWidth]"), [390, 390])

    def test_chooses_a_layer(self):
        self.open(self.validated)
        self.browser.run("document.querySelectorAll('#layers td button')[1].click()")
        self.assertIn("layer 'CONV5'",
                      self.browser.run("return document.querySelector('pre').textContent"))

    def test_sorts_by_keyboard(self):
        self.open(self.estimated)
        given = self.numbers("MACs")
        self.assertNotEqual(given, sorted(given))
        self.browser.run(
            "[...document.querySelectorAll('#layers th button')].find(b=>b.textContent==='MACs').focus()")
        self.browser.press(ENTER)
        self.assertEqual(self.numbers("MACs"), sorted(given, reverse=True))
        self.browser.press(ENTER)
        self.assertEqual(self.numbers("MACs"), sorted(given))
        state = ("return [...document.querySelectorAll('#layers th')]"
                 ".map(t=>t.getAttribute('aria-sort')).filter(s=>s!=='none')")
        self.assertEqual(self.browser.run(state), ["ascending"])

    def test_follows_the_scheme_and_the_button(self):
        ground = "return getComputedStyle(document.body).backgroundColor"
        self.open(self.validated, scheme="light")
        light = self.browser.run(ground)
        self.open(self.validated, scheme="dark")
        dark = self.browser.run(ground)
        self.assertEqual((light, dark), ("rgb(255, 255, 255)", "rgb(20, 23, 28)"))
        self.browser.run("document.getElementById('theme').click()")
        self.assertEqual(self.browser.run(ground), light)
        self.assert_quiet(self.validated)

    def test_fits_a_phone(self):
        for page in (self.estimated, self.validated, self.hostile):
            self.open(page, width=390)
            self.assertEqual(self.browser.run(
                "return [document.documentElement.scrollWidth, window.innerWidth]"), [390, 390])

    def test_names_are_text(self):
        self.open(self.hostile)
        self.assertIsNone(self.browser.run("return window.hit === undefined ? null : 1"))
        self.assertEqual(self.column("Layer"), [HOSTILE, HOSTILE])
        self.assertEqual(self.browser.run("return document.querySelectorAll('img').length"), 0)
        self.assertEqual(self.browser.run("return document.querySelector('pre').textContent"),
                         HOSTILE)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    if not browser.available():
        print("skipped: chromium and chromedriver are not installed")
        sys.exit(77)
    unittest.main()
