"""gen_mem.py - loads and stores through stack slots, flags, byte order, faults, global values."""
from clifgen import (BITS, File, FLOATING, FLOATS, INTS, PLAIN, Picker, X86_BASE, X86_SSE42, A64,
                     mask, signed, unsigned, width)

SOURCE = "gen_mem.py"
SLOT = ["ss0 = explicit_slot 32, align = 8"]
FILL = ["v3 = stack_addr.i64 ss0", "store v0, v3", "store v1, v3+8", "store v2, v3+16",
        "v4 = iconst.i64 0x7766554433221100", "store v4, v3+24"]
LAST = 0x7766554433221100


def image(vals):
    return b"".join(unsigned("i64", v).to_bytes(8, "little") for v in list(vals) + [LAST])


def patterns(pick, n):
    out = [(0x8786858483828180, 0x0f0e0d0c0b0a0908, 0xf7f6f5f4f3f2f1f0), (-1, 0, -1)]
    return out + [tuple(pick.next() for _ in range(3)) for _ in range(n)]


EXTENDING = [("uload8", 1, False, ("i16", "i32", "i64")), ("sload8", 1, True, ("i16", "i32", "i64")),
             ("uload16", 2, False, ("i32", "i64")), ("sload16", 2, True, ("i32", "i64")),
             ("uload32", 4, False, ("i64",)), ("sload32", 4, True, ("i64",))]


