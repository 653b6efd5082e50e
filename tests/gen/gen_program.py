"""gen_program.py - generated programs with branches, loops, tables, calls and memory.

A program is a tree over typed variables. One walk writes CLIF, where variables become block
parameters at joins; another one runs the same tree in Python.
"""
import exactfloat as xf
import gen_int
from clifgen import (A64, BITS, File, INTS, Picker, X86_AVX, X86_BASE, X86_BMI, const, run_line,
                     signed, smin, unsigned, width)

SOURCE = "gen_program.py"
SLOT = 64
HELPERS = """
function %mix(i64, i32) -> i64 {
block0(v0: i64, v1: i32):
    v2 = sextend.i64 v1
    v3 = iconst.i64 0x9e3779b97f4a7c15
    v4 = imul v2, v3
    v5 = bxor v0, v4
    v6 = iconst.i8 29
    v7 = rotl v5, v6
    return v7
}

function %narrow(i8 sext, i16 uext, i64) -> i16, i8 {
block0(v0: i8, v1: i16, v2: i64):
    v3 = sextend.i16 v0
    v4 = iadd v3, v1
    v5 = ireduce.i8 v2
    v6 = bxor v5, v0
    return v4, v6
}

function %scale(f64, i32) -> f64 {
block0(v0: f64, v1: i32):
    v2 = fcvt_from_sint.f64 v1
    v3 = f64const 0x1.0p-8
    v4 = fmul v2, v3
    v5 = fadd v0, v4
    return v5
}
"""
CALLS = {
    "mix": (("i64", "i32"), ("i64",), "%mix(i64, i32) -> i64"),
    "narrow": (("i8", "i16", "i64"), ("i16", "i8"), "%narrow(i8 sext, i16 uext, i64) -> i16, i8"),
    "scale": (("f64", "i32"), ("f64",), "%scale(f64, i32) -> f64"),
}


def call_helper(name, args):
    if name == "mix":
        x = (args[0] ^ signed("i32", args[1]) * 0x9e3779b97f4a7c15) & ((1 << 64) - 1)
        return [x << 29 | x >> 35]
    if name == "narrow":
        return [signed("i8", args[0]) + args[1], args[2] ^ args[0]]
    f = xf.mul("f64", xf.from_int("i32", "f64", args[1], True), 0x3f70000000000000)
    return [xf.add("f64", args[0], f)]


