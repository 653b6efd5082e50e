/* criterion.c - the runner behind the plain criterion.h: sorts the tests by suite, runs each in
 * this very process, prints what fails and, last, "N passed, N failed, N skipped".
 *
 * Arguments choose tests: "suite", "suite/name", both with * at the end ("threads_*"); none: all;
 * with a ! before it, an argument leaves tests out.
 * Options: -l lists instead, -v names each test before it runs. PLAIN_SAMPLE=N in the environment
 * takes every N-th test only (valgrind is slow). */
#define _DEFAULT_SOURCE
#include "criterion/criterion.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

enum leave { LEAVE_BY_ASSERT = 1, LEAVE_BY_SKIP, LEAVE_BY_SIGNAL };

static plain_test *first_test;
static const plain_test *running; /* NULL outside a test body */
static sigjmp_buf leave_test;
static pthread_t runner;
static atomic_uint failures; /* of the running test, from any of its threads */
static volatile sig_atomic_t awaited_signal;

static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP };
#define N_FATAL (sizeof fatal_signals / sizeof *fatal_signals)
static struct sigaction earlier[N_FATAL];

void plain_register(plain_test *test)
{
    test->next = first_test;
    first_test = test;
}

static void print_message(const char *message, va_list args)
{
    if (message && *message) {
        printf(": ");
        vprintf(message, args);
    }
    printf("\n");
    fflush(stdout);
}

void plain_failed(bool fatal, const char *file, int line, const char *what, const char *message,
                  ...)
{
    va_list args;

    atomic_fetch_add(&failures, 1);
    printf("%s:%d: failed: [%s/%s] %s", file, line, running->suite, running->name, what);
    va_start(args, message);
    print_message(message, args);
    va_end(args);
    if (!fatal)
        return;
    if (!pthread_equal(pthread_self(), runner))
        pthread_exit(NULL);
    siglongjmp(leave_test, LEAVE_BY_ASSERT);
}

_Noreturn void plain_skip(const char *message, ...)
{
    va_list args;

    printf("skipped: [%s/%s]", running->suite, running->name);
    va_start(args, message);
    print_message(message, args);
    va_end(args);
    siglongjmp(leave_test, LEAVE_BY_SKIP);
}

void plain_log(const char *level, const char *message, ...)
{
    va_list args;

    printf("  %s: ", level);
    va_start(args, message);
    vprintf(message, args);
    va_end(args);
    printf("\n");
}

static void write_text(const char *s)
{
    if (write(STDOUT_FILENO, s, strlen(s)) < 0)
        _exit(1);
}

/* A signal the test waits for ends the test. Any other names the test and then has its old effect,
 * so that a sanitizer or a debugger still sees the fault. */
static void on_signal(int sig)
{
    if (sig == awaited_signal && pthread_equal(pthread_self(), runner))
        siglongjmp(leave_test, LEAVE_BY_SIGNAL);
    if (running) {
        write_text("crashed: [");
        write_text(running->suite);
        write_text("/");
        write_text(running->name);
        write_text("]\n");
    }
    for (size_t i = 0; i < N_FATAL; i++)
        if (fatal_signals[i] == sig)
            sigaction(sig, &earlier[i], NULL);
}

static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };

    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < N_FATAL; i++)
        sigaction(fatal_signals[i], &action, &earlier[i]);
}

/* The options of TestSuite() hold where the test itself says nothing. */
static plain_options options_of(const plain_test *test)
{
    plain_options o = test->options;

    for (const plain_test *s = first_test; s; s = s->next) {
        if (s->name || strcmp(s->suite, test->suite) != 0)
            continue;
        o.init = o.init ? o.init : s->options.init;
        o.fini = o.fini ? o.fini : s->options.fini;
        o.signal = o.signal ? o.signal : s->options.signal;
        o.exit_code = o.exit_code ? o.exit_code : s->options.exit_code;
        o.disabled = o.disabled || s->options.disabled;
    }
    return o;
}

typedef enum { PASSED, FAILED, SKIPPED } outcome;

static outcome run_test(const plain_test *test)
{
    const plain_options o = options_of(test);

    if (o.disabled || o.exit_code)
        return SKIPPED;
    atomic_store(&failures, 0);
    running = test;
    awaited_signal = o.signal;
    int left = sigsetjmp(leave_test, 1);
    if (left == 0) {
        if (o.init)
            o.init();
        test->body();
    }
    awaited_signal = 0;
    if (o.signal && left == 0) {
        printf("failed: [%s/%s] ended without signal %d\n", test->suite, test->name, o.signal);
        atomic_fetch_add(&failures, 1);
    }
    if (o.fini && left != LEAVE_BY_SIGNAL && sigsetjmp(leave_test, 1) == 0)
        o.fini();
    running = NULL;
    return atomic_load(&failures) ? FAILED : left == LEAVE_BY_SKIP ? SKIPPED : PASSED;
}

static bool matches(const char *pattern, const plain_test *test)
{
    const char *slash = strchr(pattern, '/');
    const char *parts[] = { pattern, slash ? slash + 1 : "*" };
    size_t lengths[] = { slash ? (size_t)(slash - pattern) : strlen(pattern), strlen(parts[1]) };
    const char *names[] = { test->suite, test->name };

    for (int i = 0; i < 2; i++) {
        size_t n = lengths[i];
        bool open = n > 0 && parts[i][n - 1] == '*';

        n -= open;
        if (strncmp(parts[i], names[i], n) != 0 || (!open && names[i][n]))
            return false;
    }
    return true;
}

static bool chosen(const plain_test *test, int argc, char **argv)
{
    bool any = false, wanted = false;

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '!' && matches(argv[i] + 1, test))
            return false;
        if (argv[i][0] == '-' || argv[i][0] == '!')
            continue;
        any = true;
        wanted = wanted || matches(argv[i], test);
    }
    return wanted || !any;
}

static bool has_option(int argc, char **argv, const char *option)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], option) == 0)
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    const plain_test *x = *(plain_test *const *)a, *y = *(plain_test *const *)b;
    int order = strcmp(x->suite, y->suite);

    return order ? order : strcmp(x->name, y->name);
}

int main(int argc, char **argv)
{
    unsigned counts[3] = { 0 };
    size_t n = 0, k = 0;
    const char *sample = getenv("PLAIN_SAMPLE");
    size_t step = sample && atoi(sample) > 0 ? (size_t)atoi(sample) : 1;

    for (plain_test *t = first_test; t; t = t->next)
        n += t->name && chosen(t, argc, argv);
    const plain_test **tests = calloc(n + 1, sizeof *tests);
    if (!tests)
        return 2;
    for (plain_test *t = first_test; t; t = t->next)
        if (t->name && chosen(t, argc, argv))
            tests[k++] = t;
    qsort(tests, n, sizeof *tests, by_name);

    runner = pthread_self();
    catch_signals();
    for (k = 0; k < n; k += step) {
        if (has_option(argc, argv, "-l") || has_option(argc, argv, "-v"))
            printf("%s/%s\n", tests[k]->suite, tests[k]->name);
        fflush(stdout);
        if (!has_option(argc, argv, "-l"))
            counts[run_test(tests[k])]++;
    }
    free(tests);
    if (!has_option(argc, argv, "-l"))
        printf("%u passed, %u failed, %u skipped\n", counts[PASSED], counts[FAILED],
               counts[SKIPPED]);
    return counts[FAILED] != 0;
}
