"""gen_flow.py - branches, tables, block arguments, loops, traps, order of text, high pressure."""
import exactfloat as xf
import gen_int
from clifgen import (A64, BITS, FLOATING, FLOATS, File, INTS, PLAIN, Picker, X86_AVX, X86_BASE,
                     const, run_line, signed, smax, smin, unsigned, width)
from evalfn import Builder

SOURCE = "gen_flow.py"


def tables():
    f = File("br_table", "br_table of every size: entries with arguments, repeated targets, "
             "indices far out of range, garbage above the index.", PLAIN, source=SOURCE)
    for size in (0, 1, 2, 3, 4, 5, 8, 17, 64):
        lines = ["function %%table%d(i32) -> i32 {" % size, "block0(v0: i32):",
                 "    br_table v0, block1, [%s]" % ", ".join("block%d" % (k + 2)
                                                           for k in range(size)),
                 "block1:", "    v1 = iconst.i32 -1", "    return v1"]
        for k in range(size):
            lines += ["block%d:" % (k + 2), "    v%d = iconst.i32 %d" % (k + 2, k * 10 + 5),
                      "    return v%d" % (k + 2)]
        lines.append("}")
        for i in [0, 1, size - 1, size, size + 1, -1, 0x80000000, 0x7fffffff, 1 << 16]:
            k = unsigned("i32", i)
            lines.append(run_line("table%d" % size, ["i32"], [i], ["i32"],
                                  [k * 10 + 5 if k < size else -1]))
        f.raw("\n".join(dict.fromkeys(lines)) if size == 0 else "\n".join(lines))
    for size in (1, 4, 9):
        lines = ["function %%same%d(i32, i64, i64) -> i64 {" % size,
                 "block0(v0: i32, v1: i64, v2: i64):",
                 "    br_table v0, block1(v1), [%s]" % ", ".join(
                     "block1(v2)" if k % 2 else "block2(v2, v1)" for k in range(size)),
                 "block1(v3: i64):", "    return v3", "block2(v4: i64, v5: i64):",
                 "    v6 = isub v4, v5", "    return v6", "}"]
        for i in (0, 1, 2, size - 1, size, -1):
            k = unsigned("i32", i)
            lines.append(run_line("same%d" % size, ["i32", "i64", "i64"], [i, 100, 7], ["i64"],
                                  [100 if k >= size else 7 if k % 2 else -93]))
        f.raw("\n".join(lines))
    for ty in ("i8", "i16", "i64"):
        w = width(ty)
        idx = "ireduce.i32 v0" if w > 32 else "uextend.i32 v1"
        lines = ["function %%index_%s(i64) -> i32 {" % ty, "block0(v0: i64):"]
        if w < 32:
            lines.append("    v1 = ireduce.%s v0" % ty)
        lines += ["    v2 = %s" % idx, "    br_table v2, block1, [block2, block3, block4]",
                  "block1:", "    v3 = iconst.i32 0", "    return v3"]
        for k in range(3):
            lines += ["block%d:" % (k + 2), "    v%d = iconst.i32 %d" % (k + 4, k + 1),
                      "    return v%d" % (k + 4)]
        lines.append("}")
        for a in (0, 1, 2, 3, 1 << 32, (1 << 40) | 2, (1 << 8) | 1, (1 << 16) | 2, -1):
            k = a & ((1 << min(w, 32)) - 1)
            lines.append(run_line("index_" + ty, ["i64"], [a], ["i32"], [k + 1 if k < 3 else 0]))
        f.raw("\n".join(lines))
    return f.save()


