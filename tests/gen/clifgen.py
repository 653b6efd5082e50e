"""clifgen.py - the frame of the generators: types, literals, files of functions with run lines.

A generator computes every expected value in Python, on unbounded integers and exact fractions, so
that no part of the product and no compiler has a say in it.
"""
import os

RUN_DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "filetests", "run")

INTS = ("i8", "i16", "i32", "i64")
FLOATS = ("f32", "f64")

X86_BASE = "x86_64"
X86_SSE42 = "x86_64 has_sse3 has_ssse3 has_sse41 has_sse42 has_popcnt"
X86_AVX = X86_SSE42 + " has_avx"
X86_FMA = X86_AVX + " has_avx2 has_fma"
X86_BMI = X86_SSE42 + " has_bmi1 has_bmi2 has_lzcnt"
A64 = "aarch64"

PLAIN = (X86_BASE, A64)
BITS = (X86_BASE, X86_BMI, A64)
FLOATING = (X86_BASE, X86_SSE42, X86_AVX, A64)
FUSED = (X86_BASE, X86_AVX, X86_FMA, A64)


def width(ty):
    """Bits of a type."""
    return int(ty[1:])


def mask(ty):
    return (1 << width(ty)) - 1


def unsigned(ty, x):
    return x & mask(ty)


def signed(ty, x):
    x &= mask(ty)
    return x - (1 << width(ty)) if x >> (width(ty) - 1) else x


def smin(ty):
    return -(1 << (width(ty) - 1))


def smax(ty):
    return (1 << (width(ty) - 1)) - 1


FORMATS = {"f16": (5, 10), "f32": (8, 23), "f64": (11, 52)}


def float_text(ty, bits):
    """A float literal for a bit pattern, in the one form that every reader takes."""
    ebits, mbits = FORMATS[ty]
    sign = "-" if bits >> (ebits + mbits) else ""
    exp = bits >> mbits & ((1 << ebits) - 1)
    frac = bits & ((1 << mbits) - 1)
    bias = (1 << (ebits - 1)) - 1
    digits = (mbits + 3) // 4
    shown = "%0*x" % (digits, frac << (4 * digits - mbits))
    if exp == (1 << ebits) - 1:
        if frac == 0:
            return (sign or "+") + "Inf"
        quiet = frac >> (mbits - 1)
        payload = frac & ((1 << (mbits - 1)) - 1)
        if quiet:
            return (sign or "+") + ("NaN:0x%x" % payload if payload else "NaN")
        return (sign or "+") + "sNaN:0x%x" % payload
    if exp == 0:
        return sign + ("0.0" if frac == 0 else "0x0.%sp%d" % (shown, 1 - bias))
    return sign + "0x1.%sp%d" % (shown, exp - bias)


def int_text(ty, x):
    """Small numbers as signed decimals, large ones as bit patterns."""
    s = signed(ty, x)
    return str(s) if -100000 < s < 100000 else "0x%x" % unsigned(ty, x)


def text(ty, x):
    """The literal for x: an integer, or the bits of a float."""
    return int_text(ty, x) if ty[0] == "i" else float_text(ty, x)


def const(ty, x):
    """The instruction that makes the constant x."""
    if ty[0] == "i":
        return "iconst.%s %s" % (ty, text(ty, x))
    return "%sconst %s" % (ty, text(ty, x))


def run_line(name, types, args, rtypes, results):
    """types and rtypes go with args and results; a string as results is a trap code."""
    call = "%%%s(%s)" % (name, ", ".join(text(t, a) for t, a in zip(types, args)))
    if isinstance(results, str):
        return "; run: %s traps %s" % (call, results)
    if len(rtypes) == 1:
        r = results[0] if isinstance(results, (tuple, list)) else results
        return "; run: %s == %s" % (call, text(rtypes[0], r))
    return "; run: %s == [%s]" % (call, ", ".join(text(t, r) for t, r in zip(rtypes, results)))


