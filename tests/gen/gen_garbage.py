"""gen_garbage.py - narrow values with garbage above their width, and generated expressions."""
import exactfloat as xf
import gen_int
from clifgen import BITS, FLOATING, FLOATS, File, INTS, Picker, run_line, smax, smin, width
from evalfn import Builder

SOURCE = "gen_garbage.py"
NARROW = ("i8", "i16", "i32")


def makers(b, ty):
    """Ways to a value of type ty with rubbish above it; each yields (name, value)."""
    return {
        "reduced": lambda: b.ireduce(ty, 0),
        "sum": lambda: b.op("iadd", b.ireduce(ty, 0), b.ireduce(ty, 1)),
        "product": lambda: b.op("imul", b.ireduce(ty, 0), b.ireduce(ty, 1)),
        "negated": lambda: b.unary("ineg", b.ireduce(ty, 0)),
        "inverted": lambda: b.unary("bnot", b.ireduce(ty, 1)),
        "shifted": lambda: b.op("ishl", b.ireduce(ty, 0), b.const("i8", 3)),
        "selected": lambda: b.select(0, b.ireduce(ty, 0), b.ireduce(ty, 1)),
        "multiplied": lambda: b.ireduce(ty, b.op("imul", 0, 1)),
    }


def uses(b, v, other):
    """Instructions that must not see the rubbish; each yields its result."""
    ty = b.types[v]
    out = {
        "uextend": lambda: b.uextend("i64", v),
        "sextend": lambda: b.sextend("i64", v),
        "eq": lambda: b.icmp("eq", v, other),
        "ult": lambda: b.icmp("ult", v, other),
        "sge": lambda: b.icmp("sge", v, other),
        "eq_zero": lambda: b.icmp("eq", v, b.const(ty, 0)),
        "sgt_const": lambda: b.icmp("sgt", v, b.const(ty, -5)),
        "ugt_const": lambda: b.icmp("ugt", v, b.const(ty, 5)),
        "slt_zero": lambda: b.icmp("slt", v, b.const(ty, 0)),
        "udiv": lambda: b.op("udiv", v, b.op("bor", other, b.const(ty, 1))),
        "sdiv": lambda: b.op("sdiv", v, b.const(ty, 7)),
        "urem": lambda: b.op("urem", b.const(ty, 100), b.op("bor", v, b.const(ty, 1))),
        "srem": lambda: b.op("srem", v, b.const(ty, 10)),
        "ushr": lambda: b.op("ushr", v, b.const("i8", 2)),
        "sshr": lambda: b.op("sshr", v, b.const("i32", 1)),
        "rotl": lambda: b.op("rotl", v, b.const("i64", 3)),
        "rotr": lambda: b.op("rotr", v, other),
        "amount": lambda: b.op("ishl", b.const("i64", 5), v),
        "amount_narrow": lambda: b.op("ushr", b.const(ty, -1), v),
        "clz": lambda: b.unary("clz", v),
        "cls": lambda: b.unary("cls", v),
        "ctz": lambda: b.unary("ctz", v),
        "popcnt": lambda: b.unary("popcnt", v),
        "bitrev": lambda: b.unary("bitrev", v),
        "iabs": lambda: b.unary("iabs", v),
        "umulhi": lambda: b.op("umulhi", v, other),
        "smulhi": lambda: b.op("smulhi", v, other),
        "smin": lambda: b.op("smin", v, other),
        "umax": lambda: b.op("umax", v, other),
        "select": lambda: b.select(v, b.const("i32", 1), b.const("i32", 2)),
        "guard": lambda: b.select(v, b.const("i32", 1), b.const("i32", 2),
                                  "select_spectre_guard"),
        "bmask": lambda: b.bmask("i64", v),
        "from_sint": lambda: b.from_int("f64", v, True),
        "from_uint": lambda: b.from_int("f32", v, False),
        "uadd_overflow": lambda: b.overflow("uadd_overflow", v, other)[1],
        "ssub_overflow": lambda: b.overflow("ssub_overflow", v, other)[1],
        "umul_overflow": lambda: b.overflow("umul_overflow", v, other)[1],
        "smul_overflow": lambda: b.overflow("smul_overflow", v, other)[1],
    }
    if ty != "i8":
        out["bswap"] = lambda: b.unary("bswap", v)
    return out


