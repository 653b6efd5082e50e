/* engine.c - engines: settings, the counting allocator, symbols by name, statistics, the end of it
 * all. */
#include "jit/engine.h"
#include "jit/debug.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The host's allocator, counted and logged ---- */

static void log_memory(const mem_owner *o, const char *what, size_t size, const void *p)
{
    char line[128];

    snprintf(line, sizeof line, "%s %zu bytes at %p by %s %p", what, size, p, o->what, o->which);
    o->engine->log(o->engine->log_user, line);
}

static void *counted_alloc(void *user, size_t size)
{
    const mem_owner *o = user;
    jit_engine *e = o->engine;
    void *p = e->user.alloc(e->user.user, size);

    if (!p)
        return NULL;
    size_t now = atomic_fetch_add(&e->host_bytes, size) + size, peak = atomic_load(&e->host_peak);
    while (now > peak && !atomic_compare_exchange_weak(&e->host_peak, &peak, now))
        ;
    atomic_fetch_add(&e->host_allocs, 1);
    if (e->log)
        log_memory(o, "alloc", size, p);
    return p;
}

static void counted_free(void *user, void *p, size_t size)
{
    const mem_owner *o = user;
    jit_engine *e = o->engine;

    atomic_fetch_sub(&e->host_bytes, size);
    if (e->log)
        log_memory(o, "free", size, p);
    e->user.free(e->user.user, p, size);
}

const jit_allocator *jit_engine_allocator(const jit_engine *e)
{
    return &e->host;
}

jit_allocator jit_engine_account(mem_owner *o, jit_engine *e, const char *what, const void *which)
{
    jit_allocator a = { counted_alloc, counted_free, o };

    *o = (mem_owner){ e, what, which };
    return a;
}

/* ---- Making ---- */

uint64_t jit_host_features(jit_arch *arch)
{
#if defined(__x86_64__)
    jit_arch host = JIT_ARCH_X86_64;
#else
    jit_arch host = JIT_ARCH_AARCH64;
#endif
    if (arch)
        *arch = host;
    return jit_os_features();
}

const target *jit_target_for(jit_arch arch)
{
    switch (arch) {
    case JIT_ARCH_X86_64: return &jit_target_x86_64;
    case JIT_ARCH_AARCH64: return &jit_target_aarch64;
    default: return NULL;
    }
}

uint8_t *jit_engine_stub(jit_engine *e, const uint8_t *bytes, size_t size)
{
    uint8_t *exec, *write;

    if (!jit_code_mem_own(&e->mem) || !jit_code_mem_alloc(&e->mem, size, &exec, &write))
        return NULL;
    memcpy(write, bytes, size);
    if (!jit_code_mem_commit(&e->mem, exec, size, NULL)) {
        jit_code_mem_release(&e->mem, exec, NULL);
        return NULL;
    }
    jit_code_mem_sync(&e->mem);
    return exec;
}

static jit_status start(jit_engine *e, const jit_engine_settings *s)
{
    uint8_t code[32];
    jit_status status = jit_code_mem_init(&e->mem, s->code_space ? s->code_space : (size_t)64 << 20,
                                          (int)s->provider);
    if (status != JIT_OK)
        return status;
    e->has_mem = true;
    e->trap_stub = jit_engine_stub(e, code, e->target->trap_stub(code));
    return e->trap_stub ? JIT_OK : JIT_ERR_CODE_FULL;
}

jit_status jit_engine_create(const jit_engine_settings *given, jit_engine **out)
{
    jit_engine_settings s = { .host_features = true };
    jit_arch host;
    uint64_t host_features = jit_host_features(&host);

    if (!out)
        return JIT_ERR_ARG;
    *out = NULL;
    if (given) {
        if (given->size == 0 || given->size > sizeof s)
            return JIT_ERR_ARG;
        memset(&s, 0, sizeof s);
        memcpy(&s, given, given->size);
    }
    if (s.arch == JIT_ARCH_HOST)
        s.arch = host;
    const target *t = jit_target_for(s.arch);
    if (!t)
        return s.arch <= JIT_ARCH_AARCH64 ? JIT_ERR_UNSUPPORTED : JIT_ERR_ARG;
    jit_allocator user = s.allocator ? *s.allocator : jit_libc_allocator;
    jit_engine *e = user.alloc(user.user, sizeof *e);
    if (!e)
        return JIT_ERR_NOMEM;
    memset(e, 0, sizeof *e);
    e->user = user;
    e->host = jit_engine_account(&e->ir_owner, e, "functions of engine", e);
    e->pool_host = jit_engine_account(&e->pool_owner, e, "engine", e);
    e->target = t;
    e->log = s.log;
    e->log_user = s.log_user;
    e->perf_map = s.perf_map;
    e->unwind_tables = s.unwind_tables;
    e->gdb = s.gdb;
    e->features = s.features != JIT_FEATURES_HOST ? s.features : s.arch == host ? host_features : 0;
    if (s.host_features && s.arch == host)
        e->features |= host_features;
    e->runs_here = s.arch == host && (host != JIT_ARCH_X86_64 || !(e->features & ~host_features));
    pthread_mutex_init(&e->lock, NULL);
    pthread_mutex_init(&e->adapter_lock, NULL);
    jit_pool_init(&e->pool, &e->pool_host);
    jit_status status = start(e, &s);
    if (status == JIT_OK && s.jitdump && !(e->jitdump = jit_jitdump_open(e)))
        status = JIT_ERR_IO;
    if (status != JIT_OK) {
        jit_engine_free(e);
        return status;
    }
    *out = e;
    return JIT_OK;
}

