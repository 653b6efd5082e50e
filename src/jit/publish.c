/* publish.c - places a batch of units in code memory, links them, and makes the handles: all or
 * nothing.
 *
 * First everything that can fail is done: memory for code and handles, symbols, cells, thunks. Then
 * the bytes are written and relocated, and last the names are bound. A failure on the way gives
 * back what was taken; symbols that nobody refers to vanish again. */
#include "jit/engine.h"
#include "jit/debug.h"
#include <stdio.h>
#include <string.h>

typedef struct batch {
    jit_engine *e;
    jit_unit *const *units;
    size_t n;
    jit_code **codes;
    uint8_t **write;    /* by unit: where its bytes are written */
    symbol **locals;    /* JIT_LOCAL functions of this batch by hash; NULL: there are none */
    size_t nlocals;     /* buckets, a power of two */
    char message[256];
} batch;

static jit_status fail(batch *b, jit_status status, const char *what, const ir_name *name)
{
    char text[128] = "";

    if (name)
        jit_name_print(name, text, sizeof text);
    snprintf(b->message, sizeof b->message, "%s%s%s", what, name ? " " : "", text);
    return status;
}

/* ---- Memory for a unit ---- */

static size_t handle_size(const jit_unit *u)
{
    return sizeof(jit_code) + u->nsymbols * sizeof(symbol *)
           + u->code.ntraps * sizeof(mbuf_trap) + u->code.nsrcpos * sizeof(mbuf_srcpos);
}

static jit_status take_memory(batch *b, size_t k)
{
    const jit_unit *u = b->units[k];
    size_t bytes = handle_size(u);
    jit_code *c = jit_pool_alloc(&b->e->pool, bytes);
    uint8_t *exec;

    if (!c)
        return fail(b, JIT_ERR_NOMEM, "out of memory", NULL);
    b->codes[k] = c;
    c->magic = CODE_MAGIC_LIVE;
    c->engine = b->e;
    c->bytes = bytes;
    c->refs = (symbol **)(void *)(c + 1);
    c->srcpos = (mbuf_srcpos *)(void *)(c->refs + u->nsymbols);
    c->traps = (mbuf_trap *)(void *)(c->srcpos + u->code.nsrcpos);
    c->ntraps = u->code.ntraps;
    c->nsrcpos = u->code.nsrcpos;
    if (c->ntraps)
        memcpy(c->traps, u->code.traps, c->ntraps * sizeof *c->traps);
    if (c->nsrcpos)
        memcpy(c->srcpos, u->code.srcpos, c->nsrcpos * sizeof *c->srcpos);
    if (!jit_code_mem_alloc(&b->e->mem, u->code.size, &exec, &b->write[k]))
        return fail(b, JIT_ERR_CODE_FULL, "no code space for", &u->name);
    c->entry = exec;
    c->size = u->code.size;
    return JIT_OK;
}

/* ---- Names ---- */

static symbol **local_bucket(const batch *b, uint64_t hash)
{
    return &b->locals[hash & (b->nlocals - 1)];
}

static symbol *find_local(const batch *b, const ir_name *name)
{
    uint64_t h = jit_symbol_hash(name);

    if (!b->locals)
        return NULL;
    for (symbol *s = *local_bucket(b, h); s; s = s->next)
        if (s->hash == h && jit_name_equal(&s->name, name))
            return s;
    return NULL;
}

static symbol *new_local(batch *b, const ir_name *name)
{
    if (!b->locals) {
        for (b->nlocals = 16; b->nlocals < b->n; b->nlocals *= 2)
            ;
        b->locals = jit_pool_alloc(&b->e->pool, b->nlocals * sizeof *b->locals);
    }
    symbol *s = b->locals ? jit_symbol_new_local(b->e, name) : NULL;
    if (s) {
        symbol **bucket = local_bucket(b, s->hash);
        s->next = *bucket;
        *bucket = s;
    }
    return s;
}

/* The symbol that unit k defines; its code is noted at once, its address only at the end. */
static jit_status define_name(batch *b, size_t k)
{
    const jit_unit *u = b->units[k];
    symbol *s;

    if (u->name.kind == NAME_NONE)
        return JIT_OK;
    if (u->linkage == JIT_LOCAL) {
        s = find_local(b, &u->name);
        if (!s)
            s = new_local(b, &u->name);
    } else {
        s = jit_symbol_get(b->e, &u->name);
    }
    if (!s)
        return fail(b, JIT_ERR_NOMEM, "out of memory", NULL);
    if (s->coming)
        return fail(b, JIT_ERR_LINK, "two functions are called", &u->name);
    b->codes[k]->sym = s;
    s->coming = b->codes[k];
    s->refs++; /* until it is bound */
    return JIT_OK;
}

