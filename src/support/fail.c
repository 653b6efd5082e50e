/* fail.c - the guard (setjmp) and the throw (longjmp) behind every failure of a compilation. */
#include "support/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Formats into a buffer of its own first: an argument may be the old message. */
static void record(fail_ctx *fc, jit_status status, const char *format, va_list args)
{
    char text[sizeof fc->message];

    vsnprintf(text, sizeof text, format, args);
    memcpy(fc->message, text, sizeof text);
    fc->message[sizeof fc->message - 1] = 0;
    fc->status = status;
}

jit_status jit_guard(fail_ctx *fc, void (*body)(void *arg), void *arg)
{
    jmp_buf here;
    jmp_buf *volatile outer = fc->target;
    jit_status status = JIT_OK;

    fc->target = &here;
    if (setjmp(here) == 0)
        body(arg);
    else
        status = fc->status;
    fc->target = outer;
    return status;
}

_Noreturn void jit_fail(fail_ctx *fc, jit_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    record(fc, status, format, args);
    va_end(args);
    if (!fc->target)
        abort();
    longjmp(*fc->target, 1);
}

jit_status jit_fail_set(fail_ctx *fc, jit_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    record(fc, status, format, args);
    va_end(args);
    return status;
}
