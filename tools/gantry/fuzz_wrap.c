/* fuzz_wrap.c - makes a program independent of its host, so that `gantry test` can run it.
 *
 * The memory becomes a slot of a new last function, filled as tool_fuzz_image() does it; functions
 * of
 * the host become functions of the module that compute the same and use as many registers as they
 * can; a digest of the memory is one more result. Addresses stand in the last bytes of the memory
 * only, which the digest leaves out. */
#include "fuzz_gen.h"

#include <string.h>

static const jit_abi_param address_param[] = { JIT_I64 }, fill_params[] = { JIT_I64, JIT_I64 };
static const jit_signature fill_sig = { JIT_CONV_SYSTEM_V, 2, 0, fill_params, NULL };
static const jit_signature digest_sig = { JIT_CONV_SYSTEM_V, 1, 1, address_param, address_param };

static const jit_mem plain = { 0, 0, { 0 } };

static jit_value word(jit_builder *b, uint64_t k)
{
    return jit_iconst(b, JIT_I64, (int64_t)k);
}

/* Loop over the memory by words of 8 bytes; *p: the address in the body, whose block is started. */
typedef struct walk { jit_block head, done; jit_var at; jit_value end; } walk;

static walk begin_walk(jit_builder *b, jit_value base, uint64_t bytes, jit_value *p)
{
    walk w = { jit_block_new(b), jit_block_new(b), jit_var_new(b, JIT_I64),
               jit_iadd(b, base, word(b, bytes)) };

    jit_var_set(b, w.at, base);
    jit_jump(b, w.head);
    jit_block_start(b, w.head);
    *p = jit_var_get(b, w.at);
    return w;
}

static void end_walk(jit_builder *b, const walk *w)
{
    jit_value next = jit_iadd(b, jit_var_get(b, w->at), word(b, 8));

    jit_var_set(b, w->at, next);
    jit_brif(b, jit_icmp(b, JIT_ULT, next, w->end), w->head, w->done);
    jit_block_start(b, w->done);
}

/* tool_fuzz_image() */
static bool add_fill(jit_module *m)
{
    jit_func *f = jit_module_function(m, "fill", &fill_sig, JIT_LOCAL);
    jit_builder *b = f ? jit_build(f) : NULL;
    jit_value base, p, x;

    if (!b)
        return false;
    base = jit_param(b, 0);
    jit_var state = jit_var_new(b, JIT_I64);
    jit_var_set(b, state, jit_param(b, 1));
    walk w = begin_walk(b, base, FUZZ_POINTERS, &p);
    x = jit_imul(b, jit_var_get(b, state), word(b, 6364136223846793005u));
    x = jit_iadd(b, x, word(b, 1442695040888963407u));
    jit_var_set(b, state, x);
    jit_store(b, plain, jit_bxor(b, x, jit_ushr(b, x, word(b, 29))), p, 0);
    end_walk(b, &w);
    jit_store(b, plain, base, base, FUZZ_POINTERS);
    for (int32_t at = FUZZ_POINTERS + 8; at < FUZZ_HEAP; at += 8)
        jit_store(b, plain, word(b, 0), base, at);
    jit_return_void(b);
    jit_build_end(b);
    return jit_func_error(f, NULL) == JIT_OK;
}

static bool add_digest(jit_module *m)
{
    jit_func *f = jit_module_function(m, "digest", &digest_sig, JIT_LOCAL);
    jit_builder *b = f ? jit_build(f) : NULL;
    jit_value p, x;

    if (!b)
        return false;
    jit_var sum = jit_var_new(b, JIT_I64);
    jit_var_set(b, sum, word(b, 0));
    walk w = begin_walk(b, jit_param(b, 0), FUZZ_POINTERS, &p);
    x = jit_bxor(b, jit_var_get(b, sum), jit_load(b, JIT_I64, plain, p, 0));
    x = jit_imul(b, x, word(b, 0x9e3779b97f4a7c15u));
    jit_var_set(b, sum, jit_bxor(b, x, jit_ushr(b, x, word(b, 32))));
    end_walk(b, &w);
    jit_return(b, jit_var_get(b, sum));
    jit_build_end(b);
    return jit_func_error(f, NULL) == JIT_OK;
}

/* ---- Functions of the host ---- */

enum { CROWD_INTS = 18, CROWD_FLOATS = 34 };

/* r, computed with more values alive than there are registers, so that a caller's are gone. */
static jit_value crowded(jit_builder *b, jit_func *f, jit_value r)
{
    jit_value ints[CROWD_INTS], floats[CROWD_FLOATS], x, y;
    jit_slot slot = jit_slot_declare(f, 8, 8);
    jit_value p = jit_stack_addr(b, slot, 0);

    jit_store(b, plain, word(b, 0), p, 0); /* all is 0, but nobody knows */
    for (int k = 0; k < CROWD_INTS; k++)
        ints[k] = jit_load(b, JIT_I64, plain, p, 0);
    for (int k = 0; k < CROWD_FLOATS; k++)
        floats[k] = jit_load(b, JIT_F64, plain, p, 0);
    x = r;
    y = floats[0];
    for (int k = 0; k < CROWD_INTS; k++)
        x = jit_iadd(b, x, ints[k]);
    for (int k = 1; k < CROWD_FLOATS; k++)
        y = jit_bor(b, y, floats[k]);
    return jit_bxor(b, x, jit_bitcast(b, JIT_I64, plain, y));
}