static jit_status resolve(batch *b, const ir_name *name, symbol **out)
{
    symbol *s = find_local(b, name);

    if (!s)
        s = jit_symbol_find(b->e, name);
    if (!s && name->kind == NAME_LIBCALL && jit_libcall_address(name->index)) {
        s = jit_symbol_get(b->e, name);
        if (!s)
            return fail(b, JIT_ERR_NOMEM, "out of memory", NULL);
        s->pinned = true;
        jit_symbol_set(b->e, s, (uint64_t)(uintptr_t)jit_libcall_address(name->index), NULL);
    }
    if (!s || (!s->address && !s->coming))
        return fail(b, JIT_ERR_LINK, "unknown name", name);
    *out = s;
    return JIT_OK;
}

static jit_status resolve_unit(batch *b, size_t k)
{
    const jit_unit *u = b->units[k];
    jit_code *c = b->codes[k];
    const target *t = b->e->target;

    for (uint32_t j = 0; j < u->nsymbols; j++) {
        symbol *s = NULL;
        jit_status status = resolve(b, &u->symbols[j], &s);
        if (status != JIT_OK)
            return status;
        c->refs[c->nrefs++] = s;
        s->refs++;
    }
    for (uint32_t j = 0; j < u->code.nrelocs; j++) {
        const mbuf_reloc *r = &u->code.relocs[j];
        symbol *s = c->refs[r->symbol];
        unsigned to = t->reloc_to(r->kind);
        bool made = to == RELOC_TO_CELL ? jit_symbol_need_cell(b->e, s)
                    : to == RELOC_TO_FUNCTION && s->coming ? true : jit_symbol_need_thunk(b->e, s);
        if (!made)
            return fail(b, JIT_ERR_CODE_FULL, "no code space for the slot of",
                        &u->symbols[r->symbol]);
    }
    return JIT_OK;
}

/* ---- Writing ---- */

static jit_status write_unit(batch *b, size_t k)
{
    const jit_unit *u = b->units[k];
    jit_code *c = b->codes[k];
    const target *t = b->e->target;

    memcpy(b->write[k], u->code.bytes, u->code.size);
    for (uint32_t j = 0; j < u->code.nrelocs; j++) {
        const mbuf_reloc *r = &u->code.relocs[j];
        const symbol *s = c->refs[r->symbol];
        unsigned to = t->reloc_to(r->kind);
        if (r->offset > u->code.size || u->code.size - r->offset < 4)
            return fail(b, JIT_ERR_INTERNAL, "a relocation behind the code of", &u->name);
        const jit_code *mate = to == RELOC_TO_FUNCTION ? s->coming : NULL;
        const void *at = mate ? mate->entry
                         : to == RELOC_TO_CELL ? (const void *)s->cell : s->thunk;
        if (!t->reloc_apply(r->kind, b->write[k] + r->offset,
                            (uint64_t)(uintptr_t)(c->entry + r->offset),
                            (uint64_t)(uintptr_t)at, r->addend))
            return fail(b, JIT_ERR_LIMIT, "out of reach:", &u->symbols[r->symbol]);
    }
    if (!jit_code_mem_commit(&b->e->mem, c->entry, c->size, c))
        return fail(b, JIT_ERR_IO, "the system refused to make code executable", NULL);
    return JIT_OK;
}

/* ---- The whole batch ---- */

static jit_status prepare(batch *b)
{
    jit_status status = JIT_OK;

    for (size_t k = 0; k < b->n && status == JIT_OK; k++)
        status = take_memory(b, k);
    for (size_t k = 0; k < b->n && status == JIT_OK; k++)
        status = define_name(b, k);
    for (size_t k = 0; k < b->n && status == JIT_OK; k++)
        status = resolve_unit(b, k);
    for (size_t k = 0; k < b->n && status == JIT_OK; k++)
        status = write_unit(b, k);
    return status;
}

/* Tells those who asked for it that the code is there. */
static void announce(jit_engine *e, jit_code *c, const jit_unit *u)
{
    char name[128];

    if (e->perf_map || e->jitdump)
        jit_name_print(&u->name, name, sizeof name);
    if (e->perf_map)
        jit_os_perf_map(c->entry, c->size, name);
    if (e->jitdump)
        jit_jitdump_add(e->jitdump, c->entry, c->size, name);
    if (e->unwind_tables)
        c->frames = jit_frames_add(e, c->entry, u->code.code_size, u->code.unwind,
                                   u->code.nunwind);
    if (e->gdb)
        c->image = jit_gdb_add(e, c->entry, u);
}

static void bind(batch *b, size_t k)
{
    jit_engine *e = b->e;
    jit_code *c = b->codes[k];

    if (c->sym) {
        jit_symbol_set(e, c->sym, (uint64_t)(uintptr_t)c->entry, c);
        c->sym->coming = NULL;
        c->sym->refs--;
    }
    c->next = e->codes;
    if (e->codes)
        e->codes->prev = c;
    e->codes = c;
    e->ncodes++;
    announce(e, c, b->units[k]);
}

