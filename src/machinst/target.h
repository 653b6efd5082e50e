/* target.h - the one struct behind which a machine stands. */
#ifndef JIT_TARGET_H
#define JIT_TARGET_H

#include "machinst/cfi.h"
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

/* The access to memory put last, which the next one may join. */
typedef struct emit_access {
    uint32_t end;   /* offset behind it; 0: there is none */
    size_t line;    /* where the listing names it */
    int64_t disp;
    uint32_t ir;    /* whose access it is, as in minst; 0: the frame's or a call's own */
    uint16_t op;
    uint8_t size, reg, base, trap; /* registers by their numbers in the encoding */
} emit_access;

/* What emission hands to a target: where code goes and how the frame lies. */
typedef struct emit {
    mbuf *buf;
    const lower *l;
    const frame *frame;
    const mlabel *block_label; /* by mblock */
    uint32_t next_block;       /* mblock that follows in layout; UINT32_MAX: none */
    strbuf *listing;           /* each instruction is printed here when not NULL */
    emit_access last;          /* the target's, where machines access two registers at once */
    uint32_t insts, frame_accesses, moves; /* statistics */
    uint64_t features;
    VEC(emit_later) later;     /* labels rise; put by jit_emit_finish() */
    bool own_place;            /* set by the driver while it emits an instruction where lowering put
                                * it; not for one that the allocator repeats: that must keep the
                                * flags */
} emit;

/* What a relocation leads to. A symbol's stable address is its thunk (func_addr), which goes on to
 * what the name stands for at present; calls within one batch go to the function itself. */
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

/* How a machine's code stands in ELF objects. */
typedef struct elf_target {
    uint16_t machine;                  /* e_machine */
    uint8_t fill;                      /* between functions */
    bool mapping;                      /* symbols tell code from data */
    uint16_t abs64, abs32, pcrel32;    /* relocation types of data */
    /* The type of a relocation of code, whose field stands at text + offset; 0: none. Where the
     * symbol is not held, known to stay this object's, it may be anywhere, so that an address is
     * loaded from the linker's table of addresses: the instruction is rewritten. */
    unsigned (*reloc)(unsigned kind, uint8_t *text, uint64_t offset, bool held);
} elf_target;

/* account.c: the access of IR instruction ir - 1 was made together with that of another one
 * before. */
void jit_mach_note_joined(const lower *l, uint32_t ir, uint32_t to);

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

    /* Lowering: RULE_*; what is shared has no entry (rules.c). Terminators find l->target_block
     * set. */
    void (*const *rules)(lower *l, const ir_inst *i);
    void (*constant)(lower *l, vr to, jit_type t, uint64_t bits);   /* a constant; RA_REMAT where
                                                                     * possible */
    /* MEM_SLOT, MEM_IN, MEM_OUT */
    void (*address)(lower *l, vr to, unsigned am, uint32_t ref, int32_t disp);
    /* address of a symbol */
    void (*symbol)(lower *l, vr to, uint32_t symbol, int64_t addend, bool near);
    void (*load)(lower *l, vr to, jit_type t, unsigned am, vr base, int32_t disp, unsigned ext,
                 unsigned trap);                    /* ext: 0, 1 zero, 2 sign, to 8 bytes */
    void (*store)(lower *l, vr from, jit_type t, unsigned am, vr base, int32_t disp);
    void (*extend)(lower *l, vr to, vr from, jit_type t, unsigned ext); /* to 8 bytes */
    /* The address that a return address, as it stands in the frame, leads to; NULL: itself. */
    void (*strip)(lower *l, vr to, vr from);
    /* The call instruction itself: callee VR_NONE means symbol (near: direct). The shared half adds
     * its FIXED operands afterwards and sets clobbers. callee_pops: what it removes from the
     * stack. */
    void (*call)(lower *l, vr callee, uint32_t symbol, bool near, uint32_t callee_pops);
    /* Bytes that may be non-zero in the register of i's first result when read whole, as the rows
     * used for it promise; 16: no promise. Constant per opcode, type and feature set. */
    unsigned (*zero_upper)(const jit_func *f, const ir_inst *i, uint64_t features);
    /* Stack limit check of the prologue is part of prologue(): *limit_chain describes the gv
     * loads. */

    /* Emission. Operands are allocated; a virtual register left over fails the compile. */
    regset places;                 /* registers that a move may name */
    /* a row of its own */
    void (*emit)(emit *e, const minst *i, const ra_operand *ops, unsigned nops);
    void (*emit_move)(emit *e, ra_loc from, ra_loc to, unsigned width); /* see jit_emit_move() */
    void (*jump)(emit *e, mlabel to);
    /* On cc, which is i's or its opposite, to `to`, else on; otherwise: a label of what follows. */
    void (*jump_if)(emit *e, const minst *i, const ra_operand *ops, unsigned nops, unsigned cc,
                    mlabel to, mlabel otherwise);
    void (*trap)(emit *e, unsigned code);
    void (*table)(emit *e, uint32_t table, mlabel label); /* of jit_emit_table(); NULL: never
                                                           * asked */
    void (*lower_sp)(emit *e, int64_t n);
    void (*probe)(emit *e);        /* touches the page that the stack pointer is in */
    /* Lowers it by n guards, touching each; the CFA is at sp + cfa then. */
    void (*probe_loop)(emit *e, int64_t n, int64_t guard, int64_t cfa);
    /* What stands where an indirect branch leads, with any of these features. */
    uint64_t landing_features;
    void (*landing)(emit *e);
    /* The whole prologue (frame, probes, stack limit, saves, unwind rows) as it stands before the
     * body. */
    void (*prologue)(emit *e);
    void (*epilogue)(emit *e);     /* restore and return */

    /* Linking, on finished bytes; place is where the field will be executed. */
    /* Size of the field, and its name as in jit_reloc_info. */
    const char *(*reloc_name)(unsigned kind);
    unsigned (*reloc_to)(unsigned kind); /* RELOC_TO_*: what `symbol` of reloc_apply has to be */
    bool (*reloc_apply)(unsigned kind, uint8_t *field, uint64_t place, uint64_t symbol,
                        int64_t addend);
    /* Objects. */
    elf_target elf;
    cfi_machine cfi;
    /* Code of a slot's thunk: jumps to the address held at `cell`. Returns its size; at most 32. */
    uint32_t (*thunk)(uint8_t *out, uint64_t place, uint64_t cell);
    /* The stub behind jit_invoke: void stub(void (*fn)(void *args, void *results), void *args, void
     * *results, struct jit_entry_record *record): saves all callee-saved registers, stores sp to
     * record[0], calls fn(args, results), returns 0. *landing: offset at which a trap continues
     * with sp restored from record[0] and returns 1. */
    uint32_t (*entry_stub)(uint8_t *out, uint32_t size, uint32_t *landing);
    const mbuf_unwind *entry_rows; /* of entry_stub */
    uint32_t nentry_rows;
    uint32_t (*trap_stub)(uint8_t *out); /* what a freed slot leads to: a trapping instruction */
} target;

