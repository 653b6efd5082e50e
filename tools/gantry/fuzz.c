/* fuzz.c - the command `fuzz`: runs random programs everywhere and keeps those that come out wrong.
 *
 * Programs run in child processes, for what is tested may crash or never end; the parent sees how
 * far a child came, reports and saves what it died of or found, and goes on with another one. */
#define _DEFAULT_SOURCE
#include "fuzz.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_JOBS = 64, SECONDS = 10 /* of one program */, REPORT_SECONDS = 20,
    TRIAL_SECONDS = 1, REDUCE_SECONDS = 40 /* of one trial, and of all for one program */,
    MOVED_BYTES = 112 /* that slots are larger, to see whether addresses matter */,
    FOUND = 10 /* exit status of a child */, FAILED = 11, TEXT = 1024
};

typedef struct fuzz_options {
    uint64_t seed, count;
    double seconds;
    fuzz_settings settings;
    jit_arch arch;
    fuzz_where where;
    unsigned jobs, findings, reduce;
    bool stats, print, resume;
    const char *log, *note, *save;
} fuzz_options;

typedef enum fuzz_stage { MAKING, EXPECTING, TRYING } fuzz_stage;

/* What a child tells its parent, in memory that both see. */
typedef struct report {
    uint64_t seed;              /* at hand */
    uint64_t done, skipped;     /* programs */
    uint64_t functions;         /* of all of them */
    uint64_t returned, trapped; /* runs */
    fuzz_stage stage;
    fuzz_place place;           /* TRYING */
    unsigned run;
    char what[TEXT];
    fuzz_coverage coverage;
} report;

typedef struct worker {
    pid_t pid;         /* 0: it is through */
    uint64_t next;     /* seed to begin with */
    report *report;
} worker;

typedef struct session {
    const fuzz_options *o;
    uint8_t *heap;
    worker at[MAX_JOBS];
    unsigned running, found;
    double began;
    volatile bool *stop;
} session;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *shared(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        fprintf(stderr, "gantry: no memory\n");
        exit(2);
    }
    return p;
}

/* ---- Children ---- */

/* One program, everywhere. False: r says what is wrong. */
static bool run_program(const session *s, fuzz_bench *b, report *r)
{
    static fuzz_program p;
    static fuzz_expected x;
    fuzz_verdict verdict;

    r->stage = MAKING;
    if (!tool_fuzz_generate(tool_fuzz_engine(b), r->seed, &s->o->settings, s->heap, &r->coverage,
                            &p, r->what, sizeof r->what))
        return false;
    r->functions += jit_module_function_count(p.module);
    r->stage = EXPECTING;
    verdict = tool_fuzz_expect(b, &p, &x, r->what, sizeof r->what);
    r->returned += x.returned;
    r->trapped += x.trapped;
    r->skipped += verdict == FUZZ_SKIPPED;
    if (verdict == FUZZ_SAME)
        r->stage = TRYING;
    for (unsigned m = 0; verdict == FUZZ_SAME && m < tool_fuzz_machines(b); m++)
        for (unsigned level = 0; level < tool_fuzz_levels() && tool_fuzz_takes(b, m, r->seed)
                                 && verdict <= FUZZ_SKIPPED; level++) {
            r->place = (fuzz_place){ m, level };
            verdict = tool_fuzz_try(b, &p, r->place, &x, &r->run, r->what, sizeof r->what);
        }
    jit_module_free(p.module);
    return verdict <= FUZZ_SKIPPED;
}

/* Ends the process after that much of its own time: a loaded machine is no endless program. */
static void limit_time(unsigned seconds)
{
    struct itimerval t = { { 0, 0 }, { (time_t)seconds, 0 } };

    setitimer(ITIMER_PROF, &t, NULL);
}

