// Typed arrays, DataView, sorting, binary formats, matrices.
const n = 64, a = new Float64Array(n * n), b = new Float64Array(n * n), c = new Float64Array(n * n);
for (let i = 0; i < n * n; i++) { a[i] = (i * 7 % 13) - 6; b[i] = (i * 5 % 11) / 4; }
for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) { let s = 0; for (let k = 0; k < n; k++) s += a[i * n + k] * b[k * n + j]; c[i * n + j] = s; }
console.log(c[0], c[n + 1], c.reduce((x, y) => x + y, 0));
const buffer = new ArrayBuffer(32), v = new DataView(buffer);
v.setInt16(0, -2); v.setUint32(4, 0xdeadbeef, true); v.setFloat32(8, 1.5); v.setFloat64(16, -Math.PI); v.setBigInt64(24, -5n, true);
console.log([...new Uint8Array(buffer)].join(), v.getUint16(0), v.getInt32(4, true), v.getFloat32(8), v.getBigUint64(24, true));
console.log(new Uint8ClampedArray([300, -5, 1.5, 2.5, NaN]).join(), new Int8Array([200, -200, 127.9]).join(), new Uint16Array([70000]).join(), new Float32Array([0.1, 1e40])[0], new BigInt64Array([2n ** 63n])[0]);
const big = new Uint32Array(20000); let x = 12345; for (let i = 0; i < big.length; i++) { x ^= x << 13; x ^= x >>> 17; x ^= x << 5; big[i] = x; }
big.sort(); console.log(big[0], big[10000], big[19999], big.indexOf(big[777]), big.subarray(5, 8).join(), big.slice(-2).join());
const crcTable = Int32Array.from({ length: 256 }, (_, k) => { for (let j = 0; j < 8; j++) k = k & 1 ? k >>> 1 ^ 0xedb88320 : k >>> 1; return k; });
let crc = -1; for (let i = 0; i < 50000; i++) crc = crcTable[(crc ^ i) & 255] ^ crc >>> 8; console.log((~crc >>> 0).toString(16));
const sieve = new Uint8Array(100000).fill(1); let primes = 0; for (let i = 2; i < sieve.length; i++) if (sieve[i]) { primes++; for (let j = i * 2; j < sieve.length; j += i) sieve[j] = 0; } console.log(primes);
