"""semantics.py - the meaning of integer instructions as Z3 terms; held against the interpreter by check_semantics.py.

OPS[name](control width, args, condition) gives the result; args are bit vectors. Truth values have 8 bits.
"""
import z3

I8 = 8


def truth(b):
    return z3.If(b, z3.BitVecVal(1, I8), z3.BitVecVal(0, I8))


def resize(x, w):
    """The low bits of x, or x with zeros above."""
    n = x.size()
    return x if n == w else z3.Extract(w - 1, 0, x) if n > w else z3.ZeroExt(w - n, x)


def amount(w, x):
    """A shift's amount, modulo the width; only the low bits of x matter, for widths are powers of two."""
    return resize(resize(x, 8) & (w - 1), w) if w >= 8 else None


COMPARE = {
    "eq": lambda x, y: x == y, "ne": lambda x, y: x != y,
    "slt": lambda x, y: x < y, "sge": lambda x, y: x >= y,
    "sgt": lambda x, y: x > y, "sle": lambda x, y: x <= y,
    "ult": z3.ULT, "uge": z3.UGE, "ugt": z3.UGT, "ule": z3.ULE,
}
INVERSE = {"eq": "ne", "ne": "eq", "slt": "sge", "sge": "slt", "sgt": "sle", "sle": "sgt",
           "ult": "uge", "uge": "ult", "ugt": "ule", "ule": "ugt"}
SWAP = {"eq": "eq", "ne": "ne", "slt": "sgt", "sge": "sle", "sgt": "slt", "sle": "sge",
        "ult": "ugt", "uge": "ule", "ugt": "ult", "ule": "uge"}


def count(w, x, from_top):
    """Zeros before the first one bit; w when there is none."""
    r = z3.BitVecVal(w, w)
    for k in range(w):
        bit = k if from_top else w - 1 - k
        r = z3.If(z3.Extract(bit, bit, x) == 1, z3.BitVecVal(w - 1 - bit if from_top else bit, w), r)
    return r


def popcount(w, x):
    r = z3.BitVecVal(0, w)
    for k in range(w):
        r = r + z3.ZeroExt(w - 1, z3.Extract(k, k, x))
    return r


def high(w, x, y, extend):
    return z3.Extract(2 * w - 1, w, extend(w, x) * extend(w, y))


def flip(w, x, step):
    return z3.Concat(*[z3.Extract(k + step - 1, k, x) for k in range(0, w, step)]) if w > step else x


OPS = {
    "iadd": lambda w, a, c: a[0] + a[1],
    "isub": lambda w, a, c: a[0] - a[1],
    "ineg": lambda w, a, c: -a[0],
    "iabs": lambda w, a, c: z3.If(a[0] < 0, -a[0], a[0]),
    "imul": lambda w, a, c: a[0] * a[1],
    "umulhi": lambda w, a, c: high(w, a[0], a[1], z3.ZeroExt),
    "smulhi": lambda w, a, c: high(w, a[0], a[1], z3.SignExt),
    "udiv": lambda w, a, c: z3.UDiv(a[0], a[1]),
    "sdiv": lambda w, a, c: a[0] / a[1],
    "urem": lambda w, a, c: z3.URem(a[0], a[1]),
    "srem": lambda w, a, c: z3.SRem(a[0], a[1]),
    "band": lambda w, a, c: a[0] & a[1],
    "bor": lambda w, a, c: a[0] | a[1],
    "bxor": lambda w, a, c: a[0] ^ a[1],
    "bnot": lambda w, a, c: ~a[0],
    "bitselect": lambda w, a, c: (a[0] & a[1]) | (~a[0] & a[2]),
    "ishl": lambda w, a, c: a[0] << amount(w, a[1]),
    "ushr": lambda w, a, c: z3.LShR(a[0], amount(w, a[1])),
    "sshr": lambda w, a, c: a[0] >> amount(w, a[1]),
    "rotl": lambda w, a, c: z3.RotateLeft(a[0], amount(w, a[1])),
    "rotr": lambda w, a, c: z3.RotateRight(a[0], amount(w, a[1])),
    "clz": lambda w, a, c: count(w, a[0], True),
    "ctz": lambda w, a, c: count(w, a[0], False),
    "popcnt": lambda w, a, c: popcount(w, a[0]),
    "bitrev": lambda w, a, c: flip(w, a[0], 1),
    "bswap": lambda w, a, c: flip(w, a[0], 8),
    "smin": lambda w, a, c: z3.If(a[0] < a[1], a[0], a[1]),
    "smax": lambda w, a, c: z3.If(a[0] > a[1], a[0], a[1]),
    "umin": lambda w, a, c: z3.If(z3.ULT(a[0], a[1]), a[0], a[1]),
    "umax": lambda w, a, c: z3.If(z3.UGT(a[0], a[1]), a[0], a[1]),
    "icmp": lambda w, a, c: truth(COMPARE[c](a[0], a[1])),
    "select": lambda w, a, c: z3.If(a[0] != 0, a[1], a[2]),
    "uextend": lambda w, a, c: resize(a[0], w),
    "sextend": lambda w, a, c: z3.SignExt(w - a[0].size(), a[0]) if w > a[0].size() else a[0],
    "ireduce": lambda w, a, c: resize(a[0], w),
    "bmask": lambda w, a, c: z3.If(a[0] != 0, z3.BitVecVal(-1, w), z3.BitVecVal(0, w)),
}

# Operand types > result type, in the letters of include/gantry/jit_opcodes.def.
def read_signatures(path):
    import re
    signatures = {}
    for line in open(path, encoding="utf-8"):
        m = re.match(r'OP\((\w+),\s*\w+,\s*(\w+),\s*"([^"]*)"', line)
        if m:
            signatures[m.group(1)] = (m.group(3), m.group(2))
    return signatures


def traps(name, w, args):
    """When a division does: by zero, or the signed overflow."""
    if name in ("udiv", "urem", "srem"):
        return args[1] == 0
    if name == "sdiv":
        return z3.Or(args[1] == 0, z3.And(args[0] == z3.BitVecVal(1 << (w - 1), w), args[1] == -1))
    return z3.BoolVal(False)
