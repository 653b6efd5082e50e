"""gen_int.py - integer arithmetic, logic, shifts, counts, comparison and overflow."""
from clifgen import (BITS, File, INTS, PLAIN, Picker, X86_BASE, X86_SSE42, A64, const, int_edges,
                     int_text, mask, pairs, signed, smax, smin, unsigned, width)

SOURCE = "gen_int.py"


def u(ty, x):
    return unsigned(ty, x)


def s(ty, x):
    return signed(ty, x)


BINARY = {
    "iadd": lambda t, a, b: a + b,
    "isub": lambda t, a, b: a - b,
    "imul": lambda t, a, b: a * b,
    "umulhi": lambda t, a, b: u(t, a) * u(t, b) >> width(t),
    "smulhi": lambda t, a, b: s(t, a) * s(t, b) >> width(t),
    "smin": lambda t, a, b: min(s(t, a), s(t, b)),
    "smax": lambda t, a, b: max(s(t, a), s(t, b)),
    "umin": lambda t, a, b: min(u(t, a), u(t, b)),
    "umax": lambda t, a, b: max(u(t, a), u(t, b)),
    "band": lambda t, a, b: a & b,
    "bor": lambda t, a, b: a | b,
    "bxor": lambda t, a, b: a ^ b,
}


def trunc_div(a, b):
    q = abs(a) // abs(b)
    return q if (a < 0) == (b < 0) else -q


def udiv(t, a, b):
    return "int_divz" if u(t, b) == 0 else u(t, a) // u(t, b)


def urem(t, a, b):
    return "int_divz" if u(t, b) == 0 else u(t, a) % u(t, b)


def sdiv(t, a, b):
    a, b = s(t, a), s(t, b)
    if b == 0:
        return "int_divz"
    if a == smin(t) and b == -1:
        return "int_ovf"
    return trunc_div(a, b)


def srem(t, a, b):
    a, b = s(t, a), s(t, b)
    return "int_divz" if b == 0 else a - trunc_div(a, b) * b


DIVISION = {"udiv": udiv, "urem": urem, "sdiv": sdiv, "srem": srem}


def with_constants(f, op, fun, ty, pick, constants, nvals):
    """op with a constant on the right, then on the left, and both constant."""
    for n, k in enumerate(constants):
        vals = pick.sample([0, 1, -1, smin(ty), smax(ty), pick.bits(ty), pick.bits(ty)], nvals)
        f.fn("%s_%s_k%d" % (op, ty, n), [ty], [ty],
             ["v1 = " + const(ty, k), "v2 = %s v0, v1" % op, "return v2"],
             [(a, fun(ty, a, k)) for a in vals])
        if n % 3 == 1:
            vals = [v for v in vals if not isinstance(fun(ty, k, v), str)] or [1]
            f.fn("%s_%s_left%d" % (op, ty, n), [ty], [ty],
                 ["v1 = " + const(ty, k), "v2 = %s v1, v0" % op, "return v2"],
                 [(a, fun(ty, k, a)) for a in vals])
    for n, (a, b) in enumerate(pairs(ty, pick, 2)):
        f.fn("%s_%s_both%d" % (op, ty, n), [], [ty],
             ["v0 = " + const(ty, a), "v1 = " + const(ty, b), "v2 = %s v0, v1" % op, "return v2"],
             [((), fun(ty, a, b))])


def same_operand(f, op, fun, ty, pick):
    f.fn("%s_%s_same" % (op, ty), [ty], [ty], ["v1 = %s v0, v0" % op, "return v1"],
         [(a, fun(ty, a, a)) for a in (0, 1, -1, smin(ty), pick.bits(ty))])