class Maker:
    """Makes a random program."""

    def __init__(self, pick, types, size):
        self.pick, self.types, self.left = pick, types, size

    def var(self, ty):
        return self.pick.choice([k for k, t in enumerate(self.types) if t == ty])

    def expr(self, ty, depth=0):
        p = self.pick
        if depth > 2 or p.below(4) == 0:
            if p.below(4) == 0:
                if ty == "f64":
                    return ("const", ty, xf.rounded("f64", xf.Fraction(p.below(2000) - 1000, 8)))
                return ("const", ty, p.choice([0, 1, -1, smin(ty), 7, 100, p.bits(ty)]))
            return ("var", ty, self.var(ty))
        sub = lambda t: self.expr(t, depth + 1)
        if ty == "f64":
            k = p.below(6)
            if k < 3:
                return ("f", ty, p.choice(["fadd", "fsub", "fmul", "fmin", "fmax"]), sub(ty), sub(ty))
            if k == 3:
                return ("from", ty, sub(p.choice(["i32", "i64", "i8"])), bool(p.below(2)))
            if k == 4:
                return ("select", ty, self.cond(depth + 1), sub(ty), sub(ty))
            return ("var", ty, self.var(ty))
        k = p.below(12)
        if k < 5:
            return ("bin", ty, p.choice(list(gen_int.BINARY)), sub(ty), sub(ty))
        if k < 7:
            return ("shift", ty, p.choice(list(gen_int.SHIFTS)), sub(ty),
                    sub(p.choice(["i8", "i32", "i64"])))
        if k < 8:
            op = p.choice([u for u in gen_int.UNARY if u != "bswap" or ty != "i8"])
            return ("un", ty, op, sub(ty))
        if k < 10:
            other = p.choice([t for t in INTS if t != ty])
            return ("resize", ty, sub(other), bool(p.below(2)))
        if k < 11:
            return ("select", ty, self.cond(depth + 1), sub(ty), sub(ty))
        if ty in ("i32", "i64"):
            return ("to", ty, sub("f64"), bool(p.below(2)))
        return ("var", ty, self.var(ty))

    def cond(self, depth=0):
        p = self.pick
        if p.below(6) == 0:
            return ("var", "i8", self.var("i8"))
        if p.below(6) == 0:
            return ("fcmp", "i8", p.choice(list(xf.CONDITIONS)), self.expr("f64", depth + 1),
                    self.expr("f64", depth + 1))
        ty = p.choice(INTS)
        return ("cmp", "i8", p.choice(list(gen_int.CONDITIONS)), self.expr(ty, depth + 1),
                self.expr(ty, depth + 1))

    def block(self, depth, in_loop):
        out = []
        for _ in range(1 + self.pick.below(4)):
            if self.left <= 0:
                break
            out.append(self.statement(depth, in_loop))
        return out

    def statement(self, depth, in_loop):
        p = self.pick
        self.left -= 1
        k = p.below(16)
        if depth < 3:
            if k < 3:
                return ("if", self.cond(), self.block(depth + 1, in_loop),
                        self.block(depth + 1, in_loop) if p.below(2) else [])
            if k == 3 and depth < 2:
                return ("loop", 1 + p.below(6), self.block(depth + 1, True))
            if k == 4:
                n = 1 + p.below(5)
                return ("switch", self.expr("i32"), p.below(n + 1),
                        [self.block(depth + 1, in_loop) for _ in range(n)],
                        self.block(depth + 1, in_loop))
        if k == 5 and in_loop:
            return ("break", self.cond())
        if k == 6:
            name = p.choice(list(CALLS))
            params, results, _ = CALLS[name]
            return ("call", name, [self.expr(t) for t in params], [self.var(t) for t in results])
        if k == 7 or k == 8:
            ty = p.choice(list(INTS) + ["f64"])
            return ("store", ty, self.address(ty), self.expr(ty))
        if k == 9 or k == 10:
            ty = p.choice(list(INTS) + ["f64"])
            return ("load", ty, self.address(ty), self.var(ty))
        if k == 11:
            return ("trap", self.cond(), "user%d" % (1 + p.below(250)))
        ty = p.choice(list(INTS) + ["f64"])
        return ("set", self.var(ty), self.expr(ty))

    def address(self, ty):
        size = width(ty) // 8
        if self.pick.below(2):
            return ("at", self.pick.below(SLOT - size + 1))
        return ("index", self.expr("i32"), size)


def assigned(block):
    """The variables that a list of statements may assign."""
    out = set()
    for s in block:
        if s[0] == "set":
            out.add(s[1])
        elif s[0] == "load":
            out.add(s[3])
        elif s[0] == "call":
            out.update(s[3])
        elif s[0] == "if":
            out |= assigned(s[2]) | assigned(s[3])
        elif s[0] == "loop":
            out |= assigned(s[2])
        elif s[0] == "switch":
            for b in s[3]:
                out |= assigned(b)
            out |= assigned(s[4])
    return out


class Trap(Exception):
    pass


class Break(Exception):
    pass


