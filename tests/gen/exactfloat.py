"""exactfloat.py - binary floating point by exact fractions, rounded once to nearest even.

Values are bit patterns of a type named f32 or f64. No host floating point takes part.
"""
from fractions import Fraction
from math import isqrt

from clifgen import FORMATS, signed, smax, smin, unsigned, mask, width


class Format:
    def __init__(self, ebits, mbits):
        self.ebits, self.mbits = ebits, mbits
        self.emax = (1 << (ebits - 1)) - 1
        self.emin = 1 - self.emax
        self.sign = 1 << (ebits + mbits)
        self.inf = ((1 << ebits) - 1) << mbits
        self.quiet = 1 << (mbits - 1)
        self.nan = self.inf | self.quiet


F = {ty: Format(*FORMATS[ty]) for ty in FORMATS}


def is_nan(ty, x):
    return (x & ~F[ty].sign) > F[ty].inf


def is_inf(ty, x):
    return (x & ~F[ty].sign) == F[ty].inf


def is_zero(ty, x):
    return (x & ~F[ty].sign) == 0


def neg(ty, x):
    return x >> (F[ty].ebits + F[ty].mbits)


def value(ty, x):
    """The exact value of a finite pattern."""
    f = F[ty]
    exp = x >> f.mbits & ((1 << f.ebits) - 1)
    frac = x & ((1 << f.mbits) - 1)
    if exp:
        frac |= 1 << f.mbits
    else:
        exp = 1
    v = Fraction(frac) * Fraction(2) ** (exp - f.emax - f.mbits)
    return -v if neg(ty, x) else v


def rounded(ty, v, zero_sign=0):
    """The pattern nearest to v, ties to even; an exact zero takes zero_sign."""
    f = F[ty]
    if v == 0:
        return f.sign if zero_sign else 0
    a = abs(v)
    e = a.numerator.bit_length() - a.denominator.bit_length()
    if Fraction(2) ** e > a:
        e -= 1
    e = max(e, f.emin)
    scaled = a / Fraction(2) ** (e - f.mbits)
    n = scaled.numerator // scaled.denominator
    rest = scaled - n
    if rest > Fraction(1, 2) or rest == Fraction(1, 2) and n & 1:
        n += 1
    bits = min(((e - f.emin) << f.mbits) + n, f.inf)
    return bits | (f.sign if v < 0 else 0)


def inf(ty, s):
    return F[ty].inf | (F[ty].sign if s else 0)


def zero(ty, s):
    return F[ty].sign if s else 0


def add(ty, a, b):
    if is_nan(ty, a) or is_nan(ty, b):
        return F[ty].nan
    if is_inf(ty, a) or is_inf(ty, b):
        if is_inf(ty, a) and is_inf(ty, b) and a != b:
            return F[ty].nan
        return a if is_inf(ty, a) else b
    return rounded(ty, value(ty, a) + value(ty, b), neg(ty, a) and neg(ty, b))


def sub(ty, a, b):
    return add(ty, a, b ^ F[ty].sign)


def mul(ty, a, b):
    s = neg(ty, a) ^ neg(ty, b)
    if is_nan(ty, a) or is_nan(ty, b):
        return F[ty].nan
    if is_inf(ty, a) or is_inf(ty, b):
        return F[ty].nan if is_zero(ty, a) or is_zero(ty, b) else inf(ty, s)
    return rounded(ty, value(ty, a) * value(ty, b), s)


def div(ty, a, b):
    s = neg(ty, a) ^ neg(ty, b)
    if is_nan(ty, a) or is_nan(ty, b):
        return F[ty].nan
    if is_inf(ty, a):
        return F[ty].nan if is_inf(ty, b) else inf(ty, s)
    if is_inf(ty, b):
        return zero(ty, s)
    if is_zero(ty, b):
        return F[ty].nan if is_zero(ty, a) else inf(ty, s)
    return rounded(ty, value(ty, a) / value(ty, b), s)


def fma(ty, a, b, c):
    s = neg(ty, a) ^ neg(ty, b)
    if is_nan(ty, a) or is_nan(ty, b) or is_nan(ty, c):
        return F[ty].nan
    if is_inf(ty, a) or is_inf(ty, b):
        if is_zero(ty, a) or is_zero(ty, b) or is_inf(ty, c) and neg(ty, c) != s:
            return F[ty].nan
        return inf(ty, s)
    if is_inf(ty, c):
        return c
    product = value(ty, a) * value(ty, b)
    if product == 0 and is_zero(ty, c):
        return zero(ty, s and neg(ty, c))
    return rounded(ty, product + value(ty, c), 0)


