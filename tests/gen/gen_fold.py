"""gen_fold.py - shapes that lowering and rewriting fold: addressing sums, immediates, idioms."""
import gen_int
from clifgen import BITS, File, INTS, PLAIN, Picker, mask, smax, smin, unsigned, width
from evalfn import Builder

SOURCE = "gen_fold.py"


def args_for(params, pick, n=4):
    return [tuple(pick.choice([0, 1, -1, smin(p), smax(p), pick.bits(p), pick.bits(p)])
                  for p in params) for _ in range(n)]


def extended_results():
    """A 32-bit (or narrower) operation whose result is widened at once."""
    f = File("extended_results", "Results of narrow operations widened at once: what lies above "
             "them is not always zero.", BITS, source=SOURCE)
    pick = Picker(21)
    for ty in ("i32", "i16", "i8"):
        for ext in ("uextend", "sextend"):
            def finish(b, v, name):
                r = getattr(b, ext)("i64", v)
                b.finish(f, "%s_%s_%s" % (ext, name, ty), [r], args_for(b.params, pick, 3))
            for op in list(gen_int.BINARY) + list(gen_int.DIVISION) + list(gen_int.SHIFTS):
                b = Builder([ty, ty])
                y = 1
                if op[1:4] in ("div", "rem"):
                    y = b.op("bor", 1, b.const(ty, 1))
                finish(b, b.op(op, 0, y), op)
            for op in gen_int.UNARY:
                if op == "bswap" and ty == "i8":
                    continue
                b = Builder([ty])
                finish(b, b.unary(op, 0), op)
            for name in ("uadd_overflow", "smul_overflow", "usub_overflow", "umul_overflow"):
                b = Builder([ty, ty])
                finish(b, b.overflow(name, 0, 1)[0], name)
            b = Builder([ty, ty, ty])
            finish(b, b.select(0, 1, 2), "select")
            b = Builder([ty, ty, ty])
            finish(b, b.bitselect(0, 1, 2), "bitselect")
            b = Builder(["i64"])
            finish(b, b.ireduce(ty, 0), "ireduce")
            b = Builder(["i64", "i64"])
            finish(b, b.ireduce(ty, b.op("iadd", 0, 1)), "ireduce_sum")
            b = Builder(["i64", ty])
            finish(b, b.ireduce(ty, b.op("ushr", 0, 1)), "ireduce_shift")
            b = Builder([ty, ty])
            finish(b, b.icmp("slt", 0, 1), "icmp")
            b = Builder([ty])
            finish(b, b.const(ty, smin(ty)), "constant")
            if ty != "i32":
                b = Builder(["i32", "i32"])
                finish(b, b.ireduce(ty, b.op("isub", 0, 1)), "ireduce_i32")
    return f.save()


def immediates():
    f = File("immediates", "Constants at the edge of every immediate form as operands of "
             "arithmetic, compares, selects and stores.", BITS, source=SOURCE)
    pick = Picker(23)
    edges = {"i64": [127, 128, -128, -129, 255, 256, 4095, 4096, -4095, -4096, 0xfff000, 0x1000000,
                     0x7fffffff, 0x80000000, -0x80000000, -0x80000001, 0xffffffff, 0x100000000,
                     0xff00ff00ff00ff00, 0x5555555555555555, 0xfffffffffffffffe],
             "i32": [127, 128, -128, -129, 255, 4095, 4096, -4096, 0xfff000, 0xffff, 0x10000,
                     0x7fffffff, -0x80000000, 0xf0f0f0f0],
             "i16": [127, 128, -129, 255, 0x7fff, -0x8000], "i8": [127, -128, 15, 0xf0]}
    for ty in INTS:
        for n, k in enumerate(edges[ty]):
            for op in ("iadd", "isub", "imul", "band", "bor", "bxor"):
                b = Builder([ty])
                r = b.op(op, 0, b.const(ty, k))
                b.finish(f, "%s_%s_%d" % (op, ty, n), [r], [(pick.bits(ty),), (-k,)])
            cc = pick.choice(list(gen_int.CONDITIONS))
            for swap in (0, 1):
                b = Builder([ty])
                c = b.const(ty, k)
                c = b.icmp(cc, *((c, 0) if swap else (0, c)))
                r = b.select(c, b.const("i64", k), b.const("i64", ~k))
                b.finish(f, "icmp_%s_%s_%d_%d" % (cc, ty, n, swap), [r],
                         [(k,), (k + 1,), (k - 1,)])
            if n % 3 == 0:
                b = Builder([ty])
                c = b.const(ty, k)
                r = b.op("iadd", b.op("imul", 0, c), b.op("bxor", c, b.op("isub", c, 0)))
                b.finish(f, "shared_%s_%d" % (ty, n), [r], [(3,), (pick.bits(ty),)])
    return f.save()


