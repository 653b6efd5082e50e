/* jit_object.h - relocatable ELF64 objects of compiled functions, for a linker.
 *
 * The same units that jit_publish() places in memory, with their data, symbols, unwind tables
 * and a line table, as `ld` takes them: position independent, for executables and shared
 * objects. The same units in the same order give the same bytes on every host.
 *
 * Names: %sum is the symbol `sum`; u0:12 is `u0_12`; %CeilF32 and its like are the C library's
 * functions (ceilf, so link with -lm). JIT_EXPORT is a global symbol, JIT_LOCAL a local one;
 * what is named and not defined is left to the linker. */
#ifndef GANTRY_JIT_OBJECT_H
#define GANTRY_JIT_OBJECT_H

#include <gantry/jit.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jit_object jit_object; /* one object in the making; for one thread at a time */

/* source: the file name that the line table gives to source positions, which stand there as line
 * numbers; NULL: no line table. Copied. NULL when there is no memory. The engine must outlive
 * it. */
JIT_API jit_object *jit_object_new(jit_engine *e, const char *source);
JIT_API void jit_object_free(jit_object *o); /* NULL is fine */
/* What the last failing call on o had to say. */
JIT_API const char *jit_object_message(const jit_object *o);

/* Adds a function; u may be freed afterwards. JIT_ERR_ARG (another engine's unit, or one without
 * a name, or o is finished), _LINK (the name is defined already), _UNSUPPORTED (refers to
 * something that has no name in C), _LIMIT (2 GiB) or _NOMEM. After a failure o can only be
 * freed. */
JIT_API jit_status jit_object_add_unit(jit_object *o, const jit_unit *u);
/* Adds the data objects of a module. */
JIT_API jit_status jit_object_add_data(jit_object *o, const jit_module *m);

typedef struct jit_object_address {
    uint32_t offset;    /* of 8 bytes in the datum, aligned to 8 */
    const char *name;   /* whose address they are to hold: as a function's name is given */
    int64_t addend;
} jit_object_address;
/* Adds one datum. bytes NULL: zeros. addresses: n places in it that hold addresses of symbols. Such
 * data is made read-only after relocation unless writable. */
JIT_API jit_status jit_object_add_datum(jit_object *o, const char *name, const void *bytes,
                                        size_t size, size_t align, bool writable,
                                        jit_linkage linkage, const jit_object_address *addresses,
                                        size_t n);

/* Lays the object out. *bytes live until o is freed. Nothing can be added afterwards. */
JIT_API jit_status jit_object_finish(jit_object *o, const uint8_t **bytes, size_t *size);

/* What a runtime has to know of linked code stands in the section `gantry_code`, which the linker
 * collects between __start_gantry_code and __stop_gantry_code: one record for each function, each
 * followed by its tables, ordered by offset, and padded to a multiple of 4 bytes. A field of type
 * int32_t is the distance from that field to what it names. */
typedef struct jit_object_record {
    int32_t code;        /* the function's first byte */
    uint32_t size;       /* of its code, bytes */
    int32_t name;        /* its name, terminated */
    uint32_t ntraps;     /* of jit_object_trap, first */
    uint32_t npositions; /* of jit_object_position, behind the traps */
} jit_object_record;
typedef struct jit_object_trap { uint32_t offset, code; } jit_object_trap;
/* Holds from offset on; ~0u: none. */
typedef struct jit_object_position { uint32_t offset, position; } jit_object_position;

#ifdef __cplusplus
}
#endif
#endif