def loads(order, suffix, flags):
    f = File("load" + suffix, "Every load%s at aligned and unaligned offsets of a slot, from the "
             "slot's address with an offset and from the middle of it." %
             (" in big-endian order" if order == "big" else ""), PLAIN, source=SOURCE)
    pick = Picker(len(suffix) + 5)
    ops = [("load", width(t) // 8, False, (t,)) for t in INTS + FLOATS] + EXTENDING
    for op, size, is_signed, types in ops:
        for ty in types:
            if op in ("uload32", "sload32"):
                name = "%s_%s" % (op, ty)
            else:
                name = "%s_%s" % (op, ty)
            for n, offset in enumerate([0, 8, 3, 13, 32 - size, pick.below(32 - size)]):
                fl = flags[n % len(flags)]
                if "aligned" in fl and offset % size:
                    fl = fl.replace("aligned", "").strip().replace("  ", " ")
                fl = fl + " " if fl else ""
                typed = "%s.%s" % (op, ty)
                if n % 3 == 0:
                    body = ["v5 = %s %sv3%s" % (typed, fl, "+%d" % offset if offset else "")]
                elif n % 3 == 1:
                    body = ["v5 = stack_addr.i64 ss0+%d" % offset, "v6 = %s %sv5" % (typed, fl)]
                else:
                    body = ["v5 = stack_addr.i64 ss0+32",
                            "v6 = %s %sv5-%d" % (typed, fl, 32 - offset)]
                runs = []
                for vals in patterns(pick, 1):
                    raw = image(vals)[offset:offset + size]
                    r = int.from_bytes(raw, order, signed=is_signed)
                    runs.append((vals, unsigned("i" + ty[1:], r)))
                f.fn("%s_%d" % (name, n), ["i64"] * 3, [ty],
                     FILL + body + ["return v%d" % (5 if n % 3 == 0 else 6)], runs, pre=SLOT)
    return f.save()


def stores(order, suffix, flags):
    f = File("store" + suffix, "Every store%s at aligned and unaligned offsets: its bytes and no "
             "others change." % (" in big-endian order" if order == "big" else ""), PLAIN,
             source=SOURCE)
    pick = Picker(len(suffix) + 6)
    ops = [("store", t, width(t) // 8) for t in INTS + FLOATS]
    ops += [("istore8", t, 1) for t in ("i16", "i32", "i64")]
    ops += [("istore16", t, 2) for t in ("i32", "i64")] + [("istore32", "i64", 4)]
    for op, ty, size in ops:
        for n, offset in enumerate([0, 8, 3, 7, 16 - size]):
            fl = flags[n % len(flags)]
            if "aligned" in fl and offset % size:
                fl = fl.replace("aligned", "").strip().replace("  ", " ")
            fl = fl + " " if fl else ""
            body = ["v4 = stack_addr.i64 ss0", "store v0, v4", "store v1, v4+8"]
            if n % 2:
                body += ["v5 = stack_addr.i64 ss0+%d" % offset, "%s %sv2, v5" % (op, fl)]
            else:
                body += ["%s %sv2, v4%s" % (op, fl, "+%d" % offset if offset else "")]
            body += ["v6 = load.i64 v4", "v7 = load.i64 v4+8", "return v6, v7"]
            runs = []
            for vals in patterns(pick, 1)[1:]:
                v = pick.bits("i" + ty[1:])
                if ty[0] == "f":
                    v = pick.choice([v, (0x7f800001 if ty == "f32" else 0x7ff0000000000001)])
                raw = bytearray(image(vals)[:16])
                raw[offset:offset + size] = (v & ((1 << 8 * size) - 1)).to_bytes(size, order)
                runs.append((vals[:2] + (v,), tuple(int.from_bytes(raw[i:i + 8], "little")
                                                for i in (0, 8))))
            f.fn("%s_%s_%d" % (op, ty, n), ["i64"] * 2 + [ty], ["i64"] * 2, body, runs,
                 pre=["ss0 = explicit_slot 16, align = 8"])
        k = pick.bits("i" + ty[1:])
        if ty[0] == "i":
            for m, k in enumerate([0, -1, 0x7f, k]):
                raw = bytearray(8)
                raw[0:size] = (k & ((1 << 8 * size) - 1)).to_bytes(size, order)
                fl = flags[0] + " " if flags[0] else ""
                f.fn("%s_%s_constant%d" % (op, ty, m), [], ["i64"],
                     ["v0 = stack_addr.i64 ss0", "v1 = iconst.i64 0", "store v1, v0",
                      "v2 = iconst.%s %d" % (ty, signed(ty, k)), "%s %sv2, v0" % (op, fl),
                      "v3 = load.i64 v0", "return v3"],
                     [((), int.from_bytes(raw, "little"))],
                     pre=["ss0 = explicit_slot 8, align = 8"])
    return f.save()


def addressing():
    f = File("address", "Base, scaled index and displacement in every combination, over a slot of "
             "known bytes; displacements at the edge of their forms.", PLAIN, source=SOURCE)
    size = 256
    fill = ["v2 = stack_addr.i64 ss0", "v3 = iconst.i64 0x0706050403020100",
            "v4 = iconst.i64 0x0808080808080808"]
    v = 3
    n = 5
    for i in range(size // 8):
        fill.append("store v%d, v2%s" % (v, "+%d" % (8 * i) if i else ""))
        if i + 1 < size // 8:
            fill.append("v%d = iadd v%d, v4" % (n, v))
            v, n = n, n + 1
    # The bytes hold their own position; the helper fills, each test function reads.
    reader_sig = "(i64, i64, i32) -> %s"
    pick = Picker(99)
    count = 0
    for ty, op, osize, sg in [("i64", "load.i64", 8, False), ("i32", "load.i32", 4, False),
                              ("i16", "load.i16", 2, False), ("i8", "load.i8", 1, False),
                              ("i64", "uload8.i64", 1, False), ("i64", "sload16.i64", 2, True),
                              ("i64", "uload32.i64", 4, False)]:
        for shift in (0, 1, 2, 3):
            for kind in ("i64", "uextend", "sextend"):
                for disp in pick.sample([0, 8, 127, 128, -1, -128, -129], 2):
                    count += 1
                    name = "read%d" % count
                    body = []
                    if kind == "i64":
                        body += ["v3 = iadd v1, v1", "v4 = isub v3, v1"]
                        idx = "v1"
                    else:
                        body += ["v3 = %s.i64 v2" % kind]
                        idx = "v3"
                    body += ["v5 = iconst.%s %d" % (pick.choice(INTS), shift),
                             "v6 = ishl %s, v5" % idx]
                    body += [pick.choice(["v7 = iadd v0, v6", "v7 = iadd v6, v0"])]
                    body += ["v8 = %s v7%s" % (op, "%+d" % disp if disp else ""), "return v8"]
                    f.fn(name, ["i64", "i64", "i32"], [ty], body, [])
                    scale = 1 << shift
                    runs = []
                    tries = 0
                    while len(runs) < 2 and tries < 200:
                        tries += 1
                        base = pick.below(size - 8)
                        index = pick.below(40) - (0 if kind == "uextend" else 20)
                        at = base + index * scale + disp
                        if 0 <= at <= size - osize:
                            r = int.from_bytes(bytes((at + k) & 255 for k in range(osize)),
                                               "little", signed=sg)
                            runs.append(((base, index if kind == "i64" else 7,
                                          index if kind != "i64" else 9), r))
                    f.fn("with_" + name, ["i64", "i64", "i32"], [ty],
                         ["v3 = stack_addr.i64 ss0", "call fn0(v3)", "v4 = iadd v3, v0",
                          "v5 = call fn1(v4, v1, v2)", "return v5"], runs,
                         pre=["ss0 = explicit_slot 256, align = 8", "fn0 = %fill(i64)",
                              "fn1 = %%%s%s" % (name, reader_sig % ty)])
    f.raw("; Every byte holds its own position.\nfunction %fill(i64) {\nblock0(v2: i64):\n" +
          "\n".join("    " + l for l in fill[1:]) + "\n    return\n}")
    for n, disp in enumerate([0x7fffffff, -0x80000000, 0x40000000, -0x7fffffff, 0x1000, -0x1000,
                              4095 * 8, 4096 * 8, 256, -256, -257, 32760, 65535]):
        f.fn("far%d" % n, ["i64"], ["i64"],
             ["v1 = stack_addr.i64 ss0", "store v0, v1", "v2 = iconst.i64 %d" % disp,
              "v3 = isub v1, v2", "v4 = load.i64 v3%+d" % disp, "return v4"],
             [(5, 5), (1 << 63, 1 << 63)], pre=["ss0 = explicit_slot 8, align = 8"])
        f.fn("far_store%d" % n, ["i64", "i64"], ["i64"],
             ["v2 = stack_addr.i64 ss0", "v3 = iconst.i64 %d" % disp, "v4 = iadd v2, v0",
              "v5 = isub v4, v3", "v6 = isub v5, v0", "store v1, v6%+d" % disp,
              "v7 = load.i64 v2", "return v7"],
             [((3, 5), 5), ((-1, 6), 6)], pre=["ss0 = explicit_slot 8, align = 8"])
    # A 32-bit sum must be cut to 32 bits before it is widened into an address.
    f.fn("wrapping_index", ["i32", "i32", "i64"], ["i64"],
         ["v3 = stack_addr.i64 ss0", "store v2, v3", "v4 = iconst.i64 -1", "store v4, v3+8",
          "v5 = iadd v0, v1", "v6 = uextend.i64 v5", "v7 = iadd v3, v6", "v8 = load.i64 v7",
          "return v8"],
         [((0xffffffff, 1, 77), 77), ((0x80000000, 0x80000008, 77), -1),
          ((0xfffffff8, 16, 77), -1)], pre=["ss0 = explicit_slot 16, align = 8"])
    f.fn("wrapping_shift", ["i32", "i64"], ["i64"],
         ["v2 = stack_addr.i64 ss0", "store v1, v2", "v4 = iconst.i64 -1", "store v4, v2+8",
          "v5 = iconst.i32 3", "v6 = ishl v0, v5", "v7 = uextend.i64 v6", "v8 = iadd v2, v7",
          "v9 = load.i64 v8", "return v9"],
         [((0, 7), 7), ((1, 7), -1), ((0x20000000, 7), 7), ((0x20000001, 7), -1),
          ((0xe0000000, 7), 7)], pre=["ss0 = explicit_slot 16, align = 8"])
    f.fn("wrapping_constant", ["i32", "i64"], ["i64"],
         ["v2 = stack_addr.i64 ss0", "store v1, v2", "v4 = iconst.i64 -1", "store v4, v2+8",
          "v5 = iconst.i32 -8", "v6 = iadd v0, v5", "v7 = uextend.i64 v6", "v8 = iadd v2, v7",
          "v9 = load.i64 v8", "return v9"],
         [((8, 7), 7), ((16, 7), -1)], pre=["ss0 = explicit_slot 16, align = 8"])
    f.fn("signed_index", ["i32", "i64"], ["i64"],
         ["v2 = stack_addr.i64 ss0+8", "store v1, v2", "v4 = iconst.i64 -1", "store v4, v2-8",
          "v7 = sextend.i64 v0", "v5 = iconst.i8 2", "v6 = ishl v7, v5", "v8 = iadd v2, v6",
          "v9 = load.i64 v8", "return v9"],
         [((0, 7), 7), ((-2, 7), -1)], pre=["ss0 = explicit_slot 16, align = 8"])
    return f.save()


def folding():
    total = 0
    f = File("folded_loads", "A load as an operand of every instruction that might take one from "
             "memory, at its own width, its neighbours in memory being different.", BITS,
             source=SOURCE)
    import gen_int
    from evalfn import Builder
    pick = Picker(17)
    ops = [(op, fun) for op, fun in list(gen_int.BINARY.items()) + list(gen_int.DIVISION.items())]
    for op, fun in ops + list(gen_int.SHIFTS.items()):
        for ty in INTS:
            size = width(ty) // 8
            for side in (0, 1):
                if side == 0 and pick.below(2):
                    continue
                a, b = ("v6", "v1") if side == 0 else ("v1", "v6")
                runs = []
                for _ in range(2):
                    m, r = pick.bits(ty), pick.bits(ty)
                    if op[1:4] in ("div", "rem"):
                        m |= 1
                        r |= 1
                    args = (pick.next(), r, m)
                    res = fun(ty, m, r) if side == 0 else fun(ty, r, m)
                    if op in gen_int.SHIFTS:
                        res = fun(ty, *((m, unsigned(ty, r)) if side == 0 else
                                        (r, unsigned(ty, m))))
                    runs.append((args, res))
                f.fn("%s_%s_%s" % (op, ty, "left" if side == 0 else "right"),
                     ["i64", ty, ty], [ty],
                     ["v3 = stack_addr.i64 ss0", "store v0, v3", "store v0, v3+8", "v4 = bnot v0",
                      "store v4, v3+16", "store v2, v3+8", "v6 = load.%s v3+8" % ty,
                      "v7 = %s %s, %s" % (op, a, b), "return v7"], runs,
                     pre=["ss0 = explicit_slot 24, align = 8"])
    for cc, fun in gen_int.CONDITIONS.items():
        for ty in INTS:
            for side in (0, 1):
                runs = []
                for m, r in ((5, 5), (0, -1), (pick.bits(ty), pick.bits(ty))):
                    runs.append(((-1, r, m), int(fun(ty, m, r) if side == 0 else fun(ty, r, m))))
                a, b = ("v6", "v1") if side == 0 else ("v1", "v6")
                f.fn("%s_%s_%s" % (cc, ty, "left" if side == 0 else "right"),
                     ["i64", ty, ty], ["i8"],
                     ["v3 = stack_addr.i64 ss0", "store v0, v3", "store v2, v3",
                      "v6 = load.%s v3" % ty, "v7 = icmp %s %s, %s" % (cc, a, b),
                      "brif v7, block1, block2", "block1:", "return v7", "block2:", "return v7"],
                     pick.sample(runs, 2), pre=["ss0 = explicit_slot 8, align = 8"])
    for op, fun in gen_int.UNARY.items():
        for ty in INTS:
            if op == "bswap" and ty == "i8":
                continue
            runs = [((-1, a), fun(ty, a)) for a in (0, pick.bits(ty))]
            f.fn("%s_%s" % (op, ty), ["i64", ty], [ty],
                 ["v2 = stack_addr.i64 ss0", "store v0, v2", "store v1, v2",
                  "v3 = load.%s v2" % ty, "v4 = %s v3" % op, "return v4"], runs,
                 pre=["ss0 = explicit_slot 8, align = 8"])
    for src in ("i8", "i16", "i32"):
        for dst in INTS[INTS.index(src) + 1:]:
            for ext in ("uextend", "sextend"):
                a = pick.bits(src) | 1 << (width(src) - 1)
                r = unsigned(src, a) if ext == "uextend" else signed(src, a)
                f.fn("%s_%s_%s" % (ext, src, dst), ["i64", src], [dst],
                     ["v2 = stack_addr.i64 ss0", "store v0, v2", "store v1, v2",
                      "v3 = load.%s v2" % src, "v4 = %s.%s v3" % (ext, dst), "return v4"],
                     [((0x5a5a5a5a5a5a5a5a, a), r)], pre=["ss0 = explicit_slot 8, align = 8"])
    total += f.save()
    f = File("folded_float_loads", "A load as an operand of float instructions, next to other "
             "bytes that must not be read.", FLOATING, source=SOURCE)
    import exactfloat as xf
    from evalfn import FBINARY
    s32, s64 = 1 << 31, 1 << 63
    for ty in FLOATS:
        s = xf.F[ty].sign
        for op, fun in FBINARY.items():
            for side in (0, 1):
                runs = []
                while len(runs) < 2:
                    m, r = xf.random_float(ty, pick), xf.random_float(ty, pick)
                    res = fun(ty, m, r) if side == 0 else fun(ty, r, m)
                    if not xf.is_nan(ty, res):
                        runs.append(((-1, r, m), res))
                a, b = ("v6", "v1") if side == 0 else ("v1", "v6")
                f.fn("%s_%s_%d" % (op, ty, side), ["i64", ty, ty], [ty],
                     ["v3 = stack_addr.i64 ss0", "store v0, v3", "store v0, v3+8",
                      "store v2, v3+4", "v6 = load.%s v3+4" % ty,
                      "v7 = %s %s, %s" % (op, a, b), "return v7"], runs,
                     pre=["ss0 = explicit_slot 16, align = 4"])
        for op, fun in (("sqrt", xf.sqrt), ("fneg", lambda t, a: a ^ s),
                        ("fabs", lambda t, a: a & ~s)) + tuple(
                (h, lambda t, a, h=h: xf.to_integral(t, a, h))
                for h in ("ceil", "floor", "trunc", "nearest")):
            vals = [xf.random_float(ty, pick) & ~s for _ in range(2)]
            f.fn("%s_%s" % (op, ty), ["i64", ty], [ty],
                 ["v2 = stack_addr.i64 ss0", "store v0, v2", "store v1, v2",
                  "v3 = load.%s v2" % ty, "v4 = %s v3" % op, "return v4"],
                 [((-1, a), fun(ty, a)) for a in vals],
                 pre=["ss0 = explicit_slot 8, align = 8"])
        for cc, holds in xf.CONDITIONS.items():
            runs = []
            one = xf.F[ty].emax << xf.F[ty].mbits
            for m, r in ((one, one), (one, one + 1), (xf.F[ty].nan, one)):
                runs.append(((-1, r, m), int(xf.compare(ty, r, m) in holds)))
            f.fn("%s_%s" % (cc, ty), ["i64", ty, ty], ["i8"],
                 ["v3 = stack_addr.i64 ss0", "store v0, v3", "store v2, v3",
                  "v6 = load.%s v3" % ty, "v7 = fcmp %s v1, v6" % cc, "return v7"], runs,
                 pre=["ss0 = explicit_slot 8, align = 8"])
        f.fn("fcopysign_" + ty, ["i64", ty, ty], [ty],
             ["v3 = stack_addr.i64 ss0", "store v0, v3", "store v2, v3", "v6 = load.%s v3" % ty,
              "v7 = fcopysign v1, v6", "v8 = fcopysign v6, v7", "v9 = fcopysign v7, v8",
              "return v9"],
             [((-1, a, b), a & ~s | b & s) for a in (0, 5 | s) for b in (s, 7)],
             pre=["ss0 = explicit_slot 8, align = 8"])
        for ity in ("i32", "i64"):
            f.fn("from_%s_%s" % (ity, ty), ["i64", ity], [ty, ty],
                 ["v2 = stack_addr.i64 ss0", "store v0, v2", "store v1, v2",
                  "v3 = load.%s v2" % ity, "v4 = fcvt_from_sint.%s v3" % ty,
                  "v5 = fcvt_from_uint.%s v3" % ty, "return v4, v5"],
                 [((0x5a5a5a5a5a5a5a5a, a), (xf.from_int(ity, ty, a, True),
                                             xf.from_int(ity, ty, a, False)))
                  for a in (-1, pick.bits(ity))], pre=["ss0 = explicit_slot 8, align = 8"])
            f.fn("to_%s_%s" % (ity, ty), ["i64", ty], [ity],
                 ["v2 = stack_addr.i64 ss0", "store v0, v2", "store v1, v2",
                  "v3 = load.%s v2" % ty, "v4 = fcvt_to_sint_sat.%s v3" % ity, "return v4"],
                 [((-1, a), xf.to_int(ty, ity, a, True, True))
                  for a in (xf.F[ty].inf, xf.random_float(ty, pick))],
                 pre=["ss0 = explicit_slot 8, align = 8"])
    a = xf.random_float("f32", pick)
    f.fn("fpromote", ["i64", "f32"], ["f64"],
         ["v2 = stack_addr.i64 ss0", "store v0, v2", "store v1, v2", "v3 = load.f32 v2",
          "v4 = fpromote.f64 v3", "return v4"],
         [((-1, a), xf.convert("f32", "f64", a))], pre=["ss0 = explicit_slot 8, align = 8"])
    a = xf.random_float("f64", pick)
    f.fn("fdemote", ["i64", "f64"], ["f32"],
         ["v2 = stack_addr.i64 ss0", "store v0, v2", "store v1, v2", "v3 = load.f64 v2",
          "v4 = fdemote.f32 v3", "return v4"],
         [((-1, a), xf.convert("f64", "f32", a))], pre=["ss0 = explicit_slot 8, align = 8"])
    f.fn("bitcast_i32", ["i64", "f32"], ["i32"],
         ["v2 = stack_addr.i64 ss0", "store v0, v2", "store v1, v2", "v3 = load.f32 v2",
          "v4 = bitcast.i32 v3", "return v4"], [((-1, 0x7f800001), 0x7f800001)],
         pre=["ss0 = explicit_slot 8, align = 8"])
    f.fn("bitcast_f64", ["i64"], ["f64"],
         ["v1 = stack_addr.i64 ss0", "store v0, v1", "v2 = load.i64 v1",
          "v3 = bitcast.f64 v2", "return v3"], [(0x7ff0000000000001, 0x7ff0000000000001)],
         pre=["ss0 = explicit_slot 8, align = 8"])
    return total + f.save()


def updates():
    """store(op(load a, y), a) and what looks like it."""
    import gen_int
    f = File("read_modify_write", "A value read, changed and written back: to the same place, to "
             "another one, with something in between, with the neighbours watched.", PLAIN,
             source=SOURCE)
    pick = Picker(61)
    ops = ("iadd", "isub", "band", "bor", "bxor", "imul", "ishl", "smax")
    for op in ops:
        fun = gen_int.BINARY.get(op) or gen_int.SHIFTS[op]
        for ty in INTS:
            n = width(ty) // 8

            def expect(words, v, at, left, result_at):
                raw = bytearray(image(words)[:16])
                m = int.from_bytes(raw[at:at + n], "little")
                r = fun(ty, m, v) if left else fun(ty, v, m)
                raw[result_at:result_at + n] = unsigned(ty, r).to_bytes(n, "little")
                return tuple(int.from_bytes(raw[i:i + 8], "little") for i in (0, 8))

            k = pick.choice([1, -1, 127, -128, 100])
            variants = [
                ("register", ["v5 = load.%s v3+4" % ty, "v6 = %s v5, v2" % op,
                              "store v6, v3+4"], None, 4, True, 4),
                ("swapped", ["v5 = load.%s v3+4" % ty, "v6 = %s v2, v5" % op, "store v6, v3+4"],
                 None, 4, False, 4),
                ("constant", ["v4 = iconst.%s %d" % (ty, k), "v5 = load.%s v3+8" % ty,
                              "v6 = %s v5, v4" % op, "store v6, v3+8"], k, 8, True, 8),
                ("elsewhere", ["v5 = load.%s v3+8" % ty, "v6 = %s v5, v2" % op, "store v6, v3"],
                 None, 8, True, 0),
                ("beside", ["v5 = load.%s v3+4" % ty, "v6 = %s v5, v2" % op, "store v6, v3+5"],
                 None, 4, True, 5)]
            for name, body, const_k, at, left, result_at in variants:
                runs = []
                for _ in range(2):
                    words = (pick.next(), pick.next())
                    v = pick.bits(ty) if op != "ishl" else pick.below(width(ty))
                    kk = v if const_k is None else const_k
                    if op == "ishl":
                        kk = unsigned(ty, kk)
                    if op == "ishl" and not left:
                        m = int.from_bytes(image(words)[at:at + n], "little")
                        raw = bytearray(image(words)[:16])
                        r = fun(ty, v, m)
                        raw[result_at:result_at + n] = unsigned(ty, r).to_bytes(n, "little")
                        res = tuple(int.from_bytes(raw[i:i + 8], "little") for i in (0, 8))
                    else:
                        res = expect(words, kk, at, left, result_at)
                    runs.append((words + (v,), res))
                f.fn("%s_%s_%s" % (op, ty, name), ["i64", "i64", ty], ["i64", "i64"],
                     ["v3 = stack_addr.i64 ss0", "store v0, v3", "store v1, v3+8"] + body +
                     ["v7 = load.i64 v3", "v8 = load.i64 v3+8", "return v7, v8"], runs,
                     pre=["ss0 = explicit_slot 16, align = 8"])
    for op, fun in (("band", lambda a, b: a & b), ("bor", lambda a, b: a | b),
                    ("bxor", lambda a, b: a ^ b)):
        for ty in FLOATS:
            ity = "i" + ty[1:]
            runs = []
            for _ in range(2):
                a, b = pick.bits(ity), pick.bits(ity)
                runs.append(((a, b), fun(a, b)))
            f.fn("%s_%s" % (op, ty), [ty, ty], [ty],
                 ["v2 = stack_addr.i64 ss0", "store v0, v2", "v3 = load.%s v2" % ty,
                  "v4 = %s v3, v1" % op, "store v4, v2", "v5 = load.%s v2" % ty, "return v5"],
                 runs, pre=["ss0 = explicit_slot 8, align = 8"])
    for ty in FLOATS:
        one = {"f32": 0x3f800000, "f64": 0x3ff << 52}[ty]
        two = {"f32": 0x40000000, "f64": 0x400 << 52}[ty]
        f.fn("fadd_" + ty, [ty], [ty],
             ["v1 = stack_addr.i64 ss0", "store v0, v1", "v2 = load.%s v1" % ty,
              "v3 = fadd v2, v2", "store v3, v1", "v4 = load.%s v1" % ty, "return v4"],
             [(one, two)], pre=["ss0 = explicit_slot 8, align = 8"])
    # The value that was read is needed once more; the value that is written, too; a store between.
    for ty in INTS:
        a, b = pick.bits(ty), pick.bits(ty)
        pre = ["ss0 = explicit_slot 16, align = 8"]
        head = ["v2 = stack_addr.i64 ss0", "store v0, v2", "store v0, v2+8"]
        f.fn("old_value_" + ty, [ty, ty], [ty, ty],
             head + ["v3 = load.%s v2" % ty, "v4 = iadd v3, v1", "store v4, v2",
                     "v5 = load.%s v2" % ty, "return v3, v5"], [((a, b), (a, a + b))], pre=pre)
        f.fn("new_value_" + ty, [ty, ty], [ty, ty],
             head + ["v3 = load.%s v2" % ty, "v4 = isub v3, v1", "store v4, v2",
                     "v5 = load.%s v2" % ty, "return v4, v5"], [((a, b), (a - b, a - b))], pre=pre)
        f.fn("store_between_" + ty, [ty, ty], [ty],
             head + ["v3 = load.%s v2" % ty, "store v1, v2", "v4 = iadd v3, v1", "store v4, v2",
                     "v5 = load.%s v2" % ty, "return v5"], [((a, b), a + b)], pre=pre)
        f.fn("store_between_elsewhere_" + ty, [ty, ty], [ty, ty],
             head + ["v3 = load.%s v2" % ty, "store v1, v2+8", "v4 = bxor v3, v1", "store v4, v2",
                     "v5 = load.%s v2" % ty, "v6 = load.%s v2+8" % ty, "return v5, v6"],
             [((a, b), (a ^ b, b))], pre=pre)
        f.fn("trap_between_" + ty, [ty, ty], [ty],
             head + ["v3 = load.%s v2" % ty, "trapz v1, user3", "v4 = iadd v3, v1",
                     "store v4, v2", "v5 = load.%s v2" % ty, "return v5"],
             [((a, b | 1), a + (b | 1)), ((a, 0), "user3")], pre=pre)
        f.fn("both_loaded_" + ty, [ty, ty], [ty],
             head + ["store v1, v2+8", "v3 = load.%s v2" % ty, "v4 = load.%s v2+8" % ty,
                     "v5 = iadd v3, v4", "store v5, v2+8", "v6 = load.%s v2+8" % ty,
                     "return v6"], [((a, b), a + b)], pre=pre)
        f.fn("to_itself_" + ty, [ty, ty], [ty],
             head + ["v3 = load.%s v2" % ty, "v4 = iadd v3, v3", "store v4, v2",
                     "v5 = load.%s v2" % ty, "return v5"], [((a, b), a + a)], pre=pre)
        if ty != "i8":
            f.fn("narrow_store_" + ty, [ty, ty], [ty],
                 head + ["v3 = load.%s v2" % ty, "v4 = iadd v3, v1", "istore8 v4, v2",
                         "v5 = load.%s v2" % ty, "return v5"],
                 [((a, b), (a & ~0xff) | (a + b & 0xff))], pre=pre)
            f.fn("narrow_load_" + ty, [ty, ty], [ty],
                 head + ["v3 = uload8.%s v2" % ty, "v4 = bor v3, v1", "store v4, v2",
                         "v5 = load.%s v2" % ty, "return v5"],
                 [((a, b), a & 0xff | b)], pre=pre)
    f.raw("""
; A loop that counts in memory.
function %count(i32) -> i32 {
    ss0 = explicit_slot 4, align = 4
block0(v0: i32):
    v1 = stack_addr.i64 ss0
    v2 = iconst.i32 0
    v3 = iconst.i32 1
    store v2, v1
    jump block1(v0)
block1(v4: i32):
    v5 = load.i32 v1
    v6 = iadd v5, v4
    store v6, v1
    v7 = isub v4, v3
    brif v7, block1(v7), block2
block2:
    v8 = load.i32 v1
    return v8
}
; run: %count(1) == 1
; run: %count(100) == 5050

; The fault of the load comes first, with its own code.
function %faulting(i64, i32) {
block0(v0: i64, v1: i32):
    v2 = load.i32 user11 v0
    v3 = iadd v2, v1
    store user12 v3, v0
    return
}
; run: %faulting(0, 1) traps user11
""")
    # Indices that are products.
    f2 = File("scaled_index", "Indices multiplied or shifted by constants of all kinds.", PLAIN,
              source=SOURCE)
    fill_slot = ["v2 = stack_addr.i64 ss0"]
    v = 3
    for i in range(16):
        fill_slot += ["v%d = iconst.i64 %d" % (v, i * 0x0101010101010101),
                      "store v%d, v2%s" % (v, "+%d" % (8 * i) if i else "")]
        v += 1
    for n, (op, k, step) in enumerate([("imul", k, k) for k in (1, 2, 3, 4, 5, 7, 8, 9, 16, 24, -8)] +
                                      [("ishl", k, 1 << (k & 63)) for k in
                                       (0, 1, 2, 3, 4, 64, 65, 67, 131, -61)]):
        kt = "i64" if op == "imul" else pick.choice(["i64", "i32", "i16"])
        for ty in ("i64", "i8"):
            runs = []
            for index in (0, 1, 2, 3, 5):
                at = index * step + (64 if step < 0 else 0)
                if 0 <= at <= 120:
                    raw = b"".join((i * 0x0101010101010101).to_bytes(8, "little")
                                   for i in range(16))
                    runs.append(((index, 77),
                                 int.from_bytes(raw[at:at + width(ty) // 8], "little")))
            f2.fn("%s_%d_%s" % (op, n, ty), ["i64", "i64"], [ty],
                  fill_slot + ["v30 = iconst.%s %d" % (kt, k), "v31 = %s v0, v30" % op,
                               "v32 = iadd v2, v31",
                               "v33 = load.%s v32%s" % (ty, "+64" if step < 0 else ""),
                               "return v33"], runs,
                  pre=["ss0 = explicit_slot 128, align = 8"])
    return f.save() + f2.save()


def generate():
    return (loads("little", "", ["", "notrap", "notrap aligned", "little", "aligned"]) +
            loads("big", "_big", ["big", "notrap big", "big aligned"]) +
            stores("little", "", ["", "notrap", "notrap aligned", "little"]) +
            stores("big", "_big", ["big", "notrap big"]) +
            addressing() + folding() + updates())


if __name__ == "__main__":
    print(generate())
