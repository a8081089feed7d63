# SPDX-License-Identifier: Apache-2.0
"""Pictures of a report: screenshots.py REPORT.html FOLDER. Called by screenshots.sh."""
import os
import sys

from browser import Browser

page, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
b = Browser()


def part(name, first, last):
    """The page from the top of element `first` to the bottom of element `last`."""
    top, bottom, width = b.run(
        "const r=i=>document.querySelector(i).getBoundingClientRect();"
        "return [r(arguments[0]).top+scrollY, r(arguments[1]).bottom+scrollY,"
        "document.documentElement.clientWidth]", first, last)
    b.picture(os.path.join(folder, name), clip={
        "x": 0, "y": max(0, top - 16), "width": width, "height": bottom - top + 32})


try:
    for name, width, scheme in (("report", 1100, "light"), ("report-dark", 1100, "dark"),
                                ("report-phone", 390, "light")):
        b.size(width, 900)
        b.scheme(scheme)
        b.open("file://" + page)
        if name == "report-phone":
            part(name + ".png", "header", "#stack")
            part(name + "-rest.png", "#h-roofline", "#detail")
            continue
        part(name + ".png", "header", "#energy")
        part(name + "-layer.png", "#h-detail", "#detail")
finally:
    b.close()