static void run_child(const session *s, const worker *w)
{
    fuzz_bench *b = tool_fuzz_bench_new(s->heap, s->o->arch, s->o->where);
    report *r = w->report;
    uint64_t end = s->o->count > UINT64_MAX - s->o->seed ? UINT64_MAX : s->o->seed + s->o->count;

    signal(SIGINT, SIG_IGN); /* the parent says when to stop */
    for (r->seed = w->next; r->seed < end && !*s->stop; r->seed += s->o->jobs) {
        limit_time(SECONDS);
        if (!run_program(s, b, r))
            _Exit(FOUND);
        r->done++;
        if (r->done % 16 == 0 && now() - s->began > s->o->seconds)
            break;
    }
    limit_time(0);
    tool_fuzz_bench_free(b);
    _Exit(0);
}

static pid_t start_child(void)
{
    pid_t child;

    fflush(stdout);
    fflush(stderr);
    while ((child = fork()) < 0)
        if (errno != EAGAIN && errno != EINTR) {
            fprintf(stderr, "gantry: cannot start a process\n");
            exit(2);
        }
    return child;
}

static int wait_for(pid_t child)
{
    int status = 0;

    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

/* What a child's end says of the program it was at; the child itself has written what it found. */
static void explain(int status, char *what, size_t size)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == FOUND)
        return;
    if (!WIFSIGNALED(status))
        snprintf(what, size, "the process ended");
    else if (WTERMSIG(status) == SIGPROF)
        snprintf(what, size, "no end within %d s", SECONDS);
    else
        snprintf(what, size, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
}

/* ---- Reducing and saving ---- */

typedef struct trial {
    const session *s;
    fuzz_place place;
    uint64_t seed;
    uint32_t nargs;
    double deadline;
} trial;

/* The program of a text and one set of arguments. */
static bool read_program(jit_engine *e, const trial *t, const char *text, const jit_bits *args,
                         fuzz_program *p)
{
    p->seed = t->seed;
    p->runs = 1;
    p->nargs = t->nargs;
    memcpy(p->args[0], args, t->nargs * sizeof *args);
    tool_fuzz_image(p->image, t->seed, t->s->heap);
    if (jit_module_read(e, text, strlen(text), &p->module, NULL, NULL) == JIT_OK)
        return true;
    jit_module_free(p->module);
    return false;
}

/* The text with larger slots. */
static char *moved_text(const char *text)
{
    static const char word[] = "explicit_slot ";
    size_t slots = 0, at = 0;

    for (const char *s = text; (s = strstr(s, word)) != NULL; s++)
        slots++;
    size_t size = strlen(text) + 16 * slots + 1;
    char *out = tool_alloc(size, 1);
    for (const char *s; (s = strstr(text, word)) != NULL;) {
        char *end;
        s += sizeof word - 1;
        unsigned long n = strtoul(s, &end, 10);
        at += (size_t)snprintf(out + at, size - at, "%.*s%lu", (int)(s - text), text, n
                               + MOVED_BYTES);
        text = end;
    }
    snprintf(out + at, size - at, "%s", text);
    return out;
}

static void run_trial(const trial *t, const char *text, const jit_bits *args)
{
    static fuzz_program p, moved;
    static fuzz_expected x;
    fuzz_bench *b = tool_fuzz_bench_new(t->s->heap, t->s->o->arch, t->s->o->where);
    char what[TEXT];
    unsigned run;

    tool_fuzz_without_host(b);
    if (!read_program(tool_fuzz_engine(b), t, text, args, &p)
        || tool_fuzz_expect(b, &p, &x, what, sizeof what) != FUZZ_SAME
        || !read_program(tool_fuzz_engine(b), t, moved_text(text), args, &moved)
        || !tool_fuzz_is_settled(b, &p, &moved)) /* a result depends on an address */
        _Exit(0);
    limit_time(TRIAL_SECONDS);
    bool differs = tool_fuzz_try(b, &p, t->place, &x, &run, what, sizeof what) == FUZZ_DIFFERENT;
    _Exit(differs ? FOUND : 0);
}

