/* elf.c - lays an object out as an ELF64 file, or one function in memory as a debugger reads it.
 *
 * System V gABI chapters 4 and 5; relocation types: x86-64 psABI 4.4, ELF for the Arm 64-bit
 * Architecture 5.7. Order: header, sections, relocations, symbols, strings, section headers. Local
 * symbols come before global ones, as the gABI wants it. */
#include "object/object.h"
#include <stdio.h>
#include <string.h>

enum {
    SHT_PROGBITS = 1, SHT_SYMTAB = 2, SHT_STRTAB = 3, SHT_RELA = 4, SHT_NOBITS = 8,
    SHF_WRITE = 1, SHF_ALLOC = 2, SHF_EXECINSTR = 4, SHF_INFO_LINK = 0x40,
    STB_LOCAL = 0, STB_GLOBAL = 1, STT_NOTYPE = 0, STT_OBJECT = 1, STT_FUNC = 2, STT_SECTION = 3,
    ET_REL = 1, ET_EXEC = 2, EHDR_BYTES = 64, SHDR_BYTES = 64, SYM_BYTES = 24, RELA_BYTES = 24
};

static const struct { const char *name; uint32_t type, flags; } forms[PART_COUNT] = {
    [PART_TEXT] = { ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR },
    [PART_RODATA] = { ".rodata", SHT_PROGBITS, SHF_ALLOC },
    [PART_RELRO] = { ".data.rel.ro", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE },
    [PART_DATA] = { ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE },
    [PART_BSS] = { ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE },
    [PART_EH_FRAME] = { ".eh_frame", SHT_PROGBITS, SHF_ALLOC },
    [PART_CODE] = { "gantry_code", SHT_PROGBITS, SHF_ALLOC },
    [PART_LINE] = { ".debug_line", SHT_PROGBITS, 0 },
    [PART_INFO] = { ".debug_info", SHT_PROGBITS, 0 },
    [PART_ABBREV] = { ".debug_abbrev", SHT_PROGBITS, 0 },
};

typedef VEC(uint8_t) bytes;

typedef struct layout {
    jit_object *o;
    bytes file, headers;          /* the whole file; section headers, which end it */
    bytes table, strings, names;  /* .symtab, .strtab, .shstrtab */
    uint32_t nsections;
    uint32_t number[PART_COUNT];  /* of each part's section; 0: left out */
    uint32_t part_symbol[PART_COUNT];
    uint32_t *symbol;             /* by symbol of the object: its number in the table */
    uint32_t nsymbols, nlocals;
} layout;

static void put(layout *l, bytes *v, const void *from, size_t n)
{
    if (n > INT32_MAX - v->len)
        jit_fail(&l->o->fail, JIT_ERR_LIMIT, "the object is larger than 2 GiB");
    vec_reserve(&l->o->mem, v, (uint32_t)n);
    if (n && from)
        memcpy(v->at + v->len, from, n);
    else if (n)
        memset(v->at + v->len, 0, n);
    v->len += (uint32_t)n;
}

static void put_le(layout *l, bytes *v, uint64_t x, unsigned n)
{
    uint8_t le[8];

    put_le64(le, x);
    put(l, v, le, n);
}

/* The offset of a string that now stands in the table, which begins with an empty one. */
static uint32_t put_string(layout *l, bytes *v, const char *s)
{
    if (!v->len)
        put(l, v, "", 1);
    if (!*s)
        return 0;
    uint32_t at = v->len;
    put(l, v, s, strlen(s) + 1);
    return at;
}

typedef struct header {
    const char *name, *prefix;
    uint32_t type, flags, link, info;
    uint64_t address, offset, size, align, entry;
} header;

static uint32_t put_header(layout *l, const header *h)
{
    char name[64];

    snprintf(name, sizeof name, "%s%s", h->prefix ? h->prefix : "", h->name);
    put_le(l, &l->headers, put_string(l, &l->names, name), 4);
    put_le(l, &l->headers, h->type, 4);
    put_le(l, &l->headers, h->flags, 8);
    put_le(l, &l->headers, h->address, 8);
    put_le(l, &l->headers, h->offset, 8);
    put_le(l, &l->headers, h->size, 8);
    put_le(l, &l->headers, h->link, 4);
    put_le(l, &l->headers, h->info, 4);
    put_le(l, &l->headers, h->align, 8);
    put_le(l, &l->headers, h->entry, 8);
    return l->nsections++;
}

