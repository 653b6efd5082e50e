#!/usr/bin/env python3
"""check_semantics.py - holds the prover's meaning of instructions against the interpreter's.

usage: check_semantics.py GANTRY [COUNT]

For each instruction that rules speak of, each width and each condition: COUNT operands, edge values first and
then random ones, evaluated by Z3 and by `gantry test --interpret`. Ends with "N passed, N failed, 0 skipped".
"""
import os
import random
import subprocess
import sys
import tempfile

try:
    import z3
except ImportError:
    if sys.executable != "/usr/bin/python3":
        os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
    raise

import prove
import semantics as sem


def shapes(name):
    """(control width, operand widths, condition) of every form."""
    ops, to = prove.SIGNATURES[name][0].split(">")
    for w in prove.WIDTHS:
        if name in prove.NO_8 and w == 8:
            continue
        others = prove.WIDTHS if "s" in ops else [v for v in prove.WIDTHS if v < w] if "n" in ops \
            else [v for v in prove.WIDTHS if v > w] if "W" in ops else [w]
        for other in others:
            widths = [w if letter == "T" else other for letter in ops]
            for cc in sorted(sem.COMPARE) if name == "icmp" else [""]:
                yield w, widths, cc


def operands(rng, w):
    edges = [0, 1, 2, 3, w - 1, w, (1 << w) - 1, (1 << w) - 2, 1 << (w - 1), (1 << (w - 1)) - 1]
    return (rng.choice(edges) if rng.random() < 0.4 else rng.getrandbits(w)) & ((1 << w) - 1)


def value(x):
    return z3.simplify(x).as_long()


def make(name, count, rng):
    """A file with all forms of one instruction."""
    lines, explicit = ["test interpret"], "n" in prove.SIGNATURES[name][0] or "W" in prove.SIGNATURES[name][0]
    to = prove.SIGNATURES[name][0].split(">")[1]
    for k, (w, widths, cc) in enumerate(shapes(name)):
        result = 8 if to in "Ca" else w
        params = ", ".join(f"i{v}" for v in widths)
        block = ", ".join(f"v{j}: i{v}" for j, v in enumerate(widths))
        args = ", ".join(f"v{j}" for j in range(len(widths)))
        suffix = f".i{w}" if explicit or name == "bmask" else ""
        lines += [f"function %f{k}({params}) -> i{result} {{", f"block0({block}):",
                  f"    v{len(widths)} = {name}{suffix} {cc + ' ' if cc else ''}{args}",
                  f"    return v{len(widths)}", "}"]
        for _ in range(count):
            given = [operands(rng, v) for v in widths]
            terms = [z3.BitVecVal(x, v) for x, v in zip(given, widths)]
            if value(z3.If(sem.traps(name, w, terms), z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))):
                continue
            got = value(sem.OPS[name](w, terms, cc))
            lines.append(f"; run: %f{k}({', '.join(map(str, given))}) == {got}")
    return "\n".join(lines) + "\n"


def main():
    gantry, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 25
    rng, passed, failed = random.Random(1), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted(sem.OPS):
            path = os.path.join(folder, name + ".clif")
            with open(path, "w", encoding="ascii") as f:
                f.write(make(name, count, rng))
            out = subprocess.run([gantry, "test", "--interpret", path], capture_output=True, text=True,
                                 check=False).stdout.splitlines()
            for line in out[:-1]:
                if ": pass:" not in line:
                    print(line)
            counts = out[-1].split() if out else ["0", "", "1"]
            passed, failed = passed + int(counts[0]), failed + int(counts[2])
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed != 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main())