/* Whether the text still fails at the place: comes out wrong there, crashes or does not end. */
static bool still_fails(void *user, const char *text, const jit_bits *args)
{
    const trial *t = user;
    pid_t child;

    if (now() > t->deadline)
        return false;
    child = start_child();
    if (child == 0)
        run_trial(t, text, args);
    int status = wait_for(child);
    return WIFSIGNALED(status) || WEXITSTATUS(status) == FOUND;
}

/* The run line that the interpreter answers; false: it has none. */
static bool write_run_line(FILE *f, fuzz_bench *b, const fuzz_program *p)
{
    static fuzz_expected x;
    const jit_func *last = jit_module_function_at(p->module,
                                                  jit_module_function_count(p->module) - 1);
    const jit_signature *sig = jit_func_signature(last);
    char text[256], results[FUZZ_RESULTS * 64 + 64];
    jit_bits bits[FUZZ_RESULTS + 1];

    if (tool_fuzz_expect(b, p, &x, text, sizeof text) != FUZZ_SAME || p->runs == 0)
        return false;
    fprintf(f, "; run: %s(", jit_func_name(last));
    for (uint32_t k = 0; k < sig->nparams; k++) {
        jit_text_print_value(JIT_PARAM_TYPE(sig->params[k]), p->args[0][k].at, text, sizeof text);
        fprintf(f, "%s%s", k ? ", " : "", text);
    }
    if (x.answer[0].trapped) {
        fprintf(f, ") traps %s\n", jit_trap_name(x.answer[0].trap));
        return true;
    }
    memset(bits, 0, sizeof bits);
    for (uint32_t k = 0; k < sig->nresults && k < FUZZ_RESULTS; k++)
        memcpy(bits[k].at, &x.answer[0].results[k], sizeof x.answer[0].results[k]);
    tool_print_values(results, sizeof results, sig, bits);
    fprintf(f, ") == %s\n", results);
    return true;
}

static void write_command(FILE *f, const fuzz_options *o, uint64_t seed)
{
    fprintf(f, "gantry fuzz --seed %" PRIu64 " --count 1", seed);
    if (o->settings.traps)
        fprintf(f, " --traps");
    if (o->settings.size != 100)
        fprintf(f, " --size %u", o->settings.size);
}

/* Whether `gantry test` fails on the file; it says nothing. */
static bool test_fails(const char *path, const char *level, bool emulated)
{
    char *args[] = { (char *)(uintptr_t)path };
    options o;
    pid_t child = start_child();

    if (child == 0) {
        memset(&o, 0, sizeof o);
        o.level = (jit_level)(JIT_O0 + (level[2] - '0'));
        o.emulate = emulated;
        o.args = args;
        o.nargs = 1;
        if (!freopen("/dev/null", "w", stdout))
            _Exit(FAILED);
        _Exit(tool_test(&o));
    }
    int status = wait_for(child);
    return WIFSIGNALED(status) || WEXITSTATUS(status) == 1 || WEXITSTATUS(status) == 2;
}

/* The program as text that needs no host, its arguments in args; NULL: it does not fail so. */
static char *wrapped(trial *t, fuzz_program *p, unsigned run, jit_bits *args)
{
    char *text;

    if (!tool_fuzz_wrap(p))
        return NULL;
    t->nargs = p->nargs;
    memcpy(args, p->args[run < FUZZ_RUNS ? run : 0], p->nargs * sizeof *args);
    char *printed = jit_module_print(p->module, NULL);
    text = printed ? tool_text(printed, strlen(printed)) : NULL;
    jit_string_free(tool_engine(), printed);
    if (text && still_fails(t, text, args))
        return text;
    free(text);
    return NULL;
}

