/* object.h - a relocatable object while it is collected: sections, symbols, relocations.
 *
 * Everything lives in the object's arena. Relocations of code are kept as the units have them until
 * the end, for only then is it known which symbols the object defines itself. */
#ifndef JIT_OBJECT_H
#define JIT_OBJECT_H

#include "gantry/jit_object.h"
#include "jit/engine.h"

typedef enum object_part { /* in the order of the file */
    PART_TEXT, PART_RODATA, PART_RELRO, PART_DATA, PART_BSS, PART_EH_FRAME, PART_CODE, PART_LINE,
    PART_INFO, PART_ABBREV, PART_COUNT,
    PART_NONE = PART_COUNT /* of a symbol: not defined here */
} object_part;

/* symbol: index into the object's symbols, or PART_* with SYMBOL_OF_PART set. */
#define SYMBOL_OF_PART 0x80000000u
typedef struct object_reloc { uint64_t offset; uint32_t symbol, type; int64_t addend; } object_reloc;

typedef struct object_section {
    VEC(uint8_t) bytes;       /* PART_BSS: none */
    VEC(object_reloc) relocs;
    uint64_t size;            /* PART_BSS only */
    uint64_t align;
} object_section;

typedef enum object_kind { OF_UNKNOWN, OF_FUNCTION, OF_DATUM } object_kind;
typedef struct object_symbol {
    const char *name;
    object_part part;
    object_kind kind;
    bool global;
    uint64_t value, size;
} object_symbol;

typedef struct object_fixup {
    uint64_t offset;
    uint32_t symbol;
    uint8_t kind; /* as in mbuf_reloc */
    int64_t addend;
} object_fixup;
typedef struct object_function {
    uint64_t offset;
    uint32_t code_size, size; /* without and with constants, bytes */
    uint32_t first_row, nrows;
} object_function;
typedef struct object_row { uint32_t offset, position; } object_row; /* offset in its function */

struct jit_object {
    jit_engine *engine;
    mem_owner owner;
    jit_allocator host;
    fail_ctx fail;
    arena mem;
    const char *source;              /* NULL: no line table */
    object_section parts[PART_COUNT];
    VEC(object_symbol) symbols;
    map by_name;                     /* hash of the name -> index + 1; equal hashes: the next keys */
    VEC(object_fixup) fixups;        /* of PART_TEXT, not made yet */
    VEC(object_function) functions;
    VEC(object_row) rows;
    bool image;                      /* no object but what a debugger reads of one function */
    uint64_t address;                /* of an image: where the function's code is */
    bool finished, failed;
    const uint8_t *file;
    size_t file_size;
};

/* object.c */
/* The image of u's code at an address: its symbol and its frames, as GDB's JIT interface takes
 * them. NULL: no memory, or u has no name. *bytes live until it is freed. */
jit_object *jit_object_image(const jit_unit *u, const void *address, const uint8_t **bytes,
                             size_t *size);
void jit_object_put(jit_object *o, object_part p, const void *bytes, size_t n); /* NULL: zeros */
void jit_object_put_le(jit_object *o, object_part p, uint64_t x, unsigned n);
void jit_object_align(jit_object *o, object_part p, uint64_t align, uint8_t fill);
void jit_object_reloc(jit_object *o, object_part p, uint64_t offset, uint32_t to, uint32_t type,
                      int64_t addend);

void jit_object_lines(jit_object *o);  /* line_table.c: makes PART_LINE, PART_INFO, PART_ABBREV */
void jit_object_layout(jit_object *o); /* elf.c: makes the file */

#endif