static uint64_t align_file(layout *l, uint64_t align)
{
    put(l, &l->file, NULL, (size_t)(-(uint64_t)l->file.len & (align - 1)));
    return l->file.len;
}

/* ---- Relocations of code ---- */

/* Only now it is known which symbols cannot be replaced by another object's: local ones. */
static void resolve_fixups(layout *l)
{
    jit_object *o = l->o;
    const target *t = o->engine->target;

    for (uint32_t k = 0; k < o->fixups.len; k++) {
        object_fixup f = o->fixups.at[k];
        const object_symbol *s = &o->symbols.at[f.symbol];
        bool held = s->part != PART_NONE && !s->global;
        unsigned type = t->elf.reloc(f.kind, o->parts[PART_TEXT].bytes.at, f.offset, held);
        if (!type)
            jit_fail(&o->fail, JIT_ERR_UNSUPPORTED, "a reference to %s that ELF cannot hold",
                     s->name);
        jit_object_reloc(o, PART_TEXT, f.offset, f.symbol, type, f.addend);
    }
}

/* ---- Sections ---- */

static bool is_there(const jit_object *o, unsigned p)
{
    return p == PART_TEXT || o->parts[p].bytes.len || o->parts[p].size;
}

static void put_parts(layout *l)
{
    jit_object *o = l->o;
    static const header none = { .name = "" };

    put_header(l, &none);
    for (unsigned p = 0; p < PART_COUNT; p++) {
        const object_section *s = &o->parts[p];
        if (!is_there(o, p))
            continue;
        bool code = o->image && p == PART_TEXT; /* which stands in memory */
        header h = { .name = forms[p].name, .type = forms[p].type, .flags = forms[p].flags,
                     .align = s->align, .size = p == PART_BSS ? s->size : s->bytes.len };
        h.offset = align_file(l, s->align);
        if (code) {
            h.type = SHT_NOBITS;
            h.address = o->address;
        } else
            put(l, &l->file, s->bytes.at, s->bytes.len);
        if (o->image && p == PART_EH_FRAME) {
            h.name = ".debug_frame";
            h.flags = 0;
        }
        l->number[p] = put_header(l, &h);
    }
}

static uint32_t put_symbol(layout *l, const char *name, unsigned bind, unsigned type,
                           unsigned section, uint64_t value, uint64_t size)
{
    put_le(l, &l->table, put_string(l, &l->strings, name), 4);
    put_le(l, &l->table, bind << 4 | type, 1);
    put_le(l, &l->table, 0, 1); /* default visibility */
    put_le(l, &l->table, section, 2);
    put_le(l, &l->table, value, 8);
    put_le(l, &l->table, size, 8);
    return l->nsymbols++;
}

static void put_named(layout *l, bool global)
{
    const jit_object *o = l->o;

    for (uint32_t k = 0; k < o->symbols.len; k++) {
        const object_symbol *s = &o->symbols.at[k];
        if (s->global == global)
            l->symbol[k] = put_symbol(l, s->name, global ? STB_GLOBAL : STB_LOCAL,
                                      s->kind == OF_FUNCTION ? STT_FUNC
                                      : s->kind == OF_DATUM  ? STT_OBJECT : STT_NOTYPE,
                                      s->part == PART_NONE ? 0 : l->number[s->part],
                                      o->address + s->value, s->size);
    }
}

/* AArch64 tells code from data by $x and $d (ELF for the Arm 64-bit Architecture, 5.5.5). */
static void put_mapping(layout *l)
{
    const jit_object *o = l->o;

    for (uint32_t k = 0; k < o->functions.len; k++) {
        const object_function *f = &o->functions.at[k];
        put_symbol(l, "$x", STB_LOCAL, STT_NOTYPE, l->number[PART_TEXT], f->offset, 0);
        if (f->size != f->code_size)
            put_symbol(l, "$d", STB_LOCAL, STT_NOTYPE, l->number[PART_TEXT],
                       f->offset + f->code_size, 0);
    }
}

