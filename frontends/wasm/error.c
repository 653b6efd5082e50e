/* error.c - what errors and traps are called. */
#include "runtime.h"

#include <stdarg.h>
#include <stdio.h>

gw_status gw_error_set(gw_error *e, gw_status status, size_t offset, const char *format, ...)
{
    va_list args;

    if (!e)
        return status;
    e->status = status;
    e->offset = offset;
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    return status;
}

const char *gw_trap_text(unsigned code)
{
    switch (code) {
    case JIT_TRAP_HEAP_OOB: return "out of bounds memory access";
    case JIT_TRAP_INT_OVF: return "integer overflow";
    case JIT_TRAP_INT_DIVZ: return "integer divide by zero";
    case JIT_TRAP_BAD_TOINT: return "invalid conversion to integer";
    case JIT_TRAP_STK_OVF: return "call stack exhausted";
    case GW_TRAP_UNREACHABLE: return "unreachable";
    case GW_TRAP_TABLE_OOB: return "out of bounds table access";
    case GW_TRAP_UNDEFINED_ELEMENT: return "undefined element";
    case GW_TRAP_UNINITIALIZED_ELEMENT: return "uninitialized element";
    case GW_TRAP_BAD_SIGNATURE: return "indirect call type mismatch";
    case GW_TRAP_INTERRUPTED: return "interrupted";
    case GW_TRAP_HOST: return "host function";
    default: return "unknown trap";
    }
}
