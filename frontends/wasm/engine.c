/* engine.c - what all modules share: the code engine, canonical function types, trampolines to host
 * functions.
 *
 * A type has one number in an engine, so that a call through a table compares two words. Host
 * functions are entered by code made once for a type: it puts the parameters into memory, calls
 * gw_host_enter() with the function's record, which came in place of a context, and traps when that
 * says so; a host function itself never unwinds. */
#include "runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int gw_host_enter(gw_hostfunc *h, const gw_val *args, gw_val *results);

static const char host_enter[] = "gantry_wasm_host_enter";

/* The code engine's memory: what a module makes it take is bounded, whatever the module is. */
static void *take(void *user, size_t size)
{
    gw_engine *e = user;
    void *p = NULL;

    if (atomic_fetch_add(&e->bytes, size) + size <= e->options.compile_bytes)
        p = malloc(size);
    if (!p)
        atomic_fetch_sub(&e->bytes, size);
    return p;
}

static void give_back(void *user, void *p, size_t size)
{
    gw_engine *e = user;

    atomic_fetch_sub(&e->bytes, size);
    free(p);
}

gw_engine *gw_engine_new(const gw_options *o)
{
    gw_engine *e = calloc(1, sizeof *e);
    jit_engine_settings s = { .size = sizeof s, .host_features = true };

    if (!e)
        return NULL;
    if (o)
        e->options = *o;
    else
        e->options.positions = true;
    s.code_space = e->options.code_space;
    if (e->options.compile_bytes == 0)
        e->options.compile_bytes = (size_t)1 << 30;
    jit_allocator allocator = { take, give_back, e };
    s.allocator = &allocator;
    jit_host_features(&s.arch);
    if (s.code_space == 0)
        s.code_space = s.arch == JIT_ARCH_AARCH64 ? (size_t)128 << 20 : (size_t)512 << 20;
    e->jit = jit_engine_new(&s);
    if (e->jit)
        e->ctx = jit_ctx_new(e->jit);
    if (!e->ctx || !gw_libcalls_define(e->jit)
        || jit_engine_define_function(e->jit, host_enter, JIT_FN(gw_host_enter)) != JIT_OK) {
        jit_ctx_free(e->ctx);
        if (e->jit)
            jit_engine_free(e->jit);
        free(e);
        return NULL;
    }
    pthread_mutex_init(&e->lock, NULL);
    atomic_init(&e->users, 1);
    return e;
}

void gw_engine_hold(gw_engine *e)
{
    atomic_fetch_add(&e->users, 1);
}