def garbage():
    total = 0
    for ty in NARROW:
        f = File("garbage_" + ty, "Values of %s with garbage above them in the register, used by "
                 "everything that must not see it." % ty, BITS, source=SOURCE)
        pick = Picker(width(ty) * 3)
        w = width(ty)
        names = list(uses(Builder(["i64", "i64"] * 2 + [ty]), 4, 4))
        ways = list(makers(Builder(["i64", "i64"]), ty))
        args = [(0xffffffffffffff00 & -1 << w | 1, -1), (1 << w, 1 << w), (-1, -1 << w),
                ((0x1234567 << w) | smax(ty), (0x89 << w) | 3), (smin(ty), (1 << 63) | 2),
                (5 << w | 6, 1 << w | 1)]
        for n, use in enumerate(names):
            for way in (ways[n % len(ways)], ways[(n * 3 + 1) % len(ways)]):
                b = Builder(["i64", "i64"])
                v = makers(b, ty)[way]()
                other = makers(b, ty)[ways[(n + 2) % len(ways)]]()
                r = uses(b, v, other)[use]()
                name = "%s_%s" % (use, way)
                if name not in f.names:
                    b.finish(f, name, [r], pick.sample(args, 3) +
                             [(pick.next(), pick.next())])
        for cc in ("eq", "ult", "sle"):
            f.raw(branch_text(ty, cc, pick))
        for code, cond in (("trapz", 0), ("trapnz", 1)):
            f.raw("""
function %%%s_reduced(i64) -> i64 {
block0(v0: i64):
    v1 = ireduce.%s v0
    %s v1, user1
    return v0
}
""" % (code, ty, code))
            for a in (1 << w, -1 << w, 1 << w | 1, 0):
                low = a & ((1 << w) - 1)
                traps = (low != 0) == bool(cond)
                f.raw_run("%s_reduced" % code, ["i64"], [a], ["i64"],
                          "user1" if traps else [a])
        total += f.save()
    return total


def branch_text(ty, cc, pick):
    w = width(ty)
    lines = ["function %%branch_%s(i64, i64) -> i32 {" % cc, "block0(v0: i64, v1: i64):",
             "    v2 = ireduce.%s v0" % ty, "    v3 = ireduce.%s v1" % ty,
             "    v4 = icmp %s v2, v3" % cc, "    brif v4, block1, block2", "block1:",
             "    v5 = iconst.i32 1", "    return v5", "block2:", "    brif v2, block3, block4",
             "block3:", "    v6 = iconst.i32 2", "    return v6", "block4:",
             "    v7 = iconst.i32 3", "    return v7", "}"]
    for a, b in ((7 << w, 3 << w), (1 << w | 5, 5), (-1 << w, 1), (5, 1 << w), (-1 << w, -1),
                 (1 << 63, 1 << w), (pick.next(), pick.next())):
        low = a & ((1 << w) - 1)
        r = 1 if gen_int.CONDITIONS[cc](ty, a, b) else 2 if low else 3
        lines.append(run_line("branch_" + cc, ["i64", "i64"], [a, b], ["i32"], [r]))
    return "\n".join(lines)


def random_value(b, pick, ty):
    """One of the values so far, as type ty."""
    same = [v for v, t in enumerate(b.types) if t == ty]
    if same and pick.below(4):
        recent = same[-6:]
        return pick.choice(recent)
    ints = [v for v, t in enumerate(b.types) if t[0] == "i"]
    return b.resize(ty, pick.choice(ints[-8:]), bool(pick.below(2)))


def random_step(b, pick):
    ty = pick.choice(("i8", "i16", "i32", "i32", "i64", "i64"))
    kind = pick.below(20)
    x = random_value(b, pick, ty)
    if kind < 8:
        op = pick.choice(list(gen_int.BINARY))
        y = random_value(b, pick, ty)
        if pick.below(3) == 0:
            y = b.const(ty, pick.choice([1, -1, 7, 127, 128, -128, 255, smin(ty), pick.bits(ty)]))
        return b.op(op, x, y)
    if kind < 11:
        op = pick.choice(list(gen_int.SHIFTS))
        if pick.below(2):
            n = b.const(pick.choice(INTS), pick.below(70))
        else:
            n = random_value(b, pick, pick.choice(INTS))
        return b.op(op, x, n)
    if kind < 13:
        op = pick.choice([u for u in gen_int.UNARY if u != "bswap" or ty != "i8"])
        return b.unary(op, x)
    if kind < 15:
        return b.icmp(pick.choice(list(gen_int.CONDITIONS)), x, random_value(b, pick, ty))
    if kind < 17:
        c = random_value(b, pick, pick.choice(INTS))
        return b.select(c, x, random_value(b, pick, ty))
    if kind < 18:
        d = b.op("bor", random_value(b, pick, ty), b.const(ty, 1))
        return b.op(pick.choice(["udiv", "urem", "srem"]), x, d)
    if kind < 19:
        return b.bitselect(random_value(b, pick, ty), x, random_value(b, pick, ty))
    return b.overflow(pick.choice("us") + pick.choice(["add", "sub", "mul"]) + "_overflow", x,
                      random_value(b, pick, ty))[pick.below(2)]


