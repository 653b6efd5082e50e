/* object.c - relocatable objects: takes units and data, and keeps them by section and symbol. */
#include "object/object.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- Bytes of a section ---- */

void jit_object_put(jit_object *o, object_part p, const void *bytes, size_t n)
{
    object_section *s = &o->parts[p];

    if (n > INT32_MAX - s->bytes.len) /* relocations between sections have 32 bits */
        jit_fail(&o->fail, JIT_ERR_LIMIT, "more than 2 GiB in one section");
    vec_reserve(&o->mem, &s->bytes, (uint32_t)n);
    if (n && bytes)
        memcpy(s->bytes.at + s->bytes.len, bytes, n);
    else if (n)
        memset(s->bytes.at + s->bytes.len, 0, n);
    s->bytes.len += (uint32_t)n;
}

void jit_object_put_le(jit_object *o, object_part p, uint64_t x, unsigned n)
{
    uint8_t bytes[8];

    put_le64(bytes, x);
    jit_object_put(o, p, bytes, n);
}

void jit_object_align(jit_object *o, object_part p, uint64_t align, uint8_t fill)
{
    object_section *s = &o->parts[p];
    uint32_t from = s->bytes.len;
    size_t n = (size_t)(-(uint64_t)from & (align - 1));

    jit_object_put(o, p, NULL, n);
    if (n)
        memset(s->bytes.at + from, fill, n);
    if (s->align < align)
        s->align = align;
}

void jit_object_reloc(jit_object *o, object_part p, uint64_t offset, uint32_t to,
                      uint32_t type, int64_t addend)
{
    object_reloc r = { offset, to, type, addend };

    vec_push(&o->mem, &o->parts[p].relocs, r);
}

/* ---- Symbols ---- */

/* What the C library calls it; NULL: it has no such function. */
static const char *library_name(unsigned libcall)
{
    switch (libcall) {
    case LIBCALL_CeilF32: return "ceilf";
    case LIBCALL_CeilF64: return "ceil";
    case LIBCALL_FloorF32: return "floorf";
    case LIBCALL_FloorF64: return "floor";
    case LIBCALL_TruncF32: return "truncf";
    case LIBCALL_TruncF64: return "trunc";
    case LIBCALL_NearestF32: return "nearbyintf";
    case LIBCALL_NearestF64: return "nearbyint";
    case LIBCALL_FmaF32: return "fmaf";
    case LIBCALL_FmaF64: return "fma";
    case LIBCALL_Memcpy: return "memcpy";
    case LIBCALL_Memset: return "memset";
    case LIBCALL_Memmove: return "memmove";
    case LIBCALL_Memcmp: return "memcmp";
    default: return NULL;
    }
}

static const char *symbol_name(jit_object *o, const ir_name *n)
{
    char text[32];
    const char *library;

    switch (n->kind) {
    case NAME_TEXT:
        return jit_arena_string(&o->mem, n->text, strlen(n->text));
    case NAME_USER:
        snprintf(text, sizeof text, "u%u_%u", n->space, n->index);
        return jit_arena_string(&o->mem, text, strlen(text));
    case NAME_LIBCALL:
        library = library_name(n->index);
        if (library)
            return library;
        jit_fail(&o->fail, JIT_ERR_UNSUPPORTED, "the C library has no %%%s",
                 jit_libcall_name(n->index));
    default:
        jit_fail(&o->fail, JIT_ERR_ARG, "a function without a name cannot stand in an object");
    }
}

/* The symbol of this name, made when there is none. */
static uint32_t find_symbol(jit_object *o, const ir_name *name)
{
    const char *text = symbol_name(o, name);
    uint64_t key = jit_hash_bytes(text, strlen(text));
    uint32_t k;

    while ((k = jit_map_get(&o->by_name, key)) != 0) {
        if (strcmp(o->symbols.at[k - 1].name, text) == 0)
            return k - 1;
        key++;
    }
    object_symbol s = { .name = text, .part = PART_NONE, .global = true };
    vec_push(&o->mem, &o->symbols, s);
    jit_map_put(&o->mem, &o->by_name, key, o->symbols.len);
    return o->symbols.len - 1;
}

