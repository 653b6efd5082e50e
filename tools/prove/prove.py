#!/usr/bin/env python3
"""prove.py - shows every rewrite rule right at all widths, or prints a counterexample.

usage: prove.py [--cache FILE] [--only NAME] FILE.rules...

For each rule, each way to give its types the widths 8, 16, 32 and 64 that its operations allow, and each
condition of its comparisons: Z3 is asked for operands for which the condition of the rule holds, the pattern does
not trap, and the replacement differs or traps. Nothing found by Z3 for one width is carried over to another. Rules
proved before, by the same text and the same semantics, are in the cache. Where Z3 has no answer soon and constants
are amounts of shifts, it is asked once for each of their values. A time-out is a failure.
"""
import hashlib
import itertools
import os
import sys

try:
    import z3
except ImportError:  # Debian's package belongs to Debian's Python
    if sys.executable != "/usr/bin/python3":
        os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
    raise

import rules
import semantics as sem

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTHS = (8, 16, 32, 64)
W = 64  # of expressions
SIGNATURES = sem.read_signatures(os.path.join(HERE, "../../include/gantry/jit_opcodes.def"))
NO_8 = {"bswap"}
SOON_MS, TIMEOUT_MS = 60000, 120000


NO_ANSWER = "no answer in time"


class Unfit(Exception):
    """The types do not fit together at these widths."""


