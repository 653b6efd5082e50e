"""evalfn.py - builds straight-line functions and computes what they return.

Each instruction is kept as its text and as a Python function of its operands, so that generated
programs carry their own reference. A trap ends the evaluation with its code.
"""
import exactfloat as xf
import gen_int
from clifgen import INTS, const, signed, unsigned, width

BINARY = dict(gen_int.BINARY)
BINARY.update(gen_int.DIVISION)
SHIFTS = gen_int.SHIFTS
UNARY = gen_int.UNARY
FBINARY = {"fadd": xf.add, "fsub": xf.sub, "fmul": xf.mul, "fdiv": xf.div, "fmin": xf.fmin,
           "fmax": xf.fmax}


class Trap(Exception):
    pass


class Builder:
    """Values are indices; types[v] is the type of v. Parameters come first."""

    def __init__(self, params):
        self.params = list(params)
        self.types = [p.split()[0] for p in params]
        self.code = []      # (results, function from the list of values to a list of results)
        self.lines = []
        self.pre = []

    def _new(self, ty):
        self.types.append(ty)
        return len(self.types) - 1

    def _emit(self, ty, textline, fun):
        v = self._new(ty)
        self.lines.append("v%d = %s" % (v, textline))
        self.code.append(([v], lambda vals: [fun(vals)]))
        return v

    def const(self, ty, k):
        return self._emit(ty, const(ty, k), lambda vals: k)

    def op(self, name, a, b):
        """An integer operation of two operands; shifts take any type on the right."""
        ty = self.types[a]
        if name in SHIFTS:
            bt = self.types[b]
            fun = lambda vals: SHIFTS[name](ty, vals[a], unsigned(bt, vals[b]))
        else:
            assert self.types[b] == ty, (name, ty, self.types[b])
            fun = lambda vals: BINARY[name](ty, vals[a], vals[b])
        return self._emit(ty, "%s v%d, v%d" % (name, a, b), fun)

    def unary(self, name, a):
        ty = self.types[a]
        return self._emit(ty, "%s v%d" % (name, a), lambda vals: UNARY[name](ty, vals[a]))

    def icmp(self, cc, a, b):
        ty = self.types[a]
        return self._emit("i8", "icmp %s v%d, v%d" % (cc, a, b),
                          lambda vals: int(gen_int.CONDITIONS[cc](ty, vals[a], vals[b])))

    def select(self, c, a, b, op="select"):
        ct = self.types[c]
        return self._emit(self.types[a], "%s v%d, v%d, v%d" % (op, c, a, b),
                          lambda vals: vals[a] if unsigned(ct, vals[c]) else vals[b])

    def bitselect(self, c, a, b):
        return self._emit(self.types[a], "bitselect v%d, v%d, v%d" % (c, a, b),
                          lambda vals: vals[c] & vals[a] | ~vals[c] & vals[b])

    def uextend(self, ty, a):
        at = self.types[a]
        return self._emit(ty, "uextend.%s v%d" % (ty, a), lambda vals: unsigned(at, vals[a]))

    def sextend(self, ty, a):
        at = self.types[a]
        return self._emit(ty, "sextend.%s v%d" % (ty, a), lambda vals: signed(at, vals[a]))

    def ireduce(self, ty, a):
        return self._emit(ty, "ireduce.%s v%d" % (ty, a), lambda vals: vals[a])

    def bmask(self, ty, a):
        at = self.types[a]
        return self._emit(ty, "bmask.%s v%d" % (ty, a),
                          lambda vals: -1 if unsigned(at, vals[a]) else 0)

    def resize(self, ty, a, is_signed=False):
        """a as another integer type, by whatever instruction that takes."""
        w, wa = width(ty), width(self.types[a])
        if w == wa:
            return a
        if w < wa:
            return self.ireduce(ty, a)
        return self.sextend(ty, a) if is_signed else self.uextend(ty, a)

    def fop(self, name, a, b):
        ty = self.types[a]
        return self._emit(ty, "%s v%d, v%d" % (name, a, b),
                          lambda vals: FBINARY[name](ty, vals[a], vals[b]))

    def fcmp(self, cc, a, b):
        ty = self.types[a]
        return self._emit("i8", "fcmp %s v%d, v%d" % (cc, a, b),
                          lambda vals: int(xf.compare(ty, vals[a], vals[b]) in xf.CONDITIONS[cc]))

    def from_int(self, ty, a, is_signed):
        at = self.types[a]
        return self._emit(ty, "fcvt_from_%sint.%s v%d" % ("s" if is_signed else "u", ty, a),
                          lambda vals: xf.from_int(at, ty, vals[a], is_signed))

    def to_int_sat(self, ty, a, is_signed):
        at = self.types[a]
        return self._emit(ty, "fcvt_to_%sint_sat.%s v%d" % ("s" if is_signed else "u", ty, a),
                          lambda vals: xf.to_int(at, ty, vals[a], is_signed, True))

    def widen(self, a):
        return self._emit("f64", "fpromote.f64 v%d" % a,
                          lambda vals: xf.convert("f32", "f64", vals[a]))

    def narrow(self, a):
        return self._emit("f32", "fdemote.f32 v%d" % a,
                          lambda vals: xf.convert("f64", "f32", vals[a]))

    def bitcast(self, ty, a):
        return self._emit(ty, "bitcast.%s v%d" % (ty, a), lambda vals: vals[a])

    def overflow(self, name, a, b):
        """The wrapped value and the flag."""
        ty = self.types[a]
        kind, op = name[0], name[1:4]
        v, o = self._new(ty), self._new("i8")
        self.lines.append("v%d, v%d = %s v%d, v%d" % (v, o, name, a, b))
        self.code.append(([v, o], lambda vals:
                          gen_int.overflow_row(ty, kind, op, vals[a], vals[b], 0)))
        return v, o

    def raw(self, line):
        """A line without a result, such as a store whose effect the caller models."""
        self.lines.append(line)

    def evaluate(self, args):
        """All values for these arguments, each masked to its type."""
        vals = [None] * len(self.types)
        for i, a in enumerate(args):
            vals[i] = unsigned("i" + self.types[i][1:], a)
        for results, fun in self.code:
            for v, r in zip(results, fun(vals)):
                if isinstance(r, str):
                    raise Trap(r)
                vals[v] = unsigned("i" + self.types[v][1:], r)
        return vals

    def expect(self, args, results):
        try:
            vals = self.evaluate(args)
        except Trap as t:
            return str(t)
        return [vals[r] for r in results]

    def finish(self, f, name, results, arglists, conv=""):
        """Adds the function to file f with a run line for each list of arguments."""
        ret = "return " + ", ".join("v%d" % r for r in results)
        f.fn(name, self.params, [self.types[r] for r in results], self.lines + [ret],
             [(a, self.expect(a, results)) for a in arglists], pre=self.pre, conv=conv)