class Machine:
    """Runs a program."""

    def __init__(self, types, values, memory):
        self.types, self.vars = types, list(values)
        self.memory = bytearray(memory)
        self.steps = 0

    def value(self, e):
        self.steps += 1
        return unsigned("i%d" % width(e[1]), self.raw(e))

    def raw(self, e):
        kind, ty = e[0], e[1]
        if kind == "const":
            return e[2]
        if kind == "var":
            return self.vars[e[2]]
        if kind == "bin":
            return gen_int.BINARY[e[2]](ty, self.value(e[3]), self.value(e[4]))
        if kind == "shift":
            return gen_int.SHIFTS[e[2]](ty, self.value(e[3]), self.value(e[4]))
        if kind == "un":
            return gen_int.UNARY[e[2]](ty, self.value(e[3]))
        if kind == "resize":
            v = self.value(e[2])
            return signed(e[2][1], v) if e[3] else v
        if kind == "select":
            c, a, b = self.value(e[2]), self.value(e[3]), self.value(e[4])
            return a if c else b
        if kind == "cmp":
            return int(gen_int.CONDITIONS[e[2]](e[3][1], self.value(e[3]), self.value(e[4])))
        if kind == "fcmp":
            return int(xf.compare("f64", self.value(e[3]), self.value(e[4])) in
                       xf.CONDITIONS[e[2]])
        if kind == "f":
            fun = {"fadd": xf.add, "fsub": xf.sub, "fmul": xf.mul, "fmin": xf.fmin,
                   "fmax": xf.fmax}[e[2]]
            return fun("f64", self.value(e[3]), self.value(e[4]))
        if kind == "from":
            return xf.from_int(e[2][1], "f64", self.value(e[2]), e[3])
        return xf.to_int("f64", ty, self.value(e[2]), e[3], True)

    def offset(self, a):
        if a[0] == "at":
            return a[1]
        return (self.value(a[1]) & (SLOT // a[2] - 1)) * a[2]

    def run(self, block):
        for s in block:
            kind = s[0]
            if kind == "set":
                self.vars[s[1]] = self.value(s[2])
            elif kind == "if":
                self.run(s[2] if self.value(s[1]) else s[3])
            elif kind == "loop":
                try:
                    for _ in range(s[1]):
                        self.run(s[2])
                except Break:
                    pass
            elif kind == "switch":
                i = self.value(s[1])
                if s[2]:
                    i &= 7
                self.run(s[3][i] if i < len(s[3]) else s[4])
            elif kind == "break":
                if self.value(s[1]):
                    raise Break
            elif kind == "call":
                args = [self.value(a) for a in s[2]]
                for v, r in zip(s[3], call_helper(s[1], args)):
                    self.vars[v] = unsigned("i%d" % width(self.types[v]), r)
            elif kind == "store":
                v = self.value(s[3])
                at, n = self.offset(s[2]), width(s[1]) // 8
                self.memory[at:at + n] = v.to_bytes(n, "little")
            elif kind == "load":
                at, n = self.offset(s[2]), width(s[1]) // 8
                self.vars[s[3]] = int.from_bytes(self.memory[at:at + n], "little")
            elif kind == "trap":
                if self.value(s[1]):
                    raise Trap(s[2])


class Writer:
    """Writes a program as CLIF."""

    def __init__(self, types):
        self.types = types
        self.lines = []
        self.next_value = len(types)
        self.next_block = 1
        self.env = list(range(len(types)))
        self.exits = []             # of the loops around: (block, variables it takes)

    def new(self):
        self.next_value += 1
        return self.next_value - 1

    def block_number(self):
        self.next_block += 1
        return self.next_block - 1

    def emit(self, textline):
        v = self.new()
        self.lines.append("    v%d = %s" % (v, textline))
        return v

    def expr(self, e):
        kind, ty = e[0], e[1]
        if kind == "const":
            return self.emit(const(ty, e[2]))
        if kind == "var":
            return self.env[e[2]]
        if kind in ("bin", "shift", "f"):
            a, b = self.expr(e[3]), self.expr(e[4])
            return self.emit("%s v%d, v%d" % (e[2], a, b))
        if kind == "un":
            return self.emit("%s v%d" % (e[2], self.expr(e[3])))
        if kind == "resize":
            v = self.expr(e[2])
            if width(ty) < width(e[2][1]):
                return self.emit("ireduce.%s v%d" % (ty, v))
            return self.emit("%s.%s v%d" % ("sextend" if e[3] else "uextend", ty, v))
        if kind == "select":
            c, a, b = self.expr(e[2]), self.expr(e[3]), self.expr(e[4])
            return self.emit("select v%d, v%d, v%d" % (c, a, b))
        if kind in ("cmp", "fcmp"):
            a, b = self.expr(e[3]), self.expr(e[4])
            return self.emit("%s %s v%d, v%d" % ("icmp" if kind == "cmp" else "fcmp", e[2], a, b))
        if kind == "from":
            v = self.expr(e[2])
            return self.emit("fcvt_from_%sint.f64 v%d" % ("s" if e[3] else "u", v))
        v = self.expr(e[2])
        return self.emit("fcvt_to_%sint_sat.%s v%d" % ("s" if e[3] else "u", ty, v))

    def args(self, variables):
        return "(%s)" % ", ".join("v%d" % self.env[v] for v in variables) if variables else ""

    def start(self, block, variables):
        """Begins a block that takes these variables."""
        params = []
        for v in variables:
            self.env[v] = self.new()
            params.append("v%d: %s" % (self.env[v], self.types[v]))
        self.lines.append("block%d%s:" % (block, "(%s)" % ", ".join(params) if params else ""))

    def address(self, a):
        base = self.emit("stack_addr.i64 ss0" + ("+%d" % a[1] if a[0] == "at" and a[1] else ""))
        if a[0] == "at":
            return base
        i = self.expr(a[1])
        m = self.emit("iconst.i32 %d" % (SLOT // a[2] - 1))
        i = self.emit("band v%d, v%d" % (i, m))
        i = self.emit("uextend.i64 v%d" % i)
        if a[2] > 1:
            k = self.emit("iconst.i8 %d" % (a[2].bit_length() - 1))
            i = self.emit("ishl v%d, v%d" % (i, k))
        return self.emit("iadd v%d, v%d" % (base, i))

    def run(self, block):
        for s in block:
            getattr(self, "do_" + s[0])(s)

    def do_set(self, s):
        self.env[s[1]] = self.expr(s[2])

    def do_if(self, s):
        c = self.expr(s[1])
        changed = sorted(assigned(s[2]) | assigned(s[3]))
        then, join = self.block_number(), self.block_number()
        before = list(self.env)
        if s[3]:
            other = self.block_number()
            self.lines.append("    brif v%d, block%d, block%d" % (c, then, other))
        else:
            self.lines.append("    brif v%d, block%d, block%d%s" %
                              (c, then, join, self.args(changed)))
        self.start(then, [])
        self.run(s[2])
        self.lines.append("    jump block%d%s" % (join, self.args(changed)))
        if s[3]:
            self.env = list(before)
            self.start(other, [])
            self.run(s[3])
            self.lines.append("    jump block%d%s" % (join, self.args(changed)))
        self.env = list(before)
        self.start(join, changed)

    def do_loop(self, s):
        changed = sorted(assigned(s[2]))
        head, leave = self.block_number(), self.block_number()
        n = self.emit("iconst.i32 %d" % s[1])
        self.lines.append("    jump block%d(%s)" % (head, ", ".join(
            "v%d" % v for v in [n] + [self.env[v] for v in changed])))
        before = list(self.env)
        count = self.new()
        params = ["v%d: i32" % count]
        for v in changed:
            self.env[v] = self.new()
            params.append("v%d: %s" % (self.env[v], self.types[v]))
        self.lines.append("block%d(%s):" % (head, ", ".join(params)))
        self.exits.append((leave, changed))
        self.run(s[2])
        self.exits.pop()
        one = self.emit("iconst.i32 1")
        less = self.emit("isub v%d, v%d" % (count, one))
        args = ", ".join("v%d" % v for v in [less] + [self.env[v] for v in changed])
        self.lines.append("    brif v%d, block%d(%s), block%d%s" %
                          (less, head, args, leave, self.args(changed)))
        self.env = before
        self.start(leave, changed)

    def do_switch(self, s):
        i = self.expr(s[1])
        if s[2]:
            m = self.emit("iconst.i32 7")
            i = self.emit("band v%d, v%d" % (i, m))
        arms = s[3] + [s[4]]
        changed = sorted(set().union(*[assigned(a) for a in arms]))
        numbers = [self.block_number() for _ in arms]
        join = self.block_number()
        # An arm that does nothing leads straight to the join.
        to = ["block%d" % n if a else "block%d%s" % (join, self.args(changed))
              for n, a in zip(numbers, arms)]
        self.lines.append("    br_table v%d, %s, [%s]" % (i, to[-1], ", ".join(to[:-1])))
        before = list(self.env)
        for n, a in zip(numbers, arms):
            if a:
                self.env = list(before)
                self.start(n, [])
                self.run(a)
                self.lines.append("    jump block%d%s" % (join, self.args(changed)))
        self.env = before
        self.start(join, changed)

    def do_break(self, s):
        c = self.expr(s[1])
        block, variables = self.exits[-1]
        on = self.block_number()
        self.lines.append("    brif v%d, block%d%s, block%d" % (c, block, self.args(variables), on))
        self.start(on, [])

    def do_call(self, s):
        args = [self.expr(a) for a in s[2]]
        results = [self.new() for _ in s[3]]
        self.lines.append("    %s = call fn%d(%s)" %
                          (", ".join("v%d" % r for r in results), list(CALLS).index(s[1]),
                           ", ".join("v%d" % a for a in args)))
        for v, r in zip(s[3], results):
            self.env[v] = r

    def do_store(self, s):
        v = self.expr(s[3])
        self.lines.append("    store v%d, v%d" % (v, self.address(s[2])))

    def do_load(self, s):
        self.env[s[3]] = self.emit("load.%s v%d" % (s[1], self.address(s[2])))

    def do_trap(self, s):
        c = self.expr(s[1])
        self.lines.append("    trapnz v%d, %s" % (c, s[2]))


def program(f, name, pick, size):
    types = ["i64", "i32", "f64", "i16", "i8", "i64", "i32"]
    for _ in range(pick.below(4)):
        types.append(pick.choice(list(INTS) + ["f64"]))
    maker = Maker(pick, types, size)
    body = []
    while maker.left > 0:
        body.append(maker.statement(0, False))
    w = Writer(types)
    init = [("store", "i64", ("at", 8 * k), ("const", "i64", pick.next() >> pick.below(50)))
            for k in range(SLOT // 8)]
    # The result: all variables and all memory in one number.
    w.run(init)
    w.run(body)
    acc = w.emit("iconst.i64 0")
    rot = w.emit("iconst.i8 5")
    items = []
    for v, t in enumerate(types):
        x = w.env[v]
        if t == "f64":
            x = w.emit("bitcast.i64 v%d" % x)
        elif t != "i64":
            x = w.emit("uextend.i64 v%d" % x)
        items.append(x)
    base = w.emit("stack_addr.i64 ss0")
    for k in range(SLOT // 8):
        items.append(w.emit("load.i64 v%d%s" % (base, "+%d" % (8 * k) if k else "")))
    for x in items:
        acc = w.emit("rotl v%d, v%d" % (acc, rot))
        acc = w.emit("bxor v%d, v%d" % (acc, x))
    lines = ["function %%%s(%s) -> i64 {" % (name, ", ".join(types)),
             "    ss0 = explicit_slot %d, align = 8" % SLOT]
    lines += ["    fn%d = %s" % (k, c[2]) for k, c in enumerate(CALLS.values())]
    lines.append("block0(%s):" % ", ".join("v%d: %s" % (i, t) for i, t in enumerate(types)))
    lines += w.lines + ["    return v%d" % acc, "}"]
    for _ in range(3):
        vals = [pick.bits(t) if t[0] == "i" else
                pick.choice([xf.random_float(t, pick), pick.choice(xf.edges(t))]) for t in types]
        m = Machine(types, vals, bytes(SLOT))
        try:
            m.run(init)
            m.run(body)
            h = 0
            words = [unsigned("i%d" % width(t), v) for t, v in zip(types, m.vars)]
            words += [int.from_bytes(m.memory[8 * k:8 * k + 8], "little")
                      for k in range(SLOT // 8)]
            for x in words:
                h = ((h << 5 | h >> 59) & ((1 << 64) - 1)) ^ x
            result = [h]
        except Trap as t:
            result = str(t)
        lines.append(run_line(name, types, vals, ["i64"], result))
    f.raw("\n".join(lines))


def generate():
    total = 0
    for part in range(5):
        f = File("programs_%d" % (part + 1), "Generated programs: branches, loops, tables, calls, "
                 "memory; NaNs canonicalized.", (X86_BASE, X86_BMI, X86_AVX, A64),
                 ("enable_nan_canonicalization=true",), SOURCE)
        f.raw(HELPERS)
        for n in range(26 if part < 4 else 10):
            program(f, "p%d" % n, Picker(9000 + 100 * part + n), 14 if part < 4 else 45)
        total += f.save()
    return total


if __name__ == "__main__":
    print(generate())
