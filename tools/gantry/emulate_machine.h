/* emulate_machine.h - the emulator from the inside: its state, what it knows of each machine. */
#ifndef GANTRY_TOOL_EMULATE_MACHINE_H
#define GANTRY_TOOL_EMULATE_MACHINE_H

#include "emulate.h"

#include <unicorn/unicorn.h>

enum {
    STACK_BYTES = 1 << 20, BLOCK_BYTES = 1 << 16, PAGE = 4096,
    GATE_STEP = 16, MAX_GATES = PAGE / GATE_STEP, MAX_HOST_ARGS = 16,
    LIBRARY = 14 /* functions of emulate_library.c */
};

/* One instruction set. Registers are Unicorn's numbers. */
typedef struct machine {
    jit_arch arch;
    uint64_t features;               /* that it runs rightly */
    uc_arch unicorn;
    uc_mode mode;
    int pc, sp;
    const int *int_args;
    unsigned n_int_args;
    int int_result;
    int vector;                      /* the first one of 16 bytes; floats are passed from it on */
    unsigned n_vector_args;
    const uint8_t *ret;              /* the instruction */
    size_t ret_bytes;
    char (*transfer)(const uint8_t *code, size_t n); /* 'c' a call, 'r' a return, else 'j' */
    /* What an instruction really loads where the emulator loads 16 bytes; 0, or NULL: those. */
    unsigned (*loads)(const uint8_t *code, size_t n);
    bool (*prepare)(uc_engine *uc);  /* once */
    void (*enter)(const emulator *m, uint64_t stack, uint64_t back); /* as by a call */
    /* Marks in what has to be kept (if all), garbage in what need not. */
    void (*scramble)(const emulator *m, bool all);
    const char *(*spoiled)(const emulator *m); /* what does not hold its mark; NULL: nothing */
} machine;

extern const machine tool_machine_aarch64, tool_machine_x86_64;

/* A function of the host as code calls it. */
typedef struct gate {
    const jit_signature *sig;
    jit_interp_host fn;
    void *user;
} gate;

/* One whose signature call_host() does not know: an adapter made by the engine passes blocks. */
typedef struct block_call {
    const emulator *machine;
    const jit_signature *sig;
    jit_interp_host fn;
    void *user;
} block_call;

typedef struct library_gate { const emulator *machine; unsigned index; } library_gate;

typedef struct ledger ledger; /* of emulate_account.c */

struct emulator {
    const machine *machine;
    uc_engine *uc;
    jit_engine *engine;
    uint64_t code, code_end;            /* of the engine */
    uint8_t *stack, *block, *gate_page; /* of the host and, at the same address, of the machine */
    gate gates[MAX_GATES];              /* 0 is where calls return to */
    unsigned ngates;
    block_call block_calls[MAX_GATES];  /* by gate */
    library_gate library[LIBRARY];
    uint64_t budget;
    ledger *ledger;                     /* NULL: nothing is accounted for */

    /* The call. */
    uint64_t pc;                        /* of the instruction that is executed */
    uint64_t entry, entry_end;          /* code of the adapter: not counted */
    uint64_t steps;
    unsigned exception;                 /* that ended the call, Unicorn's number + 1; 0: none */
    bool outside;                       /* an access or jump to what is not mapped did */
    uint64_t address;                   /* of it */
    const char *refusal;                /* a call of the host that could not be made; NULL: none */
};

static inline uint64_t emu_reg(const emulator *m, int which)
{
    uint64_t x = 0;

    uc_reg_read(m->uc, which, &x);
    return x;
}

static inline void emu_set_reg(const emulator *m, int which, uint64_t x)
{
    uc_reg_write(m->uc, which, &x);
}

/* What register n holds that has to be kept; also plain garbage. */
static inline uint64_t emu_mark(unsigned n)
{
    return 0x9e3779b97f4a7c15u * (n + 1);
}

bool tool_emulator_watch(emulator *m); /* has accesses told to the ledger from now on */

/* emulate_account.c; all but the last one only where there is a ledger. */
void tool_account_call(emulator *m);                      /* a call begins */
void tool_account_instruction(emulator *m, uint64_t address, uint32_t size); /* is next */
void tool_account_access(emulator *m, uint64_t address, unsigned size, bool write); /* by it */
/* The call has returned or trapped: what was wrong; NULL: nothing. */
const char *tool_account_end(emulator *m, bool trapped);
void tool_account_free(ledger *l);

/* emulate_library.c: makes functions known that code calls for want of instructions. */
bool tool_emulate_library(emulator *m);

#endif
