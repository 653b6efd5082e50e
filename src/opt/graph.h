/* graph.h - a function while it is optimized: pure instructions float, the others keep their
 * block and their order.
 *
 * Problem: numbering values, folding, moving code out of loops and into branches are one
 * question, namely which equal computations there are and where one of them should stand; pass
 * after pass over instructions that stand in blocks answers it badly. Idea (Click, Global Code
 * Motion / Global Value Numbering, 1995; Cranelift's aegraphs): while the function is copied,
 * each pure instruction is simplified and looked up in one table, and has no place. What has an
 * effect is pinned. Afterwards each instruction that is still needed gets the cheapest block at
 * which its operands are there and which dominates its uses.
 *
 * Invariants: a floating instruction has no effect, traps never and reads no memory that
 * changes, so that it may be executed anywhere or not at all. Its operands have lower
 * instruction numbers, or are parameters. Its operands' blocks lie on one path of the dominator
 * tree, and what uses it is dominated by all of them. Values known from a branch must not enter
 * it: rules see operands only. */
#ifndef JIT_OPT_GRAPH_H
#define JIT_OPT_GRAPH_H

#include "ir/analysis.h"

#define GRAPH_FLOATS UINT32_MAX

typedef struct graph {
    const jit_func *from;      /* what is optimized; not changed */
    jit_func *f;               /* the copy: declarations are shared, `pool` begins as that of from */
    const ir_cfg *cfg;         /* of from */
    ir_dom dom;
    ir_loops loops;
    arena *tmp;
    uint32_t *lead;            /* by value index of from: value id in f that stands for it; 0: none yet */
    uint32_t *same_as;         /* by value index of from: for a parameter, the value of from that it
                                * always is; 0: none */
    VEC(uint32_t) home;        /* by inst of f: the block it is pinned to, or GRAPH_FLOATS */
    VEC(uint32_t) born;        /* by inst of f: the block that was being copied when it was made */
    VEC(uint32_t) origin;      /* by inst of f: the inst of from that it was made for */
    VEC(uint32_t) pinned;      /* insts of f, by block, in order */
    uint32_t *first, *end;     /* by block: its part of pinned; empty: unreachable */
    uint32_t *slots, mask, used; /* the table: inst index + 1 */
    uint32_t block, at;        /* of from: being copied */
    VEC(uint64_t) zeros;       /* by value index of f: bits known to be zero, of integers */
    unsigned depth;            /* of rewrites of what a rewrite made */
} graph;

/* graph.c */
void jit_graph_begin(graph *g, const jit_func *f, const ir_cfg *cfg, arena *tmp);
/* The value of a pure instruction: a simpler or earlier one, or a new one. Operands are values
 * of f, in a and b or in its pool. result: the type of its result. */
uint32_t jit_graph_value(graph *g, ir_inst i, jit_type result);
/* The same, of the parts of an instruction with one result; t: its controlling type. A
 * conversion between equal types is its operand. */
uint32_t jit_graph_op(graph *g, jit_opcode op, jit_type t, unsigned aux, uint32_t a, uint32_t b,
                      uint32_t c);
uint32_t jit_graph_iconst(graph *g, jit_type t, uint64_t bits); /* beyond the type: left out */
uint64_t jit_graph_zeros(const graph *g, uint32_t value);
/* Likewise, of any number of results (of from's types at i.c on); returns the first. */
uint32_t jit_graph_values(graph *g, ir_inst i, const ir_value *results, uint32_t n);
/* Appends to the block being copied; returns its first result, 0: it has none. */
uint32_t jit_graph_pin(graph *g, ir_inst i, const ir_value *results, uint32_t n);
/* Whether i may be executed anywhere, or not at all. Its operands are values of f. */
bool jit_graph_floats(const graph *g, const ir_inst *i);

/* params.c: parameters to which all edges pass the same value; call after jit_graph_begin().
 * Cost: linear a round, at most eight rounds. */
void jit_graph_params(graph *g);
/* copy.c: every reachable block into the graph. Cost: linear, a bounded number of probes each. */
void jit_graph_copy(graph *g);
/* place.c: the function again, in tmp's memory. Its edges are those of from. Cost: n log n. */
jit_func *jit_graph_place(graph *g);

#endif