def shapes(b, ty, k):
    """Named expressions over parameters 0, 1 and 2 of type ty; k is a small number."""
    w = width(ty)
    c = lambda x, t=ty: b.const(t, x)
    op = b.op
    sh = lambda n: b.const("i32", n % w)
    return {
        "sum_scaled": lambda: op("iadd", 0, op("ishl", 1, sh(k % 4))),
        "sum_scaled_left": lambda: op("iadd", op("ishl", 1, sh(k % 4)), 0),
        "sum_scaled_plus": lambda: op("iadd", op("iadd", 0, op("ishl", 1, sh(k % 4))), c(k * 37)),
        "sum_three": lambda: op("iadd", op("iadd", 0, 1), 2),
        "sum_mul": lambda: op("iadd", 0, op("imul", 1, 2)),
        "sub_mul": lambda: op("isub", 0, op("imul", 1, 2)),
        "mul_sub": lambda: op("isub", op("imul", 1, 2), 0),
        "neg_mul": lambda: b.unary("ineg", op("imul", 0, 1)),
        "mul_3": lambda: op("imul", 0, c(3)), "mul_5": lambda: op("imul", 0, c(5)),
        "mul_9": lambda: op("imul", 0, c(9)), "mul_7": lambda: op("imul", c(7), 0),
        "mul_pow": lambda: op("imul", 0, c(1 << (k % w))),
        "mul_negpow": lambda: op("imul", 0, c(-(1 << (k % w)))),
        "sub_from": lambda: op("isub", c(k), 0),
        "sub_const": lambda: op("isub", 0, c(k)),
        "add_neg": lambda: op("iadd", 0, b.unary("ineg", 1)),
        "sub_neg": lambda: op("isub", 0, b.unary("ineg", 1)),
        "neg_sub": lambda: b.unary("ineg", op("isub", 0, 1)),
        "not_add": lambda: op("iadd", b.unary("bnot", 0), c(1)),
        "add_not": lambda: op("iadd", 0, b.unary("bnot", 1)),
        "double": lambda: op("iadd", 0, 0),
        "field": lambda: op("band", op("ushr", 0, sh(k)), c(15)),
        "field_signed": lambda: op("sshr", op("ishl", 0, sh(k)), sh(w - 4)),
        "field_shift": lambda: op("ushr", op("ishl", 0, sh(k)), sh(k + 1)),
        "insert": lambda: op("bor", op("band", 0, c(~(15 << (k % (w - 4))))),
                             op("ishl", op("band", 1, c(15)), sh(k % (w - 4)))),
        "rotate": lambda: op("bor", op("ishl", 0, sh(k % w or 1)), op("ushr", 0, sh(w - (k % w or 1)))),
        "rotate_var": lambda: op("bor", op("ishl", 0, 1), op("ushr", 0, b.unary("ineg", 1))),
        "funnel": lambda: op("bor", op("ishl", 0, sh(k % w or 1)), op("ushr", 1, sh(w - (k % w or 1)))),
        "shift_masked": lambda: op("ishl", 0, op("band", 1, c(w - 1))),
        "shift_complement": lambda: op("ushr", 0, op("isub", c(w), 1)),
        "shift_not": lambda: op("ishl", 0, b.unary("bnot", 1)),
        "one_bit": lambda: op("ishl", c(1), 1),
        "set_bit": lambda: op("bor", 0, op("ishl", c(1), 1)),
        "flip_bit": lambda: op("bxor", 0, op("ishl", c(1), 1)),
        "clear_bit": lambda: op("band", 0, b.unary("bnot", op("ishl", c(1), 1))),
        "test_bit": lambda: b.icmp("ne", op("band", 0, op("ishl", c(1), 1)), c(0)),
        "test_bit_const": lambda: b.icmp("eq", op("band", 0, c(1 << (k % w))), c(0)),
        "test_mask": lambda: b.icmp("ne", op("band", 0, 1), c(0)),
        "low_mask": lambda: op("band", 0, op("isub", op("ishl", c(1), 1), c(1))),
        "mask_const": lambda: op("band", 0, c((1 << (k % w)) - 1)),
        "carry_in": lambda: op("iadd", op("iadd", 0, 1), b.resize(ty, b.icmp("ult", 2, 1))),
        "borrow_in": lambda: op("isub", op("isub", 0, 1), b.resize(ty, b.icmp("ult", 2, 1))),
        "is_carry": lambda: b.icmp("ult", op("iadd", 0, 1), 0),
        "is_borrow": lambda: b.icmp("ugt", op("isub", 0, 1), 0),
        "sign": lambda: op("sshr", 0, sh(w - 1)),
        "sign_bit": lambda: op("ushr", 0, sh(w - 1)),
        "abs_idiom": lambda: (lambda s: op("isub", op("bxor", 0, s), s))(op("sshr", 0, sh(w - 1))),
        "min_idiom": lambda: b.select(b.icmp("slt", 0, 1), 0, 1),
        "max_idiom": lambda: b.select(b.icmp("ult", 0, 1), 1, 0),
        "cmp_sub": lambda: b.icmp("slt", op("isub", 0, 1), c(0)),
        "cmp_sub_zero": lambda: b.icmp("eq", op("isub", 0, 1), c(0)),
        "cmp_and_zero": lambda: b.icmp("sgt", op("band", 0, 1), c(0)),
        "cmp_add": lambda: b.icmp("ule", op("iadd", 0, c(k)), c(2 * k)),
        "cmp_shift": lambda: b.icmp("eq", op("ushr", 0, sh(k)), c(0)),
        "cmp_self_neg": lambda: b.icmp("eq", 0, b.unary("ineg", 0)),
        "range": lambda: b.icmp("ult", op("isub", 0, c(k)), c(10)),
        "bool_add": lambda: op("iadd", 0, b.resize(ty, b.icmp("ne", 1, 2))),
        "bool_sub": lambda: op("isub", 0, b.resize(ty, b.icmp("sle", 1, 2))),
        "bool_mul": lambda: op("imul", 0, b.resize(ty, b.icmp("sgt", 1, 2))),
        "bool_mask": lambda: op("band", 0, b.bmask(ty, b.icmp("eq", 1, c(k)))),
        "select_zero": lambda: b.select(b.icmp("uge", 0, 1), c(0), 2),
        "select_inc": lambda: b.select(b.icmp("slt", 0, 1), 2, op("iadd", 2, c(1))),
        "select_neg": lambda: b.select(b.icmp("slt", 0, 1), 2, b.unary("ineg", 2)),
        "select_not": lambda: b.select(b.icmp("slt", 0, 1), 2, b.unary("bnot", 2)),
        "select_bools": lambda: b.select(b.icmp("ult", 0, 1), c(1), c(0)),
        "select_masks": lambda: b.select(b.icmp("ult", 0, 1), c(-1), c(0)),
        "select_not_cond": lambda: b.select(b.icmp("eq", b.icmp("ult", 0, 1), b.const("i8", 0)),
                                            1, 2),
        "select_and": lambda: b.select(op("band", b.icmp("slt", 0, 1), b.icmp("slt", 1, 2)), 0, 2),
        "select_or": lambda: b.select(op("bor", b.icmp("slt", 0, 1), b.icmp("slt", 1, 2)), 0, 2),
        "select_bit": lambda: b.select(op("band", 0, c(1 << (k % w))), 1, 2),
        "div_pow": lambda: op("sdiv", 0, c(1 << (k % (w - 1)))),
        "rem_pow": lambda: op("srem", 0, c(1 << (k % (w - 1)))),
        "udiv_urem": lambda: op("iadd", op("udiv", 0, c(k + 1)), op("urem", 0, c(k + 1))),
        "div_mul": lambda: op("isub", 0, op("imul", op("udiv", 0, c(k + 1)), c(k + 1))),
        "nand": lambda: b.unary("bnot", op("band", 0, 1)),
        "nor": lambda: b.unary("bnot", op("bor", 0, 1)),
        "xnor": lambda: b.unary("bnot", op("bxor", 0, 1)),
        "and_shifted": lambda: op("band", 0, op("ishl", 1, sh(k))),
        "xor_rotated": lambda: op("bxor", 0, op("rotr", 1, sh(k))),
        "sub_shifted": lambda: op("isub", 0, op("sshr", 1, sh(k))),
        "or_shifted_not": lambda: op("bor", 0, b.unary("bnot", op("ushr", 1, sh(k)))),
        "mux": lambda: op("bxor", op("band", op("bxor", 0, 1), 2), 1),
        "average": lambda: op("iadd", op("band", 0, 1), op("ushr", op("bxor", 0, 1), sh(1))),
        "ctz_idiom": lambda: b.unary("popcnt", op("isub", op("band", 0, b.unary("ineg", 0)), c(1))),
        "rev_clz": lambda: b.unary("clz", b.unary("bitrev", 0)),
        "pair_uses": lambda: (lambda s: op("bxor", op("imul", s, s), op("isub", s, 1)))(
            op("iadd", 0, op("ishl", 1, sh(2)))),
    }


