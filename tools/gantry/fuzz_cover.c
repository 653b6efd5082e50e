/* fuzz_cover.c - holds what was generated against what compiles: nothing may be left out. */
#include "fuzz_gen.h"

#include <stdio.h>
#include <string.h>

static const char *op_name(unsigned op)
{
    static const char *const names[JIT_OP_COUNT] = {
#define OP(name, format, types, rule, props, meaning) [JIT_OP_##name] = #name,
#include <gantry/jit_opcodes.def>
#undef OP
    };
    return names[op];
}

/* ---- Does it compile? By text: one function that loads its operands and stores the result ---- */

typedef struct probe_row { const char *format, *rule, *name; } probe_row;
static const probe_row rows[JIT_OP_COUNT] = {
#define OP(name, format, types, rule, props, meaning) [JIT_OP_##name] = { #format, rule, #name },
#include <gantry/jit_opcodes.def>
#undef OP
};

/* A type that an operand may have; "": none that is scalar. */
static const char *operand_type(char c, jit_type t, char buffer[16])
{
    switch (c) {
    case 'T': return jit_type_name(t, buffer);
    case 'M': return jit_type_name(t, buffer);
    case 'a': case 'z': case 's': return "i8";
    case 'w': return "i32";
    case 'p': return "i64";
    case 'n':
        return jit_type_is_int(t) && t > JIT_I8 ? jit_type_name((jit_type)(t - 1), buffer) : "";
    case 'W':
        return jit_type_is_int(t) && t < JIT_I128 ? jit_type_name((jit_type)(t + 1), buffer) : "";
    case 'f': return t > JIT_F16 ? jit_type_name((jit_type)(t - 1), buffer) : "";
    case 'F': return t < JIT_F128 ? jit_type_name((jit_type)(t + 1), buffer) : "";
    case 'y': return "f64";
    default: return "";
    }
}

/* A line of text for op under t, with operands v1, v2, v3 and results v8, v9; false: not so. */
static bool write_line(char *s, size_t size, unsigned op, jit_type t)
{
    const probe_row *r = &rows[op];
    char type[16];
    static const char *const lists[] = { "", "v8 = ", "v8, v9 = " };
    const char *results = lists[strlen(strchr(r->rule, '>')) - 1];

    jit_type_name(t, type);
    if (strcmp(r->format, "UNARY") == 0 || strcmp(r->format, "UNARY2") == 0)
        return snprintf(s, size, "%s%s v1", results, r->name) > 0;
    if (strcmp(r->format, "CONVERT") == 0 || strcmp(r->format, "BITCAST") == 0)
        return snprintf(s, size, "%s%s.%s v1", results, r->name, type) > 0;
    if (strcmp(r->format, "BINARY") == 0 || strcmp(r->format, "BINARY2") == 0)
        return snprintf(s, size, "%s%s v1, v2", results, r->name) > 0;
    if (strcmp(r->format, "TERNARY") == 0 || strcmp(r->format, "TERNARY2") == 0)
        return snprintf(s, size, "%s%s v1, v2, v3", results, r->name) > 0;
    if (strcmp(r->format, "INT_CMP") == 0 || strcmp(r->format, "FLOAT_CMP") == 0)
        return snprintf(s, size, "%s%s eq v1, v2", results, r->name) > 0;
    if (strcmp(r->format, "ADD_TRAP") == 0)
        return snprintf(s, size, "%s%s v1, v2, user1", results, r->name) > 0;
    if (strcmp(r->format, "LOAD") == 0)
        return snprintf(s, size, "%s%s.%s v0", results, r->name, type) > 0;
    if (strcmp(r->format, "STORE") == 0)
        return snprintf(s, size, "%s v1, v0", r->name) > 0;
    if (strcmp(r->format, "LOAD_NO_OFFSET") == 0)
        return snprintf(s, size, "%s%s.%s v0", results, r->name, type) > 0;
    if (strcmp(r->format, "STORE_NO_OFFSET") == 0)
        return snprintf(s, size, "%s v1, v0", r->name) > 0;
    if (strcmp(r->format, "NULLARY") == 0)
        return t == JIT_I64 && snprintf(s, size, "%s", r->name) > 0;
    if (strcmp(r->format, "NULLARY_ADDR") == 0)
        return t == JIT_I64 && snprintf(s, size, "%s%s.i64", results, r->name) > 0;
    if (strcmp(r->format, "ICONST") == 0)
        return snprintf(s, size, "%s%s.%s 1", results, r->name, type) > 0;
    return false;
}

static bool write_probe(char *s, size_t size, unsigned op, jit_type t)
{
    const char *rule = rows[op].rule;
    bool loads = strncmp(rows[op].format, "LOAD", 4) == 0;
    size_t at = (size_t)snprintf(s, size, "function %%f(i64) {\nblock0(v0: i64):\n");
    char line[128], buffer[16];

    for (int k = 0; k < 3 && rule[k] != '>' && !loads && rule[k] != 'p'; k++) {
        const char *type = operand_type(rule[k], t, buffer);
        if (type[0] == 0)
            return false;
        at += (size_t)snprintf(s + at, size - at, "    v%d = load.%s v0\n", k + 1, type);
    }
    if (!write_line(line, sizeof line, op, t))
        return false;
    at += (size_t)snprintf(s + at, size - at, "    %s\n", line);
    if (strncmp(line, "v8", 2) == 0)
        at += (size_t)snprintf(s + at, size - at, "    store v8, v0\n");
    snprintf(s + at, size - at, "    return\n}\n");
    return true;
}