class Instance:
    """A rule at given widths of its variables, and with given conditions."""

    def __init__(self, rule, widths, conditions):
        self.rule, self.widths, self.conditions = rule, widths, conditions
        self.values, self.zeros = {}, {}
        self.assumptions, self.pattern_traps, self.new_traps = [], [], []
        self.t = None

    # -- types ------------------------------------------------------------

    def width_of(self, term, expected):
        """The width of a term's result. Unfit when it cannot be `expected` (None: any)."""
        kind = term[0]
        if kind in ("var", "const"):
            w = self.widths[term[1]]
        elif kind == "expr":
            w = expected
        else:
            to = SIGNATURES[term[1]][0].split(">")[1]
            w = 8 if to in "Ca" else self.widths.get(term[3]) if term[3] else expected
            if w is None:
                w = self.control_of(term, None)
        if expected is not None and w != expected:
            raise Unfit
        return w

    def control_of(self, term, result):
        """The controlling width: the result's, or for comparisons the operands'."""
        ops, to = SIGNATURES[term[1]][0].split(">")
        if to == "T" and result is not None:
            return result
        found = None
        for letter, arg in zip(ops, term[4]):
            if letter != "T" or arg[0] == "expr":
                continue
            try:
                w = self.width_of(arg, None)
            except Unfit:  # a conversion, which takes any
                continue
            if found not in (None, w):
                raise Unfit
            found = w
        if found is None:
            raise Unfit
        return found

    # -- terms ------------------------------------------------------------

    def value(self, term, w, replacing):
        kind = term[0]
        if kind in ("var", "const"):
            if self.widths[term[1]] != w:
                raise Unfit
            return self.values.setdefault(term[1], z3.BitVec(term[1], w))
        if kind == "expr":
            return z3.Extract(w - 1, 0, self.expr(term[1]))
        _, name, condition, annotation, args = term
        ops, to = SIGNATURES[name][0].split(">")
        if to in "Ca" and w != 8 or annotation and self.widths[annotation] != w:
            raise Unfit
        control = w if to == "T" else self.t if term is self.rule.pattern \
            else self.control_of(term, None)
        if name in NO_8 and control == 8:
            raise Unfit
        built = []
        for letter, arg in zip(ops, args):
            if letter == "T":
                own = control
            elif letter == "a":
                own = 8
            elif arg[0] == "expr":
                own = control
            elif arg[0] == "op" and SIGNATURES[arg[1]][0].split(">")[1] == "T" and not arg[3]:
                own = self.inner_width(arg, letter, control, replacing)
            else:
                own = self.width_of(arg, None)
            if letter == "n" and not (own < control or (replacing and own == control)):
                raise Unfit
            if letter == "W" and not (own > control or (replacing and own == control)):
                raise Unfit
            built.append(self.value(arg, own, replacing))
        t = sem.traps(name, control, built)
        (self.new_traps if replacing else self.pattern_traps).append(t)
        return sem.OPS[name](control, built, self.condition(condition))

    def inner_width(self, arg, letter, control, replacing):
        """Of an operation whose type no name tells: a conversion, or operands of one width."""
        key = "type of " + repr(arg)
        if key in self.widths:
            return self.widths[key]
        return self.width_of(arg, None)

    def condition(self, text):
        if not text.startswith("@"):
            return text
        change, _, name = text[1:].rpartition(" ")
        c = self.conditions[name]
        return {"": c, "inv": sem.INVERSE[c], "swap": sem.SWAP[c]}[change]

    # -- expressions: 64 bits, as src/opt/rules.h computes them ------------

    def bits(self, name):
        return self.t if name in ("T", "w") else self.widths[name]

    def mask(self, w):
        return z3.BitVecVal((1 << w) - 1, W)

    def zero(self, name):
        """Bits said to be zero in the variable: any that truly are."""
        if name not in self.zeros:
            w = self.widths[name]
            z = z3.BitVec("zeros of " + name, W)
            x = self.values.setdefault(name, z3.BitVec(name, w))
            self.assumptions.append(z3.ZeroExt(W - w, x) & z == 0 if w < W else x & z == 0)
            self.zeros[name] = z
        return self.zeros[name]

    def leaf_width(self, e):
        """Bits that a comparison looks at: of the widest of its constants' types and T."""
        if not isinstance(e, tuple):
            return 0
        if e[0] == "name" and e[1] in self.widths and e[1] in self.values:
            return self.widths[e[1]]
        return max([0] + [self.leaf_width(x) for x in e[1:]])

    def expr(self, e):
        kind = e[0]
        if kind == "num":
            return z3.BitVecVal(e[1], W)
        if kind == "name":
            return self.name(e[1])
        if kind == "call":
            return self.call(e[1], e[2], e[3])
        if kind == "neg":
            return -self.expr(e[1])
        if kind == "not":
            return ~self.expr(e[1])
        a, b = self.expr(e[1]), self.expr(e[2])
        return {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "&": lambda: a & b,
                "|": lambda: a | b, "^": lambda: a ^ b, "<<": lambda: a << b,
                ">>": lambda: z3.LShR(a, b)}[kind]()

    def name(self, n):
        if n == "ones":
            return self.mask(self.t)
        if n == "smin":
            return z3.BitVecVal(1 << (self.t - 1), W)
        if n == "smax":
            return z3.BitVecVal((1 << (self.t - 1)) - 1, W)
        if n in ("w", "T"):
            return z3.BitVecVal(self.t, W)
        if n in self.values:
            return sem.resize(self.values[n], W)
        return z3.BitVecVal(self.widths[n], W)

    def call(self, f, arg, e):
        if f in ("ty", "bits"):
            return z3.BitVecVal(self.bits(arg), W)
        if f == "mask":
            return self.mask(self.bits(arg))
        if f == "zero":
            return self.zero(arg)
        x = self.expr(e)
        if f == "sh":
            return x & (self.t - 1)
        if f == "low":
            return z3.If(z3.ULT(x, 64), (z3.BitVecVal(1, W) << x) - 1, z3.BitVecVal(-1, W))
        x = x & self.mask(self.t)
        return {"log2": lambda: sem.count(W, x, False), "lz": lambda: sem.count(W, x, True)}[f]()

    def holds(self, e):
        kind = e[0]
        if kind == "&&":
            return z3.And(self.holds(e[1]), self.holds(e[2]))
        if kind == "||":
            return z3.Or(self.holds(e[1]), self.holds(e[2]))
        if kind == "lnot":
            return z3.Not(self.holds(e[1]))
        if kind == "call" and e[1] == "pow2":
            x = self.expr(e[3]) & self.mask(self.t)
            return z3.And(x != 0, x & (x - 1) == 0)
        if kind == "call" and e[1] == "known_zero":
            m = self.mask(self.bits(e[2]))
            return self.expr(e[3]) & m & ~self.zero(e[2]) == 0
        signed = kind.startswith("s")
        w = self.t if signed else max(self.t, self.leaf_width(e[1]), self.leaf_width(e[2]))
        a, b = (z3.Extract(w - 1, 0, self.expr(x)) for x in e[1:])
        return {"==": lambda: a == b, "!=": lambda: a != b,
                "<": lambda: z3.ULT(a, b), "<=": lambda: z3.ULE(a, b), ">": lambda: z3.UGT(a, b),
                ">=": lambda: z3.UGE(a, b), "s<": lambda: a < b, "s<=": lambda: a <= b,
                "s>": lambda: a > b, "s>=": lambda: a >= b}[kind.replace("u", "")]()

    # -- the question ------------------------------------------------------

    def refute(self, timeout, fixed):
        """The solver's counterexample, or None when there is none. Unfit: nothing to show."""
        self.values = {n: z3.BitVecVal(x, self.widths[n]) for n, x in fixed.items()}
        r = self.rule
        to = SIGNATURES[r.pattern[1]][0].split(">")[1]
        self.t = self.widths["T"]
        result = 8 if to in "Ca" else self.t
        before = self.value(r.pattern, result, False)
        s = z3.Solver()
        s.set("timeout", timeout)
        if r.fact is not None:
            wrong = sem.resize(before, W) & self.expr(r.fact) & self.mask(result) != 0
        else:
            if r.condition is not None:
                s.add(self.holds(r.condition))
            after = self.value(r.replacement, result, True)
            wrong = z3.Or(before != after, *self.new_traps)
        s.add(*self.assumptions)
        s.add(z3.Not(z3.Or(*self.pattern_traps)) if self.pattern_traps else True)
        s.add(wrong)
        found = s.check()
        if found == z3.unsat:
            return None
        return s.model() if found == z3.sat else NO_ANSWER


