// Numbers: integer and float paths, formatting, bit operations, parsing, rounding.
const xs = [0, -0, 1, -1, 0.1, 1 / 3, 1e21, 1e-7, 123456789012, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 31), 5e-324, 1.7976931348623157e308, NaN, Infinity];
for (const x of xs) {
    console.log(String(x), x.toFixed ? x.toString(2).slice(0, 60) : '', x | 0, x >>> 0, ~x, x << 5, x >> 3);
    if (Number.isFinite(x) && Math.abs(x) < 1e20)
        console.log(x.toFixed(3), x.toExponential(4), x.toPrecision(6), Math.round(x), Math.trunc(x), Math.floor(x), Math.ceil(x), Math.sign(x));
}
console.log(parseInt('0x1f'), parseInt('12abc'), parseInt('101', 2), parseFloat('3.14e2x'), Number('  42 '), Number(''), Number('1_0'));
console.log(Math.imul(0x7fffffff, 0x7fffffff), Math.clz32(1), Math.fround(0.1), Math.hypot(3, 4), Math.max(), Math.min(1, -0), Object.is(Math.max(-0, 0), 0));
let h = 2166136261;
for (let i = 0; i < 100000; i++) h = Math.imul(h ^ (i & 255), 16777619) >>> 0;
console.log(h);
let s = 0; for (let i = 1; i <= 100000; i++) s += 1 / (i * i); console.log(s.toFixed(12));
console.log([3, 1, 10, 2, -5, 0.5].sort().join(), [3, 1, 10, 2, -5, 0.5].sort((a, b) => a - b).join());
console.log(7 % -3, -7 % 3, -7 % -3, 5.5 % 2, -0 % 1, 1 / (-0 % 1), 2 ** -1, (-2) ** 3, 10 % 0);