/* Writes the program that was at hand into a file, as small as it gets. */
static void save(session *s, const report *r, const char *target, const char *level, bool emulated)
{
    static fuzz_program p;
    static fuzz_coverage unused;
    fuzz_bench *b = tool_fuzz_bench_new(s->heap, s->o->arch, s->o->where);
    const double reduce_seconds = REDUCE_SECONDS;
    trial t = { s, r->place, r->seed, 0, now() + reduce_seconds };
    jit_bits args[FUZZ_PARAMS];
    char path[512], why[TEXT], *text, *small;

    if (!tool_fuzz_generate(tool_engine(), r->seed, &s->o->settings, s->heap, &unused, &p, why,
                            sizeof why))
        return;
    snprintf(path, sizeof path, "%s/fuzz-%" PRIu64 "%s-%.7s%s.clif", s->o->save, r->seed, level,
             target, emulated ? "-emulated" : "");
    char *whole = jit_module_print(p.module, NULL);
    text = wrapped(&t, &p, r->run, args);
    jit_module_free(p.module);
    small = text ? tool_fuzz_reduce(text, args, s->o->reduce, still_fails, &t) : NULL;
    FILE *f = fopen(path, "w");
    if (!f) {
        printf("    cannot write %s\n", path);
        return;
    }
    fprintf(f, "; %s\n; found by ", r->what);
    write_command(f, s->o, r->seed);
    tool_fuzz_variant_lines(r->seed, why, sizeof why);
    fprintf(f, "\n; fails by gantry test %s%s\ntest run\n%starget %s\n\n", level,
            emulated ? " --emulate" : "", why, target);
    fprintf(f, "%s", small ? small : whole);
    bool good = small && read_program(tool_engine(), &t, small, args, &p)
        && write_run_line(f, b, &p);
    fclose(f);
    printf("    %s%s\n", path, !good ? ": fails only with its host, by the command in it"
           : test_fails(path, level, emulated) ? "" : ": gantry test finds nothing wrong with it");
    jit_string_free(tool_engine(), whole);
    free(text);
    free(small);
    tool_fuzz_bench_free(b);
}

/* ---- The parent ---- */

static void report_finding(session *s, worker *w, int status)
{
    report *r = w->report;
    bool emulated = false;

    explain(status, r->what, sizeof r->what);
    s->found++;
    if (r->stage != TRYING) {
        printf("seed %" PRIu64 ": %s: %s\n", r->seed,
               r->stage == MAKING ? "making it" : "interpreting it", r->what);
        return;
    }
    fuzz_bench *b = tool_fuzz_bench_new(s->heap, s->o->arch, s->o->where);
    const char *target = tool_fuzz_target(b, r->place.machine, &emulated);
    const char *level = tool_fuzz_level(r->place.level);
    printf("seed %" PRIu64 ": [%s %s%s] %s (after %.1f s)\n", r->seed, target, level,
           emulated ? " emulated" : "", r->what, now() - s->began);
    if (s->o->reduce > 0)
        save(s, r, target, level, emulated);
    tool_fuzz_bench_free(b);
    fflush(stdout);
}

static void start_worker(session *s, worker *w)
{
    w->pid = start_child();
    if (w->pid == 0)
        run_child(s, w);
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static uint64_t total_done(const session *s)
{
    uint64_t done = 0;

    for (unsigned k = 0; k < s->o->jobs; k++)
        done += s->at[k].report->done;
    return done;
}

/* Waits until a child ends, or for a second; the child, or NULL. */
static worker *next_end(session *s, int *status)
{
    for (;;) {
        for (unsigned k = 0; k < s->o->jobs; k++) {
            pid_t pid = s->at[k].pid;
            if (pid > 0 && waitpid(pid, status, WNOHANG) == pid)
                return &s->at[k];
        }
        struct timespec t = { 0, 20000000 };
        nanosleep(&t, NULL);
        if (interrupted)
            *s->stop = true;
        return NULL;
    }
}

static void supervise(session *s)
{
    const double every = REPORT_SECONDS;
    double next_report = now() + every;
    int status;

    for (unsigned k = 0; k < s->o->jobs; k++)
        start_worker(s, &s->at[k]);
    s->running = s->o->jobs;
    while (s->running > 0) {
        worker *w = next_end(s, &status);
        if (now() > next_report) {
            printf("%" PRIu64 " programs, at seed %" PRIu64 ", %.0f/s\n", total_done(s),
                   s->at[0].report->seed, (double)total_done(s) / (now() - s->began));
            fflush(stdout);
            next_report = now() + every;
        }
        if (!w)
            continue;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
            w->pid = 0;
            s->running--;
            continue;
        }
        report_finding(s, w, status);
        *s->stop = *s->stop || s->found >= s->o->findings;
        w->report->done++;
        w->next = w->report->seed + s->o->jobs;
        start_worker(s, w);
    }
}