def moves():
    """Loops that permute their own parameters, so that edges are parallel copies with cycles."""
    f = File("block_args", "Block arguments are parallel copies: swaps, rotations, duplicates, "
             "self loops, both arms to one block.", PLAIN, source=SOURCE)
    pick = Picker(7)
    for case in range(36):
        n = 2 + case % 9
        types = [pick.choice(("i32", "i64", "f64", "i8", "f32")) if case % 3 == 2 else
                 ("f64" if case % 3 == 1 and case % 2 else "i64") for _ in range(n)]
        groups = {}
        for i, t in enumerate(types):
            groups.setdefault(t, []).append(i)
        source = list(range(n))
        for t, members in groups.items():
            shape = pick.below(4)
            if shape == 0:                              # rotation
                for i, m in enumerate(members):
                    source[m] = members[(i + 1) % len(members)]
            elif shape == 1:                            # reversal: swaps
                for i, m in enumerate(members):
                    source[m] = members[-1 - i]
            else:                                       # anything, duplicates too
                for m in members:
                    source[m] = pick.choice(members)
        # block1(count, p0..): count times the permutation, then the weighted sum.
        lines = ["function %%permute%d(i32, %s) -> i64 {" % (case, ", ".join(types)),
                 "block0(v0: i32, %s):" % ", ".join("v%d: %s" % (i + 1, t)
                                                    for i, t in enumerate(types)),
                 "    jump block1(v0, %s)" % ", ".join("v%d" % (i + 1) for i in range(n))]
        base = 20
        params = ["v%d: %s" % (base + i, t) for i, t in enumerate(types)]
        head = ["block1(v19: i32, %s):" % ", ".join(params)]
        args = ", ".join("v%d" % (base + s) for s in source)
        if case % 2:
            head += ["    v40 = iconst.i32 1", "    v41 = isub v19, v40",
                     "    v42 = icmp ugt v41, v40",
                     "    v43 = icmp ne v41, v40", "    v44 = bor v42, v43",
                     "    v45 = iconst.i32 0", "    v46 = icmp ne v41, v45",
                     "    brif v46, block1(v41, %s), block2(%s)" % (args, args)]
            tail = ["block2(%s):" % ", ".join("v%d: %s" % (60 + i, t)
                                              for i, t in enumerate(types))]
            final = 60
        else:
            head += ["    brif v19, block3, block2", "block3:", "    v40 = iconst.i32 1",
                     "    v41 = isub v19, v40", "    jump block1(v41, %s)" % args]
            tail = ["block2:"]
            final = base
        v = 100
        tail += ["    v99 = iconst.i64 0"]
        acc = 99
        for i, t in enumerate(types):
            src = final + i
            if t[0] == "f":
                it = "i" + t[1:]
                tail.append("    v%d = bitcast.%s v%d" % (v, it, src))
                src, t, v = v, it, v + 1
            if t != "i64":
                tail.append("    v%d = uextend.i64 v%d" % (v, src))
                src, v = v, v + 1
            tail += ["    v%d = iconst.i64 %d" % (v, 31), "    v%d = imul v%d, v%d" %
                     (v + 1, acc, v), "    v%d = iadd v%d, v%d" % (v + 2, v + 1, src)]
            acc, v = v + 2, v + 3
        tail += ["    return v%d" % acc, "}"]
        lines += head + tail
        for count in (1, 2, 3, 7):
            vals = [pick.bits("i" + t[1:]) if t[0] == "i" else xf.random_float(t, pick)
                    for t in types]
            cur = list(vals)
            for _ in range(count):
                cur = [cur[s] for s in source]
            h = 0
            for c in cur:
                h = (h * 31 + c) & ((1 << 64) - 1)
            lines.append(run_line("permute%d" % case, ["i32"] + types, [count] + vals, ["i64"],
                                  [h]))
        f.raw("\n".join(lines))
    return f.save()


def trap_codes():
    f = File("traps", "trap, trapz and trapnz with every kind of code.", PLAIN,
             source=SOURCE)
    for code in ["stk_ovf", "heap_oob", "int_ovf", "int_divz", "bad_toint", "user1", "user2",
                 "user9", "user10", "user99", "user127", "user128", "user200", "user249",
                 "user250"]:
        f.fn("trap_" + code, [], [], [], [])
        f.lines.pop()
        f.lines.pop()
        f.lines += ["block0:", "    trap " + code, "}", "; run: %%trap_%s() traps %s" %
                    (code, code)]
        f.runs += 1
        f.fn("trapz_" + code, ["i64"], [], ["trapz v0, " + code, "return"],
             [(0, code), (1 << 32, ())])
    return f.save()


