// Modules: importing values, functions and defaults, live bindings, dynamic import, namespaces.
import fallback, { count, up, Point as P } from './lib/counter.mjs';
import * as all from './lib/counter.mjs';
up(); up();
console.log(count, all.count, fallback(4), Object.keys(all).join(), new P(3, 4).length);
const again = await import('./lib/counter.mjs');
again.up(); console.log(count, again === all, typeof import.meta);
try { await import('./lib/none.mjs'); } catch (e) { console.log(e.name); }
