/* builder.h - the state of a builder, shared by builder.c (instructions) and builder_ssa.c
 * (variables).
 *
 * Its tables live in an arena of its own that jit_build_end() gives back. A block is current from
 * its start to its terminator; `current` is 0 outside, and after an error for good, so that the
 * fast path has one thing to test. */
#ifndef JIT_IR_BUILDER_H
#define JIT_IR_BUILDER_H

#include "ir/func.h"

#define INLINE static inline __attribute__((always_inline)) /* on the paths that have to be fast */

/* One branch to a block: target `which` (as jit_inst_target counts) of instruction `inst`, and the
 * pool index of that block call. next: index + 1. */
typedef struct build_edge { uint32_t next, block, inst, which, call; } build_edge;

typedef struct build_block {
    uint32_t edges;      /* index + 1 of the newest edge to it; 0: none */
    uint32_t nedges;
    uint32_t nuser;      /* parameters that the host made; the variables' follow */
    uint32_t nvar;       /* parameters made for variables; at the end, those that are needed */
    uint32_t incomplete; /* index + 1 into params: made while unsealed, newest first; 0: none */
    uint32_t row;        /* index of its row in rows */
    uint32_t width;      /* variables that its row has; 0: there is none so far */
    uint32_t reached;    /* whether a branch to it stands in a block that was reached already */
} build_block;

typedef struct build_var { jit_type type; } build_var;

/* Values of neighbouring variables at the end of a block; 0: not known there. A block's row has
 * those of the first variables, as many as there are when it is made but ROW_MOST at most; a map
 * finds the others' pages. */
enum { PAGE_VARS = 16, ROW_MOST = 4 * PAGE_VARS };
typedef struct build_page { uint32_t value[PAGE_VARS]; } build_page;

/* A parameter made for a variable. Its arguments, one for each edge to its block in the order of
 * the block's list, stand in arg_values until the end, when those of the needed ones get into the
 * pool. */
typedef struct build_param { uint32_t value, block, var, next, args; } build_param;
typedef struct build_zero { uint32_t value; jit_type type; } build_zero;

struct jit_builder {
    jit_func *f;
    uint32_t current;           /* block id; 0: none, or an error was met */
    uint32_t srcpos;            /* of what follows; ~0u: none */
    jit_mem last_flags;         /* the last memory flags used, and their index */
    uint32_t last_mem;
    bool past_end;              /* the last block got its terminator */
    bool ended;                 /* by jit_build_end(); every later call does nothing */
    arena tmp;
    VEC(build_block) blocks;    /* by block index */
    VEC(build_edge) edges;
    VEC(build_var) vars;
    VEC(build_param) params;    /* block parameters made for variables */
    VEC(uint32_t) arg_values;
    uint32_t ndropped;          /* of them that are VALUE_ALIAS by now */
    VEC(build_zero) zeros;      /* to be defined at the top of the entry block */
    VEC(uint32_t) todo;         /* params whose arguments are still to be found */
    VEC(uint32_t) path;
    VEC(uint32_t) rows;
    VEC(build_page) pages;
    map page_of;                /* block and page number -> index + 1 */
};

/* Records the first error and stops the builder; 0. */
uint32_t jit_builder_fault(jit_builder *b, jit_status status, const char *format, ...)
    JIT_PRINTF(3, 4);
uint32_t jit_builder_no_memory(jit_builder *b);
static inline bool builder_failed(const jit_builder *b)
{
    return b->ended || b->f->fail.status != JIT_OK;
}
/* Gives the builder's memory back, done or not. */
void jit_builder_drop(jit_builder *b);
/* What a value stands for: parameters that were found needless are VALUE_ALIAS until the end. */
static inline uint32_t builder_resolve(jit_func *f, uint32_t id)
{
    ir_value *v = &f->values.at[id - 1];

    while (v->kind == VALUE_ALIAS) {
        ir_value *next = &f->values.at[v->def - 1];
        id = v->def;
        if (next->kind == VALUE_ALIAS)
            v->def = next->def;
        v = next;
    }
    return id;
}
static inline void builder_drop_param(jit_builder *b, uint32_t id, uint32_t value)
{
    b->f->values.at[id - 1].kind = VALUE_ALIAS;
    b->f->values.at[id - 1].def = value;
    b->ndropped++;
}
/* Writes a new pool index into target `which` of an instruction. */
void jit_builder_set_target(jit_func *f, uint32_t inst, uint32_t which, uint32_t call);
/* Removes needless parameters and defines the zeros: the end of SSA construction. */
void jit_builder_finish_ssa(jit_builder *b);

#endif
