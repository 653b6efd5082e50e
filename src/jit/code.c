/* code.c - handles of published functions: looking them up, and freeing them one at a time. */
#include "jit/engine.h"
#include "jit/debug.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A handle that is not alive: told in debug builds, where freed handles are kept to notice. */
static bool is_alive(const jit_code *c, const char *call)
{
    if (c && c->magic == CODE_MAGIC_LIVE)
        return true;
#ifdef JIT_DEBUG
    if (c)
        fprintf(stderr, "gantry: %s: the code handle %p %s\n", call, (const void *)c,
                c->magic == CODE_MAGIC_FREED ? "has been freed" : "is not one");
#else
    (void)call;
#endif
    return false;
}

/* The memory stays as it is: better lost than given to a third. */
static void tell_second_owner(const jit_code *c)
{
#ifdef JIT_DEBUG
    fprintf(stderr, "gantry: jit_code_free: code memory at %p is not %p's alone\n",
            (void *)c->entry, (const void *)c);
#else
    (void)c;
#endif
}

jit_entry jit_code_entry(const jit_code *c)
{
    jit_entry f = NULL;

    if (is_alive(c, "jit_code_entry"))
        memcpy(&f, &c->entry, sizeof f);
    return f;
}

size_t jit_code_size(const jit_code *c)
{
    return is_alive(c, "jit_code_size") ? c->size : 0;
}

/* The code no longer defines its name; what it referred to may go as well. */
static void let_names_go(jit_engine *e, jit_code *c)
{
    symbol *s = c->sym;

    c->sym = NULL;
    for (uint32_t k = 0; k < c->nrefs; k++) {
        symbol *r = c->refs[k];
        r->refs--;
        if (r != s)
            jit_symbol_drop(e, r);
    }
    if (s) {
        jit_symbol_set(e, s, 0, NULL);
        jit_symbol_drop(e, s);
    }
}

void jit_code_unlink(jit_code *c)
{
    jit_engine *e = c->engine;

    if (c->prev)
        c->prev->next = c->next;
    else
        e->codes = c->next;
    if (c->next)
        c->next->prev = c->prev;
    e->ncodes--;
}

void jit_code_free(jit_code *c)
{
    if (!c || !is_alive(c, "jit_code_free"))
        return;
    jit_engine *e = c->engine;
    pthread_mutex_lock(&e->lock);
    c->magic = CODE_MAGIC_FREED;
    jit_code_unlink(c);
    let_names_go(e, c);
    jit_frames_remove(e, c->frames);
    jit_gdb_remove(e, c->image);
    if (!jit_code_mem_release(&e->mem, c->entry, c))
        tell_second_owner(c);
#ifdef JIT_DEBUG
    jit_code **oldest = &e->quarantine[e->nquarantine++ % QUARANTINE], *leaves = *oldest;
    *oldest = c;
    c = leaves;
#endif
    if (c)
        jit_pool_free(&e->pool, c, c->bytes);
    pthread_mutex_unlock(&e->lock);
}

unsigned jit_code_trap_at(const jit_code *c, const void *pc)
{
    if (!c || c->magic != CODE_MAGIC_LIVE)
        return JIT_TRAP_NONE;
    uintptr_t offset = (uintptr_t)pc - (uintptr_t)c->entry;
    uint32_t lo = 0, hi = c->ntraps;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (c->traps[mid].offset < offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < c->ntraps && c->traps[lo].offset == offset ? c->traps[lo].code : JIT_TRAP_NONE;
}

uint32_t jit_code_position_at(const jit_code *c, const void *pc)
{
    if (!c || c->magic != CODE_MAGIC_LIVE || (uintptr_t)pc - (uintptr_t)c->entry >= c->size)
        return UINT32_MAX;
    uintptr_t offset = (uintptr_t)pc - (uintptr_t)c->entry;
    uint32_t lo = 0, hi = c->nsrcpos;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (c->srcpos[mid].offset <= offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? c->srcpos[lo - 1].pos : UINT32_MAX;
}

jit_code *jit_engine_code_at(const jit_engine *e, const void *pc)
{
    return jit_code_mem_owner(&e->mem, pc);
}

const void *jit_engine_code_space(const jit_engine *e, size_t *size)
{
    if (size)
        *size = e->mem.os.size + e->mem.os.data;
    return e->mem.os.exec;
}