class File:
    """One .clif file; `fn` adds a function and its run lines, `save` writes the file."""

    def __init__(self, name, about, targets=PLAIN, sets=(), source="", interpret=True):
        self.name = name
        self.lines = ["; " + about, "; Written by tests/gen/%s; edit that, not this." % source]
        if interpret:
            self.lines.append("test interpret")
        self.lines.append("test run")
        self.lines += ["set " + s for s in sets]
        self.lines += ["target " + t for t in targets]
        self.runs = 0
        self.names = set()

    def raw(self, textlines):
        """Text that is a whole function or a comment."""
        self.lines.append("")
        self.lines += textlines.strip("\n").split("\n")
        self.runs += sum(1 for l in textlines.split("\n") if l.startswith("; run:"))

    def raw_run(self, name, types, args, rtypes, results):
        """A run line for the function that stands last."""
        self.lines.append(run_line(name, types, args, rtypes, results))
        self.runs += 1

    def fn(self, name, types, rtypes, body, runs, pre=(), conv=""):
        """body: instructions, parameters being v0, v1, …; runs: pairs (args, results)."""
        assert name not in self.names, name
        self.names.add(name)
        sig = "(%s)" % ", ".join(types)
        if rtypes:
            sig += " -> " + ", ".join(rtypes)
        if conv:
            sig += " " + conv
        params = ", ".join("v%d: %s" % (i, t.split()[0]) for i, t in enumerate(types))
        self.lines.append("")
        self.lines.append("function %%%s%s {" % (name, sig))
        self.lines += ["    " + p for p in pre]
        self.lines.append("block0(%s):" % params if types else "block0:")
        for line in body:
            self.lines.append(line if line.startswith("block") else "    " + line)
        self.lines.append("}")
        plain = [t.split()[0] for t in types]
        seen = set()
        for args, results in runs:
            args = args if isinstance(args, (tuple, list)) else (args,)
            line = run_line(name, plain, args, [t.split()[0] for t in rtypes], results)
            if line not in seen:
                seen.add(line)
                self.lines.append(line)
                self.runs += 1

    def save(self):
        data = "\n".join(self.lines) + "\n"
        assert len(data) < 200 * 1024, (self.name, len(data))
        with open(os.path.join(RUN_DIR, self.name + ".clif"), "w") as f:
            f.write(data)
        return self.runs


def int_edges(ty):
    """Values at which integer operations change their behaviour."""
    w = width(ty)
    alt = int("55" * (w // 8), 16)
    return [0, 1, -1, 2, smin(ty), smax(ty), smax(ty) - 1, smin(ty) + 1, alt, ~alt,
            0x7b & mask(ty), -100, 1 << (w // 2), (1 << (w // 2)) - 1]


class Picker:
    """A fixed sequence of numbers, so that files come out the same everywhere."""

    def __init__(self, seed):
        self.state = seed * 0x9e3779b97f4a7c15 & ((1 << 64) - 1) | 1

    def next(self):
        x = self.state
        x ^= x >> 12
        x = (x ^ x << 25) & ((1 << 64) - 1)
        x ^= x >> 27
        self.state = x
        return x * 0x2545f4914f6cdd1d & ((1 << 64) - 1)

    def below(self, n):
        return (self.next() >> 16) % n

    def choice(self, items):
        return items[self.below(len(items))]

    def bits(self, ty):
        """A pattern of the type's width, often with long runs of equal bits."""
        w = width(ty)
        x = self.next() >> (64 - w)
        if self.below(3) == 0:
            x &= (1 << self.below(w + 1)) - 1
        if self.below(4) == 0:
            x = ~x & mask(ty)
        return x

    def sample(self, items, n):
        items = list(items)
        out = []
        while items and len(out) < n:
            out.append(items.pop(self.below(len(items))))
        return out


def pairs(ty, pick, n):
    """Every pair of the most telling values, then some of the others."""
    core = [0, 1, -1, smin(ty), smax(ty)]
    out = [(a, b) for a in core for b in core]
    edges = int_edges(ty)
    others = [(a, b) for a in edges for b in edges if (a, b) not in out]
    out = pick.sample(out, max(n * 3 // 5, 1)) + pick.sample(others, n // 4)
    while len(out) < n:
        out.append((pick.bits(ty), pick.bits(ty)))
    return out