def sqrt(ty, a):
    if is_nan(ty, a) or neg(ty, a) and not is_zero(ty, a):
        return F[ty].nan
    if is_inf(ty, a) or is_zero(ty, a):
        return a
    v = value(ty, a) * Fraction(4) ** 1200
    root = isqrt(v.numerator)
    assert v.denominator == 1
    sticky = Fraction(root * root != v.numerator, 2)
    return rounded(ty, (root + sticky) / Fraction(2) ** 1200)


def order(ty, x):
    """A number that orders all patterns but NaNs, -0.0 below 0.0."""
    m = x & ~F[ty].sign
    return -m - 1 if neg(ty, x) else m


def fmin(ty, a, b):
    if is_nan(ty, a) or is_nan(ty, b):
        return F[ty].nan
    return a if order(ty, a) < order(ty, b) else b


def fmax(ty, a, b):
    if is_nan(ty, a) or is_nan(ty, b):
        return F[ty].nan
    return a if order(ty, a) > order(ty, b) else b


def integral(v, how):
    down = v.numerator // v.denominator
    if how == "floor" or v == down:
        return down
    if how == "ceil":
        return down + 1
    if how == "trunc":
        return down if v > 0 else down + 1
    rest = v - down
    return down + (rest > Fraction(1, 2) or rest == Fraction(1, 2) and down & 1)


def to_integral(ty, a, how):
    if is_nan(ty, a):
        return F[ty].nan
    if is_inf(ty, a):
        return a
    return rounded(ty, Fraction(integral(value(ty, a), how)), neg(ty, a))


def compare(ty, a, b):
    """One of 'lt', 'eq', 'gt', 'un'."""
    if is_nan(ty, a) or is_nan(ty, b):
        return "un"
    if is_zero(ty, a) and is_zero(ty, b) or a == b:
        return "eq"
    return "lt" if order(ty, a) < order(ty, b) else "gt"


CONDITIONS = {
    "ord": ("lt", "eq", "gt"), "uno": ("un",), "eq": ("eq",), "ne": ("un", "lt", "gt"),
    "one": ("lt", "gt"), "ueq": ("un", "eq"), "lt": ("lt",), "le": ("lt", "eq"),
    "gt": ("gt",), "ge": ("gt", "eq"), "ult": ("un", "lt"), "ule": ("un", "lt", "eq"),
    "ugt": ("un", "gt"), "uge": ("un", "gt", "eq"),
}


def convert(src, dst, a):
    """fpromote and fdemote of anything but a NaN; a NaN gives the canonical one."""
    if is_nan(src, a):
        return F[dst].nan
    if is_inf(src, a):
        return inf(dst, neg(src, a))
    return rounded(dst, value(src, a), neg(src, a))


def to_int(fty, ity, a, is_signed, saturate):
    low, high = (smin(ity), smax(ity)) if is_signed else (0, mask(ity))
    if is_nan(fty, a):
        return 0 if saturate else "bad_toint"
    if is_inf(fty, a):
        return (low if neg(fty, a) else high) if saturate else "int_ovf"
    n = integral(value(fty, a), "trunc")
    if low <= n <= high:
        return n
    return max(low, min(high, n)) if saturate else "int_ovf"


def from_int(ity, fty, a, is_signed):
    return rounded(fty, Fraction(signed(ity, a) if is_signed else unsigned(ity, a)))


def edges(ty):
    """Patterns (without a sign) at which float operations change their behaviour; no NaN."""
    f = F[ty]
    one = f.emax << f.mbits
    return [0, 1, 2, (1 << f.mbits) - 1, 1 << f.mbits, (1 << f.mbits) + 1, one - 1, one, one + 1,
            one - (1 << f.mbits), one + (1 << f.mbits), one + (1 << (f.mbits - 1)),
            one + (f.mbits << f.mbits), one + ((f.mbits + 1) << f.mbits), f.inf - 1,
            f.inf - (1 << f.mbits), f.inf, one + 0x2aaaaa]


def nans(ty):
    f = F[ty]
    return [f.nan, f.nan | f.sign, f.inf | 1, f.inf | f.sign | 1, f.nan | 0x12345,
            f.sign | f.nan | 0x7, f.inf | (f.quiet - 1), f.inf | f.sign | (f.quiet >> 1)]


def random_float(ty, pick):
    """A finite pattern whose exponent is often near zero."""
    f = F[ty]
    frac = pick.next() & ((1 << f.mbits) - 1)
    if pick.below(3) == 0:
        frac &= -1 << pick.below(f.mbits)
    exp = f.emax - 20 + pick.below(40) if pick.below(3) else pick.below(2 * f.emax + 1)
    return (f.sign if pick.below(2) else 0) | exp << f.mbits | frac
