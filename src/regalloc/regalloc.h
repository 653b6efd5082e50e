/* regalloc.h - the register allocators' view of code: operands, blocks and moves, nothing else.
 *
 * One description serves both allocators and the checker. Machine instructions are numbered 0 ..
 * ninsts - 1 in the order of blocks; instruction i has its operands in ops[insts[i].ops ..]. An
 * allocator writes ra_operand.loc of every operand and makes a sorted list of moves. It changes
 * nothing else, and knows no machine: registers are numbers in an ra_env.
 *
 * Form of the input (SSA): each virtual register has one definition: one DEF operand, or it is a
 * parameter of one block. Critical edges are split (for the fast allocator only those to blocks
 * with parameters): a block with several successors has only successors with one predecessor. A
 * block passes arguments (block.args) only when it has exactly one successor; a block with
 * parameters has only such predecessors. The last instruction of a block is its only terminator
 * (RA_TERM), which defines nothing and, in a block with one successor, has no operands; moves of an
 * edge go before the terminator of a block with one successor, else before the first instruction of
 * the successor. An argument has the class and width of its parameter. Each block but the entry has
 * a predecessor that comes before it in order. The entry block has no parameters and no
 * predecessors: incoming arguments are FIXED defs of its first instruction. */
#ifndef JIT_REGALLOC_H
#define JIT_REGALLOC_H

#include "support/arena.h"
#include "support/vec.h"

enum { RC_INT, RC_FLOAT, RC_COUNT };

/* A physical register: RC_INT 0..31, RC_FLOAT 32..63, each its hardware number in its class. */
typedef uint64_t regset; /* bit r: physical register r */
#define RA_INT(n) ((uint8_t)(n))
#define RA_FLOAT(n) ((uint8_t)(32 + (n)))
#define REG_BIT(r) ((regset)1 << (r))

/* Where a value is: a physical register (< 64), or spill slot k of the frame, all slots being 8
 * bytes (16 for vregs of width 16, aligned; k counts 8-byte units). */
typedef uint32_t ra_loc;
#define LOC_NONE UINT32_MAX
#define LOC_SLOT(k) (0x80000000u | (k))
static inline bool loc_is_slot(ra_loc l) { return l >> 31 != 0 && l != LOC_NONE; }
static inline bool loc_is_reg(ra_loc l) { return l < 64; }
static inline uint32_t loc_slot(ra_loc l) { return l & 0x7fffffffu; }

enum { /* ra_operand.kind: when it is read or written. An instruction has two moments, early and
        * late. */
    RA_USE,       /* read early: may share its register with a DEF */
    RA_USE_LATE,  /* read until late: shares its register with no DEF */
    RA_DEF,       /* written late */
    RA_DEF_EARLY, /* written early: shares its register with no use */
    RA_TEMP       /* a scratch register for this instruction; its vreg has no other operand */
};
enum { /* ra_operand.constraint */
    RA_REG,   /* any allocatable register of the vreg's class */
    RA_ANY,   /* ... or its spill slot (uses only; the instruction can read memory) */
    RA_FIXED, /* register `fixed`, allocatable or not */
    RA_TIED   /* a DEF in the same register as operand `fixed` of this instruction, a USE (the use's
               * value is overwritten; when it lives on, the allocator copies it first) */
};
typedef struct ra_operand {
    uint32_t vreg;           /* index; RA_NO_VREG: operand not present, loc stays LOC_NONE */
    uint8_t kind, constraint;/* RA_* */
    uint8_t kill;           /* USE: the last one of a vreg that lives in one block only; lowering
                             * sets it. DEF: nobody uses it. Both for the fast allocator only */
    uint8_t fixed;           /* FIXED: physical register; TIED: operand number in the instruction */
    uint8_t width;           /* bytes that the instruction reads or writes: 1, 2, 4, 8, 16 */
    uint8_t nonzero;         /* DEF: bytes above this many are surely zero after it (8 or 16: no
                              * promise). USE: the instruction relies on zero above this many (8 or
                              * 16: does not) */
    ra_loc loc;              /* out */
} ra_operand;
#define RA_NO_VREG UINT32_MAX

enum { /* ra_inst.flags */
    RA_MOVE = 1,  /* operand 0 is a DEF, 1 a USE of the same class, REG or ANY/FIXED, full copy:
                   * wants one register */
    RA_CALL = 2,  /* for heuristics; what it destroys is in clobber */
    RA_TERM = 4,  /* ends its block */
    RA_REMAT = 8  /* one DEF, no uses, no effect, keeps flags: may be repeated instead of a
                   * reload */
};
typedef struct ra_inst {
    uint32_t ops;     /* index of its first operand */
    uint8_t nops;
    uint8_t flags;
    uint8_t clobber;  /* index into clobbers: registers with no value after it (DEFs excepted); 0:
                       * none */
    uint8_t unused;
} ra_inst;