static void undo(batch *b)
{
    jit_engine *e = b->e;

    for (size_t k = 0; k < b->n; k++) {
        jit_code *c = b->codes[k];
        if (!c)
            continue;
        for (uint32_t j = 0; j < c->nrefs; j++) {
            c->refs[j]->refs--;
            if (!c->refs[j]->local)
                jit_symbol_drop(e, c->refs[j]);
        }
        c->nrefs = 0;
        if (c->entry) /* c is its owner when writing it was done */
            (void)(jit_code_mem_release(&e->mem, c->entry, c)
                   || jit_code_mem_release(&e->mem, c->entry, NULL));
    }
    for (size_t k = 0; k < b->n; k++) {
        jit_code *c = b->codes[k];
        if (c && c->sym) {
            c->sym->coming = NULL;
            c->sym->refs--;
            jit_symbol_drop(e, c->sym);
        }
        if (c)
            jit_pool_free(&e->pool, c, c->bytes);
        b->codes[k] = NULL;
    }
}

static jit_status refuse_unit(jit_ctx *c, size_t k)
{
    if (c)
        snprintf(c->message, sizeof c->message,
                 "unit %zu has been freed, or is not this engine's", k);
    return JIT_ERR_ARG;
}

jit_status jit_publish(jit_engine *e, jit_ctx *c, jit_unit *const *units, size_t n,
                       jit_code **codes)
{
    batch b = { .e = e, .units = units, .n = n, .codes = codes };
    uint8_t *one;
    jit_status status = JIT_OK;

    if (!e || (n && (!units || !codes)))
        return JIT_ERR_ARG;
    for (size_t k = 0; k < n; k++)
        codes[k] = NULL;
    for (size_t k = 0; k < n; k++)
        if (!units[k] || units[k]->engine != e || units[k]->magic != UNIT_MAGIC_LIVE)
            return refuse_unit(c, k);
    pthread_mutex_lock(&e->lock);
    b.write = n <= 1 ? &one : jit_pool_alloc(&e->pool, n * sizeof *b.write);
    if (!b.write)
        status = fail(&b, JIT_ERR_NOMEM, "out of memory", NULL);
    else if (!jit_code_mem_own(&e->mem))
        status = fail(&b, JIT_ERR_NOMEM, "no memory for this process's own code pages", NULL);
    if (status == JIT_OK)
        status = prepare(&b);
    jit_code_mem_sync(&e->mem);
    if (status == JIT_OK) {
        for (size_t k = 0; k < n; k++)
            bind(&b, k);
    } else if (b.write) {
        undo(&b);
    }
    jit_pool_free(&e->pool, b.locals, b.nlocals * sizeof *b.locals);
    if (n > 1)
        jit_pool_free(&e->pool, b.write, n * sizeof *b.write);
    pthread_mutex_unlock(&e->lock);
    if (status != JIT_OK && c)
        snprintf(c->message, sizeof c->message, "%s", b.message);
    return status;
}

/* ---- Data objects ---- */

/* Memory for d with its content; NULL: none. */
static data_block *new_block(jit_engine *e, const ir_data *d)
{
    size_t page = jit_os_page_size(), align = d->align > page ? d->align : page;
    size_t slack = align - page, size = (d->size + page - 1) / page * page + slack;
    data_block *block = jit_pool_alloc(&e->pool, sizeof *block);

    if (!block)
        return NULL;
    block->bytes = sizeof *block;
    block->size = size ? size : page;
    block->raw = jit_os_reserve(block->size);
    if (!block->raw) {
        jit_pool_free(&e->pool, block, block->bytes);
        return NULL;
    }
    block->at = (char *)block->raw + ((align - (uintptr_t)block->raw % align) & (align - 1));
    if (d->bytes && d->size)
        memcpy(block->at, d->bytes, d->size);
    return block;
}

/* Memory and symbols first, so that nothing is known when one of them cannot be had. */
static jit_status publish_data(jit_engine *e, const jit_module *m)
{
    data_block *made = NULL, *next;
    bool ok = true;

    for (uint32_t k = m->data.len; k-- > 0 && ok;) { /* so that the list is in order */
        const ir_data *d = &m->data.at[k];
        if (d->linkage == JIT_IMPORT)
            continue;
        symbol *s = jit_symbol_get(e, &d->name);
        data_block *block = s ? new_block(e, d) : NULL;
        if (block) {
            block->sym = s;
            s->refs++;
            block->next = made;
            made = block;
        } else if (s) {
            jit_symbol_drop(e, s);
        }
        ok = block != NULL;
    }
    for (data_block *b = made; b; b = next) {
        symbol *s = b->sym;
        next = b->next;
        s->refs--;
        if (ok) {
            s->pinned = true;
            jit_symbol_set(e, s, (uint64_t)(uintptr_t)b->at, NULL);
            b->next = e->data;
            e->data = b;
        } else {
            jit_symbol_drop(e, s);
            jit_os_release(b->raw, b->size);
            jit_pool_free(&e->pool, b, b->bytes);
        }
    }
    return ok ? JIT_OK : JIT_ERR_NOMEM;
}

jit_status jit_publish_data(jit_engine *e, jit_ctx *c, const jit_module *m)
{
    if (!e || !m)
        return JIT_ERR_ARG;
    pthread_mutex_lock(&e->lock);
    jit_status status = publish_data(e, m);
    pthread_mutex_unlock(&e->lock);
    if (status != JIT_OK && c)
        snprintf(c->message, sizeof c->message, "out of memory for data objects");
    return status;
}
