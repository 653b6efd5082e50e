// Objects and classes: inheritance, private members, proxies, symbols, reflection, destructuring, iteration.
class Shape { static count = 0; #id = ++Shape.count; constructor(n) { this.n = n; } get id() { return this.#id; } area() { return 0; } toString() { return `${this.constructor.name}#${this.#id}:${this.area().toFixed(2)}`; } static #secret() { return 42; } static open() { return this.#secret(); } }
class Circle extends Shape { constructor(r) { super('circle'); this.r = r; } area() { return 3.14159 * this.r ** 2; } }
class Square extends Shape { area() { return super.area() + 4; } [Symbol.toPrimitive](hint) { return hint === 'number' ? 7 : 'sq'; } }
console.log(String(new Circle(2)), `${new Square('s')}`, +new Square('t'), Shape.count, Shape.open(), new Circle(1) instanceof Shape);
const log = [], p = new Proxy({ a: 1 }, { get: (t, k) => (log.push('get ' + String(k)), t[k] ?? 'none'), has: (t, k) => k === 'magic' || k in t, set: (t, k, v) => (t[k] = v * 2, true), deleteProperty: () => false, ownKeys: () => ['x', 'a'], getOwnPropertyDescriptor: (t, k) => ({ value: k, enumerable: true, configurable: true }) });
p.b = 21; console.log(p.a, p.b, p.zzz, 'magic' in p, Object.keys(p).join(), log.join(';'), Reflect.deleteProperty(p, 'a'));
const { a, b: { c = 5, ...rest }, ...others } = { a: 1, b: { d: 2, e: 3 }, f: 4, g: 5 }; console.log(a, c, JSON.stringify(rest), JSON.stringify(others));
const it = { from: 1, to: 4, [Symbol.iterator]() { let k = this.from, t = this.to; return { next: () => k <= t ? { value: k++, done: false } : { value: undefined, done: true }, return() { console.log('closed'); return {}; } }; } };
console.log(Math.max(...it), Array.from(it, x => x * x).join()); for (const x of it) if (x === 2) break;
const o = Object.freeze({ x: 1, get y() { return this.x + 1; } }); try { 'use strict'; o.x = 2; } catch (e) { console.log(e.name); } console.log(o.x, o.y, Object.isFrozen(o), JSON.stringify(Object.getOwnPropertyDescriptors(o)));
const w = new WeakMap(), k = {}; w.set(k, 'v'); console.log(w.get(k), w.has({}), new Set([1, 2, 2, NaN, NaN]).size, [...new Map([[1, 'a'], [2, 'b']])].flat().join());
console.log(Object.fromEntries([['q', 1], ['r', 2]]).r, structuredCloneLike({ d: new Date(0), n: [1, [2]] }), [1, [2, [3, [4]]]].flat(Infinity).join(), Object.groupBy ? JSON.stringify(Object.groupBy([1, 2, 3, 4], x => x % 2 ? 'odd' : 'even')) : '');
function structuredCloneLike(x) { return JSON.stringify(JSON.parse(JSON.stringify(x))); }