static uint32_t define(jit_object *o, const ir_name *name, jit_linkage linkage, object_part p,
                       object_kind kind, uint64_t value, uint64_t size)
{
    uint32_t k = find_symbol(o, name);
    object_symbol *s = &o->symbols.at[k];

    if (s->part != PART_NONE)
        jit_fail(&o->fail, JIT_ERR_LINK, "%s is defined twice", s->name);
    s->part = p;
    s->kind = kind;
    s->global = linkage != JIT_LOCAL;
    s->value = value;
    s->size = size;
    return k;
}

/* ---- Functions ---- */

static cfi_form frame_form(const jit_object *o) { return o->image ? CFI_DEBUG : CFI_OBJECT; }

/* Unwind rows of the function at `offset` of the text. */
static void add_frame(jit_object *o, const mcode *c, uint32_t offset)
{
    const target *t = o->engine->target;
    cfi_form form = frame_form(o);
    object_section *s = &o->parts[PART_EH_FRAME];
    cfi_writer w = { NULL, s->bytes.len };

    jit_cfi_fde(&w, &t->cfi, form, 0, c->unwind, c->nunwind, c->code_size);
    uint32_t from = s->bytes.len;
    jit_object_put(o, PART_EH_FRAME, NULL, w.len - from);
    w = (cfi_writer){ s->bytes.at, from };
    size_t field = jit_cfi_fde(&w, &t->cfi, form, 0, c->unwind, c->nunwind, c->code_size);
    if (o->image)
        put_le64(s->bytes.at + field, o->address);
    else
        jit_object_reloc(o, PART_EH_FRAME, field, PART_TEXT | SYMBOL_OF_PART, t->elf.pcrel32,
                         offset);
}

/* Its jit_object_record and what follows that. */
static void add_record(jit_object *o, const mcode *c, uint32_t offset, const char *name)
{
    const target *t = o->engine->target;
    uint32_t at = o->parts[PART_CODE].bytes.len, text = o->parts[PART_RODATA].bytes.len;

    static_assert(sizeof(jit_object_record) == 20 && offsetof(jit_object_record, name) == 8,
                  "the record as it is written here");
    jit_object_put(o, PART_RODATA, name, strlen(name) + 1);
    jit_object_put_le(o, PART_CODE, 0, 4);
    jit_object_put_le(o, PART_CODE, c->code_size, 4);
    jit_object_put_le(o, PART_CODE, 0, 4);
    jit_object_put_le(o, PART_CODE, c->ntraps, 4);
    jit_object_put_le(o, PART_CODE, c->nsrcpos, 4);
    jit_object_reloc(o, PART_CODE, at, PART_TEXT | SYMBOL_OF_PART, t->elf.pcrel32, offset);
    jit_object_reloc(o, PART_CODE, at + 8, PART_RODATA | SYMBOL_OF_PART, t->elf.pcrel32, text);
    for (uint32_t k = 0; k < c->ntraps; k++) {
        jit_object_put_le(o, PART_CODE, c->traps[k].offset, 4);
        jit_object_put_le(o, PART_CODE, c->traps[k].code, 4);
    }
    for (uint32_t k = 0; k < c->nsrcpos; k++) {
        jit_object_put_le(o, PART_CODE, c->srcpos[k].offset, 4);
        jit_object_put_le(o, PART_CODE, c->srcpos[k].pos, 4);
    }
}

typedef struct unit_job { jit_object *o; const jit_unit *u; } unit_job;