static void put_symbols(layout *l)
{
    jit_object *o = l->o;

    l->symbol = ARENA_ARRAY(&o->mem, uint32_t, o->symbols.len);
    put_symbol(l, "", STB_LOCAL, STT_NOTYPE, 0, 0, 0);
    for (unsigned p = 0; p < PART_COUNT; p++)
        if (l->number[p])
            l->part_symbol[p] = put_symbol(l, "", STB_LOCAL, STT_SECTION, l->number[p], 0, 0);
    if (o->engine->target->elf.mapping)
        put_mapping(l);
    put_named(l, false);
    l->nlocals = l->nsymbols;
    put_named(l, true);
}

static void put_relocations(layout *l, uint32_t symtab)
{
    jit_object *o = l->o;

    for (unsigned p = 0; p < PART_COUNT; p++) {
        const object_section *s = &o->parts[p];
        if (!s->relocs.len)
            continue;
        header h = { .name = forms[p].name, .prefix = ".rela", .type = SHT_RELA,
                     .flags = SHF_INFO_LINK, .link = symtab, .info = l->number[p], .align = 8,
                     .entry = RELA_BYTES, .size = (uint64_t)s->relocs.len * RELA_BYTES,
                     .offset = align_file(l, 8) };
        for (uint32_t k = 0; k < s->relocs.len; k++) {
            const object_reloc *r = &s->relocs.at[k];
            uint32_t to = r->symbol & SYMBOL_OF_PART ? l->part_symbol[r->symbol & 0xff]
                                                     : l->symbol[r->symbol];
            put_le(l, &l->file, r->offset, 8);
            put_le(l, &l->file, (uint64_t)to << 32 | r->type, 8);
            put_le(l, &l->file, (uint64_t)r->addend, 8);
        }
        put_header(l, &h);
    }
}

static void put_file_header(layout *l, uint64_t headers, uint32_t names)
{
    static const uint8_t ident[16] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
    bytes h = { 0 };

    put(l, &h, ident, sizeof ident);
    put_le(l, &h, l->o->image ? ET_EXEC : ET_REL, 2);
    put_le(l, &h, l->o->engine->target->elf.machine, 2);
    put_le(l, &h, 1, 4);
    put_le(l, &h, 0, 8);
    put_le(l, &h, 0, 8);
    put_le(l, &h, headers, 8);
    put_le(l, &h, 0, 4);
    put_le(l, &h, EHDR_BYTES, 2);
    put_le(l, &h, 0, 4);
    put_le(l, &h, SHDR_BYTES, 2);
    put_le(l, &h, l->nsections, 2);
    put_le(l, &h, names, 2);
    memcpy(l->file.at, h.at, EHDR_BYTES);
}

void jit_object_layout(jit_object *o)
{
    layout l = { .o = o };
    header note = { .name = ".note.GNU-stack", .type = SHT_PROGBITS, .align = 1 };
    header symtab = { .name = ".symtab", .type = SHT_SYMTAB, .align = 8, .entry = SYM_BYTES };
    header strtab = { .name = ".strtab", .type = SHT_STRTAB, .align = 1 };
    header names = { .name = ".shstrtab", .type = SHT_STRTAB, .align = 1 };

    if (!o->image)
        resolve_fixups(&l);
    put(&l, &l.file, NULL, EHDR_BYTES);
    put_parts(&l);
    note.offset = l.file.len;
    put_header(&l, &note);
    put_symbols(&l);
    symtab.offset = align_file(&l, 8);
    symtab.size = l.table.len;
    symtab.link = l.nsections + 1;
    symtab.info = l.nlocals;
    put(&l, &l.file, l.table.at, l.table.len);
    uint32_t table = put_header(&l, &symtab);
    strtab.offset = l.file.len;
    strtab.size = l.strings.len;
    put(&l, &l.file, l.strings.at, l.strings.len);
    put_header(&l, &strtab);
    put_relocations(&l, table);
    uint32_t last = put_header(&l, &names); /* its own name is in it */
    put_le64(l.headers.at + last * SHDR_BYTES + 24, l.file.len);
    put_le64(l.headers.at + last * SHDR_BYTES + 32, l.names.len);
    put(&l, &l.file, l.names.at, l.names.len);
    uint64_t headers = align_file(&l, 8);
    put(&l, &l.file, l.headers.at, l.headers.len);
    put_file_header(&l, headers, last);
    o->file = l.file.at;
    o->file_size = l.file.len;
}
