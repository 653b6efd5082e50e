#!/usr/bin/env python3
"""rule_tests.py - runs each rule's pattern through the compiler: the rule as it was built, not as it was proved.

usage: rule_tests.py GANTRY FILE.rules... [-- OPTION...]

For each rule and each way to give its types widths, a function that computes the pattern, its constants chosen so
that the condition holds, and run lines on edge values and random ones with the results that the prover's semantics
give. OPTIONs go to `gantry test` (-O2). Rules whose condition speaks of known bits are left out, and counted.
Ends with "N passed, N failed, N skipped".
"""
import os
import random
import subprocess
import sys
import tempfile

try:
    import z3
except ImportError:
    if sys.executable != "/usr/bin/python3":
        os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
    raise

import prove
import rules
import semantics as sem

RUNS, CONSTANTS = 4, 2


class Writer(prove.Instance):
    """Writes the pattern as instructions."""

    def write(self, term, w, constants, lines, names):
        kind = term[0]
        if kind in ("var", "const"):
            if self.widths[term[1]] != w:
                raise prove.Unfit
            if kind == "var":
                return names[term[1]]
            return self.constant(constants[term[1]], w, lines, names)
        if kind == "expr":
            return self.constant(z3.simplify(z3.Extract(w - 1, 0, self.expr(term[1]))).as_long(), w, lines,
                                 names)
        _, name, condition, _, args = term
        ops, to = prove.SIGNATURES[name][0].split(">")
        control = w if to == "T" else self.t if term is self.rule.pattern else self.control_of(term, None)
        given = []
        for letter, arg in zip(ops, args):
            own = control if letter == "T" else 8 if letter == "a" else control if arg[0] == "expr" \
                else self.inner_width(arg, letter, control, False) if arg[0] == "op" \
                and prove.SIGNATURES[arg[1]][0].split(">")[1] == "T" and not arg[3] else self.width_of(arg, None)
            given.append(self.write(arg, own, constants, lines, names))
        suffix = f".i{control}" if set(ops) & set("nW") or name == "bmask" else ""
        v = self.fresh(names)
        lines.append(f"    {v} = {name}{suffix} {self.condition(condition)} {', '.join(given)}")
        return v

    def fresh(self, names):
        names[len(names)] = v = f"v{len(names)}"
        return v

    def constant(self, x, w, lines, names):
        v = self.fresh(names)
        lines.append(f"    {v} = iconst.i{w} {x}")
        return v


def leaves(term, kind, found):
    if term[0] == kind:
        found.add(term[1])
    elif term[0] == "op":
        for a in term[4]:
            leaves(a, kind, found)
    return found


def speaks_of_bits(e):
    return isinstance(e, tuple) and (e[:2] == ("call", "known_zero") or any(map(speaks_of_bits, e)))


def choose_constants(rule, i, names, rng):
    """Values for which the condition holds, other ones each time where that is easy."""
    s = z3.Solver()
    s.set("timeout", 5000)
    for n in names:
        i.values.setdefault(n, z3.BitVec(n, i.widths[n]))
    if rule.condition is not None:
        s.add(i.holds(rule.condition))
    for n in names:
        w = i.widths[n]
        for x in (rng.getrandbits(w), rng.choice([1, 2, 3, (1 << w) - 1, 1 << (w - 1), w - 1])):
            s.push()
            s.add(i.values[n] == x)
            if s.check() == z3.sat:
                break
            s.pop()
    if s.check() != z3.sat:
        raise prove.Unfit
    model = s.model()
    return {n: model.eval(i.values[n], model_completion=True).as_long() for n in names}


def functions(rule, rng, lines, counter):
    for i in prove.instances(rule):
        i.__class__ = Writer
        to = prove.SIGNATURES[rule.pattern[1]][0].split(">")[1]
        i.t = i.widths["T"]
        result = 8 if to in "Ca" else i.t
        params = sorted(leaves(rule.pattern, "var", set()))
        consts = sorted(leaves(rule.pattern, "const", set()))
        for _ in range(CONSTANTS if consts else 1):
            try:
                i.values = {}
                i.value(rule.pattern, result, False)  # unfit widths are found here
                chosen = choose_constants(rule, i, consts, rng)
                i.values.update({n: z3.BitVecVal(x, i.widths[n]) for n, x in chosen.items()})
                names, body = {}, []
                for p in params:
                    names[p] = f"v{len(names)}"
                out = i.write(rule.pattern, result, chosen, body, names)
            except prove.Unfit:
                break
            counter[0] += 1
            f = f"%f{counter[0]}"
            types = ", ".join(f"i{i.widths[p]}" for p in params)
            block = "(" + ", ".join(f"{names[p]}: i{i.widths[p]}" for p in params) + ")" if params else ""
            lines += [f"; {rule.name}", f"function {f}({types}) -> i{result} {{", f"block0{block}:", *body,
                      f"    return {out}", "}"]
            for _ in range(RUNS):
                args = {p: rng.choice([0, 1, (1 << i.widths[p]) - 1, 1 << (i.widths[p] - 1),
                                       rng.getrandbits(i.widths[p])]) for p in params}
                at = prove.Instance(rule, i.widths, i.conditions)
                at.t = i.t
                at.values = {n: z3.BitVecVal(x, i.widths[n]) for n, x in {**chosen, **args}.items()}
                got = at.value(rule.pattern, result, False)
                if at.pattern_traps and z3.is_true(z3.simplify(z3.Or(*at.pattern_traps))):
                    continue
                lines.append(f"; run: {f}({', '.join(str(args[p]) for p in params)}) == "
                             f"{z3.simplify(got).as_long()}")


def main():
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    gantry, paths, options = sys.argv[1], sys.argv[2:split], sys.argv[split + 1:] or ["-O2"]
    rng, lines, counter, left_out = random.Random(1), ["test run", "target x86_64", "target aarch64"], [0], 0
    for rule in rules.read(paths):
        if rule.fact is not None or speaks_of_bits(rule.condition):
            left_out += 1
        else:
            functions(rule, rng, lines, counter)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rules.clif")
        with open(path, "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
        out = subprocess.run([gantry, "test", *options, path], capture_output=True, text=True,
                             check=False).stdout.splitlines()
        for line in [x for x in out[:-1] if ": pass:" not in x][:20]:
            print(line)
        passed, _, failed, _, skipped, _ = out[-1].split() if out else "0 passed, 1 failed, 0 skipped".split()
    print(f"{passed} passed, {failed} failed, {int(skipped) + left_out} skipped")
    return failed != "0" or passed == "0"


if __name__ == "__main__":
    sys.exit(main())