static void add_unit(void *arg)
{
    unit_job *j = arg;
    jit_object *o = j->o;
    const jit_unit *u = j->u;
    const mcode *c = &u->code;
    uint32_t *symbols = ARENA_ARRAY(&o->mem, uint32_t, u->nsymbols);

    jit_object_align(o, PART_TEXT, c->align, o->engine->target->elf.fill);
    uint32_t offset = o->parts[PART_TEXT].bytes.len;
    uint32_t self = define(o, &u->name, u->linkage, PART_TEXT, OF_FUNCTION, offset,
                           c->code_size);
    jit_object_put(o, PART_TEXT, c->bytes, c->size);
    for (uint32_t k = 0; k < u->nsymbols; k++) {
        if (u->nan_canonical && u->symbols[k].kind == NAME_LIBCALL
            && u->symbols[k].index < LIBCALL_Memcpy)
            jit_fail(&o->fail, JIT_ERR_UNSUPPORTED,
                     "%%%s with canonical NaNs, which the C library does not promise; name a "
                     "processor that has the instruction", jit_libcall_name(u->symbols[k].index));
        symbols[k] = find_symbol(o, &u->symbols[k]);
    }
    for (uint32_t k = 0; k < c->nrelocs; k++) {
        const mbuf_reloc *r = &c->relocs[k];
        JIT_REQUIRE(&o->fail, r->symbol < u->nsymbols && r->offset <= c->size
                              && c->size - r->offset >= 4, "a relocation behind its function");
        object_fixup f = { (uint64_t)offset + r->offset, symbols[r->symbol], r->kind, r->addend };
        vec_push(&o->mem, &o->fixups, f);
    }
    object_function f = { offset, c->code_size, c->size, o->rows.len, c->nsrcpos };
    vec_push(&o->mem, &o->functions, f);
    for (uint32_t k = 0; k < c->nsrcpos; k++) {
        object_row row = { c->srcpos[k].offset, c->srcpos[k].pos };
        vec_push(&o->mem, &o->rows, row);
    }
    add_frame(o, c, offset);
    if (!o->image)
        add_record(o, c, offset, o->symbols.at[self].name);
}

/* ---- Data ---- */

typedef struct datum_job {
    jit_object *o;
    const ir_data *d;
    const jit_object_address *addresses;
    size_t n;
} datum_job;

static object_part part_of(const datum_job *j)
{
    if (j->n && !j->d->writable)
        return PART_RELRO;
    if (!j->d->writable)
        return PART_RODATA;
    return j->d->bytes || j->n ? PART_DATA : PART_BSS;
}

/* Room for the datum; its offset. */
static uint64_t put_datum(const datum_job *j, object_part p)
{
    const ir_data *d = j->d;
    object_section *s = &j->o->parts[p];
    uint64_t align = j->n && d->align < 8 ? 8 : d->align ? d->align : 1, at;

    if (p != PART_BSS) {
        jit_object_align(j->o, p, align, 0);
        at = s->bytes.len;
        jit_object_put(j->o, p, d->bytes, d->size);
        return at;
    }
    at = (s->size + align - 1) & ~(align - 1);
    if (at < s->size || d->size > INT64_MAX - at)
        jit_fail(&j->o->fail, JIT_ERR_LIMIT, "too much data");
    s->size = at + d->size;
    if (s->align < align)
        s->align = align;
    return at;
}

static void add_datum(void *arg)
{
    const datum_job *j = arg;
    jit_object *o = j->o;
    const ir_data *d = j->d;
    object_part p = part_of(j);

    if (d->align & (d->align - 1))
        jit_fail(&o->fail, JIT_ERR_ARG, "an alignment that is no power of two");
    uint64_t at = put_datum(j, p);
    define(o, &d->name, d->linkage, p, OF_DATUM, at, d->size);
    for (size_t k = 0; k < j->n; k++) {
        const jit_object_address *a = &j->addresses[k];
        ir_name name;
        if (d->size < 8 || a->offset > d->size - 8 || a->offset % 8)
            jit_fail(&o->fail, JIT_ERR_ARG, "an address at offset %u of %zu bytes", a->offset,
                     d->size);
        if (!a->name || !jit_name_scan(a->name, &name))
            jit_fail(&o->fail, JIT_ERR_ARG, "an address of what is no name");
        jit_object_reloc(o, p, at + a->offset, find_symbol(o, &name),
                         o->engine->target->elf.abs64, a->addend);
    }
}

/* ---- Public ---- */

static void begin(void *arg)
{
    jit_object *o = arg;
    const target *t = o->engine->target;
    bool key_b = t->arch == JIT_ARCH_AARCH64 && o->engine->features & JIT_A64_SIGN_KEY_B;
    cfi_writer w = { NULL, 0 };

    jit_cfi_cie(&w, &t->cfi, frame_form(o), key_b);
    jit_object_put(o, PART_EH_FRAME, NULL, w.len);
    w = (cfi_writer){ o->parts[PART_EH_FRAME].bytes.at, 0 };
    jit_cfi_cie(&w, &t->cfi, frame_form(o), key_b);
}

