#!/usr/bin/env python3
"""gen_wide.py - constants that no 32-bit immediate holds, loads on the left of what commutes,
narrow minima and maxima with garbage above, bits tested in the lowest byte."""
from clifgen import File, mask, signed, unsigned

TARGETS = ("x86_64", "x86_64 has_avx has_bmi1 has_bmi2", "aarch64")
VALUES = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 32, 0x5ffffffff, 6 << 32, (6 << 32) + 1,
          0x6ffffffff, 7 << 32, (1 << 63) - 1, 1 << 63, 0xfffffffeffffffff, 0xffffffff << 32,
          mask("i64"), 0x123456789abcdef0]
MASKS = [0xffffffff << 32, 0xfffffffe << 32, 1 << 63, 0xffffff8000000000, 0x1ffffffff,
         (1 << 63) - 1, (1 << 48) - 1, 0x7fffffff, 0x80000000]
BOUNDS = [6 << 32, 1 << 63, 0xffffffff << 32, 0x5ffffffff, (1 << 63) - 1, 0xfffffffeffffffff,
          0xffffffff, (1 << 32) + 1]
COMPARES = {
    "eq": lambda a, b, ty: a == b, "ne": lambda a, b, ty: a != b,
    "ult": lambda a, b, ty: a < b, "ule": lambda a, b, ty: a <= b,
    "ugt": lambda a, b, ty: a > b, "uge": lambda a, b, ty: a >= b,
    "slt": lambda a, b, ty: signed(ty, a) < signed(ty, b),
    "sge": lambda a, b, ty: signed(ty, a) >= signed(ty, b),
}


def masks(f):
    for n, m in enumerate(MASKS):
        f.fn("mask%d" % n, ["i64"], ["i64"],
             ["v1 = iconst.i64 0x%x" % m, "v2 = band v0, v1", "return v2"],
             [(v, [v & m]) for v in VALUES])


def compares(f):
    """As a value and in a branch, the constant on either side."""
    upper = 0xffffffff << 32
    for cc, holds in COMPARES.items():
        for n, k in enumerate(BOUNDS):
            def seen(v):
                return v & upper if cc in ("eq", "ne") else (v - (1 << 32)) & mask("i64")
            runs = [(v, [int(holds(seen(v), k, "i64")),
                         v if holds(k, v & upper, "i64") else k]) for v in VALUES]
            f.fn("%s%d" % (cc, n), ["i64"], ["i8", "i64"],
                 ["v1 = iconst.i64 0x%x" % k, "v2 = iconst.i64 0x%x" % upper,
                  ("v3 = band v0, v2" if cc in ("eq", "ne") else "v3 = iadd v0, v2"),
                  "v4 = icmp %s v3, v1" % cc, "v5 = band v0, v2", "v6 = icmp %s v1, v5" % cc,
                  "brif v6, block1, block2", "block1:", "return v4, v0", "block2:",
                  "return v4, v1"], runs)


def extremes(f):
    pairs = [(0x1234567812340080, 0x7f), (0xff01, 0xff), (mask("i64") - 15, 0x10010),
             (0x80008000, 0x17fff7fff), (5, 5)]
    for ty in ("i8", "i16", "i32", "i64"):
        for op, choose, view in (("umin", min, unsigned), ("umax", max, unsigned),
                                 ("smin", min, signed), ("smax", max, signed)):
            body = ["v4 = %s v0, v1" % op]
            if ty != "i64":
                body = ["v2 = ireduce.%s v0" % ty, "v3 = ireduce.%s v1" % ty, "v4 = %s v2, v3" % op]
            f.fn("%s_%s" % (op, ty), ["i64", "i64"], [ty], body + ["return v4"],
                 [((x, y), [choose(view(ty, x), view(ty, y))]) for x, y in pairs])


SLOT = ("ss0 = explicit_slot 8",)


def left_loads(f):
    ops = {"iadd": lambda a, b: a + b, "imul": lambda a, b: a * b, "band": lambda a, b: a & b,
           "bor": lambda a, b: a | b, "bxor": lambda a, b: a ^ b}
    for op, of in ops.items():
        pairs = [(3, 0x1234567887654321), (mask("i64"), 1 << 32),
                 (0xf0f0f0f0f0f0f0f0, 0xff00ff00ff00ff)]
        f.fn(op + "_left", ["i64", "i64"], ["i64"],
             ["v2 = stack_addr.i64 ss0", "store v0, v2", "v3 = load.i64 v2",
              "v4 = %s v3, v1" % op, "return v4"],
             [((x, y), [of(x, y) & mask("i64")]) for x, y in pairs], pre=SLOT)
    for cc, holds in COMPARES.items():
        for ty in ("i8", "i32"):
            pairs = [(3, 4), (4, 3), (5, 5), (mask(ty), 1), (1, mask(ty))]
            f.fn("%s_left_%s" % (cc, ty), [ty, ty], ["i64"],
                 ["v2 = stack_addr.i64 ss0", "v5 = iconst.i64 7", "v6 = iconst.i64 9",
                  "store v0, v2", "v3 = load.%s v2" % ty, "v4 = icmp %s v3, v1" % cc,
                  "v7 = select v4, v5, v6", "return v7"],
                 [((x, y), [7 if holds(x, y, ty) else 9]) for x, y in pairs], pre=SLOT)


def low_bits(f):
    of = {"eq": lambda a: a == 0, "ne": lambda a: a != 0, "slt": lambda a: a < 0,
          "sgt": lambda a: a > 0, "sle": lambda a: a <= 0}
    for ty in ("i16", "i32", "i64"):
        for k in (1, 64, 127, 128, 255):
            for cc, holds in of.items():
                values = [0, 0x80, 0x17f, (mask(ty) + 1 >> 1) | 64, 0xff]
                f.fn("bits%d_%s_%s" % (k, cc, ty), [ty], ["i8"],
                     ["v1 = iconst.%s %d" % (ty, k), "v2 = iconst.%s 0" % ty, "v3 = band v0, v1",
                      "v4 = icmp %s v3, v2" % cc, "return v4"],
                     [(v, [int(holds(v & k))]) for v in values])


def generate():
    f = File("wide_constants", "Constants that no 32-bit immediate holds, in masks and compares.",
             TARGETS, source="gen_wide.py")
    masks(f)
    compares(f)
    g = File("operand_order", "Loads on the left of what commutes, narrow minima, low bits.",
             TARGETS, source="gen_wide.py")
    extremes(g)
    left_loads(g)
    low_bits(g)
    return f.save() + g.save()


if __name__ == "__main__":
    print(generate())
