"""gen_float.py - float arithmetic, rounding, comparison, bits of NaNs and every conversion."""
from fractions import Fraction

import exactfloat as x
from clifgen import (BITS, File, FLOATING, FLOATS, FUSED, INTS, PLAIN, Picker, X86_BASE, X86_SSE42,
                     X86_AVX, A64, const, mask, signed, smax, smin, width)
from exactfloat import F, edges, nans, random_float

SOURCE = "gen_float.py"
CANON = ("enable_nan_canonicalization=true",)


def sign_of(ty):
    return F[ty].sign


def signed_edges(ty):
    return [e | s for e in edges(ty) for s in (0, sign_of(ty))]


def nan_free(ty, vals, fun):
    return [(v, r) for v, r in ((v, fun(ty, *v)) for v in vals) if not x.is_nan(ty, r)]


def near(ty, pick):
    """A pair whose sum or quotient is close to a rounding boundary."""
    f = F[ty]
    a = random_float(ty, pick) & ~f.sign
    e = max((a >> f.mbits) - f.mbits - 1 + pick.below(3), 0)
    b = e << f.mbits | pick.choice([0, 0, 1, (1 << f.mbits) - 1, 1 << (f.mbits - 1)])
    return a, b | (f.sign if pick.below(2) else 0)


def arithmetic_pairs(ty, pick, n):
    all_edges = signed_edges(ty)
    core = [0, sign_of(ty), F[ty].inf, F[ty].inf | sign_of(ty), F[ty].emax << F[ty].mbits]
    vals = [(a, b) for a in core for b in core]
    vals += pick.sample([(a, b) for a in all_edges for b in all_edges], n)
    vals += [near(ty, pick) for _ in range(n // 3)]
    vals += [(random_float(ty, pick), random_float(ty, pick)) for _ in range(n // 3)]
    return vals


BINARY = {"fadd": x.add, "fsub": x.sub, "fmul": x.mul, "fdiv": x.div, "fmin": x.fmin,
          "fmax": x.fmax}


def binary():
    total = 0
    for op, fun in BINARY.items():
        f = File(op, op + " of f32 and f64 where the result is no NaN.", FLOATING, source=SOURCE)
        g = File(op + "_nan", op + " with NaNs among operands and results, canonicalized.",
                 FLOATING, CANON, SOURCE)
        for ty in FLOATS:
            pick = Picker(sum(map(ord, op)) + width(ty))
            vals = arithmetic_pairs(ty, pick, 42)
            body = ["v2 = %s v0, v1" % op, "return v2"]
            f.fn("%s_%s" % (op, ty), [ty, ty], [ty], body, nan_free(ty, vals, fun))
            for n, k in enumerate([0, sign_of(ty), F[ty].emax << F[ty].mbits,
                                   (F[ty].emax + 1) << F[ty].mbits, random_float(ty, pick)]):
                some = [(a, k) for a in pick.sample(signed_edges(ty), 5)]
                f.fn("%s_%s_k%d" % (op, ty, n), [ty], [ty],
                     ["v1 = " + const(ty, k), "v2 = %s v0, v1" % op, "return v2"],
                     [(v[0], r) for v, r in nan_free(ty, some, fun)])
                some = [(k, a) for a in pick.sample(signed_edges(ty), 3)]
                f.fn("%s_%s_left%d" % (op, ty, n), [ty], [ty],
                     ["v1 = " + const(ty, k), "v2 = %s v1, v0" % op, "return v2"],
                     [(v[1], r) for v, r in nan_free(ty, some, fun)])
            some = [(a, a) for a in pick.sample(signed_edges(ty), 6)]
            f.fn("%s_%s_same" % (op, ty), [ty], [ty], ["v1 = %s v0, v0" % op, "return v1"],
                 [(v[0], r) for v, r in nan_free(ty, some, fun)])
            g.fn("%s_%s" % (op, ty), [ty, ty], [ty], body,
                 [(v, fun(ty, *v)) for v in
                  [(a, b) for a in nans(ty)[:4] for b in (F[ty].nan | 9, F[ty].inf, 1)] +
                  [(b, a) for a in nans(ty)[2:6] for b in (0, F[ty].emax << F[ty].mbits)] +
                  [v for v in vals if x.is_nan(ty, fun(ty, *v))][:9] + vals[:6]])
            g.fn("%s_%s_chain" % (op, ty), [ty, ty, ty], [ty],
                 ["v3 = %s v0, v1" % op, "v4 = %s v3, v2" % op, "return v4"],
                 [(v, fun(ty, fun(ty, v[0], v[1]), v[2])) for v in
                  [tuple(pick.choice(signed_edges(ty)) for _ in range(3)) for _ in range(6)]])
        total += f.save() + g.save()
    return total


ROUND = {how: (lambda ty, a, how=how: x.to_integral(ty, a, how))
         for how in ("ceil", "floor", "trunc", "nearest")}
UNARY = dict(ROUND, sqrt=x.sqrt)


def rounding_values(ty, pick):
    vals = [0, sign_of(ty)]
    ulp = Fraction(1, 1 << 20)
    for v in (Fraction(1, 2), Fraction(1), Fraction(3, 2), Fraction(5, 2), Fraction(7, 2),
              Fraction(1, 4), Fraction(9, 4)):
        for d in (0, ulp, -ulp):
            vals += [x.rounded(ty, v + d), x.rounded(ty, -v - d)]
    half = 1 << (F[ty].mbits - 1)
    for n in (half, half + Fraction(1, 2), 2 * half, 2 * half - Fraction(1, 2), 2 * half - 1,
              2 * half + 1, 4 * half + 2, 2 ** 31, 2 ** 63):
        vals += [x.rounded(ty, Fraction(n)), x.rounded(ty, -Fraction(n))]
    return vals + pick.sample(signed_edges(ty), 8)


def unary():
    total = 0
    for op, fun in UNARY.items():
        f = File(op, op + " of f32 and f64: signed zeros, halves, limits, NaNs canonicalized.",
                 FLOATING, CANON, SOURCE)
        for ty in FLOATS:
            pick = Picker(sum(map(ord, op)))
            if op == "sqrt":
                vals = signed_edges(ty) + [random_float(ty, pick) & ~sign_of(ty)
                                           for _ in range(12)]
                vals += [x.rounded(ty, Fraction(n)) for n in (2, 3, 4, 9, 10, 144, 1 << 40)]
            else:
                vals = pick.sample(rounding_values(ty, pick), 46)
            f.fn("%s_%s" % (op, ty), [ty], [ty], ["v1 = %s v0" % op, "return v1"],
                 [(a, fun(ty, a)) for a in vals + nans(ty)[:5]])
            k = random_float(ty, pick) & ~sign_of(ty)
            f.fn("%s_%s_constant" % (op, ty), [], [ty],
                 ["v0 = " + const(ty, k), "v1 = %s v0" % op, "return v1"], [((), fun(ty, k))])
        total += f.save()
    f = File("rounding_plain", "ceil, floor, trunc and nearest without any setting.", FLOATING,
             source=SOURCE)
    for op, fun in ROUND.items():
        for ty in FLOATS:
            pick = Picker(3)
            f.fn("%s_%s" % (op, ty), [ty], [ty], ["v1 = %s v0" % op, "return v1"],
                 [(a, fun(ty, a)) for a in pick.sample(rounding_values(ty, pick), 14)])
    return total + f.save()


def fused():
    f = File("fma", "fma rounds once: products that cancel, ties, overflow, zeros.", FUSED,
             source=SOURCE)
    g = File("fma_nan", "fma with NaNs among operands and results, canonicalized.", FUSED, CANON,
             SOURCE)
    for ty in FLOATS:
        pick = Picker(width(ty))
        fm = F[ty]
        one = fm.emax << fm.mbits
        vals = []
        for _ in range(22):
            a, b = random_float(ty, pick), random_float(ty, pick)
            p = x.mul(ty, a, b)
            vals.append((a, b, p ^ fm.sign))
            vals.append((a, b, random_float(ty, pick)))
        half = x.rounded(ty, Fraction(1, 2 ** (fm.mbits + 1)))
        tiny = 1
        vals += [(one, half, one), (one, half | fm.sign, one), (half, one, one + 1),
                 (one + 1, one + 1, one | fm.sign), (one + 1, one - 1, one | fm.sign),
                 (tiny, half, one), (tiny, one >> 1, tiny), (fm.inf - 1, one + (1 << fm.mbits),
                 (fm.inf - 1) | fm.sign), (fm.inf - 1, fm.inf - 1, one), (1, 1, 1),
                 (1, 1 | fm.sign, 0), (1, 1 | fm.sign, fm.sign), (fm.inf, one, 0),
                 (fm.inf, one | fm.sign, fm.inf | fm.sign), (one, one, fm.inf | fm.sign)]
        vals += [(a, b, c) for a in (0, fm.sign) for b in (one, one | fm.sign)
                 for c in (0, fm.sign, one)]
        triple = ["v3 = fma v0, v1, v2", "return v3"]
        f.fn("fma_" + ty, [ty] * 3, [ty], triple, nan_free(ty, vals, x.fma))
        some = [v for v in vals if not x.is_nan(ty, x.fma(ty, *v))]
        s = fm.sign
        for name, body, fun in (
                ("neg_first", ["v3 = fneg v0", "v4 = fma v3, v1, v2"],
                 lambda t, a, b, c: x.fma(t, a ^ s, b, c)),
                ("neg_second", ["v3 = fneg v1", "v4 = fma v0, v3, v2"],
                 lambda t, a, b, c: x.fma(t, a, b ^ s, c)),
                ("neg_third", ["v3 = fneg v2", "v4 = fma v0, v1, v3"],
                 lambda t, a, b, c: x.fma(t, a, b, c ^ s)),
                ("neg_two", ["v3 = fneg v0", "v5 = fneg v2", "v4 = fma v3, v1, v5"],
                 lambda t, a, b, c: x.fma(t, a ^ s, b, c ^ s)),
                ("separate", ["v3 = fmul v0, v1", "v4 = fadd v3, v2"],
                 lambda t, a, b, c: x.add(t, x.mul(t, a, b), c)),
                ("separate_sub", ["v3 = fmul v0, v1", "v4 = fsub v3, v2"],
                 lambda t, a, b, c: x.sub(t, x.mul(t, a, b), c)),
                ("all_same", ["v4 = fma v0, v0, v0"], lambda t, a, b, c: x.fma(t, a, a, a))):
            f.fn("%s_%s" % (name, ty), [ty] * 3, [ty], body + ["return v4"],
                 nan_free(ty, pick.sample(some, 10), fun))
        f.fn("loaded_%s" % ty, [ty] * 3, [ty],
             ["v3 = stack_addr.i64 ss0", "store v0, v3", "store v1, v3+8", "store v2, v3+16",
              "v4 = load.%s v3" % ty, "v5 = load.%s v3+8" % ty, "v6 = load.%s v3+16" % ty,
              "v7 = fma v4, v5, v2", "v8 = fma v0, v1, v6", "v9 = fma v4, v1, v6",
              "v10 = fsub v7, v8", "v11 = fsub v8, v9", "v12 = fadd v10, v11",
              "v13 = fadd v12, v7", "return v13"],
             [(v, x.fma(ty, *v)) for v in some if not x.is_inf(ty, x.fma(ty, *v)) and
              not x.is_zero(ty, x.fma(ty, *v))][:8], pre=["ss0 = explicit_slot 24, align = 8"])
        g.fn("fma_" + ty, [ty] * 3, [ty], triple,
             [(v, x.fma(ty, *v)) for v in
              [(n, one, 0) for n in nans(ty)[:4]] + [(one, n, 0) for n in nans(ty)[:4]] +
              [(one, 0, n) for n in nans(ty)[:4]] +
              [(fm.inf, 0, one), (0, fm.inf | fm.sign, 1), (fm.inf, one, fm.inf | fm.sign),
               (fm.inf, one, fm.inf), (one, one, one)]])
    return f.save() + g.save()


def bits_only():
    f = File("float_bits", "fneg, fabs and fcopysign touch the sign alone: payloads and "
             "signalling NaNs stay.", FLOATING, source=SOURCE)
    for ty in FLOATS:
        s = sign_of(ty)
        pick = Picker(width(ty) + 2)
        vals = nans(ty) + pick.sample(signed_edges(ty), 12)
        f.fn("fneg_" + ty, [ty], [ty], ["v1 = fneg v0", "return v1"], [(a, a ^ s) for a in vals])
        f.fn("fabs_" + ty, [ty], [ty], ["v1 = fabs v0", "return v1"], [(a, a & ~s) for a in vals])
        f.fn("minus_abs_" + ty, [ty], [ty], ["v1 = fabs v0", "v2 = fneg v1", "return v2"],
             [(a, a | s) for a in vals[:12]])
        f.fn("fneg_twice_" + ty, [ty], [ty], ["v1 = fneg v0", "v2 = fneg v1", "return v2"],
             [(a, a) for a in vals[:10]])
        f.fn("fcopysign_" + ty, [ty, ty], [ty], ["v2 = fcopysign v0, v1", "return v2"],
             [((a, b), a & ~s | b & s) for a in vals[::2] for b in (0, s, nans(ty)[3], 1 | s)])
        f.fn("fcopysign_%s_constant" % ty, [ty], [ty],
             ["v1 = " + const(ty, s), "v2 = fcopysign v0, v1", "v3 = fcopysign v1, v2",
              "return v2"], [(a, a | s) for a in vals[:8]])
        f.fn("fcopysign_%s_of_constant" % ty, [ty], [ty],
             ["v1 = " + const(ty, nans(ty)[2]), "v2 = fcopysign v1, v0", "return v2"],
             [(a, nans(ty)[2] & ~s | a & s) for a in vals[:8]])
        f.fn("negate_by_zero_" + ty, [ty], [ty],
             ["v1 = %sconst 0.0" % ty, "v2 = fsub v1, v0", "return v2"],
             [(a, x.sub(ty, 0, a)) for a in signed_edges(ty)[:9]])
        f.fn("negate_by_minus_zero_" + ty, [ty], [ty],
             ["v1 = %sconst -0.0" % ty, "v2 = fsub v1, v0", "return v2"],
             [(a, x.sub(ty, s, a)) for a in signed_edges(ty)[:9]])
        ity = "i" + ty[1:]
        for op, fun in (("band", lambda a, b: a & b), ("bor", lambda a, b: a | b),
                        ("bxor", lambda a, b: a ^ b)):
            f.fn("%s_%s" % (op, ty), [ty, ty], [ty], ["v2 = %s v0, v1" % op, "return v2"],
                 [(v, fun(*v)) for v in [(a, pick.choice(vals)) for a in vals[:9]]])
        f.fn("bnot_" + ty, [ty], [ty], ["v1 = bnot v0", "return v1"],
             [(a, a ^ mask(ity)) for a in vals[:9]])
        f.fn("bitselect_" + ty, [ty] * 3, [ty], ["v3 = bitselect v0, v1, v2", "return v3"],
             [(v, v[0] & v[1] | ~v[0] & v[2] & mask(ity)) for v in
              [(a, pick.choice(vals), pick.choice(vals)) for a in vals[:9]]])
        f.fn("select_" + ty, ["i32", ty, ty], [ty], ["v3 = select v0, v1, v2", "return v3"],
             [((c, a, 1), a if c else 1) for c in (0, 256) for a in nans(ty)[:5]])
        f.fn("guard_" + ty, ["i8", ty, ty], [ty],
             ["v3 = select_spectre_guard v0, v1, v2", "return v3"],
             [((c, a, 1), a if c else 1) for c in (0, -128) for a in nans(ty)[2:5]])
    f.fn("bitcast_f32", ["f32"], ["i32"], ["v1 = bitcast.i32 v0", "return v1"],
         [(a, a) for a in nans("f32") + signed_edges("f32")[::3]])
    f.fn("bitcast_i32", ["i32"], ["f32"], ["v1 = bitcast.f32 v0", "return v1"],
         [(a, a) for a in nans("f32") + signed_edges("f32")[::3]])
    f.fn("bitcast_f64", ["f64"], ["i64"], ["v1 = bitcast.i64 v0", "return v1"],
         [(a, a) for a in nans("f64") + signed_edges("f64")[::3]])
    f.fn("bitcast_i64", ["i64"], ["f64"], ["v1 = bitcast.f64 v0", "return v1"],
         [(a, a) for a in nans("f64") + signed_edges("f64")[::3]])
    for ty in FLOATS:
        ity = "i" + ty[1:]
        f.fn("bitcast_same_" + ty, [ty], [ty],
             ["v1 = bitcast.%s v0" % ity, "v2 = bitcast.%s v1" % ty, "return v2"],
             [(a, a) for a in nans(ty)])
        f.fn("sign_bit_" + ty, [ty], [ity],
             ["v1 = bitcast.%s v0" % ity, "v2 = iconst.i32 %d" % (width(ty) - 1),
              "v3 = ushr v1, v2", "return v3"], [(a, int(bool(a & sign_of(ty)))) for a in nans(ty)])
    return f.save()


def constants():
    f = File("fconst", "Float constants of every class come out bit for bit.", FLOATING,
             source=SOURCE)
    for ty in FLOATS:
        pick = Picker(width(ty) + 71)
        vals = signed_edges(ty) + nans(ty) + [random_float(ty, pick) for _ in range(6)]
        for n, k in enumerate(vals):
            f.fn("const_%s_%d" % (ty, n), [], [ty], ["v0 = " + const(ty, k), "return v0"],
                 [((), k)])
    literals(f, [
        ("f32", "NaN", 0x7fc00000), ("f32", "Inf", 0x7f800000), ("f32", "+Inf", 0x7f800000),
        ("f32", "+0x1.0", 0x3f800000), ("f32", "0x10.0p-4", 0x3f800000),
        ("f32", "0x0.8", 0x3f000000), ("f32", "0x0.000002p-126", 1), ("f32", "0x0.0", 0),
        ("f32", "-0x0.0p5", 0x80000000), ("f32", "0xffffff.0", 0x4b7fffff),
        ("f64", "NaN", 0x7ff8000000000000), ("f64", "-sNaN:0x1", 0xfff0000000000001),
        ("f64", "0x1fffffffffffff.0p-53", 0x3fefffffffffffff),
        ("f64", "0x0.0000000000001p-1022", 1), ("f64", "-0x8.0p-3", 0xbff0000000000000)])
    g = File("float_literals", "Float literals without a point or with a signed exponent, which "
             "not every reader takes.", source=SOURCE)
    literals(g, [
        ("f32", "0x1", 0x3f800000), ("f32", "+0x1", 0x3f800000), ("f32", "0x10p-4", 0x3f800000),
        ("f32", "0x1p+1", 0x40000000), ("f32", "-0xffffff", 0xcb7fffff), ("f32", "0x0", 0),
        ("f32", "0x1p-149", 1), ("f32", "0x1.8p-148", 3), ("f64", "0x1.0p+1023", 0x7fe0 << 48),
        ("f64", "0x1p-1074", 1), ("f64", "-0x3p-1074", 1 << 63 | 3)])
    return f.save() + g.save()


def literals(f, rows):
    for n, (ty, lit, bits) in enumerate(rows):
        ity = "i" + ty[1:]
        f.fn("literal_%d" % n, [], [ity],
             ["v0 = %sconst %s" % (ty, lit), "v1 = bitcast.%s v0" % ity, "return v1"],
             [((), bits)])


def compare():
    total = 0
    for ty in FLOATS:
        f = File("fcmp_" + ty, "Every condition of fcmp on %s: as a value, in brif, select, trapz "
                 "and trapnz, with a second use." % ty, (X86_BASE, X86_AVX, A64), source=SOURCE)
        fm = F[ty]
        one = fm.emax << fm.mbits
        s = fm.sign
        for cc, holds in x.CONDITIONS.items():
            pick = Picker(sum(map(ord, cc)))
            fun = lambda a, b: int(x.compare(ty, a, b) in holds)
            vals = [(one, one), (0, s), (one, one + 1), (one + 1, one), (fm.nan, one),
                    (one, nans(ty)[3]), (nans(ty)[2], nans(ty)[2]), (fm.inf, fm.inf),
                    (fm.inf | s, fm.inf), (1, 0), (s | 1, 0), (s | one, one), (1 | s, 1)]
            vals += pick.sample([(a, b) for a in signed_edges(ty) for b in signed_edges(ty)], 4)
            r = [(v, fun(*v)) for v in vals]
            name = "%s_%s" % (cc, ty)
            cmp = "v2 = fcmp %s v0, v1" % cc
            f.fn("value_" + name, [ty, ty], ["i8"], [cmp, "return v2"], r)
            key = [r[0], r[2], r[3], r[4], r[6]]
            f.fn("branch_" + name, [ty, ty], ["i32"],
                 [cmp, "brif v2, block1, block2", "block1:", "v3 = iconst.i32 11", "return v3",
                  "block2:", "v4 = iconst.i32 22", "return v4"],
                 [(v, 11 if y else 22) for v, y in key])
            f.fn("select_" + name, [ty, ty], [ty], [cmp, "v3 = select v2, v0, v1", "return v3"],
                 [(v, v[0] if y else v[1]) for v, y in key])
            f.fn("select_int_" + name, [ty, ty, "i64", "i64"], ["i64"],
                 ["v4 = fcmp %s v0, v1" % cc, "v5 = select v4, v2, v3", "return v5"],
                 [(v + (-1, 5), -1 if y else 5) for v, y in key])
            f.fn("trapz_" + name, [ty, ty], ["i8"], [cmp, "trapz v2, user8", "return v2"],
                 [(v, 1 if y else "user8") for v, y in key[:4]])
            f.fn("trapnz_" + name, [ty, ty], ["i8"], [cmp, "trapnz v2, user9", "return v2"],
                 [(v, "user9" if y else 0) for v, y in key[:4]])
            f.fn("twice_" + name, [ty, ty], [ty, "i8"],
                 [cmp, "v3 = select v2, v1, v0", "brif v2, block1, block2", "block1:",
                  "return v3, v2", "block2:", "v4 = bnot v2", "return v3, v4"],
                 [(v, (v[1], 1) if y else (v[0], -1)) for v, y in key[:4]])
            f.fn("itself_" + name, [ty], ["i8"], ["v1 = fcmp %s v0, v0" % cc, "return v1"],
                 [(a, fun(a, a)) for a in (one, fm.nan, nans(ty)[3], fm.inf, s)])
            f.fn("zero_" + name, [ty], ["i8"],
                 ["v1 = %sconst 0.0" % ty, "v2 = fcmp %s v0, v1" % cc, "return v2"],
                 [(a, fun(a, 0)) for a in (one, s, s | one, nans(ty)[3])])
        total += f.save()
    return total


def int_limits(fty, ity, is_signed):
    """Floats around every limit of a conversion, one unit in the last place apart."""
    low, high = (smin(ity), smax(ity)) if is_signed else (0, mask(ity))
    out = set()
    for v in (low, low - 1, high, high + 1, Fraction(2 * low - 1, 2), Fraction(2 * high + 1, 2),
              0, Fraction(-1, 2), Fraction(1, 2), Fraction(-9, 10), -1):
        b = x.rounded(fty, Fraction(v))
        for d in (-1, 0, 1):
            if (b & ~F[fty].sign) + d >= 0:
                out.add(b + d)
    return sorted(out)


def to_int():
    total = 0
    for sat in ("", "_sat"):
        for kind in "su":
            op = "fcvt_to_%sint%s" % (kind, sat)
            for size, itys in (("", ("i32", "i64")), ("_narrow", ("i8", "i16"))):
                total += to_int_file(op, op + size, kind, sat, itys)
    return total


def to_int_file(op, name, kind, sat, itys):
    f = File(name, "%s to %s and %s: limits and their neighbours, NaNs, infinities, fractions." %
             ((op,) + itys), (X86_BASE, X86_SSE42, X86_AVX, A64), source=SOURCE)
    for fty in FLOATS:
        for ity in itys:
            pick = Picker(width(fty) + width(ity))
            fm = F[fty]
            vals = int_limits(fty, ity, kind == "s") + nans(fty)[:4]
            vals += [fm.inf, fm.inf | fm.sign, 1, 1 | fm.sign, fm.inf - 1,
                     x.rounded(fty, Fraction(199, 100)), x.rounded(fty, Fraction(-127))]
            vals += [x.rounded(fty, Fraction(pick.bits(ity))) for _ in range(3)]
            row = lambda a: x.to_int(fty, ity, a, kind == "s", bool(sat))
            f.fn("%s_%s_%s" % (op, fty, ity), [fty], [ity],
                 ["v1 = %s.%s v0" % (op, ity), "return v1"], [(a, row(a)) for a in vals])
            if not sat:
                f.fn("unused_%s_%s" % (fty, ity), [fty], [],
                     ["v1 = %s.%s v0" % (op, ity), "return"],
                     [(a, row(a) if isinstance(row(a), str) else ())
                      for a in (fm.nan, fm.inf, 0, nans(fty)[3])])
    return f.save()


def from_int():
    f = File("fcvt_from_int", "fcvt_from_sint and fcvt_from_uint from every integer type: ties, "
             "single rounding, limits.", FLOATING, source=SOURCE)
    for fty in FLOATS:
        for ity in INTS:
            for kind in "su":
                pick = Picker(width(fty) + width(ity) + ord(kind))
                op = "fcvt_from_%sint" % kind
                vals = [0, 1, -1, smin(ity), smax(ity), smin(ity) + 1, smax(ity) - 1, -2, 100]
                m = F[fty].mbits + 1
                for base in range(m, width(ity)):
                    if base in (m, m + 1, width(ity) - 1, width(ity) - 2):
                        for mant in ((1 << m) - 1, (1 << (m - 1)) + 1, 1 << (m - 1)):
                            b = mant << (base + 1 - m)
                            half = 1 << max(base - m, 0)
                            vals += pick.sample([b + half, b + half - 1, b + half + 1, b,
                                                 b - half, b - half - 1, b - half + 1], 3)
                vals += [pick.bits(ity) for _ in range(5)]
                f.fn("%s_%s_%s" % (op, ity, fty), [ity], [fty],
                     ["v1 = %s.%s v0" % (op, fty), "return v1"],
                     [(a, x.from_int(ity, fty, a, kind == "s")) for a in vals])
    return f.save()


def widths():
    f = File("float_widths", "fpromote and fdemote: exact widening, one rounding, overflow, "
             "subnormals; NaNs canonicalized.", FLOATING, CANON, SOURCE)
    pick = Picker(4)
    vals = signed_edges("f32") + nans("f32")[:6] + [random_float("f32", pick) for _ in range(8)]
    f.fn("fpromote", ["f32"], ["f64"], ["v1 = fpromote.f64 v0", "return v1"],
         [(a, x.convert("f32", "f64", a)) for a in vals])
    down = []
    for b in edges("f32")[:-1]:
        if b == F["f32"].inf:
            continue
        a = x.value("f32", b)
        ulp = x.value("f32", b + 1) - a if b + 1 < F["f32"].inf else \
            a - x.value("f32", b - 1)
        for d in (0, Fraction(1, 2), Fraction(1, 4), Fraction(3, 4)):
            p = x.rounded("f64", a + d * ulp)
            down += pick.sample([p, p + 1, p - 1 if p else p, p | F["f64"].sign], 2)
    down += nans("f64")[:6] + [random_float("f64", pick) for _ in range(10)]
    f.fn("fdemote", ["f64"], ["f32"], ["v1 = fdemote.f32 v0", "return v1"],
         [(a, x.convert("f64", "f32", a)) for a in down])
    f.fn("there_and_back", ["f32"], ["f32"],
         ["v1 = fpromote.f64 v0", "v2 = fdemote.f32 v1", "return v2"],
         [(a, a if not x.is_nan("f32", a) else F["f32"].nan) for a in vals[::2]])
    f.fn("back_and_there", ["f64"], ["f64"],
         ["v1 = fdemote.f32 v0", "v2 = fpromote.f64 v1", "return v2"],
         [(a, x.convert("f32", "f64", x.convert("f64", "f32", a))) for a in down[::5]])
    f.fn("double_sum", ["f32", "f32"], ["f32"],
         ["v2 = fpromote.f64 v0", "v3 = fpromote.f64 v1", "v4 = fadd v2, v3", "v5 = fdemote.f32 v4",
          "return v5"],
         [(v, x.convert("f64", "f32", x.add("f64", x.convert("f32", "f64", v[0]),
                                           x.convert("f32", "f64", v[1]))))
          for v in [(random_float("f32", pick), random_float("f32", pick)) for _ in range(8)]])
    g = File("int_widths", "uextend, sextend and ireduce between all widths, and through one "
             "another.", source=SOURCE)
    order = list(INTS)
    for i, a in enumerate(order):
        for b in order[i + 1:]:
            vals = [0, 1, -1, smin(a), smax(a), 0x55]
            g.fn("uextend_%s_%s" % (a, b), [a], [b], ["v1 = uextend.%s v0" % b, "return v1"],
                 [(v, v & mask(a)) for v in vals])
            g.fn("sextend_%s_%s" % (a, b), [a], [b], ["v1 = sextend.%s v0" % b, "return v1"],
                 [(v, signed(a, v)) for v in vals])
            wide = [0, -1, smin(b), smax(b), 1 << width(a), (1 << width(a)) - 1, smin(a),
                    (0x5a << width(a)) | 0x80]
            g.fn("ireduce_%s_%s" % (b, a), [b], [a], ["v1 = ireduce.%s v0" % a, "return v1"],
                 [(v, v) for v in wide])
            for ext, fun in (("uextend", lambda v: v & mask(a)), ("sextend", lambda v: signed(a, v))):
                g.fn("%s_of_ireduce_%s_%s" % (ext, b, a), [b], [b],
                     ["v1 = ireduce.%s v0" % a, "v2 = %s.%s v1" % (ext, b), "return v2"],
                     [(v, fun(v)) for v in wide])
                g.fn("%s_then_ireduce_%s_%s" % (ext, a, b), [a], [a],
                     ["v1 = %s.%s v0" % (ext, b), "v2 = ireduce.%s v1" % a, "return v2"],
                     [(v, v) for v in vals[:5]])
            for c in order[order.index(b) + 1:]:
                for e1, f1 in (("uextend", mask), ("sextend", None)):
                    for e2 in ("uextend", "sextend"):
                        def both(v):
                            v = v & mask(a) if e1 == "uextend" else signed(a, v)
                            return v & mask(b) if e2 == "uextend" else signed(b, v)
                        g.fn("%s_%s_%s_%s_%s" % (a, e1, b, e2, c), [a], [c],
                             ["v1 = %s.%s v0" % (e1, b), "v2 = %s.%s v1" % (e2, c), "return v2"],
                             [(v, both(v)) for v in vals[:5]])
    return f.save() + g.save()


def generate():
    return (binary() + unary() + fused() + bits_only() + constants() + compare() + to_int() +
            from_int() + widths())


if __name__ == "__main__":
    print(generate())