static jit_object *new_object(jit_engine *e, const char *source, const void *image)
{
    jit_allocator host;
    mem_owner owner;

    host = jit_engine_account(&owner, e, "object", NULL);
    jit_object *o = host.alloc(host.user, sizeof *o);
    if (!o)
        return NULL;
    memset(o, 0, sizeof *o);
    o->engine = e;
    o->image = image != NULL;
    o->address = (uint64_t)(uintptr_t)image;
    o->host = jit_engine_account(&o->owner, e, "object", o);
    jit_arena_init(&o->mem, &o->host, &o->fail);
    size_t n = source ? strlen(source) : 0;
    char *copy = source ? arena_try(&o->mem, n + 1) : NULL;
    if (copy)
        memcpy(copy, source, n + 1);
    o->source = copy;
    for (unsigned p = 0; p < PART_COUNT; p++)
        o->parts[p].align = p == PART_EH_FRAME ? 8 : p == PART_CODE ? 4 : 1;
    if ((source && !copy) || jit_guard(&o->fail, begin, o) != JIT_OK) {
        jit_object_free(o);
        return NULL;
    }
    return o;
}

jit_object *jit_object_new(jit_engine *e, const char *source)
{
    return e ? new_object(e, source, NULL) : NULL;
}

void jit_object_free(jit_object *o)
{
    if (!o)
        return;
    jit_arena_free(&o->mem);
    jit_allocator host = o->host;
    mem_owner owner = o->owner;
    host.user = &owner;
    host.free(host.user, o, sizeof *o);
}

const char *jit_object_message(const jit_object *o)
{
    return o->fail.message;
}

static jit_status run(jit_object *o, void (*body)(void *), void *arg)
{
    if (o->finished || o->failed)
        return jit_fail_set(&o->fail, JIT_ERR_ARG,
                            o->failed ? "the object has failed before" : "the object is finished");
    jit_status status = jit_guard(&o->fail, body, arg);
    o->failed = status != JIT_OK;
    return status;
}

jit_status jit_object_add_unit(jit_object *o, const jit_unit *u)
{
    unit_job j = { o, u };

    if (!o)
        return JIT_ERR_ARG;
    if (!u || u->magic != UNIT_MAGIC_LIVE || u->engine != o->engine)
        return jit_fail_set(&o->fail, JIT_ERR_ARG, "no unit of this object's engine");
    return run(o, add_unit, &j);
}

jit_status jit_object_add_data(jit_object *o, const jit_module *m)
{
    jit_status status = JIT_OK;

    if (!o || !m)
        return JIT_ERR_ARG;
    for (uint32_t k = 0; k < m->data.len && status == JIT_OK; k++) {
        datum_job j = { o, &m->data.at[k], NULL, 0 };
        if (j.d->linkage != JIT_IMPORT)
            status = run(o, add_datum, &j);
    }
    return status;
}

jit_status jit_object_add_datum(jit_object *o, const char *name, const void *bytes, size_t size,
                                size_t align, bool writable, jit_linkage linkage,
                                const jit_object_address *addresses, size_t n)
{
    ir_data d = { .linkage = linkage, .size = size, .align = align, .writable = writable };
    datum_job j = { o, &d, addresses, n };

    if (!o || (n && !addresses))
        return JIT_ERR_ARG;
    if (!name || !jit_name_scan(name, &d.name))
        return jit_fail_set(&o->fail, JIT_ERR_ARG, "the datum's name is not an identifier");
    d.bytes = (uint8_t *)(uintptr_t)bytes; /* only read */
    return run(o, add_datum, &j);
}

static void finish(void *arg)
{
    jit_object *o = arg;

    if (o->source)
        jit_object_lines(o);
    jit_object_layout(o);
}

jit_status jit_object_finish(jit_object *o, const uint8_t **bytes, size_t *size)
{
    if (!o || !bytes || !size)
        return JIT_ERR_ARG;
    jit_status status = run(o, finish, o);
    if (status != JIT_OK)
        return status;
    o->finished = true;
    *bytes = o->file;
    *size = o->file_size;
    return JIT_OK;
}

jit_object *jit_object_image(const jit_unit *u, const void *address, const uint8_t **bytes,
                             size_t *size)
{
    jit_object *o = new_object(u->engine, NULL, address);

    if (o && (jit_object_add_unit(o, u) != JIT_OK || jit_object_finish(o, bytes, size) != JIT_OK)) {
        jit_object_free(o);
        return NULL;
    }
    return o;
}
