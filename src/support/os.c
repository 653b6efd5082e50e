/* os.c - every call to the operating system, for Linux on x86-64 and AArch64. */
#define _GNU_SOURCE
#include "support/os.h"
#include "gantry/jit.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

size_t jit_os_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

uint64_t jit_os_clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int jit_os_process(void)
{
    return (int)getpid();
}

void *jit_os_reserve(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void jit_os_release(void *p, size_t size)
{
    if (p)
        munmap(p, size);
}

static size_t whole_pages(size_t size)
{
    size_t page = jit_os_page_size();
    return (size + page - 1) & ~(page - 1);
}

void *jit_os_guarded_alloc(size_t size)
{
    size_t page = jit_os_page_size(), whole = whole_pages(size);

    if (size == 0 || whole < size || whole + page < whole)
        return NULL;
    char *p = mmap(NULL, whole + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if (mprotect(p, whole, PROT_READ | PROT_WRITE) != 0) {
        munmap(p, whole + page);
        return NULL;
    }
    return p + (whole - size);
}

void jit_os_guarded_free(void *p, size_t size)
{
    size_t whole = whole_pages(size);

    if (p)
        munmap((char *)p - (whole - size), whole + jit_os_page_size());
}

/* ---- Code memory ---- */

static int new_memory_file(size_t size)
{
    int fd = memfd_create("gantry-code", MFD_CLOEXEC);

    if (fd >= 0 && ftruncate(fd, (off_t)size) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool jit_os_code_map(os_code *c, size_t size, size_t data, bool dual)
{
    uint8_t *p = mmap(NULL, size + data, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                      -1, 0);

    memset(c, 0, sizeof *c);
    c->fd = -1;
    if (p == MAP_FAILED)
        return false;
    c->exec = c->write = p;
    c->size = size;
    c->data = data;
    if (mprotect(p + size, data, PROT_READ | PROT_WRITE) != 0)
        goto fail;
    if (!dual)
        return true;
    c->fd = new_memory_file(size);
    if (c->fd < 0)
        goto fail;
    if (mmap(p, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, c->fd, 0) == MAP_FAILED)
        goto fail;
    c->write = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
    if (c->write == MAP_FAILED) {
        c->write = p;
        goto fail;
    }
    c->dual = true;
    return true;
fail:
    jit_os_code_unmap(c);
    return false;
}

void jit_os_code_unmap(os_code *c)
{
    if (c->exec)
        munmap(c->exec, c->size + c->data);
    if (c->dual)
        munmap(c->write, c->size);
    if (c->fd >= 0)
        close(c->fd);
    memset(c, 0, sizeof *c);
    c->fd = -1;
}

bool jit_os_code_unshare(os_code *c)
{
    if (!c->dual)
        return true; /* private pages are copied by the system */
    int fd = new_memory_file(c->size);
    if (fd < 0)
        return false;
    /* Only pages that hold something are copied: holes of the old file stay holes of the new
     * one. */
    off_t at = lseek(c->fd, 0, SEEK_DATA);
    while (at >= 0 && (size_t)at < c->size) {
        off_t end = lseek(c->fd, at, SEEK_HOLE);
        while (at < end) {
            ssize_t n = pwrite(fd, c->exec + at, (size_t)(end - at), at);
            if (n <= 0) {
                close(fd);
                return false;
            }
            at += n;
        }
        at = lseek(c->fd, end, SEEK_DATA);
    }
    if (mmap(c->write, c->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED
        || mmap(c->exec, c->size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, 0)
               == MAP_FAILED) {
        close(fd);
        return false;
    }
    close(c->fd);
    c->fd = fd;
    return true;
}

bool jit_os_code_open(os_code *c, size_t offset, size_t size)
{
    return c->dual
           || mmap(c->exec + offset, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

bool jit_os_code_seal(os_code *c, size_t offset, size_t size)
{
    return c->dual || mprotect(c->exec + offset, size, PROT_READ | PROT_EXEC) == 0;
}

void jit_os_code_flush(void *exec, void *write, size_t size)
{
    __builtin___clear_cache((char *)write, (char *)write + size);
    if (exec != write)
        __builtin___clear_cache((char *)exec, (char *)exec + size);
}

enum { /* linux/membarrier.h; the header may be older than the kernel */
    MEMBARRIER_GLOBAL = 1 << 0,
    MEMBARRIER_SYNC_CORE = 1 << 5, MEMBARRIER_REGISTER_SYNC_CORE = 1 << 6
};

void jit_os_code_sync_register(void)
{
    syscall(SYS_membarrier, MEMBARRIER_REGISTER_SYNC_CORE, 0, 0);
}

/* Other cores may hold old instructions of addresses that are used again (Intel SDM vol. 3, 9.1.3;
 * Arm ARM B2.2.5): each of our threads runs a context-synchronizing event before it goes on. Where
 * Linux cannot say so (before 4.16), the global barrier lets each core pass through the kernel,
 * which is one, too, but takes milliseconds; x86 cores see the writes themselves (SDM 11.6). */
void jit_os_code_sync_cores(void)
{
    if (syscall(SYS_membarrier, MEMBARRIER_SYNC_CORE, 0, 0) != 0 && OS_FETCHES_AHEAD)
        syscall(SYS_membarrier, MEMBARRIER_GLOBAL, 0, 0);
}

/* ---- Signals ---- */

static const int fault_signals[] = { SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP };
#define NSIGNALS (sizeof fault_signals / sizeof *fault_signals)
static struct sigaction earlier[NSIGNALS];
static bool hooked[NSIGNALS]; /* our handler is, or was, the signal's; one may stand before it */
static os_fault_fn _Atomic fault_handler; /* NULL: not installed, all is passed on */
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;

static void pass_on(int sig, siginfo_t *info, void *context)
{
    for (size_t k = 0; k < NSIGNALS; k++) {
        if (fault_signals[k] != sig)
            continue;
        const struct sigaction *a = &earlier[k];
        if (a->sa_flags & SA_SIGINFO) {
            a->sa_sigaction(sig, info, context);
        } else if (a->sa_handler == SIG_DFL) {
            signal(sig, SIG_DFL); /* the instruction faults again and the default acts */
            if (info->si_code <= 0)
                raise(sig);
        } else if (a->sa_handler != SIG_IGN) {
            a->sa_handler(sig);
        }
    }
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    int saved_errno = errno;
#if defined(__x86_64__)
    uintptr_t pc = (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
    uintptr_t sp = (uintptr_t)u->uc_mcontext.gregs[REG_RSP];
    uintptr_t fp = (uintptr_t)u->uc_mcontext.gregs[REG_RBP];
#elif defined(__aarch64__)
    uintptr_t pc = u->uc_mcontext.pc, sp = u->uc_mcontext.sp, fp = u->uc_mcontext.regs[29];
#else
#error "no machine context known"
#endif
    os_fault_fn handle = atomic_load(&fault_handler);
    if (info->si_code > 0 && handle && handle(sig, &pc, &sp, fp, info->si_addr)) {
#if defined(__x86_64__)
        u->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
        u->uc_mcontext.gregs[REG_RSP] = (greg_t)sp;
#else
        u->uc_mcontext.pc = pc;
        u->uc_mcontext.sp = sp;
#endif
    } else {
        pass_on(sig, info, context);
    }
    errno = saved_errno;
}

/* Takes our handler out of a signal it is first in line for. Where the host has put one before it
 * since, that one may go on to ours, which then passes on. */
static void unhook(size_t k)
{
    struct sigaction now;

    if (hooked[k] && sigaction(fault_signals[k], NULL, &now) == 0 && now.sa_flags & SA_SIGINFO
        && now.sa_sigaction == on_signal) {
        sigaction(fault_signals[k], &earlier[k], NULL);
        hooked[k] = false;
    }
}

bool jit_os_faults_install(os_fault_fn fn)
{
    struct sigaction a;
    bool done = true;

    memset(&a, 0, sizeof a);
    a.sa_sigaction = on_signal;
    a.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&a.sa_mask);
    pthread_mutex_lock(&install_lock);
    for (size_t k = 0; k < NSIGNALS && done; k++)
        if (!hooked[k])
            done = hooked[k] = sigaction(fault_signals[k], &a, &earlier[k]) == 0;
    if (done)
        atomic_store(&fault_handler, fn);
    else
        for (size_t k = 0; k < NSIGNALS; k++)
            unhook(k);
    pthread_mutex_unlock(&install_lock);
    return done;
}

void jit_os_faults_remove(void)
{
    pthread_mutex_lock(&install_lock);
    atomic_store(&fault_handler, (os_fault_fn)NULL);
    for (size_t k = 0; k < NSIGNALS; k++)
        unhook(k);
    pthread_mutex_unlock(&install_lock);
}

/* ---- The machine ---- */

#if defined(__x86_64__)
static uint64_t xcr0(void)
{
    uint32_t lo, hi;
    __asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}
#endif

/* Intel SDM vol. 2, CPUID; AVX and FMA besides need the system to save the registers (XCR0). AArch64:
 * what Linux tells of it, "ARM64 ELF hwcaps". */
uint64_t jit_os_features(void)
{
    uint64_t f = 0;
#if defined(__x86_64__)
    unsigned a, b, c, d;
    bool ymm = false;

    if (__get_cpuid(1, &a, &b, &c, &d)) {
        ymm = (c & bit_OSXSAVE) && (xcr0() & 6) == 6;
        f |= c & bit_SSE3 ? JIT_X86_SSE3 : 0;
        f |= c & bit_SSSE3 ? JIT_X86_SSSE3 : 0;
        f |= c & bit_SSE4_1 ? JIT_X86_SSE41 : 0;
        f |= c & bit_SSE4_2 ? JIT_X86_SSE42 : 0;
        f |= c & bit_POPCNT ? JIT_X86_POPCNT : 0;
        f |= c & bit_CMPXCHG16B ? JIT_X86_CX16 : 0;
        f |= ymm && c & bit_AVX ? JIT_X86_AVX : 0;
        f |= ymm && c & bit_FMA ? JIT_X86_FMA : 0;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        f |= b & bit_BMI ? JIT_X86_BMI1 : 0;
        f |= b & bit_BMI2 ? JIT_X86_BMI2 : 0;
        f |= ymm && b & bit_AVX2 ? JIT_X86_AVX2 : 0;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d))
        f |= c & bit_LZCNT ? JIT_X86_LZCNT : 0;
#elif defined(__aarch64__)
    unsigned long has = getauxval(AT_HWCAP), more = getauxval(AT_HWCAP2);

    f |= has >> 8 & 1 ? JIT_A64_LSE : 0;
    f |= has >> 9 & has >> 10 & 1 ? JIT_A64_FP16 : 0; /* scalar and vector */
    f |= has >> 15 & 1 ? JIT_A64_RCPC : 0;
    f |= has >> 20 & 1 ? JIT_A64_DOTPROD : 0;
    f |= has >> 27 & 1 ? JIT_A64_FLAGM : 0;
    f |= has >> 30 & 1 ? JIT_A64_PAUTH : 0;
    f |= more >> 13 & 1 ? JIT_A64_I8MM : 0;
    f |= more >> 34 & 1 ? JIT_A64_CSSC : 0;
#endif
    return f;
}

void jit_os_perf_map(const void *start, size_t size, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    FILE *f = fopen(path, "a");
    if (!f)
        return;
    fprintf(f, "%zx %zx %s\n", (size_t)(uintptr_t)start, size, name);
    fclose(f);
}

int jit_os_thread(void)
{
    return (int)syscall(SYS_gettid);
}

/* ---- What perf reads ---- */

bool jit_os_dump_open(os_dump *d)
{
    const char *folder = getenv("JITDUMPDIR");
    char path[4096];

    snprintf(path, sizeof path, "%s/jit-%d.dump", folder && *folder ? folder : ".", (int)getpid());
    int fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    d->size = jit_os_page_size();
    d->map = mmap(NULL, d->size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    d->file = d->map != MAP_FAILED ? fdopen(fd, "wb") : NULL;
    if (!d->file) {
        if (d->map != MAP_FAILED)
            munmap(d->map, d->size);
        close(fd);
        return false;
    }
    return true;
}

void jit_os_dump_write(os_dump *d, const void *bytes, size_t n)
{
    fwrite(bytes, 1, n, d->file);
}

void jit_os_dump_close(os_dump *d)
{
    fclose(d->file);
    munmap(d->map, d->size);
}

/* ---- Unwinding ---- */

/* libgcc's, where the program has it. */
extern void __register_frame_info(const void *eh_frame, void *object) __attribute__((weak));
extern void *__deregister_frame_info(const void *eh_frame) __attribute__((weak));

bool jit_os_frames_register(const void *eh_frame, void *own)
{
    if (!__register_frame_info || !__deregister_frame_info)
        return false;
    __register_frame_info(eh_frame, own);
    return true;
}

void jit_os_frames_deregister(const void *eh_frame)
{
    __deregister_frame_info(eh_frame);
}
