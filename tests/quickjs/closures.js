// Functions as values: closures, recursion, default and rest parameters, generators, getters.
const make = (n) => { let k = n; return { up: (by = 1) => k += by, get now() { return k; } }; };
const a = make(5), b = make(100);
for (let i = 0; i < 10; i++) { a.up(i); b.up(); }
console.log(a.now, b.now, [1, 2, 3].map((x, i, all) => x * i + all.length).join());
const fs = []; for (let i = 0; i < 5; i++) fs.push(() => i * i);
console.log(fs.map(f => f()).join());
function sum(first, ...rest) { return rest.length ? first + sum(...rest) : first; }
console.log(sum(1, 2, 3, 4, 5), sum.length, sum.name);
function* walk(t) { if (t) { yield* walk(t.l); yield t.v; yield* walk(t.r); } }
const insert = (t, v) => !t ? { v } : v < t.v ? { ...t, l: insert(t.l, v) } : { ...t, r: insert(t.r, v) };
let tree; for (const v of [5, 2, 8, 1, 9, 3, 7]) tree = insert(tree, v);
console.log([...walk(tree)].join());
const memo = (f, seen = new Map()) => n => seen.has(n) ? seen.get(n) : (seen.set(n, f(n)), seen.get(n));
const fib = memo(n => n < 2 ? BigInt(n) : fib(n - 1) + fib(n - 2));
console.log(String(fib(200)));
function ackermann(m, n) { return m === 0 ? n + 1 : n === 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1)); }
console.log(ackermann(2, 5));
(function () { console.log(arguments.length, typeof this, [...arguments].reverse().join('-')); })(1, 'two', null);
