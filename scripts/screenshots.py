# SPDX-License-Identifier: Apache-2.0
"""Pictures of a report: screenshots.py REPORT.html FOLDER, or of its routers alone:
screenshots.py --routers REPORT.html PREFIX. Called by screenshots.sh."""
import os
import sys

from browser import Browser

routers = sys.argv[1] == "--routers"
page, folder = sys.argv[-2:]
page = os.path.abspath(page)
b = Browser()


def part(name, first, last):
    """The page from the top of element `first` to the bottom of element `last`."""
    top, bottom, width = b.run(
        "const r=i=>document.querySelector(i).getBoundingClientRect();"
        "return [r(arguments[0]).top+scrollY, r(arguments[1]).bottom+scrollY,"
        "document.documentElement.clientWidth]", first, last)
    b.picture(name, clip={
        "x": 0, "y": max(0, top - 16), "width": width, "height": bottom - top + 32})


try:
    for name, width, scheme in (("report", 1100, "light"), ("report-dark", 1100, "dark"),
                                ("report-phone", 390, "light")):
        b.size(width, 900)
        b.scheme(scheme)
        b.open("file://" + page)
        if routers:
            if name == "report":
                part(folder + ".png", "#detail h3:has(+ p + svg.routers)", "svg.routers")
            continue
        name = os.path.join(folder, name)
        if width < 600:
            part(name + ".png", "header", "#stack")
            part(name + "-rest.png", "#h-roofline", "#detail")
            continue
        part(name + ".png", "header", "#energy")
        part(name + "-layer.png", "#h-detail", "#detail")
finally:
    b.close()