def pressure():
    """Files of one block each, and one with calls and loops."""
    total = 0
    for name, kinds in (("int", ("i64", "i32", "i8")), ("mixed", ("f64", "f32", "mixed"))):
        total += pressure_in_block("pressure_" + name, kinds)
    return total


def pressure_in_block(name, kinds):
    f = File(name, "More values alive in one block than there are registers.",
             (X86_BASE, X86_AVX, A64), source=SOURCE)
    for n in (8, 14, 16, 20, 30, 45, 60):
        for kind in kinds:
            pick = Picker(n * 7 + len(kind))
            b = Builder(["i64", "f64", "i32"])
            live = []
            for i in range(n):
                t = kind if kind != "mixed" else pick.choice(("i64", "f64", "i32", "f32", "i8"))
                if t[0] == "i":
                    x = b.resize(t, 0)
                    k = b.const(t, pick.bits(t))
                    live.append(b.op(pick.choice(["imul", "iadd", "bxor"]), x, k))
                else:
                    x = 1 if t == "f64" else b.narrow(1)
                    k = b.const(t, xf.rounded(t, xf.Fraction(pick.below(1000) + 1, 8)))
                    live.append(b.fop(pick.choice(["fadd", "fsub", "fmul"]), x, k))
            acc = b.const("i64", 1)
            order_ = pick.sample(live, len(live))
            for v in order_:
                t = b.types[v]
                w = b.bitcast("i" + t[1:], v) if t[0] == "f" else v
                m = b.const("i64", 31)
                acc = b.op("imul", acc, m)
                acc = b.op("iadd", acc, b.resize("i64", w))
            args = [(pick.next(), xf.rounded("f64", xf.Fraction(pick.below(10000), 16)),
                     pick.below(1 << 31)) for _ in range(2)]
            b.finish(f, "block_%s_%d" % (kind, n), [acc], args)
    return f.save()