static bool add_mix(jit_module *m)
{
    jit_func *f = jit_module_function(m, "host_mix", &tool_fuzz_host_mix, JIT_LOCAL);
    jit_builder *b = f ? jit_build(f) : NULL;
    jit_value x, y;

    if (!b)
        return false;
    x = jit_imul(b, jit_bitcast(b, JIT_I64, plain, jit_param(b, 1)), word(b, 3));
    x = jit_bxor(b, x, jit_param(b, 0));
    y = jit_imul(b, jit_sextend(b, JIT_I64, jit_param(b, 2)), word(b, 5));
    x = jit_iadd(b, x, y);
    x = jit_iadd(b, x, jit_uextend(b, JIT_I64, jit_bitcast(b, JIT_I32, plain, jit_param(b, 3))));
    jit_return(b, crowded(b, f, x));
    jit_build_end(b);
    return jit_func_error(f, NULL) == JIT_OK;
}

static bool add_many(jit_module *m)
{
    static const uint8_t doubles[] = { 1, 3, 6, 7, 9 }, floats[] = { 0, 4, 10 };
    jit_func *f = jit_module_function(m, "host_many", &tool_fuzz_host_many, JIT_LOCAL);
    jit_builder *b = f ? jit_build(f) : NULL;
    jit_value sum, x;

    if (!b)
        return false;
    sum = jit_imul(b, jit_uextend(b, JIT_I64, jit_param(b, 2)), word(b, 3));
    sum = jit_iadd(b, sum, jit_imul(b, jit_sextend(b, JIT_I64, jit_param(b, 5)), word(b, 5)));
    sum = jit_iadd(b, sum, jit_imul(b, jit_sextend(b, JIT_I64, jit_param(b, 8)), word(b, 7)));
    sum = jit_iadd(b, sum, jit_imul(b, jit_param(b, 11), word(b, 9)));
    for (int k = 0; k < 5; k++) {
        x = jit_bitcast(b, JIT_I64, plain, jit_param(b, doubles[k]));
        sum = jit_iadd(b, jit_rotl(b, sum, word(b, 7)), x);
    }
    for (int k = 0; k < 3; k++) {
        x = jit_uextend(b, JIT_I64, jit_bitcast(b, JIT_I32, plain, jit_param(b, floats[k])));
        sum = jit_iadd(b, jit_rotl(b, sum, word(b, 9)), x);
    }
    sum = jit_bor(b, jit_ushr(b, sum, word(b, 12)), word(b, 0x3ff0000000000000u));
    jit_return(b, jit_bitcast(b, JIT_F64, plain, crowded(b, f, sum)));
    jit_build_end(b);
    return jit_func_error(f, NULL) == JIT_OK;
}

/* ---- The whole ---- */

static jit_fnref declare(jit_func *f, const char *name, const jit_signature *sig)
{
    return jit_callee_declare(f, name, jit_sig_declare(f, sig), false);
}

static bool add_main(fuzz_program *p, const jit_func *entry)
{
    const jit_signature *inner = jit_func_signature(entry);
    jit_abi_param params[FUZZ_PARAMS], results[FUZZ_RESULTS + 1];
    jit_signature sig = { JIT_CONV_SYSTEM_V, inner->nparams - 1, inner->nresults + 1, params,
                          results };
    jit_value args[FUZZ_PARAMS], values[FUZZ_RESULTS + 1];

    for (uint32_t k = 1; k < inner->nparams; k++)
        params[k - 1] = JIT_PARAM_TYPE(inner->params[k]);
    for (uint32_t k = 0; k < inner->nresults; k++)
        results[k] = JIT_PARAM_TYPE(inner->results[k]);
    results[inner->nresults] = JIT_I64;
    jit_func *f = jit_module_function(p->module, "main", &sig, JIT_LOCAL);
    if (!f)
        return false;
    jit_slot slot = jit_slot_declare(f, FUZZ_HEAP, 16);
    jit_fnref fill = declare(f, "fill", &fill_sig), digest = declare(f, "digest", &digest_sig);
    jit_fnref callee = declare(f, jit_func_name(entry), inner);
    jit_builder *b = jit_build(f);
    args[0] = jit_stack_addr(b, slot, 0);
    values[0] = args[0];
    values[1] = word(b, p->seed);
    jit_call(b, fill, 2, values);
    for (uint32_t k = 1; k < inner->nparams; k++)
        args[k] = jit_param(b, k - 1);
    jit_inst called = jit_call(b, callee, inner->nparams, args);
    for (uint32_t k = 0; k < inner->nresults; k++)
        values[k] = jit_result(b, called, k);
    values[inner->nresults] = jit_result(b, jit_call(b, digest, 1, args), 0);
    jit_return_values(b, inner->nresults + 1, values);
    jit_build_end(b);
    for (int run = 0; run < FUZZ_RUNS; run++)
        memmove(p->args[run], p->args[run] + 1, (inner->nparams - 1) * sizeof p->args[run][0]);
    p->nargs = sig.nparams;
    return jit_func_error(f, NULL) == JIT_OK;
}

bool tool_fuzz_wrap(fuzz_program *p)
{
    jit_module *m = p->module;
    const jit_func *entry = jit_module_function_at(m, jit_module_function_count(m) - 1);

    return add_mix(m) && add_many(m) && add_fill(m) && add_digest(m) && add_main(p, entry);
}
