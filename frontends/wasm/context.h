/* context.h - what compiled WebAssembly sees: an instance's context, reached by the hidden first
 * parameter.
 *
 * Every compiled function takes the address of its instance's gw_context before its own parameters
 * (vmctx), and calls by the `tail` convention: six and eight parameters and eight results of a
 * class travel in registers, whatever the number of results. A reference to a function is the
 * address of a gw_funcref, 0 is null; so a call through one loads code and context from one cache
 * line. Behind the fixed part of the context stand arrays whose places depend on the module
 * (gw_layout). Offsets are compiled in: change a struct here and everything is compiled anew. */
#ifndef GW_CONTEXT_H
#define GW_CONTEXT_H

#include "module.h"

typedef struct gw_instance gw_instance;

/* A function that can be called: compiled code with its instance's context, or the trampoline of a
 * signature with a host function's gw_hostfunc in place of a context. */
typedef struct gw_funcref {
    const void *code;
    void *vmctx;
    uint32_t type;  /* canonical, of the engine (gw_engine_type) */
    uint32_t index; /* in its module; ~0u: a host function */
} gw_funcref;

/* What code reads of a memory and of a table; it stands in the object that owns it and does not
 * move. */
typedef struct gw_memdef {
    uint8_t *base;
    uint64_t bytes;
} gw_memdef;
typedef struct gw_tabledef {
    void **elems; /* gw_funcref *, or what the host gave as externref */
    uint64_t length;
} gw_tabledef;

/* When to stop: code compiled with the option traps once *epoch has reached deadline. */
typedef struct gw_interrupt {
    const volatile uint64_t *epoch;
    uint64_t deadline;
    uint64_t polled; /* written before each look at *epoch */
} gw_interrupt;

typedef struct gw_context {
    uint64_t stack_limit;     /* the stack pointer may not go below */
    uint8_t *memory_base;     /* of memory 0, while that cannot move (guard pages) */
    gw_memdef *memory;        /* of memory 0; NULL: none */
    gw_interrupt *interrupt;  /* of the store */
    gw_instance *instance;
} gw_context;

/* Where the arrays stand, in bytes from the context. A global's cell of 8 bytes holds its value, or
 * the address of the cell where it is imported; a table's 8 bytes are the address of its
 * gw_tabledef. */
typedef struct gw_layout {
    uint32_t imports;  /* gw_funcref, a copy for each imported function */
    uint32_t import_refs; /* gw_funcref *, what was imported */
    uint32_t funcs;    /* gw_funcref, one for each own function that can be referenced */
    uint32_t globals;  /* uint64_t */
    uint32_t tables;   /* gw_tabledef * */
    uint32_t size;
    uint32_t nfuncs;   /* number of entries at `funcs` */
    uint32_t *ref_of;  /* own function -> entry at `funcs`; ~0u: it has none */
} gw_layout;

/* Trap codes of compiled code beyond the ones of the IR (JIT_TRAP_HEAP_OOB and so on). */
enum {
    GW_TRAP_UNREACHABLE = 1,
    GW_TRAP_TABLE_OOB,
    GW_TRAP_UNDEFINED_ELEMENT,
    GW_TRAP_UNINITIALIZED_ELEMENT,
    GW_TRAP_BAD_SIGNATURE,
    GW_TRAP_HOST,       /* what it is stands in the store */
    GW_TRAP_INTERRUPTED
};

#endif