def expressions():
    total = 0
    for part in range(4):
        f = File("expressions_%d" % (part + 1), "Generated expressions over all integer types: "
                 "what each instruction leaves above its result meets every consumer.", BITS,
                 source=SOURCE)
        for n in range(45):
            pick = Picker(1000 * part + n + 1)
            params = [pick.choice(INTS) for _ in range(2 + pick.below(3))] + ["i64"]
            b = Builder(params)
            for _ in range(10 + pick.below(8) + 25 * (n % 15 == 14)):
                random_step(b, pick)
            r = len(b.types) - 1
            total64 = b.resize("i64", r)
            for v in pick.sample(range(len(params), len(b.types)), 3):
                total64 = b.op(pick.choice(["bxor", "iadd"]), total64, b.resize("i64", v))
            args = [tuple(pick.choice([0, 1, -1, smin(p), smax(p), pick.bits(p), pick.bits(p)])
                          for p in params) for _ in range(4)]
            b.finish(f, "e%d" % n, [total64], args)
        total += f.save()
    return total


def random_float_step(b, pick):
    ty = pick.choice(FLOATS)
    def val(t):
        same = [v for v, u in enumerate(b.types) if u == t]
        if not same or pick.below(6) == 0:
            return b.const(t, xf.random_float(t, pick))
        return pick.choice(same[-6:])
    kind = pick.below(12)
    if kind < 6:
        return b.fop(pick.choice(list(("fadd", "fsub", "fmul", "fdiv", "fmin", "fmax"))), val(ty),
                     val(ty))
    if kind < 7:
        return b.widen(val("f32"))
    if kind < 8:
        return b.narrow(val("f64"))
    if kind < 9:
        return b.select(b.fcmp(pick.choice(list(xf.CONDITIONS)), val(ty), val(ty)), val(ty),
                        val(ty))
    if kind < 10:
        return b.from_int(ty, b.to_int_sat(pick.choice(("i32", "i64")), val(pick.choice(FLOATS)),
                                           bool(pick.below(2))), bool(pick.below(2)))
    if kind < 11:
        ints = [v for v, t in enumerate(b.types) if t[0] == "i"]
        return b.from_int(ty, pick.choice(ints), bool(pick.below(2)))
    v = val(ty)
    return b.bitcast(ty, b.op("bxor", b.bitcast("i" + ty[1:], v), b.const("i" + ty[1:],
                     1 << (width("i" + ty[1:]) - 1))))


def float_expressions():
    f = File("expressions_float", "Generated expressions over floats and integers, NaNs "
             "canonicalized.", FLOATING, ("enable_nan_canonicalization=true",), SOURCE)
    for n in range(60):
        pick = Picker(5000 + n)
        params = ["f64", "f32", "i64", "i32", pick.choice(FLOATS)]
        b = Builder(params)
        for _ in range(8 + pick.below(9) + 20 * (n % 15 == 14)):
            random_float_step(b, pick)
        r = [len(b.types) - 1]
        args = []
        for _ in range(4):
            args.append(tuple(pick.bits(p) if p[0] == "i" else
                              pick.choice([xf.random_float(p, pick), pick.choice(xf.edges(p))])
                              for p in params))
        if b.types[r[0]][0] == "f":
            b._emit(b.types[r[0]], "%s v%d, v%d" % ("fadd", r[0], r[0]),
                    lambda vals, v=r[0], t=b.types[r[0]]: xf.add(t, vals[v], vals[v]))
            r = [len(b.types) - 1]
        b.finish(f, "e%d" % n, r, args)
    return f.save()


def generate():
    return garbage() + expressions() + float_expressions()


if __name__ == "__main__":
    print(generate())
