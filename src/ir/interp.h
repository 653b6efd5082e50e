/* interp.h - what the files of the interpreter share: its state during a run.
 *
 * interp.c executes instructions, interp_call.c knows what can be called, interp_memory.c what can
 * be loaded and stored, and which promises about it still hold.
 *
 * A run ends when one of the jit_interp_end functions is called: it records how and sets `over`;
 * what returns bool says with false that it has ended the run. Host memory that a run needs is in
 * `tmp`, which the next run takes over; exhaustion unwinds to the guard in jit_interp_run(). */
#ifndef JIT_IR_INTERP_H
#define JIT_IR_INTERP_H

#include "gantry/jit_interp.h"
#include "ir/func.h"

/* A value: masked to its width, hi zero up to 64 bits. */
typedef struct reg { uint64_t lo, hi; } reg;

/* What a name or an address stands for. Its own address is the function's address. */
typedef enum { TARGET_FUNC, TARGET_HOST, TARGET_LIBCALL, TARGET_DATA } target_kind;
typedef struct target {
    ir_name name;
    target_kind kind;
    const jit_func *func;  /* FUNC */
    struct code *code;     /* FUNC: of run number `run`, stale in any other */
    uint64_t run;
    jit_interp_host host;  /* HOST */
    void *user;
    uint64_t address;
} target;

/* A function as one run needs it. */
typedef struct code {
    const jit_func *f;
    target **callees;     /* by index of jit_fnref; NULL: not looked up yet */
    uint32_t *real;       /* by value index: id of the value meant; NULL: there are no aliases */
    uint64_t *slot_at;    /* by slot index: distance from the lowest address of the frame */
    uint64_t frame_bytes; /* of all slots, with the gaps between them */
    uint64_t align;       /* of the frame, at least 16 */
    bool regions;         /* declares two or more: accesses are held against each other */
    bool readonly;        /* promises that some memory never changes */
} code;

/* One call under way. The stack grows downwards: caller, return address and saved frame pointer
 * (16 bytes at fp), slots down to sp. */
typedef struct frame {
    code *code;
    uint32_t pc;      /* instruction index; of a caller: its call */
    uint32_t serial;  /* number of the call: later ones are larger, in other runs too */
    size_t regs;      /* index of the register of value 0 */
    uint64_t fp, sp;
} frame;

/* Memory of the host that may be touched. */
typedef struct range { uint64_t base, size; bool writable; } range;

/* State of a byte of the stack. */
enum {
    BYTE_NONE,      /* no slot's */
    BYTE_UNWRITTEN, /* a slot's, and arbitrary */
    BYTE_WRITTEN,
    BYTE_FIXED      /* return address and saved frame pointer: to be read only */
};

/* Eight bytes of memory as one call sees them through alias regions. */
typedef struct region_cell {
    uint64_t granule;   /* address / 8 */
    uint32_t serial;    /* of the frame; 0: the cell is free */
    uint16_t region[8]; /* id of the region the byte was accessed by; 0: none */
    uint8_t written;    /* a bit for each byte: by that region */
    uint8_t shared;     /* was read by other regions, too */
} region_cell;

/* Eight bytes of memory as `readonly` loads and stores see them, for all calls. */
typedef struct change_cell {
    uint64_t granule;     /* address / 8 + 1; 0: the cell is free */
    uint32_t written[8];  /* serial of the newest frame at the time of the last store; 0: none */
    uint32_t promised[8]; /* serial of the outermost frame that loaded it as readonly; 0: none */
} change_cell;

struct jit_interp {
    jit_engine *engine;
    const jit_module *module; /* NULL: none */
    const jit_allocator *host;
    fail_ctx fail;
    arena mem;                /* lives as long as the interpreter */
    arena tmp;                /* of one run */
    bool canonical;           /* NaNs made by arithmetic */
    void (*watch)(void *user, const jit_access *a); /* NULL: nobody does */
    void *watch_user;
    uint64_t steps;

    VEC(target *) targets;
    map by_name;              /* hash of a name -> index + 1 of targets; collisions: key + 1 */
    map by_address;           /* address -> index + 1 of targets */
    target root;              /* the function that is run, when the module does not know it */
    VEC(range) ranges;        /* sorted by base, disjoint */
    uint32_t last_range;      /* where the last access was */