jit_engine *jit_engine_new(const jit_engine_settings *s)
{
    jit_engine *e;

    jit_engine_create(s, &e);
    return e;
}

static void free_codes(jit_engine *e, jit_code *c)
{
    for (jit_code *next; c; c = next) {
        next = c->next;
        jit_frames_remove(e, c->frames);
        jit_gdb_remove(e, c->image);
        jit_pool_free(&e->pool, c, c->bytes);
    }
}

void jit_engine_free(jit_engine *e)
{
    if (!e)
        return;
#ifdef JIT_DEBUG
    if (e->ncodes) {
        fprintf(stderr, "gantry: jit_engine_free: %zu codes are still alive\n", e->ncodes);
        abort();
    }
#endif
    jit_ctx_free(e->own_ctx);
    jit_adapters_free(e);
    free_codes(e, e->codes);
    for (uint32_t k = 0; k < QUARANTINE; k++)
        if (e->quarantine[k])
            jit_pool_free(&e->pool, e->quarantine[k], e->quarantine[k]->bytes);
    jit_symbols_free(e);
    jit_frames_remove(e, e->entry_frames);
    jit_jitdump_close(e, e->jitdump);
    for (data_block *d = e->data, *next; d; d = next) {
        next = d->next;
        jit_os_release(d->raw, d->size);
        jit_pool_free(&e->pool, d, d->bytes);
    }
    if (e->has_mem)
        jit_code_mem_free(&e->mem);
    jit_pool_done(&e->pool);
    pthread_mutex_destroy(&e->lock);
    pthread_mutex_destroy(&e->adapter_lock);
    jit_allocator user = e->user;
    user.free(user.user, e, sizeof *e);
}

jit_arch jit_engine_arch(const jit_engine *e) { return e->target->arch; }
uint64_t jit_engine_features(const jit_engine *e) { return e->features; }
bool jit_engine_runs_here(const jit_engine *e) { return e->runs_here; }

/* ---- Names ---- */

jit_status jit_engine_define(jit_engine *e, const char *text, void *address)
{
    ir_name name;

    if (!e || !text || !jit_name_scan(text, &name))
        return JIT_ERR_ARG;
    pthread_mutex_lock(&e->lock);
    symbol *s = jit_symbol_get(e, &name);
    if (s) {
        s->pinned = true;
        jit_symbol_set(e, s, (uint64_t)(uintptr_t)address, NULL);
    }
    pthread_mutex_unlock(&e->lock);
    return s ? JIT_OK : JIT_ERR_NOMEM;
}

jit_status jit_engine_define_function(jit_engine *e, const char *name, jit_entry fn)
{
    void *address;

    memcpy(&address, &fn, sizeof address);
    return jit_engine_define(e, name, address);
}

void *jit_engine_lookup(jit_engine *e, const char *text)
{
    void *address = NULL;
    ir_name name;

    if (!e || !text || !jit_name_scan(text, &name))
        return NULL;
    pthread_mutex_lock(&e->lock);
    symbol *s = jit_symbol_find(e, &name);
    if (s && !s->code && !s->named) {
        address = (void *)(uintptr_t)s->address; /* the host's own */
    } else if (s && jit_code_mem_own(&e->mem) && jit_symbol_need_thunk(e, s)) {
        jit_code_mem_sync(&e->mem);
        s->pinned = s->named = true;
        address = s->thunk;
    }
    pthread_mutex_unlock(&e->lock);
    return address;
}

void jit_engine_get_stats(const jit_engine *e, jit_engine_stats *s)
{
    jit_engine *m = (jit_engine *)(uintptr_t)e; /* the lock is not part of what is read */

    pthread_mutex_lock(&m->lock);
    s->code_reserved = e->mem.os.size;
    s->code_used = e->mem.used;
    s->code_committed = e->mem.touched_bytes;
    s->codes = e->ncodes;
    pthread_mutex_unlock(&m->lock);
    s->host_bytes = atomic_load(&m->host_bytes);
    s->host_peak = atomic_load(&m->host_peak);
    s->host_allocs = atomic_load(&m->host_allocs);
}
