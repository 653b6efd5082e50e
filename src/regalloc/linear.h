/* linear.h - what the parts of the linear-scan allocator share: intervals, their pieces, positions.
 *
 * Instruction i has the positions 4 * i (moves before it), + 1 (operands are read), + 2 (they are
 * written) and + 3 (after it). A live range is [from, to). A value that is only copied to a fixed
 * or tied register before the instruction is needed until 4 * i, an operand read early until + 2,
 * late until + 3. A definition starts at + 2; one that is early or tied, and a temporary, at 4 * i.
 *
 * The interval of a virtual register is its ranges and its uses, both sorted slices of one array.
 * It is cut into pieces; each piece has one location. A piece in a register starts at a definition,
 * at the start of a block or at 4 * i; one in memory may start anywhere, since a value that is ever
 * in memory is stored right after its definition (or can be made again). */
#ifndef JIT_REGALLOC_LINEAR_H
#define JIT_REGALLOC_LINEAR_H

#include "regalloc/regalloc.h"

#define NONE UINT32_MAX
/* more cuts are not worth their time: an interval then lives in memory */
enum { PIECES_MOST = 4000 };
#define POS(inst) ((inst) * 4)

typedef struct { uint32_t from, to; } range;

enum {
    U_EARLY, /* needs a register at + 1 */
    U_BOTH,  /* needs a register through the instruction: at 4 * i, or late uses at + 2 */
    U_DEF,   /* needs a register at + 2 */
    U_ANY,   /* register or slot */
    U_COPY,  /* read at 4 * i by a move, or made in a fixed register */
    U_END    /* an argument at the end of a block; no operand */
};
typedef struct {
    uint32_t pos, op;
    float freq;
    uint8_t kind;
} use;

typedef struct piece {
    uint32_t vreg, next;   /* next piece of the vreg; NONE: the last */
    uint32_t start, end;
    uint32_t r0, r1;       /* ranges that it touches, the outer ones clipped by start and end */
    uint32_t u0, u1;
    ra_loc loc;            /* register; LOC_MEMORY; LOC_NONE: not yet */
    float sum, weight;     /* of its uses; by length */
} piece;
#define LOC_MEMORY LOC_SLOT(0x7ffffffeu) /* the vreg's slot, or made again */

typedef struct {
    uint32_t r0, r1, u0, u1;
    uint32_t first;        /* piece; NONE: never live */
    uint32_t pieces;       /* how many */
    uint32_t def_op;       /* NONE: block parameter */
    uint32_t def_inst;     /* or the number of the parameter */
    uint32_t block;        /* of the definition; NONE: no definition */
    uint32_t source;       /* vreg it is made from, whose register it would like; NONE */
    uint32_t target;       /* vreg made from it, the same; NONE */
    uint32_t slot;         /* 8-byte unit; NONE: none */
    uint8_t hint;          /* register; 0xff: none */
    uint8_t last;          /* register of the piece that got one last; 0xff: none */
    bool remat;
    bool in_memory;        /* has a piece there */
} interval;

/* Register r may hold only vreg in [from, to): a fixed operand. */
typedef struct { uint32_t from, to, vreg; } reservation;

typedef struct {
    ra_func *f;
    arena *tmp;
    uint32_t *block_of;            /* by instruction */
    interval *iv;                  /* by vreg */
    range *ranges;
    use *uses;
    VEC(piece) pieces;
    VEC(reservation) fixed[64];    /* sorted */
    uint32_t *order;               /* vregs by start */
    uint32_t norder;
    uint32_t max_clobber;
    VEC(uint32_t) clobbers[256];   /* 1 .. max_clobber by ra_inst.clobber: instructions, sorted */
} linear;

static inline const ra_block *block_at(const linear *l, uint32_t pos)
{
    return &l->f->blocks[l->block_of[pos / 4]];
}

static inline bool starts_block(const linear *l, uint32_t pos)
{
    return pos % 4 == 0 && block_at(l, pos)->first == pos / 4;
}

/* Whether operand k of the instruction is read through a copy made before it. */
static inline bool is_copied(const ra_operand *op, bool tied)
{
    return op->kind <= RA_USE_LATE && (tied || op->constraint == RA_FIXED);
}

void jit_ra_live_build(linear *l);                        /* live.c: intervals and reservations */
uint32_t jit_ra_piece_split(linear *l, uint32_t p, uint32_t pos); /* split.c: the new right piece */
void jit_ra_piece_weigh(linear *l, uint32_t p);
piece jit_ra_piece_whole(const linear *l, uint32_t vreg); /* its interval as one piece */
/* first common position */
uint32_t jit_ra_piece_meet(const linear *l, const piece *a, const piece *b);
uint32_t jit_ra_piece_next_live(const linear *l, const piece *p, uint32_t pos);
uint32_t jit_ra_first_use(const linear *l, const piece *p, uint32_t pos); /* its first one >= pos */
uint32_t jit_ra_split_place(const linear *l, uint32_t lo, uint32_t hi);
bool jit_ra_keep_until(const linear *l, uint32_t start, uint32_t a, uint32_t b);
void jit_ra_assign_slots(linear *l);                      /* slots.c */
void jit_ra_resolve(linear *l);                           /* resolve.c: operands and moves */

#endif
