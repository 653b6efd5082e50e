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
    uint32_t pos;
    uint32_t op : 29, kind : 3;
} use;
/* what a use costs when the value is in memory, for one execution */
static const float use_weight[] = { [U_EARLY] = 1, [U_BOTH] = 1, [U_DEF] = 1, [U_ANY] = 0.6f,
                                    [U_COPY] = 0.7f, [U_END] = 0.6f };
enum { OPERANDS_MOST = (1 << 29) - 2, NO_OPERAND = (1 << 29) - 1 };

typedef struct piece {
    uint32_t vreg, next;   /* next piece of the vreg; NONE: the last */
    uint32_t start, end;
    uint32_t r0, r1;       /* ranges that it touches, the outer ones clipped by start and end */
    uint32_t u0, u1;
    uint32_t now;          /* one of its ranges: none before it ends after the scan's position */
    uint32_t beside;       /* another piece in the same register; NONE: the last */
    ra_loc loc;            /* register; LOC_MEMORY; LOC_NONE: not yet */
    float sum, weight;     /* of its uses; by length */
} piece;
#define LOC_MEMORY LOC_SLOT(0x7ffffffeu) /* the vreg's slot, or made again */

typedef struct {
    uint32_t start, end;   /* of all of it; at first, end counts only the block that defines it */
    uint32_t r0, r1, u0, u1;
    uint32_t first;        /* piece; NONE: never live */
    uint32_t pieces;       /* how many */
    uint32_t def_op;       /* NONE: block parameter */
    uint32_t def_inst;     /* or the number of the parameter */
    uint32_t block;        /* of the definition; NONE: no definition */
    uint32_t source;       /* vreg it is made from, whose register it would like; NONE */
    uint32_t target;       /* vreg made from it, the same; NONE */
    uint32_t slot;         /* 8-byte unit; NONE: none */
    float sum;             /* of its uses */
    uint8_t hint;          /* register; 0xff: none */
    uint8_t last;          /* register of the piece that got one last; 0xff: none */
    bool remat;
    bool in_memory;        /* has a piece there */
} interval;

/* An operand that is read where the operand tied to its vreg is made: it has no use of its own. */
typedef struct { uint32_t inst, op; } alias;

/* In [from, to) the registers hold only vreg: a fixed operand; or nothing: a clobber at from. */
typedef struct {
    regset regs;
    uint32_t from, to, vreg; /* vreg NONE: a clobber */
    uint32_t next;           /* reservation of the same register; NONE: the last */
} reservation;

typedef struct {
    ra_func *f;
    arena *tmp;
    uint32_t *block_of;            /* by instruction */
    interval *iv;                  /* by vreg */
    VEC(range) ranges;
    use *uses;
    VEC(piece) pieces;             /* the first ones of all vregs come first, in order of starts */
    uint32_t nfirst;
    VEC(reservation) reserved;     /* by instruction */
    VEC(alias) aliases;
    uint32_t first_reserved[64];   /* by register: index in reserved; NONE */
    uint32_t work;                 /* done since the host was asked last */
    uint32_t max_clobber;
    VEC(uint32_t) clobbers[256];   /* 1 .. max_clobber by ra_inst.clobber: instructions, sorted */
} linear;

enum { WORK_BETWEEN_POLLS = 1 << 14 };

/* To be called in all loops: n steps more are done. */
static inline void count_work(linear *l, uint32_t n)
{
    l->work += n;
    if (l->work >= WORK_BETWEEN_POLLS) {
        l->work = 0;
        if (l->f->poll)
            l->f->poll(l->f->poll_user);
    }
}

static inline const ra_block *block_at(const linear *l, uint32_t pos)
{
    return &l->f->blocks[l->block_of[pos / 4]];
}

static inline float freq_at(const linear *l, uint32_t pos)
{
    return block_at(l, pos)->freq;
}

static inline bool starts_block(const linear *l, uint32_t pos)
{
    return pos % 4 == 0 && block_at(l, pos)->first == pos / 4;
}

/* What a piece costs in memory, by its length. */
static inline float weight_of(float sum, uint32_t start, uint32_t end)
{
    return sum / (float)((end - start) / 4 + 4);
}

/* The interval of a vreg as one piece. */
static inline piece whole_piece(const linear *l, uint32_t vreg)
{
    const interval *iv = &l->iv[vreg];
    float sum = iv->remat ? iv->sum * 0.5f : iv->sum;
    piece p = { vreg, NONE, iv->start, iv->end, iv->r0, iv->r1, iv->u0, iv->u1,
                iv->r0, NONE, LOC_NONE, sum, weight_of(sum, iv->start, iv->end) };

    return p;
}

void jit_ra_live_build(linear *l);                        /* live.c: intervals and reservations */
uint32_t jit_ra_piece_split(linear *l, uint32_t p, uint32_t pos); /* split.c: the new right piece */
/* first common position */
uint32_t jit_ra_piece_meet(const linear *l, const piece *a, const piece *b);
uint32_t jit_ra_piece_next_live(const linear *l, const piece *p, uint32_t pos);
uint32_t jit_ra_first_use(const linear *l, const piece *p, uint32_t pos); /* its first one >= pos */
uint32_t jit_ra_split_place(const linear *l, uint32_t lo, uint32_t hi);
bool jit_ra_keep_until(const linear *l, uint32_t start, uint32_t a, uint32_t b);
void jit_ra_assign_slots(linear *l);                      /* slots.c */
void jit_ra_resolve(linear *l);                           /* resolve.c: operands and moves */
void jit_ra_reuse(linear *l);                             /* reuse.c: loads that are not needed */

#endif