def arithmetic():
    total = 0
    for op, fun in BINARY.items():
        pick = Picker(sum(map(ord, op)))
        f = File(op, "%s on every width: edge values, constants on either side, x with x." % op,
                 (X86_BASE, X86_SSE42, A64) if op[1:] in ("min", "max") else PLAIN, source=SOURCE)
        for ty in INTS:
            f.fn("%s_%s" % (op, ty), [ty, ty], [ty], ["v2 = %s v0, v1" % op, "return v2"],
                 [((a, b), fun(ty, a, b)) for a, b in pairs(ty, pick, 16)])
            consts = [0, 1, -1, 127 if width(ty) > 8 else 8, smin(ty)]
            if width(ty) == 64:
                consts += [-0x80000000, 0x7fffffff, 0x80000000, 0xffffffff, 0x123456789abcdef0]
            elif width(ty) == 32:
                consts += [128, 0xff, 0xffff, 0x7fffffff]
            else:
                consts += [3, 5, 0x80 if width(ty) == 16 else 16]
            with_constants(f, op, fun, ty, pick, consts, 2)
            same_operand(f, op, fun, ty, pick)
        total += f.save()
    return total


def division():
    total = 0
    for op, fun in DIVISION.items():
        pick = Picker(sum(map(ord, op)))
        f = File(op, "%s on every width: its traps, limits, division by constants." % op,
                 source=SOURCE)
        for ty in INTS:
            vals = pairs(ty, pick, 12) + [(1, 0), (0, 0), (smin(ty), 0), (smin(ty), -1),
                                          (smin(ty), 1), (-1, smin(ty)), (7, 2), (-7, 2), (7, -2),
                                          (-7, -2), (smax(ty), -1), (0, -1)]
            f.fn("%s_%s" % (op, ty), [ty, ty], [ty], ["v2 = %s v0, v1" % op, "return v2"],
                 [((a, b), fun(ty, a, b)) for a, b in vals])
            f.fn("%s_%s_unused" % (op, ty), [ty, ty], [ty], ["v2 = %s v0, v1" % op, "return v0"],
                 [((a, b), r if isinstance(r, str) else a)
                  for a, b, r in [(a, b, fun(ty, a, b)) for a, b in vals[12:20]]])
            consts = [1, -1, 2, 3, 5, 7, 10, 16, smin(ty), smax(ty), -3]
            if width(ty) >= 32:
                consts += [641, 1000000007, 1 << (width(ty) - 2)]
            if width(ty) == 64:
                consts += [0x100000001, 0xccccccccd]
            with_constants(f, op, fun, ty, pick, consts, 2)
            f.fn("%s_%s_zero" % (op, ty), [ty], [ty],
                 ["v1 = iconst.%s 0" % ty, "v2 = %s v0, v1" % op, "return v2"],
                 [(0, "int_divz"), (5, "int_divz"), (smin(ty), "int_divz")])
            f.fn("%s_%s_of_zero" % (op, ty), [ty], [ty],
                 ["v1 = iconst.%s 0" % ty, "v2 = %s v1, v0" % op, "return v2"],
                 [(3, 0), (-1, 0), (0, "int_divz")])
            f.fn("%s_%s_by_itself" % (op, ty), [ty], [ty], ["v1 = %s v0, v0" % op, "return v1"],
                 [(a, fun(ty, a, a)) for a in (0, 1, -1, smin(ty), smax(ty))])
        f.fn("%s_pair_i64" % op, ["i64", "i64"], ["i64", "i64"],
             ["v2 = %s v0, v1" % op, "v3 = %s v0, v1" % {"udiv": "urem", "urem": "udiv",
              "sdiv": "srem", "srem": "sdiv"}[op], "return v2, v3"],
             [((a, b), (fun("i64", a, b), DIVISION[{"udiv": "urem", "urem": "udiv",
               "sdiv": "srem", "srem": "sdiv"}[op]]("i64", a, b)))
              for a, b in [(100, 7), (-100, 7), (100, -7), (1 << 40, 3), (-1, 10)]])
        total += f.save()
    return total


def rotl(t, a, n):
    w = width(t)
    n %= w
    a = u(t, a)
    return (a << n | a >> (w - n)) if n else a


