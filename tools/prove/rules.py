"""rules.py - reads src/opt/rules as tools/rulec does: terms and expressions as tuples.

term: ("var", name) | ("const", name) | ("expr", e) | ("op", name, condition, type or "", [term...])
condition: "" | "eq" (a condition) | "@P" | "@inv P" | "@swap P"
expression: ("num", n) | ("name", s) | ("call", f, arg or "", e or None) | (operator, a, b) | ("neg"|"not"|"lnot", a)
"""
import re
from collections import namedtuple

Rule = namedtuple("Rule", "name pattern condition replacement fact file line text")
TOKEN = re.compile(
    r"\s*(u<=|u>=|u<|u>|s<=|s>=|s<|s>|=>|<<|>>|<=|>=|==|!=|&&|\|\||0x[0-9a-f]+|\d+|[A-Za-z_]\w*|[-+*&|^~!(){},.@:<>=])")
LEVELS = [["||"], ["&&"],
          ["==", "!=", "<", "<=", ">", ">=", "u<", "u<=", "u>", "u>=", "s<", "s<=", "s>", "s>="],
          ["|"], ["^"], ["&"], ["<<", ">>"], ["+", "-"], ["*"]]


class Reader:
    def __init__(self, text, where):
        self.where, self.tokens, at = where, [], 0
        text = text.rstrip()
        while at < len(text):
            m = TOKEN.match(text, at)
            if not m:
                raise SyntaxError(f"{where}: at {text[at:at + 20]!r}")
            self.tokens.append(m.group(1))
            at = m.end()
        self.at = 0

    def peek(self, k=0):
        return self.tokens[self.at + k] if self.at + k < len(self.tokens) else ""

    def take(self, *texts):
        if self.peek() in texts:
            self.at += 1
            return self.tokens[self.at - 1]
        return None

    def need(self, text):
        if not self.take(text):
            raise SyntaxError(f"{self.where}: expected {text} at {self.peek()!r}")

    def word(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def expr(self, level=0):
        if level == len(LEVELS):
            return self.unary()
        a = self.expr(level + 1)
        while self.peek() in LEVELS[level]:
            op = self.word()
            a = (op, a, self.expr(level + 1))
        return a

    def unary(self):
        for text, name in (("-", "neg"), ("~", "not"), ("!", "lnot")):
            if self.take(text):
                return (name, self.unary())
        if self.take("("):
            e = self.expr()
            self.need(")")
            return e
        t = self.word()
        if t[0].isdigit():
            return ("num", int(t, 0))
        if not self.take("("):
            return ("name", t)
        if t in ("ty", "mask", "bits", "zero", "known_zero"):
            arg, e = self.word(), None
            if self.take(","):
                e = self.expr()
        else:
            arg, e = "", self.expr()
        self.need(")")
        return ("call", t, arg, e)

    def condition(self):
        if self.take("."):
            return self.word()
        if not self.take("@"):
            return ""
        w = self.word()
        if w not in ("inv", "swap"):
            return "@" + w
        self.need("(")
        v = self.word()
        self.need(")")
        return f"@{w} {v}"

    def term(self):
        if self.take("{"):
            e = self.expr()
            self.need("}")
            return ("expr", e)
        if self.peek() == "-" or self.peek()[0].isdigit():
            return ("expr", self.unary())
        name = self.word()
        if self.peek() not in ("(", ".", "@"):
            if self.take(":"):
                self.word()
            return ("const" if name[0].isupper() else "var", name)
        cc, args = self.condition(), []
        self.need("(")
        while True:
            args.append(self.term())
            if not self.take(","):
                break
        self.need(")")
        return ("op", name, cc, self.word() if self.take(":") else "", args)


def read(paths):
    for path in paths:
        for number, line in enumerate(open(path, encoding="utf-8"), 1):
            line = line.split("#")[0].rstrip()
            if not line.strip():
                continue
            name, text = line.split(":", 1)
            r = Reader(text, f"{path}:{number}")
            if r.peek() == "zeros":
                r.word()
                r.need("(")
                pattern = r.term()
                r.need(")")
                r.need("=")
                yield Rule(name.strip(), pattern, None, None, r.expr(), path, number, line)
                continue
            pattern = r.term()
            condition = r.expr() if r.take("if") else None
            r.need("=>")
            yield Rule(name.strip(), pattern, condition, r.term(), None, path, number, line)
