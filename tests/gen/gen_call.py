"""gen_call.py - calls: many arguments and results, every convention, indirect calls, libcalls."""
import exactfloat as xf
from clifgen import (A64, File, FLOATING, FLOATS, INTS, PLAIN, Picker, X86_AVX, X86_BASE, const,
                     run_line, signed, unsigned, width)

SOURCE = "gen_call.py"
M = (1 << 64) - 1
CONVENTIONS = ("system_v", "fast", "tail")
SRET = ("enable_multi_ret_implicit_sret=true",)


def as_i64(lines, v, src, ty, ext=""):
    """Appends what turns value src into an i64; returns its number and the next free one."""
    if ty[0] == "f":
        lines.append("    v%d = bitcast.i%d v%d" % (v, width(ty), src))
        src, ty, v = v, "i%d" % width(ty), v + 1
    if ty != "i64":
        lines.append("    v%d = uextend.i64 v%d" % (v, src))
        src, v = v, v + 1
    return src, v


def hash_of(types, vals):
    h = 0
    for t, x in zip(types, vals):
        h = (h * 31 + unsigned("i%d" % width(t), x)) & M
    return h


def hashing_callee(name, types, conv, flags=None):
    """A function that mixes all its arguments into one i64."""
    flags = flags or [""] * len(types)
    sig = ", ".join((t + " " + fl).strip() for t, fl in zip(types, flags))
    lines = ["function %%%s(%s) -> i64 %s {" % (name, sig, conv)]
    lines.append("block0(%s):" % ", ".join("v%d: %s" % (i, t) for i, t in enumerate(types))
                 if types else "block0:")
    v = len(types)
    lines.append("    v%d = iconst.i64 0" % v)
    acc, v = v, v + 1
    for i, t in enumerate(types):
        x, v = as_i64(lines, v, i, t)
        lines += ["    v%d = iconst.i64 31" % v, "    v%d = imul v%d, v%d" % (v + 1, acc, v),
                  "    v%d = iadd v%d, v%d" % (v + 2, v + 1, x)]
        acc, v = v + 2, v + 3
    return lines + ["    return v%d" % acc, "}"]


def value_of(ty, pick):
    return xf.random_float(ty, pick) if ty[0] == "f" else pick.bits(ty)


SHAPES = [
    ["i64"], ["f64"], ["i32"] * 6, ["i64"] * 7, ["i64"] * 12, ["f64"] * 8, ["f64"] * 9,
    ["f32"] * 12, ["i8"] * 10, ["i16"] * 9, ["i64", "f64"] * 8, ["i8", "i16", "i32", "i64"] * 4,
    ["f32", "f64"] * 7, ["i64"] * 24, ["f64"] * 20, ["i8", "f32", "i64", "f64", "i16", "i32"] * 4,
]


def arguments():
    f = File("call_arguments", "Arguments of every type in registers and on the stack, between "
             "functions of all conventions.", (X86_BASE, X86_AVX, A64), source=SOURCE)
    pick = Picker(11)
    for n, types in enumerate(SHAPES):
        for conv in CONVENTIONS:
            callee = "callee%d_%s" % (n, conv)
            f.raw("\n".join(hashing_callee(callee, types, conv)))
            vals = [value_of(t, pick) for t in types]
            f.raw_run(callee, types, vals, ["i64"], [hash_of(types, vals)])
            for from_conv in pick.sample(CONVENTIONS, 2 if n % 3 else 3):
                name = "from_%s_%s" % (from_conv, callee)
                # The caller's own arguments, in another order, plus constants.
                rot = list(range(len(types)))
                k = pick.below(len(types))
                rot = rot[k:] + rot[:k]
                src = [types[r] for r in rot]
                lines = ["function %%%s(%s) -> i64 %s {" % (name, ", ".join(src), from_conv),
                         "    fn0 = %%%s(%s) -> i64 %s" % (callee, ", ".join(types), conv),
                         "block0(%s):" % ", ".join("v%d: %s" % (i, t) for i, t in enumerate(src))]
                back = {r: i for i, r in enumerate(rot)}
                args = ["v%d" % back[i] for i in range(len(types))]
                v = len(types)
                cvals = {}
                for i, t in enumerate(types):
                    if pick.below(5) == 0:
                        cvals[i] = value_of(t, pick)
                        lines.append("    v%d = %s" % (v, const(t, cvals[i])))
                        args[i] = "v%d" % v
                        v += 1
                lines += ["    v%d = call fn0(%s)" % (v, ", ".join(args))]
                x, w = as_i64(lines, v + 1, 0, src[0])
                lines += ["    v%d = bxor v%d, v%d" % (w, v, x), "    return v%d" % w, "}"]
                mine = [value_of(t, pick) for t in src]
                passed = [cvals.get(i, mine[back[i]]) for i in range(len(types))]
                h = hash_of(types, passed) ^ unsigned("i%d" % width(src[0]), mine[0])
                f.raw("\n".join(lines))
                f.raw_run(name, src, mine, ["i64"], [h])
    return f.save()


