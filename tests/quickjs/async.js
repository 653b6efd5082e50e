// Promises, async functions, async iteration, the order of jobs, timers.
const order = [], say = s => order.push(s);
import { setTimeout } from 'qjs:os';
const later = ms => new Promise(r => setTimeout(r, ms));
async function f(n) { say('f' + n); await null; say('g' + n); if (n === 2) throw new RangeError('two'); return n * 10; }
async function* gen() { for (let i = 0; i < 4; i++) { await null; yield i; } }
say('start');
Promise.resolve().then(() => say('job1')).then(() => say('job2'));
queueMicrotask(() => say('micro'));
const all = await Promise.allSettled([f(1), f(2), f(3), 7]);
console.log(JSON.stringify(all.map(r => r.status === 'fulfilled' ? r.value : r.reason.message)));
let t = 0; for await (const x of gen()) t += x; say('sum' + t);
await later(2); say('timer');
console.log(await Promise.race([f(5), new Promise(() => {})]), await Promise.any([Promise.reject(1), f(6)]));
try { await Promise.any([Promise.reject(new Error('x'))]); } catch (e) { console.log(e.name, e.errors.length); }
const thenable = { then(ok) { say('then'); ok('done'); } }; console.log(await thenable);
console.log(order.join(' '));
