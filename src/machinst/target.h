/* target.h - the one struct behind which a machine stands. */
#ifndef JIT_TARGET_H
#define JIT_TARGET_H

#include "machinst/lower.h"
#include "machinst/machbuf.h"
#include "support/strbuf.h"

/* What an instruction leaves to be put behind the body: a trap out of line, or a jump table. */
typedef struct emit_later {
    mlabel label;
    uint32_t ir;    /* as in minst: the trap's source position */
    uint32_t table; /* jump table index + 1; 0: a trap */
    uint8_t code;   /* of the trap */
} emit_later;

/* What emission hands to a target: where code goes and how the frame lies. */
typedef struct emit {
    mbuf *buf;
    const lower *l;
    const frame *frame;
    const mlabel *block_label; /* by mblock */
    uint32_t next_block;       /* mblock that follows in layout; UINT32_MAX: none */
    strbuf *listing;           /* each instruction is printed here when not NULL */
    uint32_t frame_accesses, moves; /* statistics */
    uint64_t features;
    VEC(emit_later) later;          /* the target's; put by finish() */
    bool own_place;                 /* set by the driver while it emits an instruction where lowering put it; not
                                     * set for one repeated by the allocator, which must keep the flags */
} emit;

/* What a relocation leads to. A symbol's stable address is its thunk (func_addr), which goes on to what
 * the name stands for at present; calls within one batch go to the function itself. */
enum {
    RELOC_TO_FUNCTION, /* a near call: the function of the same batch, else the thunk */
    RELOC_TO_CELL,     /* the 8-byte cell that holds the address */
    RELOC_TO_STABLE    /* the thunk */
};

/* Families of instructions that a target lowers; rules.c says which opcodes they are. */
enum {
    RULE_NONE, RULE_INT, RULE_OVERFLOW, RULE_BITS, RULE_LOAD, RULE_STORE, RULE_EXTEND, RULE_ICMP,
    RULE_FCMP, RULE_SELECT, RULE_CONTROL, RULE_FLOAT, RULE_CONVERT, RULE_TARGET_COUNT
};

typedef struct target {
    const char *name;              /* "x86_64" */
    jit_arch arch;
    const fixup_kind *fixups;
    const shrink_form *shrinks;
    uint8_t skip_bytes;            /* as in mbuf; 0: branches reach all of a function */
    void (*skip)(uint8_t *at, uint32_t distance);
    uint8_t code_align;            /* where instructions may begin */
    uint32_t front_bytes;          /* longest prologue */
    uint8_t return_address_bytes;  /* pushed by a call: 8 on x86-64, 0 on AArch64 */

    const abi_rules *abi;

    /* Lowering: RULE_*; what is shared has no entry (rules.c). Terminators find l->target_block set. */
    void (*const *rules)(lower *l, const ir_inst *i);
    void (*constant)(lower *l, vr to, jit_type t, uint64_t bits);   /* a constant; RA_REMAT where possible */
    void (*address)(lower *l, vr to, unsigned am, uint32_t ref, int32_t disp); /* MEM_SLOT, MEM_IN, MEM_OUT */
    void (*symbol)(lower *l, vr to, uint32_t symbol, int64_t addend, bool near); /* address of a symbol */
    void (*load)(lower *l, vr to, jit_type t, unsigned am, vr base, int32_t disp, unsigned ext,
                 unsigned trap);                    /* ext: 0, 1 zero, 2 sign, to 8 bytes */
    void (*store)(lower *l, vr from, jit_type t, unsigned am, vr base, int32_t disp);
    void (*extend)(lower *l, vr to, vr from, jit_type t, unsigned ext); /* to 8 bytes */
    /* The call instruction itself: callee VR_NONE means symbol (near: direct). The shared half adds
     * its FIXED operands afterwards and sets clobbers. callee_pops: what it removes from the stack. */
    void (*call)(lower *l, vr callee, uint32_t symbol, bool near, uint32_t callee_pops);
    /* Bytes that may be non-zero in the register of i's first result when read whole, as the rows used
     * for it promise; 16: no promise. Constant per opcode, type and feature set. */
    unsigned (*zero_upper)(const jit_func *f, const ir_inst *i, uint64_t features);
    /* Stack limit check of the prologue is part of prologue(): *limit_chain describes the gv loads. */

    /* Emission. Operands are allocated; a virtual register left over fails the compile. */
    void (*emit)(emit *e, const minst *i, const ra_operand *ops, unsigned nops);
    void (*emit_move)(emit *e, ra_loc from, ra_loc to, unsigned width);
    /* The whole prologue (frame, probes, stack limit, saves, unwind rows) as it stands before the body. */
    void (*prologue)(emit *e);
    void (*epilogue)(emit *e);     /* restore and return */
    void (*finish)(emit *e);       /* after the last block (and shared epilogue): puts e->later */
    void (*print)(strbuf *s, const emit *e, const minst *i, const ra_operand *ops, unsigned nops);

    /* Linking, on finished bytes; place is where the field will be executed. */
    /* Size of the field, and its name as in jit_reloc_info. */
    const char *(*reloc_name)(unsigned kind);
    unsigned (*reloc_to)(unsigned kind); /* RELOC_TO_*: what `symbol` of reloc_apply has to be */
    bool (*reloc_apply)(unsigned kind, uint8_t *field, uint64_t place, uint64_t symbol, int64_t addend);
    /* Code of a slot's thunk: jumps to the address held at `cell`. Returns its size; at most 32. */
    uint32_t (*thunk)(uint8_t *out, uint64_t place, uint64_t cell);
    /* The stub behind jit_invoke: void stub(void (*fn)(void *args, void *results), void *args, void
     * *results, struct jit_entry_record *record): saves all callee-saved registers, stores sp to
     * record[0], calls fn(args, results), returns 0. *landing: offset at which a trap continues with sp
     * restored from record[0] and returns 1. */
    uint32_t (*entry_stub)(uint8_t *out, uint32_t size, uint32_t *landing);
    uint32_t (*trap_stub)(uint8_t *out); /* what a freed slot leads to: a trapping instruction */
} target;

extern const target jit_target_x86_64;
extern const target jit_target_aarch64;
const target *jit_target_for(jit_arch arch); /* NULL: not in this build */

#endif