static bool compiles(jit_ctx *ctx, const jit_func *f)
{
    jit_settings s = { .size = sizeof s, .level = JIT_O1 };
    jit_unit *unit = NULL;
    bool good = jit_compile_unit(ctx, f, &s, &unit) == JIT_OK;

    jit_unit_free(unit);
    return good;
}

/* Whether some machine has code for the function. */
static bool text_compiles(jit_ctx *const ctx[2], const char *text)
{
    jit_module *m = NULL;
    bool good = false;

    if (jit_module_read(tool_engine(), text, strlen(text), &m, NULL, NULL) == JIT_OK) {
        jit_func *f = jit_module_function_at(m, 0);
        if (jit_func_verify(f, NULL, NULL) == JIT_OK)
            good = compiles(ctx[0], f) || compiles(ctx[1], f);
    }
    jit_module_free(m);
    return good;
}

static bool is_supported(jit_ctx *const ctx[2], unsigned op, jit_type t)
{
    char text[512];

    return write_probe(text, sizeof text, op, t) && text_compiles(ctx, text);
}

/* ---- The tally ---- */

static uint32_t times(const fuzz_coverage *c, unsigned op, jit_type t)
{
    uint32_t n = 0;

    for (unsigned k = 0; k < FUZZ_TYPES; k++)
        n += c->count[op][t][k];
    return n;
}

static uint32_t total(const fuzz_coverage *c, unsigned op)
{
    uint32_t n = 0;

    for (jit_type t = 0; t < FUZZ_TYPES; t++)
        n += times(c, op, t);
    return n;
}

static void print_op(const fuzz_coverage *c, unsigned op)
{
    char name[16];
    bool any = false;

    for (jit_type t = 0; t < FUZZ_TYPES; t++) {
        uint32_t n = times(c, op, t);
        if (n == 0)
            continue;
        if (!any)
            printf("%-24s", op_name(op));
        printf(" %s %u", t ? jit_type_name(t, name) : "", n);
        any = true;
    }
    if (any)
        printf("\n");
}

/* Instructions that need more than a line: whether they compile yet. */
static const struct { jit_opcode op; const char *text; } wholes[] = {
    { JIT_OP_return_call, "function %f(i64) tail {\n    fn0 = %f(i64) tail\nblock0(v0: i64):\n"
                          "    return_call fn0(v0)\n}\n" },
    { JIT_OP_return_call_indirect,
      "function %f(i64) tail {\n    sig0 = (i64) tail\nblock0(v0: i64):\n"
                                   "    return_call_indirect sig0, v0(v0)\n}\n" },
    { JIT_OP_atomic_rmw, "function %f(i64, i32) {\nblock0(v0: i64, v1: i32):\n"
                         "    v2 = atomic_rmw.i32 add v0, v1\n    return\n}\n" },
    { JIT_OP_atomic_cas, "function %f(i64, i32) {\nblock0(v0: i64, v1: i32):\n"
                         "    v2 = atomic_cas.i32 v0, v1, v1\n    return\n}\n" }
};

/* Instructions without operands to probe by: control flow, calls, addresses. */
static unsigned check_control(const fuzz_coverage *c)
{
    static const jit_opcode ops[] = {
        JIT_OP_jump, JIT_OP_brif, JIT_OP_br_table, JIT_OP_trap, JIT_OP_trapz, JIT_OP_trapnz,
        JIT_OP_return, JIT_OP_call, JIT_OP_call_indirect, JIT_OP_func_addr, JIT_OP_stack_addr,
        JIT_OP_symbol_value, JIT_OP_f32const, JIT_OP_f64const
    };
    unsigned missing = 0;

    for (unsigned k = 0; k < sizeof ops / sizeof *ops; k++) {
        if (total(c, ops[k]) == 0) {
            printf("never generated: %s\n", op_name(ops[k]));
            missing++;
        }
    }
    for (unsigned k = 0; k < 10; k++)
        missing += c->int_cc[k] == 0;
    for (unsigned k = 0; k < 14; k++)
        missing += c->float_cc[k] == 0;
    return missing;
}

unsigned tool_fuzz_coverage(const fuzz_coverage *c, bool print)
{
    static const jit_arch archs[] = { JIT_ARCH_X86_64, JIT_ARCH_AARCH64 };
    jit_engine *engines[2] = { NULL, NULL };
    jit_ctx *ctx[2] = { NULL, NULL };
    unsigned missing = check_control(c);
    char name[16];

    for (int k = 0; k < 2; k++) {
        jit_engine_settings s = { .size = sizeof s, .arch = archs[k], .code_space = 1 << 20 };
        engines[k] = jit_engine_new(&s);
        ctx[k] = engines[k] ? jit_ctx_new(engines[k]) : NULL;
    }
    for (unsigned op = 1; op < JIT_OP_COUNT; op++) {
        if (print)
            print_op(c, op);
        for (jit_type t = JIT_I8; t < FUZZ_TYPES && ctx[0] && ctx[1]; t++)
            if (times(c, op, t) == 0 && op != JIT_OP_debugtrap && is_supported(ctx, op, t)) {
                printf("never generated: %s.%s\n", op_name(op), jit_type_name(t, name));
                missing++;
            }
    }
    for (unsigned k = 0; k < sizeof wholes / sizeof *wholes && ctx[0] && ctx[1]; k++)
        if (total(c, wholes[k].op) == 0 && text_compiles(ctx, wholes[k].text)) {
            printf("never generated: %s\n", op_name(wholes[k].op));
            missing++;
        }
    for (int k = 0; k < 2; k++) {
        jit_ctx_free(ctx[k]);
        if (engines[k])
            jit_engine_free(engines[k]);
    }
    return missing;
}