def variables(term, names, inner):
    if term[0] in ("var", "const"):
        names.add(term[1])
    elif term[0] == "op":
        if term[3]:
            names.add(term[3])
        ops = SIGNATURES[term[1]][0].split(">")[0]
        for letter, arg in zip(ops, term[4]):
            if letter in "nWs" and arg[0] == "op" and not arg[3] \
               and SIGNATURES[arg[1]][0].split(">")[1] == "T":
                inner.add("type of " + repr(arg))
            variables(arg, names, inner)


SHIFTS = {"ishl", "ushr", "sshr", "rotl", "rotr"}


def only_amounts(rule):
    """Constants that are nothing but amounts of shifts. Of these the low bits alone are looked at (amount() in
    semantics.py, sh() here), so that a term
    for a wider type is that for 8 bits with other names."""
    amounts, others = set(), set()

    def walk(term, is_amount):
        if term[0] == "const":
            (amounts if is_amount else others).add(term[1])
        elif term[0] == "expr":
            look(term[1], False)
        elif term[0] == "op":
            for k, a in enumerate(term[4]):
                walk(a, term[1] in SHIFTS and k == 1)

    def look(e, within):
        if not isinstance(e, tuple):
            return
        if e[0] == "name" and not within:
            others.add(e[1])
        for x in e[1:]:
            look(x, e[0] == "call" and e[1] == "sh" and x is e[3] and x is not None and x[0] == "name")

    walk(rule.pattern, False)
    if rule.replacement:
        walk(rule.replacement, False)
    look(rule.condition, False)
    look(rule.fact, False)
    return amounts - others


def conditions(term, found):
    if term[0] == "op":
        if term[2].startswith("@"):
            found.add(term[2][1:].rpartition(" ")[2])
        for a in term[4]:
            conditions(a, found)


def instances(rule):
    names, inner, ccs = {"T"}, set(), set()
    variables(rule.pattern, names, inner)
    if rule.replacement:
        variables(rule.replacement, names, inner)
    conditions(rule.pattern, ccs)
    names, ccs, amounts = sorted(names) + sorted(inner), sorted(ccs), only_amounts(rule)
    for widths in itertools.product(*[(8,) if n in amounts else WIDTHS for n in names]):
        for chosen in itertools.product(sem.INVERSE, repeat=len(ccs)):
            yield Instance(rule, dict(zip(names, widths)), dict(zip(ccs, chosen)))


def prove(rule):
    """Number of questions answered; raises AssertionError with the counterexample."""
    shown, amounts = 0, sorted(only_amounts(rule))
    for i in instances(rule):
        try:
            model = i.refute(SOON_MS if amounts else TIMEOUT_MS, {})
        except Unfit:
            continue
        if model is NO_ANSWER and amounts:
            model = None
            for chosen in itertools.product(range(i.t), repeat=len(amounts)):
                again = Instance(rule, i.widths, i.conditions)
                model = model or again.refute(TIMEOUT_MS, dict(zip(amounts, chosen)))
        assert model is None, f"widths {i.widths} {i.conditions or ''}: {model}"
        shown += 1
    assert shown, "no widths fit: the rule can never apply"
    return shown


def main():
    cache_file, only, paths, cache = None, None, [], set()
    args = iter(sys.argv[1:])
    for a in args:
        if a == "--cache":
            cache_file = next(args)
        elif a == "--only":
            only = next(args)
        else:
            paths.append(a)
    source = b"".join(open(os.path.join(HERE, f), "rb").read()
                      for f in ("prove.py", "rules.py", "semantics.py"))
    if cache_file and os.path.exists(cache_file):
        cache = set(open(cache_file, encoding="ascii").read().split())
    passed = failed = 0
    for rule in rules.read(paths):
        if only and rule.name != only:
            continue
        key = hashlib.sha256(source + rule.text.encode()).hexdigest()
        if key not in cache:
            try:
                prove(rule)
            except (AssertionError, KeyError) as e:
                failed += 1
                print(f"{rule.file}:{rule.line}: {rule.name}: {e}", flush=True)
                continue
            if cache_file:
                with open(cache_file, "a", encoding="ascii") as f:
                    f.write(key + "\n")
        passed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
