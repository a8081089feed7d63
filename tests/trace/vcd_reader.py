# SPDX-License-Identifier: Apache-2.0
"""Reads a Value Change Dump with the standard library alone, for checks of what was written.

vcd_reader.py FILE prints, per signal, `path<TAB>sum over time of value (numbers)` and, per text,
`path=value<TAB>time spent`, sorted. vcd_reader.py --json FILE... prints an object of all files:
per signal "times" (time spent by text) or "sum" (over time) and "last" (value at the end), and the
number of "changes"."""
import json
import re
import sys


class Signal:
    def __init__(self, path, kind, bits):
        self.path, self.kind, self.bits = path, kind, bits
        self.changes = []  # (time, value), values int or str

    def spans(self, end):
        """(value, duration) up to the end of the dump."""
        for (t, v), (u, _) in zip(self.changes, self.changes[1:] + [(end, None)]):
            yield v, u - t


def read(path):
    """All signals by path, and the last time of the dump. ValueError for what is not VCD."""
    with open(path, encoding="ascii") as f:
        words = f.read().split()
    by_code, scope, now, i = {}, [], None, 0
    while i < len(words):
        w = words[i]
        if w in ("$scope", "$upscope", "$var", "$timescale", "$enddefinitions", "$comment", "$date",
                 "$version"):
            end = words.index("$end", i)
            body = words[i + 1:end]
            if w == "$scope":
                scope.append(body[1])
            elif w == "$upscope":
                scope.pop()
            elif w == "$var":
                kind, bits, code, name = body
                if code in by_code:
                    raise ValueError(f"code {code} twice")
                by_code[code] = Signal(".".join(scope + [name]), kind, int(bits))
            i = end + 1
            continue
        if w in ("$dumpvars", "$end"):
            pass
        elif re.fullmatch(r"#\d+", w):
            t = int(w[1:])
            if now is not None and t < now or scope:
                raise ValueError(f"time {t} after {now}, or an open scope")
            now = t
        elif w[0] in "bs" and i + 1 < len(words) and words[i + 1] in by_code:
            s = by_code[words[i + 1]]
            if (w[0] == "s") != (s.kind == "string"):
                raise ValueError(f"{w} for {s.kind} {s.path}")
            value = w[1:] if w[0] == "s" else int(w[1:], 2)
            if w[0] == "b" and value >= 1 << s.bits:
                raise ValueError(f"{w} does not fit {s.path}")
            s.changes.append((now, value))
            i += 1
        elif w[0] in "01" and w[1:] in by_code and by_code[w[1:]].bits == 1:
            by_code[w[1:]].changes.append((now, int(w[0])))
        else:
            raise ValueError(f"unexpected '{w}'")
        i += 1
    return {s.path: s for s in by_code.values()}, now


def times(s, last):
    spent = {}
    for v, d in s.spans(last):
        if d > 0:
            spent[v] = spent.get(v, 0) + d
    return spent


def total(s, last):
    return sum(v * d for v, d in s.spans(last))


def summary(file):
    signals, last = read(file)
    out = {"begin": min(s.changes[0][0] for s in signals.values()), "end": last, "signals": {}}
    for s in signals.values():
        about = {"changes": len(s.changes)}
        if s.kind == "string":
            about["times"] = times(s, last)
        else:
            about.update(sum=total(s, last), last=s.changes[-1][1])
        out["signals"][s.path] = about
    return out


if __name__ == "__main__":
    if sys.argv[1] == "--json":
        print(json.dumps({file: summary(file) for file in sys.argv[2:]}))
        sys.exit()
    signals, last = read(sys.argv[1])
    lines = []
    for s in signals.values():
        if s.kind == "string":
            lines += [f"{s.path}={v}\t{d}" for v, d in times(s, last).items()]
        else:
            lines.append(f"{s.path}\t{total(s, last)}")
    print("\n".join(sorted(lines)))