    uint8_t *stack, *bytes;   /* STACK_BYTES each: memory, and BYTE_* of each of its bytes */
    reg *regs;                /* of all frames, innermost last */
    size_t nregs, regs_cap;

    region_cell *region_cells;
    uint32_t nregion_cells, region_cap;
    change_cell *change_cells;
    uint32_t nchange_cells, change_cap;
    uint32_t serial;          /* of the newest frame of all runs */

    /* The run. */
    uint64_t run;             /* its number, from 1 */
    VEC(frame) frames;
    frame *at;                /* the innermost frame */
    uint32_t readonly_frames; /* live ones whose function promises readonly memory */
    uint64_t marked;          /* bytes from here up count as written: a host function ran */
    uint64_t fuel;            /* instructions left */
    const jit_bits *args;
    jit_bits *results;
    bool over;
    jit_run out;
    char message[256];
};

enum {
    STACK_BYTES = 8 << 20,
    MAX_REGS = 4 << 20,   /* values of all frames together */
    MAX_CELLS = 1 << 20   /* beyond, what was accessed before is forgotten */
};

/* ---- Ending a run (interp.c). All return false. ---- */
bool jit_interp_end(jit_interp *in, jit_outcome outcome);
bool jit_interp_trap(jit_interp *in, unsigned trap);
bool jit_interp_breach(jit_interp *in, const char *format, ...) JIT_PRINTF(2, 3);
bool jit_interp_refuse(jit_interp *in, jit_status status, const char *format, ...) JIT_PRINTF(3, 4);

/* ---- Calls (interp_call.c) ---- */
/* The target of a name; NULL when nothing is known by it (the run is not ended). */
target *jit_interp_lookup(jit_interp *in, const ir_name *name);
/* The function at an address; NULL: none. */
target *jit_interp_at_address(jit_interp *in, uint64_t address);
/* What f's callee stands for; NULL: the run has ended. */
target *jit_interp_callee(jit_interp *in, code *c, jit_fnref fn);
/* f ready to be run, verified; NULL: the run has ended. */
code *jit_interp_prepare(jit_interp *in, target *t);
bool jit_interp_signature_fits(const ir_sig *call, const ir_sig *callee);
/* Calls what is no function of the IR. results: as many as sig has. */
bool jit_interp_call_out(jit_interp *in, const target *t, const ir_sig *sig, const reg *args,
                         reg *results);

/* ---- Memory (interp_memory.c) ---- */
bool jit_interp_add_range(jit_interp *in, uint64_t base, uint64_t size, bool writable);
/* size bytes at address, 1 to 16, under flags m. */
bool jit_interp_load(jit_interp *in, jit_mem m, uint64_t address, unsigned size, reg *value);
bool jit_interp_store(jit_interp *in, jit_mem m, uint64_t address, unsigned size, reg value);
/* Memory for a libcall, all of it defined when it is read; NULL: the run has ended. */
uint8_t *jit_interp_span(jit_interp *in, uint64_t address, uint64_t size, bool write);
/* Copies like memmove, and keeps what is unwritten unwritten where it can. */
bool jit_interp_copy(jit_interp *in, uint64_t to, uint64_t from, uint64_t size);
/* Makes the stack part of a new frame; false: it does not fit (the run is not ended). */
bool jit_interp_enter_frame(jit_interp *in, frame *f, uint64_t return_address);
void jit_interp_number_frame(jit_interp *in); /* gives the innermost frame its serial */
/* The host may have written to every slot whose address it could know. */
void jit_interp_host_ran(jit_interp *in);

/* A name as messages show it, cut off if need be. */
enum { NAME_BYTES = 128 };
static inline const char *name_of(const ir_name *n, char buffer[NAME_BYTES])
{
    jit_name_print(n, buffer, NAME_BYTES);
    return buffer;
}
/* Address of the stack's first byte and behind its last one. */
static inline uint64_t stack_low(const jit_interp *in) { return (uint64_t)(uintptr_t)in->stack; }
static inline uint64_t stack_high(const jit_interp *in) { return stack_low(in) + STACK_BYTES; }
/* The register of value id in frame f. */
static inline reg *reg_of(const jit_interp *in, const frame *f, uint32_t id)
{
    uint32_t real = f->code->real ? f->code->real[id - 1] : id;
    return &in->regs[f->regs + real - 1];
}

#endif
