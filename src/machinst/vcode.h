/* vcode.h - machine instructions before and after allocation, in the form all targets share.
 *
 * An instruction is a minst (what to encode) beside a ra_inst (what the allocator sees), at the
 * same index of two arrays. Its register operands are ra_operands in a pool; operand k of
 * instruction i is ops[ra[i].ops + k]. Their order and meaning is fixed by the row of the target's
 * table. After allocation emission reads ra_operand.loc; a row that allows RA_ANY copes with a
 * spill slot there. */
#ifndef JIT_VCODE_H
#define JIT_VCODE_H

#include "ir/func.h"
#include "regalloc/regalloc.h"

/* Instructions that every target has. A target's own rows start at MI_TARGET. */
enum {
    MI_NONE,
    MI_ARGS,    /* the function's entry: FIXED DEFs of incoming registers; no code */
    MI_MOVE,    /* operand 0 = operand 1, a full copy; size = bytes */
    MI_RETURN,  /* FIXED USEs of result registers; restores the frame and returns */
    MI_JUMP,    /* to block `ref` */
    MI_BRANCH,  /* on condition cc (the target's): to block `ref`, else to block `ref2` */
    MI_TARGET
};

enum { /* minst.am: what the memory operand is. Registers of MEM_BASE are the last operands. */
    MEM_NONE,
    MEM_BASE,   /* [base + disp]: the last operand is base */
    MEM_INDEX,  /* [base + (index << shift) + disp]: the last two operands are base and index */
    MEM_SLOT,   /* stack slot `ref` + disp */
    MEM_IN,     /* incoming stack arguments + disp */
    MEM_OUT,    /* outgoing stack arguments (and behind them the hidden return area) + disp */
    MEM_CONST,  /* constant `ref` of the vcode's pool + disp */
    MEM_SYM     /* address slot of symbol `ref` (pc-relative) */
};

typedef struct minst {
    uint16_t op;     /* MI_* or a row of the target's table */
    uint8_t size;    /* of the operation, in bytes */
    uint8_t size2;   /* of the source, for extensions and conversions; else 0 */
    uint8_t cc;      /* condition or rounding mode, the target's numbering */
    uint8_t am;      /* MEM_* */
    uint8_t shift;   /* MEM_INDEX: log2 of the scale; a64: shift amount */
    uint8_t trap;    /* trap code of a fault at this instruction; 0: cannot fault */
    int32_t disp;
    uint32_t ref;    /* slot, constant, symbol, block; by am and op */
    int64_t imm;     /* immediate; MI_BRANCH: `ref2` */
    uint32_t ir;     /* IR instruction index + 1; 0: none */
    uint32_t extra;  /* jump table, call site: index into a vcode table */
} minst;

/* A register operand as lowering passes it around. */
typedef struct vr {
    uint32_t id;     /* vreg; RA_NO_VREG: none */
    uint8_t nonzero; /* the user relies on zero bytes above this many; 16: on nothing */
} vr;
static const vr VR_NONE = { RA_NO_VREG, 16 };

/* mblock indices */
typedef struct vcode_jump_table { uint32_t *blocks; uint32_t n; } vcode_jump_table;
typedef struct vcode_const { uint8_t bytes[16]; uint8_t size, align; uint32_t label; } vcode_const;

/* A block of machine code: an IR block, or an edge that had to be split. */
typedef struct mblock {
    uint32_t ir_block;   /* IR block, or IR_NO_BLOCK for an edge */
    uint32_t edge_call;  /* edge: pool index of its block call; the block holds one MI_JUMP */
    uint32_t edge_to;    /* edge: mblock it leads to */
} mblock;

#endif
