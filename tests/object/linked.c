/* linked.c - the C half of linked.clif: calls what the object defines, and is called by it. */
#define _GNU_SOURCE
#include <execinfo.h>
#include <gantry/jit_object.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

int64_t twice(int64_t), calls(int64_t), data(void), address(void);
int64_t outer(int64_t (*fn)(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t,
                            int64_t, int64_t), int64_t);
double up(double);
float down(float);
void copies(void *, const void *, int64_t);
uint32_t divides(uint32_t, uint32_t);

int64_t numbers[3] = { 5, 47, 0 };
int64_t from_c(int64_t x) { return x + 1; }

static int passed, failed;
static void check(int ok, const char *what)
{
    if (ok)
        passed++;
    else {
        failed++;
        printf("fail: %s\n", what);
    }
}

/* The caller's frames, found through the object's unwind tables. */
static void *frames[64];
static int nframes;
static int64_t callee(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g,
                      int64_t h, int64_t i, int64_t j)
{
    nframes = backtrace(frames, 64);
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}

static int holds_frame_of(uintptr_t function, uintptr_t size)
{
    for (int k = 0; k < nframes; k++)
        if ((uintptr_t)frames[k] - function < size)
            return 1;
    return 0;
}

/* ---- The section gantry_code ---- */

extern const char __start_gantry_code[], __stop_gantry_code[];

static const void *named(const int32_t *field) { return (const char *)field + *field; }

static const jit_object_record *record_of(const char *name)
{
    for (const char *p = __start_gantry_code; p < __stop_gantry_code;) {
        const jit_object_record *r = (const void *)p;
        if (strcmp(named(&r->name), name) == 0)
            return r;
        p += sizeof *r + r->ntraps * sizeof(jit_object_trap)
             + r->npositions * sizeof(jit_object_position);
    }
    return NULL;
}

static unsigned trap_code, trap_position;
static void on_trap(int sig, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
#ifdef __x86_64__
    uintptr_t pc = (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
#else
    uintptr_t pc = (uintptr_t)u->uc_mcontext.pc;
#endif
    const jit_object_record *r = record_of("divides");
    const jit_object_trap *t = (const void *)(r + 1);
    const jit_object_position *p = (const void *)(t + r->ntraps);
    uint32_t offset = (uint32_t)(pc - (uintptr_t)named(&r->code));

    (void)sig;
    (void)info;
    for (uint32_t k = 0; k < r->ntraps; k++)
        if (t[k].offset == offset)
            trap_code = t[k].code;
    for (uint32_t k = 0; k < r->npositions; k++)
        if (p[k].offset <= offset)
            trap_position = p[k].position;
    printf("trap %s at %x\n", trap_code == JIT_TRAP_INT_DIVZ ? "int_divz" : "?", trap_position);
    check(trap_code == JIT_TRAP_INT_DIVZ && trap_position == 0x30, "the trap's code and place");
    printf("%d passed, %d failed\n", passed, failed);
    exit(failed != 0);
}

int main(void)
{
    char to[8] = "abcdefg";

    setvbuf(stdout, NULL, _IONBF, 0);
    check(twice(21) == 42, "twice");
    check(calls(1) == 13, "calls"); /* ((1 * 4 + 1) + 1) * 2 + 1 */
    check(data() == 42 && numbers[2] == 42, "data");
    check(address() == (int64_t)((uintptr_t)from_c - (uintptr_t)calls), "address");
    check(up(1.25) == 2.0 && down(-1.5f) == -2.0f, "the C library");
    copies(to, "wxyz", 3);
    check(strcmp(to, "wxydefg") == 0, "copies");
    int64_t k = outer(callee, 7);
    /* callee(7, 1, 8, 9, 10, 11, 7, 1, 8, 9) + 8 + 9 + 10 + 11 */
    check(k == 7 + 2 + 24 + 36 + 50 + 66 + 49 + 8 + 72 + 90 + 38, "outer");
    check(record_of("outer") != NULL, "the record of %outer");
    check(holds_frame_of((uintptr_t)outer, record_of("outer")->size), "the frame of %outer");
    check(holds_frame_of((uintptr_t)main, 4096), "the frame below %outer's");

    struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
    sigaction(SIGFPE, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    sigaction(SIGTRAP, &action, NULL);
    divides(1, 0);
    check(0, "a division by zero goes on");
    printf("%d passed, %d failed\n", passed, failed);
    return 1;
}