static fuzz_coverage *sum_coverage(const session *s)
{
    fuzz_coverage *sum = tool_alloc(1, sizeof *sum);
    uint32_t *to = (uint32_t *)(void *)sum;

    for (unsigned k = 0; k < s->o->jobs; k++) {
        const uint32_t *from = (const uint32_t *)(const void *)&s->at[k].report->coverage;
        for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
            to[i] += from[i];
    }
    return sum;
}

static void print_program(const fuzz_options *o, const uint8_t *heap)
{
    static fuzz_program p;
    static fuzz_coverage unused;
    char why[TEXT];

    if (!tool_fuzz_generate(tool_engine(), o->seed, &o->settings, heap, &unused, &p, why,
                            sizeof why)) {
        printf("%s\n", why);
        return;
    }
    char *text = jit_module_print(p.module, NULL);
    printf("%s", text ? text : "");
    jit_string_free(tool_engine(), text);
    jit_module_free(p.module);
}

static int run(fuzz_options *o)
{
    static session s;
    static const char *const places[] = { "", "native", "emulated", "all" };
    fuzz_campaign log = { o->log, o->note, places[o->where], o->settings, 0, 0, 0, 0, 0 };
    uint64_t total = 0, skipped = 0, returned = 0, trapped = 0;
    unsigned missing = 0;

    s.o = o;
    s.heap = tool_fuzz_heap();
    s.stop = shared(sizeof *s.stop);
    if (!s.heap) {
        fprintf(stderr, "gantry: no memory\n");
        return 2;
    }
    if (o->resume && o->log)
        o->seed = tool_fuzz_log_next(&log, &total);
    if (o->print) {
        print_program(o, s.heap);
        return 0;
    }
    for (unsigned k = 0; k < o->jobs; k++) {
        s.at[k].report = shared(sizeof(report));
        s.at[k].next = o->seed + k;
    }
    printf("seed %" PRIu64 "\n", o->seed);
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    s.began = now();
    supervise(&s);
    double seconds = now() - s.began;
    for (unsigned k = 0; k < o->jobs; k++) {
        skipped += s.at[k].report->skipped;
        returned += s.at[k].report->returned;
        trapped += s.at[k].report->trapped;
    }
    if (o->stats) {
        fuzz_coverage *sum = sum_coverage(&s);
        missing = tool_fuzz_coverage(sum, true);
        free(sum);
    }
    log.first = o->seed;
    log.done = total_done(&s);
    for (unsigned k = 0; k < o->jobs; k++)
        log.functions += s.at[k].report->functions;
    log.found = s.found;
    log.seconds = seconds;
    if (o->log && !tool_fuzz_log_add(&log))
        fprintf(stderr, "gantry: cannot write %s\n", o->log);
    printf("%" PRIu64 " programs, %" PRIu64 " functions in %.1f s (%.0f/s); runs: %" PRIu64
           " returned, %" PRIu64 " trapped; the next seed is %" PRIu64 "\n", log.done,
           log.functions, seconds, (double)log.functions / seconds, returned, trapped,
           o->seed + log.done);
    if (o->log && o->resume)
        printf("%" PRIu64 " functions in all by %s\n", total + log.functions, o->log);
    printf("%" PRIu64 " passed, %u failed, %" PRIu64 " skipped\n", log.done - skipped - s.found,
           s.found + missing, skipped);
    return s.found + missing > 0;
}

/* ---- Options ---- */

