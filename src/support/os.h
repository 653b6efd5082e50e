/* os.h - every call to the operating system: memory mappings, clocks, locks, signals. Linux. */
#ifndef JIT_SUPPORT_OS_H
#define JIT_SUPPORT_OS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

size_t jit_os_page_size(void);
uint64_t jit_os_clock_ns(void);
int jit_os_process(void);

/* Zeroed read-write memory, given by the system page by page as it is touched. NULL: none. */
void *jit_os_reserve(size_t size);
void jit_os_release(void *p, size_t size);

/* Stress builds: read-write memory whose last byte stands right before a page that nobody may
 * touch. Aligned as size is. NULL: none. */
void *jit_os_guarded_alloc(size_t size);
void jit_os_guarded_free(void *p, size_t size);

/* Code memory. Dual: one memory seen twice, at *exec (read, execute) and *write (read, write).
 * Single: *exec == *write, no access at all until jit_os_code_open(). data bytes behind the code at
 * *exec + size are plain read-write memory. */
typedef struct os_code { uint8_t *exec, *write; size_t size, data; int fd; bool dual; } os_code;
bool jit_os_code_map(os_code *c, size_t size, size_t data, bool dual);
void jit_os_code_unmap(os_code *c);
/* In a child after fork: own copies of the pages at the same addresses. */
bool jit_os_code_unshare(os_code *c);
/* Single mapping: fresh zeroed pages to write / pages to execute for good. Whole pages. */
bool jit_os_code_open(os_code *c, size_t offset, size_t size);
bool jit_os_code_seal(os_code *c, size_t offset, size_t size);
/* Makes written code visible to execution: data cache, instruction cache; then, at addresses where
 * cores may have fetched something else before, each core that runs our threads. */
void jit_os_code_flush(void *exec, void *write, size_t size);
void jit_os_code_sync_cores(void);
void jit_os_code_sync_register(void);
/* A core may hold what an executable page contained before it was written to, although nothing ran
 * there (Arm ARM B2.2.5). x86 cores watch for writes to what they have fetched. */
#if defined(__aarch64__)
#define OS_FETCHES_AHEAD true
#else
#define OS_FETCHES_AHEAD false
#endif

/* Signals of faults. The handler gets pc, frame pointer and fault address; it returns true when it
 * changed the place where execution goes on (*pc, *sp), false to pass the signal on. */
typedef bool (*os_fault_fn)(int sig, uintptr_t *pc, uintptr_t *sp, uintptr_t fp,
                            const void *address);
bool jit_os_faults_install(os_fault_fn fn);
void jit_os_faults_remove(void);

/* Features of this machine's x86-64 as JIT_X86_* bits; 0 elsewhere. */
uint64_t jit_os_features(void);

/* The perf map of this process: appends one line. */
void jit_os_perf_map(const void *start, size_t size, const char *name);

/* The file of code that perf reads, in $JITDUMPDIR or the working directory: jit-PID.dump. perf
 * learns of it because it is mapped. What cannot be written is lost. */
typedef struct os_dump { void *file, *map; size_t size; } os_dump;
bool jit_os_dump_open(os_dump *d);
void jit_os_dump_write(os_dump *d, const void *bytes, size_t n);
void jit_os_dump_close(os_dump *d);
int jit_os_thread(void);

/* The unwinder's table of code that no dynamic linker knows; own: 128 bytes for its use. False: this
 * process has no unwinder that takes it. */
bool jit_os_frames_register(const void *eh_frame, void *own);
void jit_os_frames_deregister(const void *eh_frame);

#endif
