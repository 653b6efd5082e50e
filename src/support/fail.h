/* fail.h - the one guard and the one throw: how a failure leaves the depths of a compilation.
 *
 * A public entry runs its work under jit_guard(); anything below it may call jit_fail(), which
 * unwinds to the guard. Sound because code between the two owns arena memory only: no lock, file
 * or mapping is held across a call that may fail, and no frame of the host lies between. */
#ifndef JIT_SUPPORT_FAIL_H
#define JIT_SUPPORT_FAIL_H

#include "gantry/jit_base.h"
#include <setjmp.h>

typedef struct fail_ctx {
    jmp_buf *target;       /* NULL: no guard is active */
    jit_status status;     /* of the last failure */
    const void *func;      /* jit_func being worked on, for the message; NULL: none */
    uint32_t inst;         /* IR instruction id being worked on; 0: none */
    char message[512];     /* of the last failure, always terminated */
} fail_ctx;

/* Runs body(arg); JIT_OK if it returns, else the status it failed with. May be nested. */
jit_status jit_guard(fail_ctx *fc, void (*body)(void *arg), void *arg);

/* Records status and message and unwinds. Without an active guard, aborts (our own bug). */
_Noreturn void jit_fail(fail_ctx *fc, jit_status status, const char *format, ...) JIT_PRINTF(3, 4);

/* Records without unwinding; returns status. For code that runs outside a guard. */
jit_status jit_fail_set(fail_ctx *fc, jit_status status, const char *format, ...) JIT_PRINTF(3, 4);

/* For invariants that guard memory: checked in every build. */
#define JIT_REQUIRE(fc, cond, what) \
    ((cond) ? (void)0 : jit_fail((fc), JIT_ERR_INTERNAL, "%s:%d: %s", __FILE__, __LINE__, what))

#endif
