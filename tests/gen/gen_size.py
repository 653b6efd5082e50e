"""gen_size.py - branches over every distance near the limits of short forms; large functions."""
from clifgen import BITS, File, PLAIN, Picker, run_line, signed, unsigned

SOURCE = "gen_size.py"
M32 = (1 << 32) - 1


def filler(lines, v, x, n):
    """n instructions that depend on one another and that nothing folds; returns last and next."""
    for k in range(n):
        if k % 2:
            lines.append("    v%d = bxor v%d, v%d" % (v, x, 1))
        else:
            lines.append("    v%d = imul v%d, v%d" % (v, x, 1))
        x, v = v, v + 1
    return x, v


def fill(x, y, n):
    for k in range(n):
        x = x ^ y if k % 2 else x * y & M32
    return x


def distances():
    f = File("branch_distance", "Branches forward and backward over code of every length around "
             "the reach of short jumps.", PLAIN, source=SOURCE)
    for n in list(range(0, 64, 2)) + [100, 200]:
        lines = ["function %%over%d(i32, i32) -> i32 {" % n, "block0(v0: i32, v1: i32):",
                 "    brif v0, block1, block2(v1)", "block1:"]
        x, v = filler(lines, 10, 0, n)
        lines += ["    jump block2(v%d)" % x, "block2(v2: i32):", "    v3 = iconst.i32 3",
                  "    v4 = iadd v2, v3", "    return v4", "}"]
        for a, b in ((0, 5), (7, 0x1234567)):
            r = (fill(a, b, n) if a else b) + 3
            lines.append(run_line("over%d" % n, ["i32", "i32"], [a, b], ["i32"], [r]))
        lines += ["", "function %%back%d(i32, i32) -> i32 {" % n, "block0(v0: i32, v1: i32):",
                  "    v2 = iconst.i32 3", "    jump block1(v0, v2)",
                  "block1(v3: i32, v4: i32):"]
        x, v = filler(lines, 10, 3, n)
        lines += ["    v5 = iconst.i32 -1", "    v6 = iadd v4, v5",
                  "    brif v6, block1(v%d, v6), block2" % x, "block2:", "    return v%d" % x, "}"]
        for a, b in ((1, 3), (0x9abcdef, 0x1357)):
            r = a
            for _ in range(3):
                r = fill(r, b, n)
            lines.append(run_line("back%d" % n, ["i32", "i32"], [a, b], ["i32"], [r]))
        f.raw("\n".join(lines))
    return f.save()