static const char usage[] =
    "usage: gantry fuzz [OPTION]...\n"
    "  --seed N --count M --seconds S   which programs; the seed is the first one's (1)\n"
    "  --traps --size PERCENT           programs that may trap; their size\n"
    "  --target ARCH --native --emulated  where they run; everywhere unless told\n"
    "  --jobs N --findings N            processes (1); how many findings are enough (3)\n"
    "  --save DIR --reduce TRIALS       where findings go (.), how long to reduce; 0: nowhere\n"
    "  --log FILE --note TEXT --continue  add a row to a log; go on behind its last one\n"
    "  --stats --print                  what was generated; show the program of the seed\n";

typedef struct flag { const char *name; bool value; } flag;
static const flag flags[] = {
    { "--seed", true }, { "--count", true }, { "--seconds", true }, { "--size", true },
    { "--jobs", true }, { "--findings", true }, { "--reduce", true }, { "--save", true },
    { "--log", true }, { "--note", true },
    { "--target", true }, { "--traps", false }, { "--native", false }, { "--emulated", false },
    { "--stats", false }, { "--print", false }, { "--continue", false }
};

static bool set_option(fuzz_options *o, const char *name, const char *value)
{
    char *end = NULL;
    uint64_t n = value ? strtoull(value, &end, 10) : 0;
    bool number = end && end != value && *end == 0;

    switch (name[2]) {
    case 's':
        if (strcmp(name, "--seconds") == 0) {
            o->seconds = strtod(value, &end);
            return end != value && *end == 0;
        }
        if (strcmp(name, "--save") == 0)
            return (o->save = value) != NULL;
        if (strcmp(name, "--stats") == 0)
            return o->stats = true;
        if (strcmp(name, "--size") == 0)
            return number && n > 0 && n <= 2000 && (o->settings.size = (unsigned)n) > 0;
        o->seed = n;
        return number;
    case 'c':
        if (!value)
            return o->resume = true;
        o->count = n;
        return number;
    case 't':
        if (!value)
            return o->settings.traps = true;
        o->arch = strcmp(value, "x86_64") == 0 ? JIT_ARCH_X86_64
                  : strcmp(value, "aarch64") == 0 ? JIT_ARCH_AARCH64 : JIT_ARCH_HOST;
        return o->arch != JIT_ARCH_HOST;
    case 'n':
        if (!value)
            return (o->where = FUZZ_NATIVE) != 0;
        return (o->note = value) != NULL;
    case 'j':
        return number && n > 0 && n <= MAX_JOBS && (o->jobs = (unsigned)n) > 0;
    case 'f':
        return number && n > 0 && n < UINT32_MAX && (o->findings = (unsigned)n) > 0;
    case 'r':
        o->reduce = (unsigned)n;
        return number && n < UINT32_MAX;
    case 'l': return (o->log = value) != NULL;
    case 'p': return o->print = true;
    default: return (o->where = FUZZ_EMULATED) != 0;
    }
}

int tool_fuzz(int argc, char **argv)
{
    fuzz_options o = { .seed = 1, .count = UINT64_MAX, .seconds = 1e18, .settings = { false, 100 },
                       .where = FUZZ_ANYWHERE, .jobs = 1, .findings = 3, .reduce = 3000,
                       .note = "-", .save = "." };
    int status;

    for (int k = 0; k < argc; k++) {
        const flag *f = NULL;
        if (strcmp(argv[k], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
            if (strcmp(argv[k], flags[i].name) == 0)
                f = &flags[i];
        if (!f || (f->value && k + 1 == argc)
            || !set_option(&o, f->name, f->value ? argv[k + 1] : NULL)) {
            fprintf(stderr, "gantry: this makes no sense here: %s%s%s\n%s", argv[k],
                    f && k + 1 < argc ? " " : "", f && k + 1 < argc ? argv[k + 1] : "", usage);
            return 2;
        }
        k += f->value;
    }
    status = run(&o);
    tool_engine_end();
    return status;
}
