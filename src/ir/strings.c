/* strings.c - names of statuses, traps, libcalls and the version, for messages and for the text. */
#include "ir/func.h"

const char *jit_status_name(jit_status status)
{
    static const char *const names[] = {
        "OK", "ARG", "PARSE", "VERIFY", "UNSUPPORTED", "LIMIT", "CANCELLED", "NOMEM", "CODE_FULL",
        "LINK", "IO", "INTERNAL", "MISCOMPILE"
    };
    unsigned k = (unsigned)status;

    return k < sizeof names / sizeof names[0] ? names[k] : "?";
}

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

const char *jit_version(void)
{
    return TEXT(JIT_VERSION_MAJOR) "." TEXT(JIT_VERSION_MINOR) "." TEXT(JIT_VERSION_PATCH);
}

const char *jit_trap_name(unsigned code)
{
#define TEN(d) "user" #d "0", "user" #d "1", "user" #d "2", "user" #d "3", "user" #d "4", \
               "user" #d "5", "user" #d "6", "user" #d "7", "user" #d "8", "user" #d "9",
    static const char *const names[] = {
        "?", "user1", "user2", "user3", "user4", "user5", "user6", "user7", "user8", "user9",
        TEN(1) TEN(2) TEN(3) TEN(4) TEN(5) TEN(6) TEN(7) TEN(8) TEN(9) TEN(10) TEN(11) TEN(12)
        TEN(13) TEN(14) TEN(15) TEN(16) TEN(17) TEN(18) TEN(19) TEN(20) TEN(21) TEN(22) TEN(23)
        TEN(24) "user250", "stk_ovf", "heap_oob", "int_ovf", "int_divz", "bad_toint"
    };
#undef TEN
    _Static_assert(sizeof names / sizeof names[0] == JIT_TRAP_BAD_TOINT + 1, "one name a code");

    return code <= JIT_TRAP_BAD_TOINT ? names[code] : "?";
}

const char *jit_libcall_name(unsigned libcall)
{
    static const char *const names[] = {
#define LIBCALL(name, text) #name,
#include "ir/libcalls.def"
#undef LIBCALL
    };
    return libcall < LIBCALL_COUNT ? names[libcall] : "?";
}