def extensions():
    f = File("call_extensions", "Arguments and results marked uext or sext arrive extended; those "
             "without a mark may carry garbage.", PLAIN, source=SOURCE)
    for ty in ("i8", "i16", "i32"):
        for conv in CONVENTIONS:
            for flag in ("", "uext", "sext"):
                tag = "%s_%s_%s" % (ty, flag or "plain", conv)
                mark = (ty + " " + flag).strip()
                f.raw("""
function %%pass_%s(%s) -> %s %s {
block0(v0: %s):
    return v0
}

function %%widen_%s(%s) -> i64, i64 %s {
block0(v0: %s):
    v1 = uextend.i64 v0
    v2 = sextend.i64 v0
    return v1, v2
}

function %%sum_%s(%s, %s) -> %s %s {
block0(v0: %s, v1: %s):
    v2 = iadd v0, v1
    return v2
}

function %%use_%s(i64, i64) -> i64, i64 {
    fn0 = %%sum_%s(%s, %s) -> %s %s
    fn1 = %%pass_%s(%s) -> %s %s
    fn2 = %%widen_%s(%s) -> i64, i64 %s
block0(v0: i64, v1: i64):
    v2 = ireduce.%s v0
    v3 = ireduce.%s v1
    v4 = call fn0(v2, v3)
    v5 = call fn1(v4)
    v6, v7 = call fn2(v5)
    return v6, v7
}
""" % (tag, mark, mark, conv, ty, tag, mark, conv, ty, tag, mark, mark, mark, conv, ty, ty,
                   tag, tag, mark, mark, mark, conv, tag, mark, mark, conv, tag, mark, conv, ty,
                   ty))
                for a, b in ((-1, 1), (0x7f7f7f7f7f7f7f7f, 1), (-1, -1), (0x123456789abcdef0,
                             0x0fedcba987654321), (1 << width(ty), 1 << 63)):
                    s = a + b
                    f.raw_run("use_" + tag, ["i64", "i64"], [a, b], ["i64", "i64"],
                              [unsigned(ty, s), signed(ty, s)])
    return f.save()


