// BigInt: arithmetic of long numbers, shifts, division, conversion, modular exponentiation.
let f = 1n; for (let i = 1n; i <= 120n; i++) f *= i;
console.log(f.toString(), f.toString(16), f.toString(36));
console.log((f / 10n ** 50n).toString(), (f % (10n ** 40n + 7n)).toString(), (-f / 3n ** 70n).toString(), (-f % 1000003n).toString());
console.log(((1n << 200n) - 1n & 0xffff0000ffffn << 77n).toString(16), (-1n >> 5n), (-(1n << 100n) >> 99n), ~(1n << 70n), (5n ^ -9n), (12345n | -256n));
const power = (b, e, m) => { let r = 1n; b %= m; while (e > 0n) { if (e & 1n) r = r * b % m; b = b * b % m; e >>= 1n; } return r; };
console.log(power(3n, 2n ** 127n - 2n, 2n ** 127n - 1n), power(7n, 10n ** 30n, 10n ** 31n + 33n));
console.log(BigInt.asUintN(64, -1n), BigInt.asIntN(8, 255n), BigInt('0xdeadbeefcafebabe'), BigInt(2 ** 60), Number(2n ** 64n), Number(12345678901234567890n));
console.log(1n < 2, 2n == 2, 10n > 9.5, [3n, 1n, 2n].sort().join(), typeof 1n, 0n ? 1 : 2);
try { 1n / 0n; } catch (e) { console.log(e.name); }
try { 1n + 1; } catch (e) { console.log(e.name); }
let [a, b] = [0n, 1n]; for (let i = 0; i < 1000; i++) [a, b] = [b, a + b]; console.log(String(a));