enum {
    VREG_GLOBAL = 1, /* lives in several blocks, or is a block parameter */
    VREG_SEEN = 128  /* lowering's own: a later reader has been met */
};
typedef struct ra_vreg {
    uint8_t cls;   /* RC_* */
    uint8_t width; /* bytes that moves, spills and reloads of it must keep: 4, 8 or 16. Moves at
                    * width 4 zero what is above (as both machines do) */
    uint8_t flags; /* VREG_* */
    uint8_t hint;  /* physical register it would like; 0xff: none */
} ra_vreg;

typedef struct ra_block {
    uint32_t first, end;      /* instructions */
    uint32_t succs, nsuccs;   /* in lists: block indices */
    uint32_t preds, npreds;   /* in lists */
    uint32_t params, nparams; /* in lists: vregs */
    uint32_t args;            /* in lists: vregs for the parameters of the one successor, as many */
    float freq;               /* estimated executions for one of the function */
    uint8_t cold;
    uint16_t loop_depth;
    uint32_t loop_end;        /* a loop header: index of the last block (in order) of its loop; else
                               * 0 */
} ra_block;

#define RA_NO_REG 0xff

/* What a machine and a convention offer. */
typedef struct ra_env {
    regset allocatable;       /* all that may be assigned */
    regset callee_saved;      /* of these, the ones that cost a save and restore when used */
    uint8_t order[RC_COUNT][32]; /* preference among allocatable registers; 0xff ends */
    uint8_t scratch;          /* never allocatable; parallel moves may pass a value of any class of
                               * up to 8 bytes through it (and slot-to-slot moves); 16-byte ones too
                               * when FLOAT */
    uint8_t int_scratch;      /* likewise, for integers instead of scratch; RA_NO_REG: there is
                               * none */
} ra_env;

/* A move that the allocator inserts: copies width bytes of vreg, or repeats instruction `remat`. */
typedef struct ra_move {
    uint32_t pos;   /* 2 * inst: before it; 2 * inst + 1: after it. Moves of one pos run in their
                     * order */
    uint32_t vreg;  /* whose value it moves, for the checker; RA_NO_VREG: half of an exchange via
                     * scratch */
    ra_loc from, to;/* never both slots */
    uint32_t remat; /* instruction index + 1 to repeat with its DEF in `to` (from is LOC_NONE); 0: a
                     * copy */
} ra_move;

typedef struct ra_func {
    const ra_env *env;
    ra_inst *insts;
    uint32_t ninsts;
    ra_operand *ops;
    uint32_t nops;
    const ra_block *blocks;   /* in the order of their instructions; blocks[0] is the entry */
    uint32_t nblocks;
    const uint32_t *lists;
    ra_vreg *vregs;
    uint32_t nvregs;
    const regset *clobbers;
    void (*poll)(void *user); /* linear scan calls it after a bounded amount of work; may
                               * jit_fail(); NULL: none */
    void *poll_user;
    /* out */
    VEC(ra_move) moves;       /* sorted by pos */
    uint32_t nslots;          /* 8-byte units */
    regset used;              /* registers assigned or moved through (callee-saved ones must be
                               * saved) */
} ra_func;

/* Linear scan over the whole function. `tmp` holds its working memory and the moves. */
void jit_ra_linear(ra_func *f, arena *tmp);

/* The fast allocator, one block after the other in their order, while later blocks do not exist
 * yet. Before each call the caller fills in insts, ops, ninsts, nops, vregs, nvregs (vreg numbers
 * are function-wide; insts and ops may hold just this block, numbered from 0) and the block's
 * entry in `blocks` (first and end within insts, preds, succs, params, args), and of a block with
 * one successor the preds and params of that one, too. A block's predecessors that come later in
 * order are back edges. nslots starts as 0 and is kept from call to call, as is `used`.
 * VREG_GLOBAL vregs have one home slot each, stored at the definition; block parameters live in
 * theirs on entry, arguments are stored there by the predecessor. moves is emptied and filled for
 * this block only. */
typedef struct ra_fast ra_fast;
ra_fast *jit_ra_fast_new(const ra_env *env, uint32_t nblocks, arena *tmp);
void jit_ra_fast_block(ra_fast *r, ra_func *f, uint32_t block);

/* Proves that on every path each use reads the value it names, with the bits it needs, that fixed,
 * tied and class constraints hold, that clobbers and calls leave nothing that is used, callee-saved
 * or not. Works from the result alone (any allocator's, whole function; for the fast allocator the
 * caller keeps all blocks). Returns NULL, or a message in tmp that names the instruction and
 * operand. */
const char *jit_ra_check(const ra_func *f, arena *tmp);

/* Puts parallel moves into an order, breaking cycles through a scratch register. Appends to out. */
typedef struct ra_pmove { ra_loc from, to; uint32_t vreg; uint8_t width; uint32_t remat; } ra_pmove;
void jit_ra_parallel_move(const ra_env *env, ra_pmove *moves, uint32_t n, uint32_t pos,
                          ra_func *out,
                          arena *tmp);

#endif
