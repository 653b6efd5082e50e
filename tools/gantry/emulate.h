/* emulate.h - calls of machine code of either machine in an emulator, on any host.
 *
 * An emulator serves one engine. Its machine has the engine's code and data, a stack between pages
 * that are not there, and what is shared with it; all else is unmapped. Builds without Unicorn have
 * these functions, too, and emulate nothing. */
#ifndef GANTRY_TOOL_EMULATE_H
#define GANTRY_TOOL_EMULATE_H

#include <gantry/jit.h>

/* What a call came to. */
typedef enum outcome_kind {
    OUT_RETURNED,
    OUT_TRAPPED,
    OUT_BROKEN,  /* a fault or exception without a trap site, a register not preserved, ... */
    OUT_ENDLESS, /* it used up its instructions */
    OUT_SKIPPED, /* it could not be made */
    OUT_REFUSED  /* the function, or one that it calls, is faulty */
} outcome_kind;
typedef struct outcome {
    outcome_kind kind;
    unsigned trap;     /* TRAPPED */
    char message[512]; /* of all but RETURNED and TRAPPED */
} outcome;

typedef struct emulator emulator;

bool tool_emulates(jit_arch arch); /* this build can */
/* The features of a machine that the emulator runs rightly. It runs POPCNT not at all and VEX forms
 * as if they were legacy ones: code that needs more than these must not get to it. */
uint64_t tool_emulated_features(jit_arch arch);
/* For the code of e, before anything is published that calls libcalls or functions of the host.
 * NULL, and why. */
emulator *tool_emulator_new(jit_engine *e, char *why, size_t size);
void tool_emulator_free(emulator *m);
/* Code may call fn by name from now on; name and sig have to live on. False: it cannot be. */
bool tool_emulator_host(emulator *m, const char *name, const jit_signature *sig, jit_interp_host fn,
                        void *user);
/* Code may read and write this memory of the process, whole pages. */
bool tool_emulator_share(emulator *m, void *p, size_t size);
/* Code that is none of the engine's stands there, whole pages; it may be executed and read. */
bool tool_emulator_share_code(emulator *m, void *p, size_t size);
/* Code was freed: what the emulator knows of it is out of date. */
void tool_emulator_forget(emulator *m);
/* Instructions that a call may execute; 2^30 unless set. */
void tool_emulator_budget(emulator *m, uint64_t instructions);
/* Calls a function with that signature, by the entry code of jit_invoke(). Registers that C's
 * convention preserves have to come back as they were. */
outcome tool_emulator_call(emulator *m, jit_entry entry, const jit_signature *sig,
                           const jit_bits *args, jit_bits *results);
/* Instructions that the last call executed, entry code and functions of the host apart. */
uint64_t tool_emulator_steps(const emulator *m);

/* Accountability: each access to memory of these functions' code has to be one that the IR makes
 * at that place, or the frame's own; each byte that the IR stores has to be stored. The IR's
 * accesses are told before each call; a call for which none are begun is not held against
 * anything. */
/* The code of f at entry, of that size; map, f and the code have to live on. */
void tool_emulator_account(emulator *m, const jit_func *f, jit_entry entry, size_t size,
                           const jit_code_map *map);
void tool_emulator_expect_begin(emulator *m);
void tool_emulator_expect_nothing(emulator *m); /* what has been told does not count */
/* As jit_interp_watch() calls it; user is the emulator. */
void tool_emulator_expect(void *user, const jit_access *a);
/* Whether the last call was held against all that was told: there is a limit of 2^22 accesses. */
bool tool_emulator_accounted(const emulator *m);

#endif
