/* fuzz_main.c - drives a fuzz target without a fuzzer's library: replays a corpus, then feeds
 * mutations of it for FUZZ_SECONDS, all from one seed.
 *
 *   fuzz-NAME [FILE | FOLDER]...      FUZZ_SECONDS=10  FUZZ_SEED=1  FUZZ_TIMEOUT=20 (per input)
 *
 * The target is LLVMFuzzerTestOneInput(), so libFuzzer can drive it as well (SAN=address,fuzzer).
 * When an input crashes, aborts, trips a sanitizer or hangs, it is written to "crash-" and the
 * target's name in the current folder. The last line is "N passed, N failed, N skipped": files
 * replayed, and one for the mutations. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

enum { INPUT_MAX = 1 << 16, MUTATIONS_MAX = 8 };

typedef struct {
    uint8_t *data;
    size_t size;
} input;

static input *corpus;
static size_t ncorpus;
static const uint8_t *current; /* what the target is being given */
static size_t current_size;
static char crash_file[256];
static unsigned timeout = 20;
static uint64_t state;

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static size_t below(size_t n)
{
    return n ? (size_t)(next_random() % n) : 0;
}

static void save_current(void)
{
    int fd = open(crash_file, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    if (fd < 0)
        return;
    if (write(fd, current, current_size) == (ssize_t)current_size) {
        static const char text[] = "the input that failed is in the file ";
        (void)!write(2, text, sizeof text - 1);
        (void)!write(2, crash_file, strlen(crash_file));
        (void)!write(2, "\n", 1);
    }
    close(fd);
}

static void on_signal(int sig)
{
    save_current();
    signal(sig == SIGALRM ? SIGABRT : sig, SIG_DFL);
    raise(sig == SIGALRM ? SIGABRT : sig);
}

static void catch_failures(const char *program)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGALRM };
    const char *slash = strrchr(program, '/');

    snprintf(crash_file, sizeof crash_file, "crash-%s", slash ? slash + 1 : program);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(save_current);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (signals[i] == SIGABRT || signals[i] == SIGALRM || !__sanitizer_set_death_callback)
            signal(signals[i], on_signal); /* the other faults are the sanitizer's to report */
}

static void run_target(const uint8_t *data, size_t size)
{
    current = data;
    current_size = size;
    alarm(timeout);
    LLVMFuzzerTestOneInput(data, size);
    alarm(0);
}

static void die(const char *what, const char *name)
{
    fprintf(stderr, "%s: %s\n", what, name);
    exit(2);
}

static void add_input(const uint8_t *data, size_t size)
{
    input *grown = realloc(corpus, (ncorpus + 1) * sizeof *corpus);
    uint8_t *copy = malloc(size + 1);

    if (!grown || !copy)
        die("out of memory", "corpus");
    memcpy(copy, data, size);
    corpus = grown;
    corpus[ncorpus++] = (input){ copy, size };
}

static int without_dots(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void read_file(const char *path)
{
    static uint8_t buffer[INPUT_MAX];
    FILE *file = fopen(path, "rb");

    if (!file)
        die("cannot read", path);
    add_input(buffer, fread(buffer, 1, sizeof buffer, file));
    fclose(file);
}

/* Names are sorted, so that a seed means the same run everywhere. */
static void read_path(const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, without_dots, alphasort);

    if (n < 0) {
        read_file(path);
        return;
    }
    for (int i = 0; i < n; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        read_file(file);
        free(names[i]);
    }
    free(names);
}

static size_t insert(uint8_t *at, size_t size, size_t where, const uint8_t *bytes, size_t n)
{
    if (n > INPUT_MAX - size)
        n = INPUT_MAX - size;
    memmove(at + where + n, at + where, size - where);
    memmove(at + where, bytes, n);
    return size + n;
}

static size_t erase(uint8_t *at, size_t size, size_t where, size_t n)
{
    memmove(at + where, at + where + n, size - where - n);
    return size - n;
}

static size_t replace_number(uint8_t *at, size_t size)
{
    static const char *const edges[] = {
        "0", "1", "-1", "127", "128", "255", "256", "65535", "2147483647", "-2147483648",
        "4294967295", "4294967296", "9223372036854775807", "18446744073709551615",
        "18446744073709551616", "0x1.8p+1", "NaN", "-0.0",
    };
    const char *edge = edges[below(sizeof edges / sizeof *edges)];
    size_t from = below(size), to;

    while (from < size && (at[from] < '0' || at[from] > '9'))
        from++;
    for (to = from; to < size && at[to] >= '0' && at[to] <= '9'; to++)
        continue;
    return insert(at, erase(at, size, from, to - from), from, (const uint8_t *)edge, strlen(edge));
}

static size_t mutate_once(uint8_t *at, size_t size)
{
    uint8_t copy[256];
    const input *other = &corpus[below(ncorpus)];
    size_t where = below(size), n = 1 + below(size - where < 256 ? size - where : 255);

    if (size == 0)
        return insert(at, 0, 0, other->data, other->size < 64 ? other->size : 64);
    switch (below(8)) {
    case 0: /* one bit */
        at[where] ^= (uint8_t)(1u << below(8));
        return size;
    case 1: /* one byte */
        at[where] = (uint8_t)next_random();
        return size;
    case 2: /* an edge value */
        at[where] = (uint8_t[]){ 0, 0xff, 0x7f, 0x80, ' ', '\n' }[below(6)];
        return size;
    case 3: /* some bytes gone */
        return erase(at, size, where, n > size - where ? size - where : n);
    case 4: /* some bytes again, elsewhere */
        n = n > size - where ? size - where : n;
        memcpy(copy, at + where, n);
        return insert(at, size, below(size + 1), copy, n);
    case 5: /* a piece of another input */
        where = below(other->size);
        n = other->size - where < n ? other->size - where : n;
        return insert(at, size, below(size + 1), other->data + where, n);
    case 6:
        return replace_number(at, size);
    default: /* cut off */
        return below(4) ? size : where;
    }
}

static uint64_t mutate_for(double seconds)
{
    static uint8_t buffer[INPUT_MAX];
    struct timespec start, now;
    uint64_t runs = 0;

    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        const input *from = &corpus[below(ncorpus)];
        size_t size = from->size;

        memcpy(buffer, from->data, size);
        for (size_t n = 1 + below(MUTATIONS_MAX); n > 0; n--)
            size = mutate_once(buffer, size);
        run_target(buffer, size);
        runs++;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)(now.tv_sec - start.tv_sec)
                 + (double)(now.tv_nsec - start.tv_nsec) * 1e-9 < seconds);
    return runs;
}

static double setting(const char *name, double otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtod(text, NULL) : otherwise;
}

int main(int argc, char **argv)
{
    catch_failures(argv[0]);
    state = (uint64_t)setting("FUZZ_SEED", 1);
    timeout = (unsigned)setting("FUZZ_TIMEOUT", timeout);
    for (int i = 1; i < argc; i++)
        read_path(argv[i]);
    for (size_t i = 0; i < ncorpus; i++)
        run_target(corpus[i].data, corpus[i].size);
    size_t replayed = ncorpus;

    add_input((const uint8_t *)"", 0);
    double seconds = setting("FUZZ_SECONDS", 10);
    uint64_t runs = seconds > 0 ? mutate_for(seconds) : 0;

    printf("%zu inputs replayed, %llu mutations in %g s\n", replayed, (unsigned long long)runs,
           seconds);
    printf("%zu passed, 0 failed, 0 skipped\n", replayed + (runs > 0));
    for (size_t i = 0; i < ncorpus; i++)
        free(corpus[i].data);
    free(corpus);
    return 0;
}