def large():
    f = File("large_functions", "Many blocks, many values, a large table, a large frame.", PLAIN,
             source=SOURCE)
    n = 700
    lines = ["function %diamonds(i32, i32) -> i32 {", "block0(v0: i32, v1: i32):",
             "    jump block1(v0)"]
    v, b = 2, 1
    for k in range(n):
        lines += ["block%d(v%d: i32):" % (b, v), "    v%d = iconst.i32 %d" % (v + 1, 1 << k % 31),
                  "    v%d = band v%d, v%d" % (v + 2, v, v + 1),
                  "    brif v%d, block%d, block%d(v%d)" % (v + 2, b + 1, b + 2, v),
                  "block%d:" % (b + 1), "    v%d = iadd v%d, v1" % (v + 3, v),
                  "    jump block%d(v%d)" % (b + 2, v + 3)]
        v, b = v + 4, b + 2
    lines += ["block%d(v%d: i32):" % (b, v), "    return v%d" % v, "}"]
    for a, c in ((0, 1), (1, 1), (0x12345678, 0x9abcdef1)):
        x = a
        for k in range(n):
            if x & (1 << k % 31):
                x = x + c & M32
        lines.append(run_line("diamonds", ["i32", "i32"], [a, c], ["i32"], [x]))
    f.raw("\n".join(lines))
    n = 600
    lines = ["function %table(i32) -> i32 {", "block0(v0: i32):",
             "    br_table v0, block1, [%s]" % ", ".join("block%d" % (2 + k % 37)
                                                     for k in range(n)),
             "block1:", "    v1 = iconst.i32 -1", "    return v1"]
    for k in range(37):
        lines += ["block%d:" % (2 + k), "    v%d = iconst.i32 %d" % (2 + k, k * k),
                  "    return v%d" % (2 + k)]
    lines.append("}")
    for i in (0, 1, 36, 37, 300, n - 1, n, -1):
        u = i & M32
        lines.append(run_line("table", ["i32"], [i], ["i32"], [(u % 37) ** 2 if u < n else -1]))
    f.raw("\n".join(lines))
    n = 1200
    lines = ["function %line(i64, i64) -> i64 {", "block0(v0: i64, v1: i64):"]
    pick = Picker(77)
    ops = []
    for k in range(n):
        a = max(0, k + 2 - 1 - pick.below(90))
        b = max(0, k + 2 - 1 - pick.below(9))
        op = pick.choice(["iadd", "isub", "imul", "bxor", "bor", "band"])
        ops.append((op, a, b))
        lines.append("    v%d = %s v%d, v%d" % (k + 2, op, a, b))
    lines += ["    return v%d" % (n + 1), "}"]
    for x, y in ((1, 2), (0x123456789abcdef, -7)):
        vals = [x & (1 << 64) - 1, y & (1 << 64) - 1]
        for op, a, b in ops:
            p, q = vals[a], vals[b]
            vals.append({"iadd": p + q, "isub": p - q, "imul": p * q, "bxor": p ^ q, "bor": p | q,
                         "band": p & q}[op] & (1 << 64) - 1)
        lines.append(run_line("line", ["i64", "i64"], [x, y], ["i64"], [vals[-1]]))
    f.raw("\n".join(lines))
    n = 300
    lines = ["function %all_alive(i64) -> i64 {", "block0(v0: i64):"]
    for k in range(n):
        lines += ["    v%d = iconst.i64 %d" % (2 * k + 1, 3 * k + 1),
                  "    v%d = imul v0, v%d" % (2 * k + 2, 2 * k + 1)]
    acc, v = 2, 2 * n + 1
    for k in range(1, n):
        lines.append("    v%d = %s v%d, v%d" % (v, "bxor" if k % 2 else "iadd", acc, 2 * k + 2))
        acc, v = v, v + 1
    lines += ["    return v%d" % acc, "}"]
    for x in (1, 0x123456789):
        h = x
        for k in range(1, n):
            p = x * (3 * k + 1)
            h = (h ^ p if k % 2 else h + p) & (1 << 64) - 1
        lines.append(run_line("all_alive", ["i64"], [x], ["i64"], [h]))
    f.raw("\n".join(lines))
    depth = 40
    lines = ["function %nest(i32) -> i64 {", "block0(v0: i32):", "    v1 = iconst.i64 0",
             "    v2 = iconst.i32 1", "    jump block1(v1, v2)"]
    # depth loops inside one another, each going round once or twice.
    v = 3
    sums, counts = [], []
    for k in range(depth):
        lines.append("block%d(v%d: i64, v%d: i32):" % (k + 1, v, v + 1))
        sums.append(v)
        counts.append(v + 1)
        lines += ["    v%d = iconst.i64 %d" % (v + 2, k + 1),
                  "    v%d = iadd v%d, v%d" % (v + 3, v, v + 2)]
        more = "v0" if k in (5, 20, 39) else "v2"
        lines.append("    jump block%d(v%d, %s)" % (k + 2, v + 3, more) if k + 1 < depth else
                     "    jump block%d(v%d, v%d)" % (depth + 1, v + 3, v + 1))
        v += 4
    # Ends of the loops, innermost first: block(depth+1+j) ends loop depth-j.
    for j in range(depth):
        k = depth - 1 - j
        s, c = v, v + 1
        lines.append("block%d(v%d: i64, v%d: i32):" % (depth + 1 + j, s, c))
        lines.append("    v%d = isub v%d, v2" % (v + 2, c))
        outer = counts[k - 1] if k else None
        leave = "block%d(v%d, v%d)" % (depth + 2 + j, s, outer) if k else \
            "block%d(v%d)" % (depth + 2 + j, s)
        lines.append("    brif v%d, block%d(v%d, v%d), %s" % (v + 2, k + 1, s, v + 2, leave))
        v += 3
    lines += ["block%d(v%d: i64):" % (2 * depth + 1, v), "    return v%d" % v, "}"]

    def nest(x):
        def loop(k, s, c):
            while True:
                s += k + 1
                if k + 1 < depth:
                    s = loop(k + 1, s, x if k in (5, 20, 39) else 1)
                c -= 1
                if not c:
                    return s
        return loop(0, 0, 1)

    for x in (1, 2, 5):
        lines.append(run_line("nest", ["i32"], [x], ["i64"], [nest(x)]))
    f.raw("\n".join(lines))
    return f.save()


def padded():
    f = File("padded_blocks", "Every block padded, so that branches need their long forms.",
             ("x86_64", "aarch64"), ("bb_padding_log2_minus_one=11",), SOURCE)
    f.raw("""
function %loop(i32) -> i32 {
block0(v0: i32):
    v1 = iconst.i32 0
    jump block1(v0, v1)
block1(v2: i32, v3: i32):
    v4 = iconst.i32 1
    v5 = band v2, v4
    brif v5, block2, block3
block2:
    v6 = iadd v3, v2
    jump block4(v6)
block3:
    v7 = bxor v3, v2
    jump block4(v7)
block4(v8: i32):
    v9 = isub v2, v4
    brif v9, block1(v9, v8), block5
block5:
    return v8
}
; run: %loop(1) == 1
; run: %loop(10) == LOOP10

function %table(i32) -> i32 {
block0(v0: i32):
    br_table v0, block1, [block2, block3, block4]
block1:
    v1 = iconst.i32 10
    return v1
block2:
    v2 = iconst.i32 20
    return v2
block3:
    v3 = iconst.i32 30
    return v3
block4:
    trap user4
}
; run: %table(0) == 20
; run: %table(1) == 30
; run: %table(2) traps user4
; run: %table(3) == 10

function %compare(i64, i64, f64) -> i64 {
block0(v0: i64, v1: i64, v2: f64):
    v3 = icmp slt v0, v1
    brif v3, block1, block2
block1:
    v4 = fcmp lt v2, v2
    brif v4, block3, block4
block2:
    trapz v0, user5
    return v0
block3:
    return v1
block4:
    v5 = udiv v1, v0
    return v5
}
; run: %compare(3, 12, 0x1.0) == 4
; run: %compare(0, 12, 0x1.0) traps int_divz
; run: %compare(0, -1, 0x1.0) traps user5
; run: %compare(9, 8, 0x1.0) == 9
""".replace("LOOP10", str(loop10())))
    return f.save()


def loop10():
    s = 0
    for x in range(10, 0, -1):
        s = s + x if x & 1 else s ^ x
    return s


def generate():
    return distances() + large() + padded()


if __name__ == "__main__":
    print(generate())
