// Regular expressions: groups, classes, lookaround, backtracking, flags, replacing by function.
console.log('2026-11-20'.replace(/(?<y>\d+)-(?<m>\d+)-(?<d>\d+)/, '$<d>.$<m>.$<y>'));
console.log('aBcD'.match(/[a-z]/gi).join(), 'foo.bar'.match(/\./).index, [...'a1b22c333'.matchAll(/([a-z])(\d+)/g)].map(m => m[1] + m[2].length).join());
console.log('price: 10 EUR, 20 USD'.replace(/(\d+) (EUR|USD)/g, (all, n, c) => `${c}${n * 2}`), /(a+)+b/.test('aaaaaaaaaaaaaaac'));
console.log(/(?<=\$)\d+(?!\d)/.exec('cost $123 or 456')[0], /(?<!a)b/.exec('abcb').index, /^(?:(a)|b)*$/.exec('ab').join('|'), /(\w+) \1/.exec('hello hello world')[1]);
console.log(/\p{Lu}\p{Ll}+/u.exec('der Äpfel')[0], /^.$/u.test('\u{1f600}'), /^.$/.test('\u{1f600}'), /a.c/s.test('a\nc'), 'a\nb'.match(/^b$/m)[0]);
const re = /o/y; re.lastIndex = 4; console.log(re.test('hello'), re.lastIndex, re.test('hello'));
console.log('a, b;c  d'.split(/[,; ]+/).join('|'), 'camelCaseString'.split(/(?=[A-Z])/).join(' ').toLowerCase());
const lexer = /\s*(?:(\d+\.?\d*)|([a-z_]\w*)|(.))/giy; let out = [], m; while ((m = lexer.exec('x1 = 3.5*(y_2+42)')) && m[0]) out.push(m[1] ? 'N' : m[2] ? 'I' : m[3]); console.log(out.join(''));
let text = ''; for (let i = 0; i < 300; i++) text += `user${i}@host${i % 7}.org; `; console.log(text.match(/user(\d+)@host3\.org/g).length);