def pressure_across():
    f = File("pressure_across", "More values alive than there are registers, across calls and "
             "around loops.", (X86_BASE, X86_AVX, A64), source=SOURCE)
    f.raw("""
function %clobber(i64) -> i64 {
block0(v0: i64):
    v1 = iconst.i64 0x5851f42d4c957f2d
    v2 = imul v0, v1
    v3 = iconst.i8 17
    v4 = rotl v2, v3
    return v4
}

function %clobber_float(f64) -> f64 {
block0(v0: f64):
    v1 = f64const 0x1.0p0
    v2 = fadd v0, v1
    return v2
}
""")
    M = (1 << 64) - 1

    def clobber(x):
        x = x * 0x5851f42d4c957f2d & M
        return (x << 17 | x >> 47) & M

    # Values across calls: each made before, all used after, a call between any two uses.
    for n in (4, 10, 20, 32):
        lines = ["function %%calls_%d(i64, f64) -> i64, f64 {" % n, "    fn0 = %clobber(i64) -> i64",
                 "    fn1 = %clobber_float(f64) -> f64", "block0(v0: i64, v1: f64):"]
        v = 2
        ints, floats = [], []
        for i in range(n):
            lines += ["    v%d = iconst.i64 %d" % (v, i * 1000003 + 7),
                      "    v%d = bxor v0, v%d" % (v + 1, v),
                      "    v%d = f64const %s" % (v + 2, "0x1.%xp%d" % (i % 16, i % 5)),
                      "    v%d = fadd v1, v%d" % (v + 3, v + 2)]
            ints.append(v + 1)
            floats.append(v + 3)
            v += 4
        acc, facc = 0, 1
        for i in range(n):
            lines += ["    v%d = bxor v%d, v%d" % (v, acc, ints[n - 1 - i]),
                      "    v%d = call fn0(v%d)" % (v + 1, v),
                      "    v%d = fmax v%d, v%d" % (v + 2, facc, floats[i])]
            acc, facc = v + 1, v + 2
            v += 3
            if i % 4 == 3:
                lines.append("    v%d = call fn1(v%d)" % (v, facc))
                facc, v = v, v + 1
        lines += ["    return v%d, v%d" % (acc, facc), "}"]
        for a, d in ((0, 0), (12345678901234567, 1000)):
            fv = xf.rounded("f64", xf.Fraction(d))
            iv = [a ^ (i * 1000003 + 7) for i in range(n)]
            fl = []
            for i in range(n):
                k = xf.rounded("f64", (1 + xf.Fraction(i % 16, 16)) * 2 ** (i % 5))
                fl.append(xf.add("f64", fv, k))
            x, y = a, fv
            for i in range(n):
                x = clobber(x ^ iv[n - 1 - i])
                y = xf.fmax("f64", y, fl[i])
                if i % 4 == 3:
                    y = xf.add("f64", y, xf.rounded("f64", xf.Fraction(1)))
            lines.append(run_line("calls_%d" % n, ["i64", "f64"], [a, fv], ["i64", "f64"],
                                  [x, y]))
        f.raw("\n".join(lines))
    # Loops: n values in block parameters, each updated from its neighbour; some with a call.
    for n in (6, 12, 20, 34, 50):
        for with_call in (False, True):
            name = "loop_%d%s" % (n, "_call" if with_call else "")
            lines = ["function %%%s(i32, i64) -> i64 {" % name]
            if with_call:
                lines.append("    fn0 = %clobber(i64) -> i64")
            lines.append("block0(v0: i32, v1: i64):")
            v = 2
            start = []
            for i in range(n):
                lines += ["    v%d = iconst.i64 %d" % (v, i * i + 3),
                          "    v%d = imul v1, v%d" % (v + 1, v)]
                start.append(v + 1)
                v += 2
            lines.append("    jump block1(v0, %s)" % ", ".join("v%d" % s for s in start))
            params = list(range(v + 1, v + 1 + n))
            count = v
            v += n + 1
            lines.append("block1(v%d: i32, %s):" % (count, ", ".join("v%d: i64" % p
                                                                     for p in params)))
            new = []
            for i in range(n):
                op = ("iadd", "bxor", "isub")[i % 3]
                lines.append("    v%d = %s v%d, v%d" % (v, op, params[i], params[(i + 1) % n]))
                new.append(v)
                v += 1
            if with_call:
                lines.append("    v%d = call fn0(v%d)" % (v, new[n // 2]))
                new[n // 2] = v
                v += 1
            lines += ["    v%d = iconst.i32 -1" % v, "    v%d = iadd v%d, v%d" % (v + 1, count, v),
                      "    brif v%d, block1(v%d, %s), block2" %
                      (v + 1, v + 1, ", ".join("v%d" % x for x in new)), "block2:"]
            v += 2
            acc = new[0]
            for x in new[1:]:
                lines += ["    v%d = iconst.i64 31" % v, "    v%d = imul v%d, v%d" % (v + 1, acc, v),
                          "    v%d = iadd v%d, v%d" % (v + 2, v + 1, x)]
                acc, v = v + 2, v + 3
            lines += ["    return v%d" % acc, "}"]
            for c, a in ((1, 1), (2, -1), (9, 0x123456789)):
                vals = [a * (i * i + 3) & M for i in range(n)]
                for _ in range(c):
                    nv = []
                    for i in range(n):
                        p, q = vals[i], vals[(i + 1) % n]
                        nv.append((p + q if i % 3 == 0 else p ^ q if i % 3 == 1 else p - q) & M)
                    if with_call:
                        nv[n // 2] = clobber(nv[n // 2])
                    vals = nv
                h = vals[0]
                for x in vals[1:]:
                    h = (h * 31 + x) & M
                lines.append(run_line(name, ["i32", "i64"], [c, a], ["i64"], [h]))
            f.raw("\n".join(lines))
    # Floats in a loop, more of them than registers.
    for n in (10, 20, 40):
        name = "float_loop_%d" % n
        lines = ["function %%%s(i32, f64) -> f64 {" % name, "block0(v0: i32, v1: f64):"]
        v = 2
        start = []
        for i in range(n):
            lines += ["    v%d = f64const %s" % (v, "0x1.%xp0" % (i % 16)),
                      "    v%d = fmul v1, v%d" % (v + 1, v)]
            start.append(v + 1)
            v += 2
        lines.append("    jump block1(v0, %s)" % ", ".join("v%d" % s for s in start))
        count, params = v, list(range(v + 1, v + 1 + n))
        v += n + 1
        lines.append("block1(v%d: i32, %s):" % (count, ", ".join("v%d: f64" % p for p in params)))
        new = []
        for i in range(n):
            lines.append("    v%d = %s v%d, v%d" % (v, ("fadd", "fsub", "fmax")[i % 3], params[i],
                                                    params[(i + 3) % n]))
            new.append(v)
            v += 1
        lines += ["    v%d = iconst.i32 -1" % v, "    v%d = iadd v%d, v%d" % (v + 1, count, v),
                  "    brif v%d, block1(v%d, %s), block2" %
                  (v + 1, v + 1, ", ".join("v%d" % x for x in new)), "block2:"]
        v += 2
        acc = new[0]
        for x in new[1:]:
            lines.append("    v%d = fadd v%d, v%d" % (v, acc, x))
            acc, v = v, v + 1
        lines += ["    return v%d" % acc, "}"]
        for c, d in ((1, xf.Fraction(1)), (7, xf.Fraction(37, 8))):
            a = xf.rounded("f64", d)
            vals = [xf.mul("f64", a, xf.rounded("f64", 1 + xf.Fraction(i % 16, 16)))
                    for i in range(n)]
            for _ in range(c):
                vals = [(xf.add, xf.sub, xf.fmax)[i % 3]("f64", vals[i], vals[(i + 3) % n])
                        for i in range(n)]
            h = vals[0]
            for x in vals[1:]:
                h = xf.add("f64", h, x)
            lines.append(run_line(name, ["i32", "f64"], [c, a], ["f64"], [h]))
        f.raw("\n".join(lines))
    return f.save()


def fixed_registers():
    f = File("fixed_registers", "Instructions with fixed registers (division, wide multiply, "
             "shifts by a variable) while many values are alive.", BITS, source=SOURCE)
    for n in (6, 12, 20):
        for ops in (("udiv", "urem"), ("sdiv", "srem"), ("umulhi", "smulhi"), ("ishl", "sshr"),
                    ("udiv", "ishl", "umulhi", "urem", "rotr"), ("umul_overflow", "sdiv")):
            for ty in ("i64", "i32", "i8"):
                pick = Picker(n + len(ops) + width(ty) + ord(ops[0][1]))
                b = Builder([ty] * 4)
                live = [0, 1, 2, 3]
                while len(live) < n:
                    x = pick.choice(live[-4:])
                    live.append(b.op("iadd", x, b.const(ty, pick.bits(ty))))
                for i in range(n):
                    op = ops[i % len(ops)]
                    x, y = live[i], live[(i * 5 + 3) % n]
                    if op[1:4] in ("div", "rem"):
                        y = b.op("bor", y, b.const(ty, 1))
                        y = b.op("band", y, b.const(ty, smax(ty)))
                    if op == "umul_overflow":
                        r, o = b.overflow(op, x, y)
                        live[i] = b.op("bxor", r, b.resize(ty, o))
                    else:
                        live[i] = b.op(op, x, y)
                acc = live[0]
                for x in live[1:]:
                    acc = b.op("bxor", b.op("rotl", acc, b.const("i8", 1)), x)
                b.finish(f, "%s_%s_%d" % ("_".join(ops), ty, n), [acc],
                         [tuple(pick.bits(ty) for _ in range(4)) for _ in range(2)])
    return f.save()


def generate():
    return (tables() + moves() + trap_codes() + pressure() + pressure_across() +
            fixed_registers())


if __name__ == "__main__":
    print(generate())
