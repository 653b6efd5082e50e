// A compiler in JavaScript: tokens, recursive descent, an abstract machine; and sorting, queens, a maze.
const tokens = s => [...s.matchAll(/\s*(\d+|[a-z]\w*|[-+*/()=;<>]|.)/g)].map(m => m[1]);
function compile(src) { const t = tokens(src), code = []; let i = 0; const eat = x => t[i] === x && ++i;
    const atom = () => { if (eat('(')) { expr(); eat(')'); } else if (/^\d/.test(t[i])) code.push(['push', +t[i++]]); else code.push(['load', t[i++]]); };
    const term = () => { atom(); for (let o; (o = t[i]) === '*' || o === '/';) { i++; atom(); code.push([o]); } };
    const expr = () => { term(); for (let o; (o = t[i]) === '+' || o === '-' || o === '<';) { i++; term(); code.push([o]); } };
    const stmt = () => { if (eat('while')) { const at = code.length; expr(); const jump = code.push(['jz', 0]) - 1; eat('do'); while (t[i] !== 'end') stmt(); i++; code.push(['jmp', at]); code[jump][1] = code.length; } else { const v = t[i++]; i++; expr(); eat(';'); code.push(['store', v]); } };
    while (i < t.length) stmt(); return code; }
function run(code) { const s = [], v = {}; let pc = 0, n = 0; while (pc < code.length) { const [op, a] = code[pc++]; n++; switch (op) { case 'push': s.push(a); break; case 'load': s.push(v[a] | 0); break; case 'store': v[a] = s.pop(); break; case 'jz': if (!s.pop()) pc = a; break; case 'jmp': pc = a; break; default: { const y = s.pop(), x = s.pop(); s.push(op === '+' ? x + y : op === '-' ? x - y : op === '*' ? Math.imul(x, y) : op === '/' ? x / y | 0 : +(x < y)); } } } return [v, n]; }
const [v, n] = run(compile('a = 0; i = 0; while i < 3000 do a = a * 31 + i * (7 - i / 3); i = i + 1; end')); console.log(v.a, v.i, n);
const quick = a => a.length < 2 ? a : [...quick(a.slice(1).filter(x => x < a[0])), a[0], ...quick(a.slice(1).filter(x => x >= a[0]))];
let seed = 7; const rnd = () => seed = seed * 1103515245 + 12345 & 0x7fffffff; console.log(quick(Array.from({ length: 300 }, () => rnd() % 1000)).slice(0, 12).join());
const queens = (n, row = 0, c = 0, l = 0, r = 0) => { if (row === n) return 1; let k = 0; for (let free = ~(c | l | r) & (1 << n) - 1; free; free &= free - 1) { const b = free & -free; k += queens(n, row + 1, c | b, (l | b) << 1, (r | b) >> 1); } return k; }; console.log(queens(8));
const W = 31, H = 15, grid = Array.from({ length: H }, () => Array(W).fill('#')); const dig = (x, y) => { grid[y][x] = ' '; for (const [dx, dy] of [[2, 0], [0, 2], [-2, 0], [0, -2]].sort(() => 0).map((d, i, all) => all[(i + rnd() % 4) % 4])) { const X = x + dx, Y = y + dy; if (X > 0 && Y > 0 && X < W - 1 && Y < H - 1 && grid[Y][X] === '#') { grid[y + dy / 2][x + dx / 2] = ' '; dig(X, Y); } } }; dig(1, 1); console.log(grid.map(r => r.join('')).join('\n'));
