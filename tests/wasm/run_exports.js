// run_exports.js - what tools/run_exports.c does, in Node: the second opinion.
'use strict';
const fs = require('fs');

const words = new DataView(new ArrayBuffer(8));

// Types of imports and exported functions, read from the binary: [params, results] by function index.
function types(bytes) {
    let at = 8;
    const u32 = () => {
        let x = 0, shift = 0, b;
        do {
            b = bytes[at++];
            x += (b & 0x7f) * 2 ** shift;
            shift += 7;
        } while (b >= 0x80);
        return x;
    };
    const name = () => {
        const n = u32();
        at += n;
        return Buffer.from(bytes.slice(at - n, at)).toString('utf8');
    };
    const limits = () => {
        if (bytes[at++] & 1)
            u32();
        u32();
    };
    const found = { funcs: [], exports: new Map(), imports: [] };
    const list = [];
    while (at < bytes.length) {
        const id = bytes[at++], size = u32(), end = at + size;
        if (id === 1)
            for (let n = u32(); n > 0; n--) {
                at++;
                const params = [], results = [];
                for (let k = u32(); k > 0; k--)
                    params.push(bytes[at++]);
                for (let k = u32(); k > 0; k--)
                    results.push(bytes[at++]);
                list.push([params, results]);
            }
        else if (id === 2)
            for (let n = u32(); n > 0; n--) {
                const module = name(), field = name(), kind = bytes[at++];
                let type = null;
                if (kind === 0) {
                    type = list[u32()];
                    found.funcs.push(type);
                } else if (kind === 1) {
                    at++;
                    limits();
                } else if (kind === 2) {
                    limits();
                } else {
                    type = bytes[at];
                    at += 2;
                }
                found.imports.push({ module, field, kind, type });
            }
        else if (id === 3)
            for (let n = u32(); n > 0; n--)
                found.funcs.push(list[u32()]);
        else if (id === 7)
            for (let n = u32(); n > 0; n--) {
                const field = name(), kind = bytes[at++], index = u32();
                if (kind === 0)
                    found.exports.set(field, found.funcs[index]);
            }
        at = end;
    }
    return found;
}

function text(type, v) {
    switch (type) {
    case 0x7f:
        return ' ' + v;
    case 0x7e:
        return ' ' + v;
    case 0x7d:
        if (Number.isNaN(v))
            return ' nan';
        words.setFloat32(0, v);
        return ' 0x' + words.getUint32(0).toString(16);
    case 0x7c:
        if (Number.isNaN(v))
            return ' nan';
        words.setFloat64(0, v);
        return ' 0x' + words.getBigUint64(0).toString(16);
    default:
        return v === null ? ' null' : ' ref';
    }
}

const out = [];
let logged = 0;

function logger(type) {
    return (...args) => {
        if (++logged > 2000)
            throw new WebAssembly.RuntimeError('enough');
        out.push('log' + type[0].map((t, k) => text(t, args[k])).join(''));
        if (type[1].length > 0)
            return type[1][0] === 0x7e ? 0n : 0;
    };
}

function run(path) {
    const bytes = fs.readFileSync(path), info = types(bytes), imports = {};
    logged = 0;
    out.push('== ' + path);
    for (const { module, field, kind, type } of info.imports) {
        imports[module] = imports[module] || {};
        if (kind === 0)
            imports[module][field] = logger(type);
        else
            throw new Error('an import that is no function');
    }
    let instance;
    try {
        instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
    } catch (e) {
        out.push(e instanceof WebAssembly.CompileError ? 'refused' : 'start: trap');
        if (process.env.WHY)
            out.push(e.message);
        return;
    }
    for (const [name, type] of info.exports) {
        if (type[0].length > 0)
            continue;
        try {
            let r = instance.exports[name]();
            r = type[1].length === 0 ? [] : type[1].length === 1 ? [r] : [...r];
            out.push(name + ':' + type[1].map((t, k) => text(t, r[k])).join(''));
        } catch (e) {
            if (e instanceof RangeError)
                out.push(name + ': exhausted');
            else if (e instanceof WebAssembly.RuntimeError)
                out.push(name + ': trap');
            else
                throw e;
        }
    }
}

for (const path of process.argv.slice(2))
    run(path);
process.stdout.write(out.join('\n') + '\n');
