// Exceptions: throwing through frames, finally, error kinds, causes, iterator closing.
const tried = []; const t = (f) => { try { return f(); } catch (e) { return `${e.name}: ${e.message}`; } finally { tried.push('f'); } };
console.log(t(() => null.x), t(() => undefinedName), t(() => (1)()), t(() => new Array(-1)), t(() => 'x'.repeat(-1)), t(() => JSON.parse('{bad')), t(() => decodeURIComponent('%')), t(() => { const q = 1; q = 2; }), t(() => new (class { #p; static f(o) { return o.#p; } }).constructor.f({})), t(() => Symbol() + ''), t(() => { throw new Error('m', { cause: 'c' }); }));
function early() { for (let i = 0; i < 5; i++) { try { if (i === 2) continue; if (i === 4) return 'at ' + i; } finally { tried.push(i); } } }
console.log(early(), tried.join(''));
function deep(n) { if (n === 0) throw new TypeError('bottom'); try { return deep(n - 1); } finally { tried.length++; } }
try { deep(100); } catch (e) { console.log(e.message, tried.length); }
class Mine extends Error { constructor(code) { super('code ' + code); this.name = 'Mine'; this.code = code; } }
try { try { throw new Mine(7); } finally { console.log('first'); } } catch ({ name, code, message }) { console.log(name, code, message); }
const g = (function* () { try { yield 1; yield 2; } catch (e) { yield 'caught ' + e; } finally { yield 'fin'; } })();
console.log(g.next().value, g.throw('boom').value, g.next().value, g.next().done, g.return(9).value);
label: for (const i of [1, 2, 3]) { for (const j of [1, 2, 3]) { if (j === 2) continue label; if (i === 3) break label; console.log(i, j); } }
switch (3) { case 1: console.log('one'); case 3: console.log('three'); case 4: console.log('four'); break; default: console.log('no'); }
