/* unit.c - units: the unlinked code of a function, in one block of the engine's pool. */
#include "jit/engine.h"
#include <stdio.h>
#include <string.h>

typedef struct packer { uint8_t *at; size_t used; } packer; /* at NULL: only measures */

static void *pack(packer *p, const void *from, size_t n)
{
    size_t offset = (p->used + 15) & ~(size_t)15;

    p->used = offset + n;
    return p->at && n ? memcpy(p->at + offset, from, n) : NULL;
}

/* Copies every table of *from behind the header *u. */
static void pack_unit(packer *p, jit_unit *u, const jit_unit *from)
{
    const mcode *c = &from->code;
    mcode *d = &u->code;

    p->used = sizeof *u;
    d->bytes = pack(p, c->bytes, c->size);
    d->traps = pack(p, c->traps, c->ntraps * sizeof *c->traps);
    d->srcpos = pack(p, c->srcpos, c->nsrcpos * sizeof *c->srcpos);
    d->relocs = pack(p, c->relocs, c->nrelocs * sizeof *c->relocs);
    d->calls = pack(p, c->calls, c->ncalls * sizeof *c->calls);
    d->unwind = pack(p, c->unwind, c->nunwind * sizeof *c->unwind);
    d->sites = NULL; /* they stand in the map */
    d->nsites = 0;
    u->map.sites = pack(p, from->map.sites, from->map.nsites * sizeof *from->map.sites);
    u->map.made_by = pack(p, from->map.made_by, from->map.ninsts * sizeof *from->map.made_by);
    u->map.slots = pack(p, from->map.slots, from->map.nslots * sizeof *from->map.slots);
    d->label_offsets = NULL;
    d->nlabels = 0;
    u->symbols = pack(p, from->symbols, from->nsymbols * sizeof *from->symbols);
    for (uint32_t k = 0; k < from->nsymbols; k++)
        if (from->symbols[k].text) {
            char *text = pack(p, from->symbols[k].text, strlen(from->symbols[k].text) + 1);
            if (p->at)
                u->symbols[k].text = text;
        }
    if (from->name.text)
        u->name.text = pack(p, from->name.text, strlen(from->name.text) + 1);
    if (from->listing)
        u->listing = pack(p, from->listing, from->listing_len + 1);
}

jit_status jit_compile_unit(jit_ctx *c, const jit_func *f, const jit_settings *s, jit_unit **unit)
{
    jit_unit made, copy;
    packer measure = { NULL, 0 };

    if (unit)
        *unit = NULL;
    if (!c || !unit)
        return JIT_ERR_ARG;
    jit_status status = jit_ctx_compile(c, f, s, &made);
    if (status != JIT_OK)
        return status;
    jit_engine *e = c->engine;
    copy = made;
    pack_unit(&measure, &copy, &made);
    pthread_mutex_lock(&e->lock);
    jit_unit *u = jit_pool_alloc(&e->pool, measure.used);
    pthread_mutex_unlock(&e->lock);
    if (!u) {
        snprintf(c->message, sizeof c->message, "out of memory");
        return JIT_ERR_NOMEM;
    }
    *u = made;
    packer write = { (uint8_t *)u, 0 };
    pack_unit(&write, u, &made);
    u->magic = UNIT_MAGIC_LIVE;
    u->bytes = measure.used;
    *unit = u;
    return JIT_OK;
}

void jit_unit_free(jit_unit *u)
{
    if (!u)
        return;
    if (u->magic != UNIT_MAGIC_LIVE) {
#ifdef JIT_DEBUG
        fprintf(stderr, "gantry: jit_unit_free: the unit %p has been freed, or is not one\n",
                (void *)u);
#endif
        return;
    }
    jit_engine *e = u->engine;
    pthread_mutex_lock(&e->lock);
    jit_pool_free(&e->pool, u, u->bytes);
    pthread_mutex_unlock(&e->lock);
}

const uint8_t *jit_unit_bytes(const jit_unit *u, size_t *size)
{
    if (size)
        *size = u->code.size;
    return u->code.bytes;
}

const jit_code_map *jit_unit_map(const jit_unit *u)
{
    return u->map.nsites > 0 ? &u->map : NULL;
}

size_t jit_unit_reloc_count(const jit_unit *u) { return u->code.nrelocs; }

jit_reloc_info jit_unit_reloc(const jit_unit *u, size_t k)
{
    static _Thread_local char name[128];
    jit_reloc_info r = { 0 };

    if (k < u->code.nrelocs) {
        const mbuf_reloc *m = &u->code.relocs[k];
        jit_name_print(&u->symbols[m->symbol], name, sizeof name);
        r.offset = m->offset;
        r.kind = u->engine->target->reloc_name(m->kind);
        r.name = name;
        r.addend = m->addend;
    }
    return r;
}

char *jit_unit_disassemble(const jit_unit *u, size_t *length)
{
    const jit_allocator *host = jit_engine_allocator(u->engine);
    char *text = u->listing ? host->alloc(host->user, u->listing_len + 1) : NULL;

    if (text) { /* as long as its text, as jit_string_free() expects */
        memcpy(text, u->listing, u->listing_len);
        text[u->listing_len] = 0;
        if (length)
            *length = u->listing_len;
    }
    return text;
}
