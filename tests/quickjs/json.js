// JSON and dates: parsing, printing with indentation and filters, generated documents.
const doc = { s: 'q"\\\n\u2028\ud800', n: [1, -0, 1e100, 0.1, null, NaN], o: { deep: { er: [[], {}, [{}]] } }, d: new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789)), u: undefined, f() {} };
console.log(JSON.stringify(doc), JSON.stringify(doc, null, 2).length, JSON.stringify(doc, ['s', 'o']), JSON.stringify({ a: 5n.toString(), b: 2 }, (k, v) => typeof v === 'number' ? v * 2 : v));
let items = []; for (let i = 0; i < 500; i++) items.push({ id: i, name: 'item ' + i, tags: ['a' + i % 3, 'b' + i % 5], price: i * 1.25, sub: { x: i ** 2, ok: i % 2 === 0 } });
const text = JSON.stringify(items), back = JSON.parse(text, (k, v) => k === 'price' ? Math.round(v) : v);
console.log(text.length, back[499].sub.x, back.reduce((s, i) => s + i.price, 0), back.filter(i => i.tags.includes('b2') && i.sub.ok).length);
for (const bad of ['', '{', '[1,]', '{"a":1,}', 'nul', '01', '"\\x"', '"\t"', '[1 2]', '1e', '--1']) { try { JSON.parse(bad); console.log('parsed', bad); } catch (e) { console.log(e.name); } }
console.log(JSON.stringify(JSON.parse('{"__proto__":1,"a":{"b":[1,2,{"c":null}]},"\\u0041":"\\ud83d\\ude00"}')), JSON.stringify('\u{1f600}\u0007'));
const d = new Date(Date.UTC(2000, 0, 31)); d.setUTCMonth(1); console.log(d.toISOString(), new Date('2020-02-30T00:00:00Z').getTime(), Date.UTC(1969, 11, 31), new Date(NaN).getTime());