def results():
    total = 0
    for name, shapes, sets in (
            ("call_results", [["i64"], ["f32"], ["i32", "i64"], ["f64", "f64"], ["i8", "f64"],
                              ["f32", "i16"], ["i64", "f32", "i64", "f64"], ["i8", "i8"]], ()),
            ("call_many_results", [["i64"] * 3, ["i64"] * 5, ["i64"] * 10, ["f64"] * 3,
                                   ["f64"] * 9, ["i8", "i16", "i32", "i64"] * 3,
                                   ["f32", "i8", "f64", "i64"] * 4, ["i64"] * 20], SRET)):
        f = File(name, "Functions with several results%s." %
                 (", more than registers hold" if sets else ""), PLAIN, sets, SOURCE)
        pick = Picker(len(name))
        for n, types in enumerate(shapes):
            for conv in CONVENTIONS:
                lines = ["function %%make%d_%s(i64) -> %s %s {" % (n, conv, ", ".join(types),
                                                                  conv), "block0(v0: i64):"]
                v, outs = 1, []
                keys = [pick.next() >> pick.below(40) for _ in types]
                for t, k in zip(types, keys):
                    lines += ["    v%d = iconst.i64 %d" % (v, signed("i64", k)),
                              "    v%d = bxor v0, v%d" % (v + 1, v)]
                    v += 2
                    it = "i%d" % width(t)
                    if it != "i64":
                        lines.append("    v%d = ireduce.%s v%d" % (v, it, v - 1))
                        v += 1
                    if t[0] == "f":
                        lines.append("    v%d = bitcast.%s v%d" % (v, t, v - 1))
                        v += 1
                    outs.append("v%d" % (v - 1))
                lines += ["    return " + ", ".join(outs), "}"]
                f.raw("\n".join(lines))
                for a in (0, pick.next()):
                    f.raw_run("make%d_%s" % (n, conv), ["i64"], [a], types,
                              [unsigned("i%d" % width(t), a ^ k) for t, k in zip(types, keys)])
                lines = ["function %%take%d_%s(i64, i64) -> i64 {" % (n, conv),
                         "    fn0 = %%make%d_%s(i64) -> %s %s" % (n, conv, ", ".join(types), conv),
                         "block0(v0: i64, v1: i64):"]
                first = list(range(2, 2 + len(types)))
                second = list(range(2 + len(types), 2 + 2 * len(types)))
                lines += ["    %s = call fn0(v0)" % ", ".join("v%d" % x for x in first),
                          "    %s = call fn0(v1)" % ", ".join("v%d" % x for x in second)]
                v = 2 + 2 * len(types)
                lines.append("    v%d = iconst.i64 0" % v)
                acc, v = v, v + 1
                for x, t in zip(second + first, types + types):
                    y, v = as_i64(lines, v, x, t)
                    lines += ["    v%d = iconst.i64 31" % v,
                              "    v%d = imul v%d, v%d" % (v + 1, acc, v),
                              "    v%d = iadd v%d, v%d" % (v + 2, v + 1, y)]
                    acc, v = v + 2, v + 3
                lines += ["    return v%d" % acc, "}"]
                f.raw("\n".join(lines))
                a, b = pick.next(), pick.next()
                h = hash_of(types + types, [b ^ k for k in keys] + [a ^ k for k in keys])
                f.raw_run("take%d_%s" % (n, conv), ["i64", "i64"], [a, b], ["i64"], [h])
        total += f.save()
    return total


def conventions():
    f = File("call_conventions", "Every convention calls every other, through three levels, with "
             "values alive across each call.", PLAIN, source=SOURCE)
    for c in CONVENTIONS:
        f.raw("""
function %%leaf_%s(i64, f64) -> i64, f64 %s {
block0(v0: i64, v1: f64):
    v2 = iconst.i64 3
    v3 = imul v0, v2
    v4 = fadd v1, v1
    return v3, v4
}
""" % (c, c))
    for b in CONVENTIONS:
        for c in CONVENTIONS:
            f.raw("""
function %%middle_%s_%s(i64, f64) -> i64, f64 %s {
    fn0 = %%leaf_%s(i64, f64) -> i64, f64 %s
block0(v0: i64, v1: f64):
    v2, v3 = call fn0(v0, v1)
    v4, v5 = call fn0(v2, v3)
    v6 = iadd v4, v0
    v7 = fadd v5, v1
    return v6, v7
}
""" % (b, c, b, c, c))
    for a in CONVENTIONS:
        for b in CONVENTIONS:
            for c in CONVENTIONS:
                f.raw("""
function %%top_%s_%s_%s(i64, f64) -> i64, f64 %s {
    fn0 = %%middle_%s_%s(i64, f64) -> i64, f64 %s
block0(v0: i64, v1: f64):
    v10 = iconst.i64 1000
    v11 = iadd v0, v10
    v12 = imul v0, v10
    v13 = bnot v0
    v14 = fneg v1
    v2, v3 = call fn0(v0, v1)
    v4, v5 = call fn0(v11, v14)
    v6 = iadd v2, v4
    v7 = iadd v6, v12
    v8 = bxor v7, v13
    v9 = fsub v3, v5
    return v8, v9
}
; run: %%top_%s_%s_%s(7, 0x1.0p0) == [%d, 0x1.4p3]
""" % (a, b, c, a, b, c, b, a, b, c, (70 + 10070 + 7000) ^ ~7))
    return f.save()