def idioms():
    total = 0
    for ty in INTS:
        f = File("idioms_" + ty, "Combinations on %s that machines have an instruction for." % ty,
                 BITS, source=SOURCE)
        pick = Picker(width(ty) + 300)
        for n, name in enumerate(shapes(Builder([ty] * 3), ty, 1)):
            b = Builder([ty] * 3)
            k = 1 + (n * 5) % (width(ty) - 1)
            r = shapes(b, ty, k)[name]()
            b.finish(f, name, [r], args_for(b.params, pick, 4))
        total += f.save()
    return total


def wide():
    """64-bit arithmetic on operands that were widened, and 32-bit halves of 64-bit values."""
    f = File("widened_operands", "64-bit operations on widened operands, narrow operations on "
             "parts of wide values.", BITS, source=SOURCE)
    pick = Picker(41)
    for src in ("i8", "i16", "i32"):
        for e1 in ("uextend", "sextend"):
            for e2 in ("uextend", "sextend", ""):
                for op in ("iadd", "isub", "imul", "band", "bxor", "udiv", "sdiv", "ishl", "umulhi"):
                    b = Builder([src, src if e2 else "i64"])
                    x = getattr(b, e1)("i64", 0)
                    y = getattr(b, e2)("i64", 1) if e2 else 1
                    if op[1:] == "div":
                        y = b.op("bor", y, b.const("i64", 1))
                    r = b.op(op, x, y)
                    b.finish(f, "%s_%s_%s_%s" % (op, src, e1[0], e2[:1] or "n"), [r],
                             args_for(b.params, pick, 2))
                for cc in ("ult", "sge", "eq"):
                    b = Builder([src, src if e2 else "i64"])
                    x = getattr(b, e1)("i64", 0)
                    y = getattr(b, e2)("i64", 1) if e2 else 1
                    b.finish(f, "%s_%s_%s_%s" % (cc, src, e1[0], e2[:1] or "n"),
                             [b.icmp(cc, x, y)], args_for(b.params, pick, 3))
        for op in ("iadd", "isub", "imul", "band", "bor", "ishl", "ushr", "sshr", "udiv"):
            b = Builder(["i64", "i64"])
            x, y = b.ireduce(src, 0), b.ireduce(src, 1)
            if op == "udiv":
                y = b.op("bor", y, b.const(src, 1))
            r = b.op(op, x, y)
            r = b.op("iadd", b.uextend("i64", r), b.sextend("i64", r))
            b.finish(f, "parts_%s_%s" % (op, src), [r], args_for(b.params, pick, 3))
            b = Builder(["i64", "i64"])
            y = 1
            if op == "udiv":
                y = b.op("bor", 1, b.const("i64", 1))
            r = b.ireduce(src, b.op(op, 0, y))
            b.finish(f, "part_of_%s_%s" % (op, src), [b.icmp("slt", r, b.const(src, 5)), r],
                     args_for(b.params, pick, 3))
    for e in ("uextend", "sextend"):
        b = Builder(["i32", "i32"])
        x, y = getattr(b, e)("i64", 0), getattr(b, e)("i64", 1)
        r = b.ireduce("i32", b.op("ushr", b.op("imul", x, y), b.const("i32", 32)))
        b.finish(f, "high_product_" + e, [r], args_for(b.params, pick, 5))
        b = Builder(["i32", "i32", "i64"])
        x, y = getattr(b, e)("i64", 0), getattr(b, e)("i64", 1)
        b.finish(f, "multiply_add_" + e, [b.op("iadd", b.op("imul", x, y), 2)],
                 args_for(b.params, pick, 5))
        b = Builder(["i64", "i32"])
        b.finish(f, "add_shifted_" + e,
                 [b.op("iadd", 0, b.op("ishl", getattr(b, e)("i64", 1), b.const("i8", 3)))],
                 args_for(b.params, pick, 5))
    return f.save()


def generate():
    return extended_results() + immediates() + idioms() + wide()


if __name__ == "__main__":
    print(generate())