SHIFTS = {
    "ishl": lambda t, a, n: a << (n % width(t)),
    "ushr": lambda t, a, n: u(t, a) >> (n % width(t)),
    "sshr": lambda t, a, n: s(t, a) >> (n % width(t)),
    "rotl": rotl,
    "rotr": lambda t, a, n: rotl(t, a, -n),
}


def shifts():
    total = 0
    for ty in INTS:
        pick = Picker(width(ty) + 5)
        f = File("shifts_" + ty, "Shifts and rotates of %s: amounts beyond the width, of every "
                 "type, constant amounts." % ty, BITS, source=SOURCE)
        w = width(ty)
        for op, fun in SHIFTS.items():
            for aty in INTS:
                amounts = [0, 1, w - 1, w, w + 1, 31, 32, 33, 63, 64, 65, 127, -1, smin(aty)]
                if width(aty) > 8:
                    amounts += [0x100, 0x101, 0x107]
                if width(aty) > 32:
                    amounts += [1 << 32, (1 << 40) + 3]
                keep = amounts if aty == ty else pick.sample(amounts, 6)
                vals = [smin(ty), -1, smax(ty), 1, int("a5" * (w // 8), 16)]
                runs = []
                for n in keep:
                    a = pick.choice(vals + [pick.bits(ty)])
                    runs.append(((a, n), fun(ty, a, u(aty, n))))
                f.fn("%s_%s_by_%s" % (op, ty, aty), [ty, aty], [ty],
                     ["v2 = %s v0, v1" % op, "return v2"], runs)
            for n, k in enumerate([0, 1, 3, w // 2, w - 1, w, w + 2, 255]):
                aty = pick.choice(INTS)
                vals = [smin(ty) | 1, pick.bits(ty)]
                f.fn("%s_%s_k%d" % (op, ty, n), [ty], [ty],
                     ["v1 = " + const(aty, k), "v2 = %s v0, v1" % op, "return v2"],
                     [(a, fun(ty, a, u(aty, k))) for a in vals])
            f.fn("%s_%s_of_constant" % (op, ty), [ty], [ty],
                 ["v1 = " + const(ty, smin(ty) | 0x55), "v2 = %s v1, v0" % op, "return v2"],
                 [(n, fun(ty, smin(ty) | 0x55, n)) for n in (0, 1, w - 1, w, 2 * w - 1)])
        total += f.save()
    return total


def cls(t, a):
    a = s(t, a)
    return width(t) - 1 - (a if a >= 0 else ~a).bit_length()


UNARY = {
    "ineg": lambda t, a: -a,
    "iabs": lambda t, a: abs(s(t, a)),
    "bnot": lambda t, a: ~a,
    "clz": lambda t, a: width(t) - u(t, a).bit_length(),
    "cls": cls,
    "ctz": lambda t, a: width(t) if u(t, a) == 0 else (u(t, a) & -u(t, a)).bit_length() - 1,
    "popcnt": lambda t, a: bin(u(t, a)).count("1"),
    "bitrev": lambda t, a: int(format(u(t, a), "0%db" % width(t))[::-1], 2),
    "bswap": lambda t, a: int.from_bytes(u(t, a).to_bytes(width(t) // 8, "little"), "big"),
}


def unary():
    total = 0
    for op, fun in UNARY.items():
        pick = Picker(sum(map(ord, op)))
        f = File(op, "%s on every width." % op, BITS, source=SOURCE)
        for ty in INTS:
            if op == "bswap" and ty == "i8":
                continue
            vals = pick.sample(int_edges(ty), 10) + [0, -1] + [pick.bits(ty) for _ in range(3)]
            vals += [1 << (width(ty) - 2), 0xf0 & mask(ty), smin(ty) >> 1]
            f.fn("%s_%s" % (op, ty), [ty], [ty], ["v1 = %s v0" % op, "return v1"],
                 [(a, fun(ty, a)) for a in vals])
            k = pick.bits(ty)
            f.fn("%s_%s_constant" % (op, ty), [], [ty],
                 ["v0 = " + const(ty, k), "v1 = %s v0" % op, "return v1"], [((), fun(ty, k))])
            f.fn("%s_%s_twice" % (op, ty), [ty], [ty],
                 ["v1 = %s v0" % op, "v2 = %s v1" % op, "return v2"],
                 [(a, fun(ty, fun(ty, a))) for a in (0, 1, -1, smin(ty), pick.bits(ty))])
        total += f.save()
    return total


CONDITIONS = {
    "eq": lambda t, a, b: u(t, a) == u(t, b),
    "ne": lambda t, a, b: u(t, a) != u(t, b),
    "slt": lambda t, a, b: s(t, a) < s(t, b),
    "sge": lambda t, a, b: s(t, a) >= s(t, b),
    "sgt": lambda t, a, b: s(t, a) > s(t, b),
    "sle": lambda t, a, b: s(t, a) <= s(t, b),
    "ult": lambda t, a, b: u(t, a) < u(t, b),
    "uge": lambda t, a, b: u(t, a) >= u(t, b),
    "ugt": lambda t, a, b: u(t, a) > u(t, b),
    "ule": lambda t, a, b: u(t, a) <= u(t, b),
}


def compare():
    total = 0
    for ty in INTS:
        pick = Picker(width(ty) + 77)
        f = File("icmp_" + ty, "Every condition of icmp on %s: as a value, in brif, select, trapz "
                 "and trapnz, with constants, with a second use." % ty, source=SOURCE)
        for cc, fun in CONDITIONS.items():
            telling = [(0, 0), (smin(ty), smax(ty)), (-1, 0), (1, -1), (smin(ty), smin(ty))]
            vals = telling + pick.sample(pairs(ty, pick, 12), 3)
            cmp = "v2 = icmp %s v0, v1" % cc
            r = [(v, int(fun(ty, *v))) for v in vals]
            name = "%s_%s" % (cc, ty)
            f.fn("value_" + name, [ty, ty], ["i8"], [cmp, "return v2"], r)
            f.fn("branch_" + name, [ty, ty], ["i32"],
                 [cmp, "brif v2, block1, block2", "block1:", "v3 = iconst.i32 11", "return v3",
                  "block2:", "v4 = iconst.i32 22", "return v4"],
                 [(v, 11 if x else 22) for v, x in r[1:6]])
            f.fn("select_" + name, [ty, ty], [ty], [cmp, "v3 = select v2, v0, v1", "return v3"],
                 [(v, v[0] if x else v[1]) for v, x in r[1:5]])
            f.fn("trapz_" + name, [ty, ty], ["i8"], [cmp, "trapz v2, user7", "return v2"],
                 [(v, 1 if x else "user7") for v, x in r[:4]])
            f.fn("trapnz_" + name, [ty, ty], ["i8"], [cmp, "trapnz v2, user250", "return v2"],
                 [(v, "user250" if x else 0) for v, x in r[:4]])
            f.fn("twice_" + name, [ty, ty], ["i32", "i8"],
                 [cmp, "v3 = iconst.i32 5", "v4 = iconst.i32 -6", "v5 = select v2, v3, v4",
                  "brif v2, block1, block2", "block1:", "return v5, v2", "block2:",
                  "v6 = bnot v2", "return v5, v6"],
                 [(v, (5, 1) if x else (-6, -1)) for v, x in r[1:4]])
            k = pick.choice([0, 0, 1, -1, smin(ty), smax(ty), 100])
            f.fn("constant_" + name, [ty], ["i8"],
                 ["v1 = " + const(ty, k), "v2 = icmp %s v0, v1" % cc, "return v2"],
                 [(a, int(fun(ty, a, k))) for a in (k, k + 1, k - 1, smin(ty), -1)])
            f.fn("left_constant_" + name, [ty], ["i8"],
                 ["v1 = " + const(ty, k), "v2 = icmp %s v1, v0" % cc, "return v2"],
                 [(a, int(fun(ty, k, a))) for a in (k, k + 1, k - 1)])
            f.fn("negated_" + name, [ty, ty], ["i8", "i8"],
                 [cmp, "v3 = iconst.i8 0", "v4 = icmp eq v2, v3", "v5 = icmp ne v2, v3",
                  "return v4, v5"], [(v, (1 - x, x)) for v, x in r[1:4]])
        total += f.save()
    return total


def overflow_row(ty, kind, op, a, b, c):
    v = u if kind == "u" else s
    x, y = v(ty, a), v(ty, b)
    r = x + y + c if op == "add" else x - y - c if op == "sub" else x * y
    low, high = (0, mask(ty)) if kind == "u" else (smin(ty), smax(ty))
    return r, int(not low <= r <= high)


def overflow():
    total = 0
    for op in ("add", "sub", "mul"):
        f = File("overflow_" + op, "u%s_overflow and s%s_overflow: results, flags, uses of the "
                 "flag in branch, select and trap." % (op, op), source=SOURCE)
        for kind in "us":
            for ty in INTS:
                pick = Picker(width(ty) + ord(kind) + ord(op[0]))
                vals = pairs(ty, pick, 15)
                root = 1 << (width(ty) // 2)
                vals += [(root, root), (root, root - 1), (root, root // 2), (-root, root // 2),
                         (smin(ty), 2), (smin(ty), -1), (smax(ty), 2)]
                name = "%s%s_overflow" % (kind, op)
                inst = "v2, v3 = %s v0, v1" % name
                rows = [(v, overflow_row(ty, kind, op, *v, 0)) for v in vals]
                f.fn("%s_%s" % (name, ty), [ty, ty], [ty, "i8"], [inst, "return v2, v3"], rows)
                few = pick.sample(rows, 4)
                f.fn("%s_%s_flag" % (name, ty), [ty, ty], ["i8"], [inst, "return v3"],
                     [(v, r[1]) for v, r in few])
                f.fn("%s_%s_branch" % (name, ty), [ty, ty], [ty],
                     [inst, "brif v3, block1, block2(v2)", "block1:", "v4 = iconst.%s 77" % ty,
                      "jump block2(v4)", "block2(v5: %s):" % ty, "return v5"],
                     [(v, 77 if r[1] else r[0]) for v, r in few])
                f.fn("%s_%s_trap" % (name, ty), [ty, ty], [ty],
                     [inst, "trapnz v3, int_ovf", "return v2"],
                     [(v, "int_ovf" if r[1] else r[0]) for v, r in few])
                f.fn("%s_%s_select" % (name, ty), [ty, ty], [ty],
                     [inst, "v4 = select v3, v0, v2", "return v4"],
                     [(v, v[0] if r[1] else r[0]) for v, r in few])
                k = pick.choice([1, -1, 3, smin(ty)])
                f.fn("%s_%s_constant" % (name, ty), [ty], [ty, "i8"],
                     ["v1 = " + const(ty, k), inst, "return v2, v3"],
                     [(a, overflow_row(ty, kind, op, a, k, 0)) for a in (0, 1, -1, smin(ty),
                                                                         smax(ty))])
        total += f.save()
    f = File("overflow_carry", "Addition with carry in and out, subtraction with borrow; any "
             "non-zero carry counts as one.", source=SOURCE)
    for name, kind, op in (("uadd_overflow_cin", "u", "add"), ("sadd_overflow_cin", "s", "add"),
                           ("usub_overflow_bin", "u", "sub"), ("ssub_overflow_bin", "s", "sub")):
        for ty in INTS:
            pick = Picker(width(ty) + ord(kind) + ord(op[0]) + 9)
            vals = [(a, b, c) for a in (0, -1, smin(ty), smax(ty)) for b in (0, -1, smax(ty))
                    for c in (0, 1)]
            vals += [(pick.bits(ty), pick.bits(ty), c) for c in (0, 1, 2, 0x80, 0xfe, 0xff)]
            f.fn("%s_%s" % (name, ty), [ty, ty, "i8"], [ty, "i8"],
                 ["v3, v4 = %s v0, v1, v2" % name, "return v3, v4"],
                 [(v, overflow_row(ty, kind, op, v[0], v[1], int(v[2] != 0))) for v in vals])
    for ty in INTS:
        w = width(ty)
        def wide(a, b, sign):
            r = (a + b if sign > 0 else a - b) % (1 << 2 * w)
            return (r & mask(ty), r >> w)
        for first, second, sign in (("uadd_overflow", "uadd_overflow_cin", 1),
                                    ("usub_overflow", "usub_overflow_bin", -1)):
            pick = Picker(w)
            runs = []
            for _ in range(8):
                a, b = [pick.choice([0, 1, mask(ty), (1 << 2 * w) - 1, 1 << w,
                                     pick.bits(ty) << w | pick.bits(ty)]) for _ in "ab"]
                runs.append(((a & mask(ty), a >> w, b & mask(ty), b >> w), wide(a, b, sign)))
            f.fn("chain_%s_%s" % (first, ty), [ty] * 4, [ty, ty],
                 ["v4, v5 = %s v0, v2" % first, "v6, v7 = %s v1, v3, v5" % second,
                  "return v4, v6"], runs)
    total += f.save()
    f = File("uadd_overflow_trap", "uadd_overflow_trap: sum or trap, with every kind of code, "
             "constants, unused results.", source=SOURCE)
    for ty in ("i32", "i64"):
        pick = Picker(width(ty) + 1)
        vals = pairs(ty, pick, 20)
        row = lambda a, b, code: code if u(ty, a) + u(ty, b) > mask(ty) else a + b
        for code in ("heap_oob", "int_ovf", "user1", "user250"):
            f.fn("trap_%s_%s" % (code, ty), [ty, ty], [ty],
                 ["v2 = uadd_overflow_trap v0, v1, " + code, "return v2"],
                 [(v, row(*v, code)) for v in pick.sample(vals, 9)])
        for n, k in enumerate([0, 1, -1, 127, 128, smax(ty), 0x7fffffff, -0x80000000]):
            f.fn("constant_%s_%d" % (ty, n), [ty], [ty],
                 ["v1 = " + const(ty, k), "v2 = uadd_overflow_trap v%d, v%d, user9" %
                  (n % 2, 1 - n % 2), "return v2"],
                 [(a, row(a, k, "user9")) for a in (0, 1, -1, -k, -k - 1)])
        f.fn("unused_" + ty, [ty, ty], [ty],
             ["v2 = uadd_overflow_trap v0, v1, user3", "return v0"],
             [((1, 2), 1), ((-1, 1), "user3"), ((smin(ty), smin(ty)), "user3")])
    return total + f.save()


def select():
    f = File("select", "select and select_spectre_guard with conditions of every integer type, "
             "non-zero in any single bit; values of every type.", source=SOURCE)
    for op in ("select", "select_spectre_guard"):
        for cty in INTS:
            conds = [0, 1, -1, smin(cty), 0x80, 0x10] + [1 << (width(cty) - 2)]
            if width(cty) > 8:
                conds += [0x100, 0xff00]
            if width(cty) > 16:
                conds += [0x10000]
            if width(cty) > 32:
                conds += [1 << 32, 1 << 63]
            for vty in INTS:
                f.fn("%s_%s_if_%s" % (op, vty, cty), [cty, vty, vty], [vty],
                     ["v3 = %s v0, v1, v2" % op, "return v3"],
                     [((c, 3, smin(vty)), 3 if u(cty, c) else smin(vty)) for c in conds])
        f.fn("%s_chain" % op, ["i32", "i32", "i32"], ["i32"],
             ["v3 = icmp slt v0, v1", "v4 = %s v3, v0, v1" % op, "v5 = icmp slt v4, v2",
              "v6 = %s v5, v4, v2" % op, "return v6"],
             [(v, min(v)) for v in [(1, 2, 3), (3, 1, 2), (2, 3, -1), (-5, -5, 0)]])
        f.fn("%s_same" % op, ["i32", "i32"], ["i32"], ["v2 = %s v0, v1, v1" % op, "return v2"],
             [((0, 5), 5), ((1, 6), 6)])
    for op in ("brif", "trapz", "trapnz"):
        for cty in INTS:
            conds = [0, 1, 2, smin(cty), 0x80, -1, 1 << (width(cty) - 2)]
            if width(cty) > 8:
                conds += [0x100]
            if width(cty) > 32:
                conds += [1 << 32]
            name = "%s_%s" % (op, cty)
            if op == "brif":
                f.fn(name, [cty], ["i8"], ["brif v0, block1, block2", "block1:",
                     "v1 = iconst.i8 1", "return v1", "block2:", "v2 = iconst.i8 0", "return v2"],
                     [(c, int(u(cty, c) != 0)) for c in conds])
            else:
                f.fn(name, [cty], [cty], ["%s v0, user12" % op, "return v0"],
                     [(c, "user12" if (u(cty, c) != 0) == (op == "trapnz") else c) for c in conds])
    return f.save()


def bitwise():
    f = File("bitselect", "bitselect chooses bit by bit; masks of all kinds, complements that "
             "other instruction sets fuse.", BITS, source=SOURCE)
    for ty in INTS:
        pick = Picker(width(ty) + 31)
        row = lambda c, x, y: c & x | ~c & y
        vals = [(0, 1, 2), (-1, 1, 2), (smin(ty), -1, 0), (0x55, -1, 0), (0xf, smin(ty), smax(ty))]
        vals += [tuple(pick.bits(ty) for _ in range(3)) for _ in range(7)]
        f.fn("bitselect_" + ty, [ty] * 3, [ty], ["v3 = bitselect v0, v1, v2", "return v3"],
             [(v, row(*v)) for v in vals])
        for n, k in enumerate([0, -1, 0xf, smin(ty)]):
            f.fn("bitselect_%s_mask%d" % (ty, n), [ty, ty], [ty],
                 ["v2 = " + const(ty, k), "v3 = bitselect v2, v0, v1", "return v3"],
                 [(v, row(k, *v)) for v in [(1, 2), (-1, 0), (pick.bits(ty), pick.bits(ty))]])
        two = [(v[0], v[1]) for v in vals[3:]]
        for op, fun in (("band", lambda a, b: a & ~b), ("bor", lambda a, b: a | ~b),
                        ("bxor", lambda a, b: a ^ ~b)):
            f.fn("%s_not_%s" % (op, ty), [ty, ty], [ty],
                 ["v2 = bnot v1", "v3 = %s v0, v2" % op, "return v3"],
                 [(v, fun(*v)) for v in two])
            f.fn("not_%s_%s" % (op, ty), [ty, ty], [ty],
                 ["v2 = bnot v0", "v3 = %s v2, v1" % op, "return v3"],
                 [(v, fun(v[1], v[0])) for v in two[:4]])
        one = [0, 1, -1, smin(ty), 6, pick.bits(ty), pick.bits(ty)]
        f.fn("lowest_bit_" + ty, [ty], [ty], ["v1 = ineg v0", "v2 = band v0, v1", "return v2"],
             [(a, a & -a) for a in one])
        f.fn("clear_lowest_" + ty, [ty], [ty],
             ["v1 = iconst.%s -1" % ty, "v2 = iadd v0, v1", "v3 = band v0, v2", "return v3"],
             [(a, a & (a - 1)) for a in one])
        f.fn("below_lowest_" + ty, [ty], [ty],
             ["v1 = iconst.%s 1" % ty, "v2 = isub v0, v1", "v3 = bxor v0, v2", "return v3"],
             [(a, a ^ (a - 1)) for a in one])
    total = f.save()
    f = File("bmask", "bmask between every pair of integer types.", source=SOURCE)
    for a in INTS:
        for b in INTS:
            vals = [0, 1, -1, smin(a), 0x80, 1 << (width(a) - 2)]
            if width(a) > 8:
                vals += [0x100]
            if width(a) > 32:
                vals += [1 << 32]
            f.fn("bmask_%s_to_%s" % (a, b), [a], [b], ["v1 = bmask.%s v0" % b, "return v1"],
                 [(x, -int(u(a, x) != 0)) for x in vals])
        f.fn("bmask_of_compare_" + a, [a, a], [a],
             ["v2 = icmp ult v0, v1", "v3 = bmask.%s v2" % a, "return v3"],
             [((1, 2), -1), ((2, 1), 0), ((-1, 0), 0), ((0, -1), -1)])
    return total + f.save()


def constants():
    f = File("iconst", "Integer constants at the edges of every immediate form, literals with "
             "either sign and in either base.", source=SOURCE)
    for ty in INTS:
        w = width(ty)
        vals = {0, 1, -1, smin(ty), smax(ty), smin(ty) + 1, 127, -128, 128 & mask(ty), 255}
        for b in (8, 12, 15, 16, 24, 31, 32, 33, 47, 48, 63):
            if b < w:
                vals |= {1 << b, (1 << b) - 1, -(1 << b), (1 << b) + 1, ~(1 << b)}
        if w == 64:
            vals |= {0x5555555555555555, 0xffff0000ffff0000, 0xfffffffffffff001 - (1 << 64),
                     0x123456789abcdef0, 0x00ff00ff00ff00ff, 0xffff0000, 0x10001, 0xffff1234}
        for n, k in enumerate(sorted({unsigned(ty, v) for v in vals})):
            forms = [int_text(ty, k), str(signed(ty, k)), "0x%x" % k, "%d" % k]
            lit = forms[n % 3]
            f.names.add("k%d" % n)
            f.raw("function %%const_%s_%d() -> %s {\nblock0:\n    v0 = iconst.%s %s\n    return v0\n"
                  "}\n; run: %%const_%s_%d() == %s" % (ty, n, ty, ty, lit, ty, n, int_text(ty, k)))
    return f.save()


def halves():
    f = File("halves", "isplit and iconcat of up to 64 bits: low half first.", source=SOURCE)
    for ty, half in (("i16", "i8"), ("i32", "i16"), ("i64", "i32")):
        w = width(half)
        pick = Picker(w)
        vals = pick.sample(int_edges(ty), 7) + [pick.bits(ty) for _ in range(3)]
        f.fn("isplit_" + ty, [ty], [half, half], ["v1, v2 = isplit v0", "return v1, v2"],
             [(a, (a, u(ty, a) >> w)) for a in vals])
        pairs_ = [(u(half, a), u(half, pick.bits(half))) for a in vals]
        f.fn("iconcat_" + half, [half, half], [ty], ["v2 = iconcat v0, v1", "return v2"],
             [(v, v[0] | v[1] << w) for v in pairs_])
        f.fn("swapped_" + ty, [ty], [ty], ["v1, v2 = isplit v0", "v3 = iconcat v2, v1",
             "return v3"], [(a, rotl(ty, a, w)) for a in vals])
        f.fn("joined_garbage_" + ty, ["i64", "i64"], [ty],
             ["v2 = ireduce.%s v0" % half, "v3 = ireduce.%s v1" % half, "v4 = iconcat v2, v3",
              "return v4"],
             [(v, u(half, v[0]) | u(half, v[1]) << w)
              for v in [(-1, 0), (0, -1), (pick.next(), pick.next())]])
    return f.save()


def generate():
    return (arithmetic() + division() + shifts() + unary() + compare() + overflow() + select() +
            bitwise() + constants() + halves())


if __name__ == "__main__":
    print(generate())
