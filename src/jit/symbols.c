/* symbols.c - names known to an engine: their cells and thunks (see engine.h). */
#include "jit/engine.h"
#include <string.h>

uint64_t jit_symbol_hash(const ir_name *n)
{
    if (n->kind == NAME_TEXT)
        return jit_hash_bytes(n->text, strlen(n->text));
    return hash_mix(((uint64_t)n->space << 32 | n->index) + n->kind);
}

symbol *jit_symbol_find(jit_engine *e, const ir_name *name)
{
    uint64_t h = jit_symbol_hash(name);

    if (!e->nbuckets)
        return NULL;
    for (symbol *s = e->buckets[h & (e->nbuckets - 1)]; s; s = s->next)
        if (s->hash == h && jit_name_equal(&s->name, name))
            return s;
    return NULL;
}

static symbol *new_symbol(jit_engine *e, const ir_name *name)
{
    size_t len = name->kind == NAME_TEXT ? strlen(name->text) + 1 : 0;
    symbol *s = jit_pool_alloc(&e->pool, sizeof *s + len);

    if (!s)
        return NULL;
    s->bytes = sizeof *s + len;
    s->name = *name;
    s->hash = jit_symbol_hash(name);
    if (len)
        s->name.text = memcpy(s + 1, name->text, len);
    return s;
}

static bool grow_buckets(jit_engine *e)
{
    uint32_t n = e->nbuckets ? 2 * e->nbuckets : 64;
    symbol **b = jit_pool_alloc(&e->pool, n * sizeof *b);

    if (!b)
        return false;
    for (uint32_t k = 0; k < e->nbuckets; k++)
        for (symbol *s = e->buckets[k], *next; s; s = next) {
            next = s->next;
            s->next = b[s->hash & (n - 1)];
            b[s->hash & (n - 1)] = s;
        }
    jit_pool_free(&e->pool, e->buckets, e->nbuckets * sizeof *b);
    e->buckets = b;
    e->nbuckets = n;
    return true;
}

symbol *jit_symbol_get(jit_engine *e, const ir_name *name)
{
    symbol *s = jit_symbol_find(e, name);

    if (s)
        return s;
    if (e->nsymbols >= e->nbuckets && !grow_buckets(e))
        return NULL;
    s = new_symbol(e, name);
    if (s) {
        symbol **b = &e->buckets[s->hash & (e->nbuckets - 1)];
        s->next = *b;
        *b = s;
        e->nsymbols++;
    }
    return s;
}

symbol *jit_symbol_new_local(jit_engine *e, const ir_name *name)
{
    symbol *s = new_symbol(e, name);

    if (s)
        s->local = true;
    return s;
}

static uint64_t led_to(const jit_engine *e, const symbol *s)
{
    return s->address ? s->address : (uint64_t)(uintptr_t)e->trap_stub;
}

bool jit_symbol_need_cell(jit_engine *e, symbol *s)
{
    if (!s->cell) {
        s->cell = jit_code_mem_cell(&e->mem);
        if (s->cell)
            atomic_store(s->cell, led_to(e, s));
    }
    return s->cell != NULL;
}

bool jit_symbol_need_thunk(jit_engine *e, symbol *s)
{
    uint8_t code[32], *exec, *write;

    if (s->thunk)
        return true;
    if (!jit_symbol_need_cell(e, s) || !jit_code_mem_alloc(&e->mem, sizeof code, &exec, &write))
        return false;
    uint32_t n = e->target->thunk(code, (uint64_t)(uintptr_t)exec, (uint64_t)(uintptr_t)s->cell);
    memcpy(write, code, n);
    if (!jit_code_mem_commit(&e->mem, exec, n, NULL)) {
        jit_code_mem_release(&e->mem, exec, NULL);
        return false;
    }
    s->thunk = exec;
    return true;
}

void jit_symbol_set(jit_engine *e, symbol *s, uint64_t address, struct jit_code *code)
{
    if (s->code && s->code != code)
        s->code->sym = NULL; /* replaced: that code no longer answers to the name */
    s->address = address;
    s->code = code;
    if (s->cell)
        atomic_store(s->cell, led_to(e, s));
}

static void free_symbol(jit_engine *e, symbol *s)
{
    if (s->thunk)
        jit_code_mem_release(&e->mem, s->thunk, NULL);
    if (s->cell)
        jit_code_mem_cell_free(&e->mem, s->cell);
    jit_pool_free(&e->pool, s, s->bytes);
}

void jit_symbol_drop(jit_engine *e, symbol *s)
{
    if (s->refs || s->code || s->pinned || (s->address && !s->local))
        return;
    if (!s->local) {
        symbol **p = &e->buckets[s->hash & (e->nbuckets - 1)];
        while (*p != s)
            p = &(*p)->next;
        *p = s->next;
        e->nsymbols--;
    }
    free_symbol(e, s);
}

void jit_symbols_free(jit_engine *e)
{
    for (uint32_t k = 0; k < e->nbuckets; k++)
        for (symbol *s = e->buckets[k], *next; s; s = next) {
            next = s->next;
            jit_pool_free(&e->pool, s, s->bytes);
        }
    jit_pool_free(&e->pool, e->buckets, e->nbuckets * sizeof *e->buckets);
    e->buckets = NULL;
    e->nbuckets = e->nsymbols = 0;
}