void gw_engine_release(gw_engine *e)
{
    if (!e || atomic_fetch_sub(&e->users, 1) != 1)
        return;
    for (uint32_t k = 0; k < e->ntypes; k++) {
        jit_code_free(e->types[k]->code);
        free(e->types[k]);
    }
    free(e->types);
    free(e->buckets);
    jit_ctx_free(e->ctx);
    jit_engine_free(e->jit);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

/* ---- Types ---- */

static uint32_t hash_type(const gw_functype *t)
{
    uint32_t h = 2166136261u ^ t->nparams;

    for (uint32_t k = 0; k < t->nparams; k++)
        h = (h ^ t->params[k]) * 16777619u;
    h = (h ^ 1u) * 16777619u;
    for (uint32_t k = 0; k < t->nresults; k++)
        h = (h ^ t->results[k]) * 16777619u;
    return h ^ h >> 15;
}

static bool is_type(const gw_sigtype *s, const gw_functype *t)
{
    return s->nparams == t->nparams && s->nresults == t->nresults
           && (t->nparams == 0 || memcmp(s->types, t->params, t->nparams) == 0)
           && (t->nresults == 0 || memcmp(s->types + t->nparams, t->results, t->nresults) == 0);
}

static gw_sigtype *make_type(const gw_functype *t)
{
    size_t n = (size_t)t->nparams + t->nresults, at = (sizeof(gw_sigtype) + n + 7) & ~(size_t)7;
    gw_sigtype *s = calloc(1, at + (n + 1) * sizeof(jit_abi_param));
    jit_abi_param *p;

    if (!s)
        return NULL;
    p = (jit_abi_param *)(void *)((char *)s + at);
    s->nparams = t->nparams;
    s->nresults = t->nresults;
    s->sig.conv = GW_CONVENTION;
    s->sig.nparams = t->nparams + 1;
    s->sig.nresults = t->nresults;
    s->sig.params = p;
    s->sig.results = p + t->nparams + 1;
    *p++ = JIT_I64 | JIT_VMCTX;
    for (size_t k = 0; k < n; k++) {
        s->types[k] = k < t->nparams ? t->params[k] : t->results[k - t->nparams];
        p[k] = gw_jit_type(s->types[k]);
    }
    return s;
}

/* Twice as many buckets as types; false: no memory. */
static bool make_room(gw_engine *e)
{
    if (e->ntypes == e->types_cap) {
        uint32_t cap = e->types_cap ? e->types_cap * 2 : 32;
        gw_sigtype **types = realloc(e->types, cap * sizeof *types);
        gw_sigtype **buckets = calloc((size_t)cap * 2, sizeof *buckets);
        if (types)
            e->types = types;
        if (!types || !buckets) {
            free(buckets);
            return false;
        }
        free(e->buckets);
        e->buckets = buckets;
        e->nbuckets = cap * 2;
        e->types_cap = cap;
        for (uint32_t k = 0; k < e->ntypes; k++) {
            gw_sigtype *s = e->types[k];
            s->next = buckets[s->hash & (e->nbuckets - 1)];
            buckets[s->hash & (e->nbuckets - 1)] = s;
        }
    }
    return true;
}

static gw_sigtype *find_type(gw_engine *e, const gw_functype *t)
{
    uint32_t hash = hash_type(t);
    gw_sigtype *s = e->nbuckets ? e->buckets[hash & (e->nbuckets - 1)] : NULL;

    while (s && !is_type(s, t))
        s = s->next;
    if (s || !make_room(e) || !(s = make_type(t)))
        return s;
    s->hash = hash;
    s->id = e->ntypes;
    s->next = e->buckets[hash & (e->nbuckets - 1)];
    e->buckets[hash & (e->nbuckets - 1)] = s;
    e->types[e->ntypes++] = s;
    return s;
}

gw_sigtype *gw_engine_type(gw_engine *e, const gw_functype *t)
{
    pthread_mutex_lock(&e->lock);
    gw_sigtype *s = find_type(e, t);
    pthread_mutex_unlock(&e->lock);
    return s;
}

gw_sigtype *gw_engine_type_at(gw_engine *e, uint32_t id)
{
    pthread_mutex_lock(&e->lock);
    gw_sigtype *s = id < e->ntypes ? e->types[id] : NULL;
    pthread_mutex_unlock(&e->lock);
    return s;
}

/* ---- Trampolines ---- */

int gw_host_enter(gw_hostfunc *h, const gw_val *args, gw_val *results)
{
    gw_store *s = h->base.store;
    gw_trap *trap = h->fn(h->user, s, args, results);

    if (trap)
        s->pending = trap;
    return trap != NULL;
}

static void build_trampoline(jit_func *f, const gw_sigtype *t)
{
    static const jit_abi_param ints[3] = { JIT_I64, JIT_I64, JIT_I64 }, result = JIT_I32;
    jit_signature to = { JIT_CONV_SYSTEM_V, 3, 1, ints, &result };
    jit_mem trusted = { JIT_MEM_NOTRAP, 0, { 0 } };
    uint32_t most = t->nparams > t->nresults ? t->nparams : t->nresults;
    jit_slot in = jit_slot_declare(f, 8 * t->nparams + 8, 8),
             out = jit_slot_declare(f, 8 * t->nresults + 8, 8);
    jit_fnref enter = jit_callee_declare(f, host_enter, jit_sig_declare(f, &to), false);
    jit_value *v = malloc((most + (size_t)1) * sizeof *v), args[3];
    jit_builder *b = jit_build(f);

    if (v) {
        args[0] = jit_param(b, 0);
        args[1] = jit_stack_addr(b, in, 0);
        args[2] = jit_stack_addr(b, out, 0);
        for (uint32_t k = 0; k < t->nparams; k++)
            jit_store(b, trusted, jit_param(b, k + 1), args[1], (int32_t)(8 * k));
        jit_inst call = jit_call(b, enter, 3, args);
        jit_trapnz(b, jit_result(b, call, 0), GW_TRAP_HOST);
        for (uint32_t k = 0; k < t->nresults; k++)
            v[k] = jit_load(b, gw_jit_type(t->types[t->nparams + k]), trusted, args[2],
                            (int32_t)(8 * k));
        jit_return_values(b, t->nresults, v);
    }
    jit_build_end(b); /* without memory an error: the block has no terminator */
    free(v);
}

const void *gw_engine_trampoline(gw_engine *e, gw_sigtype *t)
{
    jit_settings s = { .size = sizeof s, .level = JIT_O1, .frame_pointers = true };
    char name[48];

    pthread_mutex_lock(&e->lock);
    if (!t->code) {
        snprintf(name, sizeof name, "gantry_wasm_host_%u", t->id);
        jit_func *f = jit_func_new(e->jit, name, &t->sig);
        if (f) {
            build_trampoline(f, t);
            jit_ctx_configure(e->ctx, &s);
            if (jit_compile_function(e->ctx, f, &t->code) != JIT_OK)
                t->code = NULL;
            jit_func_free(f);
        }
    }
    jit_entry entry = t->code ? jit_code_entry(t->code) : NULL;
    pthread_mutex_unlock(&e->lock);
    const void *p;
    memcpy(&p, &entry, sizeof p);
    return p;
}