def indirect():
    f = File("call_indirect", "Calls through func_addr, through a table of pointers in memory, in "
             "every convention.", PLAIN, source=SOURCE)
    for conv in CONVENTIONS:
        f.raw("""
function %%add_%(c)s(i32, i32) -> i32 %(c)s {
block0(v0: i32, v1: i32):
    v2 = iadd v0, v1
    return v2
}

function %%sub_%(c)s(i32, i32) -> i32 %(c)s {
block0(v0: i32, v1: i32):
    v2 = isub v0, v1
    return v2
}

function %%mul_%(c)s(i32, i32) -> i32 %(c)s {
block0(v0: i32, v1: i32):
    v2 = imul v0, v1
    return v2
}

function %%choose_%(c)s(i32, i32, i32) -> i32 {
    sig0 = (i32, i32) -> i32 %(c)s
    fn0 = %%add_%(c)s sig0
    fn1 = %%sub_%(c)s sig0
block0(v0: i32, v1: i32, v2: i32):
    v3 = func_addr.i64 fn0
    v4 = func_addr.i64 fn1
    v5 = select v0, v3, v4
    v6 = call_indirect sig0, v5(v1, v2)
    v7 = iadd v6, v0
    return v7
}
; run: %%choose_%(c)s(0, 10, 3) == 7
; run: %%choose_%(c)s(1, 10, 3) == 14
; run: %%choose_%(c)s(256, 10, 3) == 269

function %%table_%(c)s(i64, i32, i32) -> i32 {
    ss0 = explicit_slot 24, align = 8
    sig0 = (i32, i32) -> i32 %(c)s
    fn0 = %%add_%(c)s sig0
    fn1 = %%sub_%(c)s sig0
    fn2 = colocated %%mul_%(c)s sig0
block0(v0: i64, v1: i32, v2: i32):
    v3 = stack_addr.i64 ss0
    v4 = func_addr.i64 fn0
    store v4, v3
    v5 = func_addr.i64 fn1
    store v5, v3+8
    v6 = func_addr.i64 fn2
    store v6, v3+16
    v7 = iconst.i8 3
    v8 = ishl v0, v7
    v9 = iadd v3, v8
    v10 = load.i64 v9
    v11 = call_indirect sig0, v10(v1, v2)
    v12 = call_indirect sig0, v10(v11, v1)
    return v12
}
; run: %%table_%(c)s(0, 5, 6) == 16
; run: %%table_%(c)s(1, 5, 6) == -6
; run: %%table_%(c)s(2, 5, 6) == 150

; The same function has one address.
function %%address_%(c)s() -> i8 {
    sig0 = (i32, i32) -> i32 %(c)s
    fn0 = %%add_%(c)s sig0
    fn1 = %%add_%(c)s sig0
    fn2 = %%sub_%(c)s sig0
block0:
    v0 = func_addr.i64 fn0
    v1 = func_addr.i64 fn1
    v2 = func_addr.i64 fn2
    v3 = icmp eq v0, v1
    v4 = icmp ne v0, v2
    v5 = band v3, v4
    return v5
}
; run: %%address_%(c)s() == 1
""" % {"c": conv})
    many = SHAPES[-1]
    f.raw("\n".join(hashing_callee("many", many, "system_v")))
    lines = ["function %%call_many(%s) -> i64 {" % ", ".join(many),
             "    sig0 = (%s) -> i64 system_v" % ", ".join(many), "    fn0 = %many sig0",
             "block0(%s):" % ", ".join("v%d: %s" % (i, t) for i, t in enumerate(many)),
             "    v100 = func_addr.i64 fn0",
             "    v101 = call_indirect sig0, v100(%s)" % ", ".join("v%d" % i
                                                                  for i in range(len(many))),
             "    return v101", "}"]
    f.raw("\n".join(lines))
    pick = Picker(5)
    vals = [value_of(t, pick) for t in many]
    f.raw_run("call_many", many, vals, ["i64"], [hash_of(many, vals)])
    return f.save()


def generate():
    return arguments() + extensions() + results() + conventions() + indirect()


if __name__ == "__main__":
    print(generate())
