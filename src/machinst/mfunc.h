/* mfunc.h - one function on its way from IR to code: what the stages of machinst hand each
 * other. */
#ifndef JIT_MFUNC_H
#define JIT_MFUNC_H

#include "ir/analysis.h"
#include "machinst/target.h"

typedef struct mfunc {
    lower l;
    frame frame;
    const ir_cfg *cfg;
    ir_loops loops;
    VEC(mblock) blocks;      /* in the order of code: IR blocks, each followed by its split edges */
    VEC(ra_block) ra_blocks; /* likewise */
    VEC(uint32_t) lists;     /* what ra_blocks refer to; index 0 unused */
    VEC(uint32_t) targets;   /* mblock of each target of each IR block's terminator */
    uint32_t *first_target;  /* by mblock: index into targets */
    uint32_t *mblock_of;     /* by IR block; IR_NO_BLOCK: unreachable */
    uint32_t sret_param;     /* value that every return returns besides; 0: none */
    uint32_t *merged_pred;   /* by IR block: pool index of the one block call that leads here; 0:
                              * several */
} mfunc;

/* jit_inst_target_count() and jit_inst_target(), for the terminators that most blocks have. */
static inline uint32_t mach_target_count(const jit_func *f, const ir_inst *i)
{
    return i->op == JIT_OP_brif ? 2 : i->op == JIT_OP_jump ? 1 : jit_inst_target_count(f, i);
}
static inline uint32_t mach_target(const jit_func *f, const ir_inst *i, uint32_t k)
{
    return i->op == JIT_OP_brif ? (k ? i->c : i->b) : i->op == JIT_OP_jump ? i->a
                                                                          : jit_inst_target(f, i,
                                                                                            k);
}

/* blocks.c: order of code, split edges, predecessors and successors. Not whole (O0): only edges
 * that pass arguments are split, and nothing is known of loops and frequencies. */
void jit_mach_blocks(mfunc *m, bool whole);
/* uses.c: roots, use counts and crossings of all values; sets l.root, info, nonzero. */
void jit_mach_uses(mfunc *m);
/* lower_block.c: lowers mblock k bottom up into l.insts (downwards). */
void jit_mach_lower_block(mfunc *m, uint32_t k);
/* Fills in ra_blocks[k].params and args from the vregs of the values. */
void jit_mach_block_values(mfunc *m, uint32_t k);
void jit_mach_lower_entry(mfunc *m); /* call.c: MI_ARGS and loads of stack arguments into the
                                      * group */
void jit_mach_flush_group(mfunc *m);

/* What a compile needs and yields. */
typedef struct mach_job {
    const jit_func *f;
    const ir_cfg *cfg;            /* of f */
    const target *target;
    const jit_settings *settings; /* level resolved to O0..O3, checks resolved */
    uint64_t features;
    bool fast;                    /* the O0 path */
    bool pinned;
    bool time;
    arena *tmp;
    strbuf *listing;              /* NULL: none */
    jit_stats *stats;
    uint64_t (*clock)(void);      /* ns */
    uint32_t numbered;            /* not 0: make `map`; source positions are instructions of a
                                   * function with so many, */
    uint32_t entered;             /* which begins at this one */
    /* results, in tmp */
    mcode code;
    jit_code_map map;
    ir_name *symbols;
    uint32_t nsymbols;
} mach_job;

/* account.c: what an instruction's accesses to memory may be, and the map made of that. */
void jit_mach_note_site(mbuf *b, const lower *l, const minst *i); /* before i is emitted */
void jit_mach_note_own(mbuf *b);                                  /* before moves and such */
void jit_mach_map(mach_job *j, const mfunc *m);                   /* once the code is finished */

/* The whole back end for one function; fails by jit_fail. */
void jit_mach_compile(mach_job *j);

#endif