/* ---- What targets share of emission (emit.c) ---- */

/* Any instruction; a move; MI_BRANCH. */
void jit_emit_inst(emit *e, const minst *i, const ra_operand *ops, unsigned nops);
void jit_emit_checked_move(emit *e, ra_loc from, ra_loc to, unsigned width);
static inline void jit_emit_move(emit *e, ra_loc from, ra_loc to, unsigned width)
{
    const target *t = e->l->target;
    bool from_reg = loc_is_reg(from) && t->places >> from & 1;
    bool to_reg = loc_is_reg(to) && t->places >> to & 1;

    if ((from_reg || to_reg) && (from_reg || loc_is_slot(from)) && (to_reg || loc_is_slot(to))
        && (width == 4 || width == 8) && from != to)
        t->emit_move(e, from, to, width);
    else
        jit_emit_checked_move(e, from, to, width);
}
void jit_emit_branch(emit *e, const minst *i, const ra_operand *ops, unsigned nops);
/* From here on, code comes from IR instruction ir - 1. */
static inline void jit_emit_position(emit *e, uint32_t ir)
{
    const jit_func *f = e->l->f;

    if (ir && ir <= f->srcpos.len)
        jit_mbuf_srcpos(e->buf, f->srcpos.at[ir - 1]);
}
/* The label's name in a listing: blocks have the first labels, so its index says enough. */
enum { EMIT_NAME_BYTES = 256 };
const char *jit_emit_label_name(const emit *e, mlabel l, char name[EMIT_NAME_BYTES]);
void jit_emit_bind(emit *e, mlabel l);
mlabel jit_emit_constant(emit *e, uint32_t ref); /* of the vcode's pool */
/* Labels of what is to stand behind the body: a trap of IR instruction ir - 1, a jump table. */
mlabel jit_emit_trap(emit *e, uint32_t ir, unsigned code);
mlabel jit_emit_table(emit *e, uint32_t ir, uint32_t table);
void jit_emit_finish(emit *e); /* after the last block: puts all that */
/* Call i was just put: notes it and takes back what its callee popped. */
void jit_emit_called(emit *e, const minst *i);
/* Takes n bytes of stack, touching each guard page on the way down. cfa: from sp so far. */
void jit_emit_take_frame(emit *e, int64_t n, int64_t cfa);
/* Where the vmctx parameter is on entry; the steps from it to the stack limit, last one first. */
const abi_loc *jit_emit_vmctx(const emit *e);
enum { EMIT_LIMIT_STEPS = 12 }; /* what fits the front of a function at O0 */
unsigned jit_emit_limit_chain(const emit *e, const ir_gv *chain[EMIT_LIMIT_STEPS]);

extern const target jit_target_x86_64;
extern const target jit_target_aarch64;
const target *jit_target_for(jit_arch arch); /* NULL: not in this build */

#endif
