/* text_names.c - the text's words for conditions, conventions, atomic operations, traps. */
#include "ir/text_names.h"

#include "ir/func.h"
#include <string.h>

static const char *const intcc_names[] = {
    "eq", "ne", "slt", "sge", "sle", "sgt", "ult", "uge", "ule", "ugt"
};
static const char *const floatcc_names[] = {
    "eq", "ne", "one", "ueq", "lt", "uge", "le", "ugt", "gt", "ule", "ge", "ult", "ord", "uno"
};
static const char *const rmw_names[] = {
    "add", "sub", "and", "nand", "or", "xor", "xchg", "umin", "umax", "smin", "smax"
};
static const char *const conv_names[] = {
    "", "system_v", "fast", "tail", "cold", "windows_fastcall", "apple_aarch64", "probestack",
    "winch", "preserve_all"
};
#define COUNT(a) (sizeof(a) / sizeof *(a))
_Static_assert(COUNT(intcc_names) == JIT_UGT + 1, "one name each");
_Static_assert(COUNT(floatcc_names) == JIT_FUNO + 1, "one name each");
_Static_assert(COUNT(rmw_names) == RMW_COUNT, "one name each");
_Static_assert(COUNT(conv_names) == JIT_CONV_COUNT, "one name each");

#define NAME(list, k) ((k) < COUNT(list) ? (list)[k] : "?")
const char *jit_intcc_name(unsigned cc) { return NAME(intcc_names, cc); }
const char *jit_floatcc_name(unsigned cc) { return NAME(floatcc_names, cc); }
const char *jit_rmw_name(unsigned op) { return NAME(rmw_names, op); }
const char *jit_conv_name(unsigned conv) { return NAME(conv_names, conv); }

static int find(const char *const *list, size_t count, const char *s, size_t n)
{
    for (size_t k = 0; k < count; k++)
        if (strlen(list[k]) == n && memcmp(list[k], s, n) == 0)
            return (int)k;
    return -1;
}

#define FIND(list, s, n) find(list, COUNT(list), s, n)
int jit_intcc_parse(const char *s, size_t n) { return FIND(intcc_names, s, n); }
int jit_floatcc_parse(const char *s, size_t n) { return FIND(floatcc_names, s, n); }
int jit_rmw_parse(const char *s, size_t n) { return FIND(rmw_names, s, n); }
int jit_conv_parse(const char *s, size_t n) { return FIND(conv_names, s, n); }

unsigned jit_trap_parse(const char *s, size_t n)
{
    unsigned code = 0;

    if (n > 4 && n <= 7 && memcmp(s, "user", 4) == 0 && s[4] != '0') {
        for (size_t k = 4; k < n; k++) {
            if (s[k] < '0' || s[k] > '9')
                return 0;
            code = code * 10 + (unsigned)(s[k] - '0');
        }
        return code <= 250 ? code : 0;
    }
    for (code = JIT_TRAP_STK_OVF; code <= JIT_TRAP_BAD_TOINT; code++)
        if (strlen(jit_trap_name(code)) == n && memcmp(jit_trap_name(code), s, n) == 0)
            return code;
    return 0;
}
