// Strings: building, slicing, Unicode, templates, searching, normal forms.
let s = ''; for (let i = 0; i < 2000; i++) s += String.fromCharCode(97 + i % 26);
console.log(s.length, s.slice(-5), s.indexOf('xyz'), s.lastIndexOf('abc'), s.split('m').length);
const u = 'na\u00efve \u{1f600} \u4f60\u597d e\u0301';
console.log(u, u.length, [...u].length, u.codePointAt(6).toString(16), u.normalize('NFC').length, u.normalize('NFD').length, u.toUpperCase());
console.log('abc'.padStart(6, '12') + '|' + 'abc'.padEnd(7, '-') + '|' + '  x '.trim() + '|' + 'ab'.repeat(3), 'a-b-c'.replaceAll('-', '+'), 'x'.at(-1));
const tag = (parts, ...v) => parts.raw.join('|') + v.join(',');
console.log(tag`a${1}\n${2}c`, `${[1, 2]} ${{}} ${null} ${() => 1}`);
console.log('abc' < 'abd', 'a' < 'B', 'b'.localeCompare('a'), 'x,y,,z'.split(',', 3), escape('ä b'), encodeURIComponent('ä/ü?&'), decodeURIComponent('%E4%BD%A0'));
const words = 'the quick brown fox jumps over the lazy dog the end'.split(' '), n = {};
for (const w of words) n[w] = (n[w] || 0) + 1;
console.log(JSON.stringify(Object.entries(n).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))));
console.log('\ud83d' + '\ude00' === '\u{1f600}', '\ud83d'.isWellFormed?.(), 'ß'.toUpperCase(), 'İ'.toLowerCase().length, 'ﬀ'.toUpperCase());
