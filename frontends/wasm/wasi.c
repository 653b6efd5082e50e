/* wasi.c - WASI preview 1: what a program is given, clocks, randomness, waiting, exit; and its
 * functions as imports. */
#define _GNU_SOURCE
#include "wasi.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

wasi_error gw_wasi_error(int e)
{
    switch (e) {
    case 0: return WASI_OK;
#define X(name, number) case E##name: return number;
    GW_WASI_ERRORS(X)
#undef X
    default: return WASI_IO;
    }
}

/* ---- What the program is given ---- */

wasi *gantry_wasm_wasi_new(void)
{
    wasi *w = calloc(1, sizeof *w);
    struct stat s;

    for (int fd = 0; w && fd < 3; fd++) {
        uint8_t type = fstat(fd, &s) == 0 ? gw_wasi_filetype(s.st_mode) : WASI_UNKNOWN;
        uint64_t rights = fd == 0 ? WASI_RIGHT_READ : WASI_RIGHT_WRITE;
        /* a terminal may not be told a position: that is how C libraries know one */
        rights |= type == WASI_CHAR ? 0 : WASI_RIGHTS_ALL & ~(WASI_RIGHT_READ | WASI_RIGHT_WRITE);
        uint32_t number = gw_wasi_add_fd(w, fd, type, rights, 0);
        if (number == ~0u) {
            gantry_wasm_wasi_delete(w);
            return NULL;
        }
        w->fds[number].borrowed = true;
    }
    return w;
}

static void free_strings(char **list, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        free(list[k]);
    free(list);
}

void gantry_wasm_wasi_delete(wasi *w)
{
    if (!w)
        return;
    for (uint32_t k = 0; k < w->nfds; k++)
        if (w->fds[k].host >= 0)
            gw_wasi_drop_fd(&w->fds[k]);
    free(w->fds);
    free_strings(w->args, w->nargs);
    free_strings(w->env, w->nenv);
    free(w);
}

static bool add_string(char ***list, uint32_t *n, const char *s)
{
    char **more = realloc(*list, (*n + (size_t)1) * sizeof *more);

    if (more)
        *list = more;
    if (!more || !(more[*n] = strdup(s)))
        return false;
    ++*n;
    return true;
}

bool gantry_wasm_wasi_arg(wasi *w, const char *arg)
{
    return add_string(&w->args, &w->nargs, arg);
}

bool gantry_wasm_wasi_env(wasi *w, const char *name_value)
{
    return add_string(&w->env, &w->nenv, name_value);
}

bool gantry_wasm_wasi_dir(wasi *w, const char *guest, const char *host)
{
    int fd = open(host, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint32_t number =
        fd >= 0 ? gw_wasi_add_fd(w, fd, WASI_DIRECTORY, WASI_RIGHTS_ALL, WASI_RIGHTS_ALL) : ~0u;
    char *name = number != ~0u ? strdup(guest) : NULL;

    if (!name) {
        if (number != ~0u)
            gw_wasi_drop_fd(&w->fds[number]);
        else if (fd >= 0)
            close(fd);
        return false;
    }
    w->fds[number].preopened = name;
    return true;
}

void gantry_wasm_wasi_bind(wasi *w, wasm_memory_t *m)
{
    w->memory = m ? ((wasm_ref_t *)m)->object : NULL;
}

bool gantry_wasm_wasi_exited(const wasi *w, uint32_t *code)
{
    *code = w->exit_code;
    return w->exited;
}

/* ---- Arguments and environment ---- */

static wasi_error put_strings(const wasi *w, char **list, uint32_t n, uint32_t pointers,
                              uint32_t bytes)
{
    for (uint32_t k = 0; k < n; k++) {
        uint32_t size = (uint32_t)strlen(list[k]) + 1;
        void *at = wasi_at(w, bytes, size);
        if (!at || !wasi_put32(w, pointers + 4 * k, bytes))
            return WASI_FAULT;
        memcpy(at, list[k], size);
        bytes += size;
    }
    return WASI_OK;
}

static wasi_error put_sizes(const wasi *w, char **list, uint32_t n, uint32_t count, uint32_t total)
{
    uint32_t bytes = 0;

    for (uint32_t k = 0; k < n; k++)
        bytes += (uint32_t)strlen(list[k]) + 1;
    return wasi_put32(w, count, n) && wasi_put32(w, total, bytes) ? WASI_OK : WASI_FAULT;
}

wasi_error gw_wasi_args_get(wasi *w, const gw_val *a)
{
    return put_strings(w, w->args, w->nargs, a[0].i32, a[1].i32);
}

wasi_error gw_wasi_args_sizes_get(wasi *w, const gw_val *a)
{
    return put_sizes(w, w->args, w->nargs, a[0].i32, a[1].i32);
}

wasi_error gw_wasi_environ_get(wasi *w, const gw_val *a)
{
    return put_strings(w, w->env, w->nenv, a[0].i32, a[1].i32);
}

wasi_error gw_wasi_environ_sizes_get(wasi *w, const gw_val *a)
{
    return put_sizes(w, w->env, w->nenv, a[0].i32, a[1].i32);
}

/* ---- Clocks, randomness ---- */

static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID,
                                    CLOCK_THREAD_CPUTIME_ID };

static uint64_t nanoseconds(struct timespec t)
{
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

wasi_error gw_wasi_clock_res_get(wasi *w, const gw_val *a)
{
    struct timespec t;

    if (a[0].i32 > 3 || clock_getres(clocks[a[0].i32], &t) < 0)
        return WASI_INVAL;
    return wasi_put64(w, a[1].i32, nanoseconds(t)) ? WASI_OK : WASI_FAULT;
}

wasi_error gw_wasi_clock_time_get(wasi *w, const gw_val *a)
{
    struct timespec t;

    if (a[0].i32 > 3 || clock_gettime(clocks[a[0].i32], &t) < 0)
        return WASI_INVAL;
    return wasi_put64(w, a[2].i32, nanoseconds(t)) ? WASI_OK : WASI_FAULT;
}

wasi_error gw_wasi_random_get(wasi *w, const gw_val *a)
{
    uint8_t *at = wasi_at(w, a[0].i32, a[1].i32);
    size_t done = 0;

    if (!at)
        return WASI_FAULT;
    while (done < a[1].i32) {
        ssize_t n = getrandom(at + done, a[1].i32 - done, 0);
        if (n < 0 && errno != EINTR)
            return gw_wasi_error(errno);
        done += n > 0 ? (size_t)n : 0;
    }
    return WASI_OK;
}

wasi_error gw_wasi_sched_yield(wasi *w, const gw_val *a)
{
    (void)w;
    (void)a;
    sched_yield();
    return WASI_OK;
}

/* ---- Waiting ---- */

enum { SUB_CLOCK, SUB_READ, SUB_WRITE };
enum { SUB_BYTES = 48, EVENT_BYTES = 32, MOST_SUBS = 4096 };

/* Nanoseconds from now until a clock's subscription is due. */
static uint64_t time_left(const uint8_t *sub)
{
    uint32_t clock = wasi_u32(sub + 16);
    uint64_t timeout = wasi_u64(sub + 24), now;
    struct timespec t;

    if (!(sub[40] & 1))
        return timeout;
    if (clock > 3 || clock_gettime(clocks[clock], &t) < 0)
        return 0;
    now = nanoseconds(t);
    return timeout > now ? timeout - now : 0;
}

/* After a wait of so many nanoseconds. */
static bool is_due(const uint8_t *sub, uint64_t waited)
{
    return sub[40] & 1 ? time_left(sub) == 0 : wasi_u64(sub + 24) <= waited;
}

static void put_event(uint8_t *at, const uint8_t *sub, wasi_error e)
{
    uint16_t error = (uint16_t)e;
    uint64_t ready = sub[8] == SUB_CLOCK ? 0 : 1;

    memset(at, 0, EVENT_BYTES);
    memcpy(at, sub, 8);
    memcpy(at + 8, &error, sizeof error);
    at[10] = sub[8];
    memcpy(at + 16, &ready, sizeof ready);
}

/* Waits as the n subscriptions say; what came of each stands in polls, how long the shortest clock
 * was in *least. */
static wasi_error wait_for(wasi *w, const uint8_t *subs, uint32_t n, struct pollfd *polls,
                           uint64_t *least)
{
    struct timespec t, *limit = NULL;

    *least = UINT64_MAX;
    for (uint32_t k = 0; k < n; k++) {
        const uint8_t *sub = subs + k * SUB_BYTES;
        const wasi_fd *f = sub[8] == SUB_CLOCK ? NULL : gw_wasi_fd(w, wasi_u32(sub + 16));
        polls[k] = (struct pollfd){ .fd = -1 };
        if (sub[8] == SUB_CLOCK) {
            uint64_t left = time_left(sub);
            *least = left < *least ? left : *least;
        } else if (sub[8] > SUB_WRITE) {
            return WASI_INVAL;
        } else if (!f) {
            *least = 0; /* an error to be told at once */
        } else {
            polls[k].fd = f->host;
            polls[k].events = sub[8] == SUB_READ ? POLLIN : POLLOUT;
        }
    }
    if (*least != UINT64_MAX) {
        t.tv_sec = (time_t)(*least / 1000000000u);
        t.tv_nsec = (long)(*least % 1000000000u);
        limit = &t;
    }
    if (ppoll(polls, n, limit, NULL) < 0 && errno != EINTR)
        return gw_wasi_error(errno);
    return WASI_OK;
}

wasi_error gw_wasi_poll_oneoff(wasi *w, const gw_val *a)
{
    uint32_t n = a[2].i32, done = 0;
    uint8_t *in = wasi_at(w, a[0].i32, (uint64_t)n * SUB_BYTES),
            *out = wasi_at(w, a[1].i32, (uint64_t)n * EVENT_BYTES);
    uint64_t least;
    uint8_t *subs;
    struct pollfd *polls;
    wasi_error e;
    bool any = false;

    if (!in || !out)
        return WASI_FAULT;
    if (n == 0 || n > MOST_SUBS)
        return WASI_INVAL;
    subs = malloc(n * (size_t)SUB_BYTES); /* the two lists may overlap */
    polls = malloc(n * sizeof *polls);
    e = subs && polls ? WASI_OK : WASI_NOMEM;
    if (e == WASI_OK) {
        memcpy(subs, in, n * (size_t)SUB_BYTES);
        e = wait_for(w, subs, n, polls, &least);
    }
    for (uint32_t k = 0; e == WASI_OK && k < n; k++)
        any = any || polls[k].revents != 0
              || (subs[k * SUB_BYTES + 8] != SUB_CLOCK && polls[k].fd < 0);
    for (uint32_t k = 0; e == WASI_OK && k < n; k++) {
        const uint8_t *sub = subs + k * SUB_BYTES;
        /* a clock is due when nothing else ended the wait; one on the way has time left still */
        if (sub[8] == SUB_CLOCK ? !any && is_due(sub, least)
                                : polls[k].revents != 0 || polls[k].fd < 0)
            put_event(out + EVENT_BYTES * done++, sub,
                      sub[8] != SUB_CLOCK && polls[k].fd < 0 ? WASI_BADF : WASI_OK);
    }
    free(subs);
    free(polls);
    if (e != WASI_OK)
        return e;
    return wasi_put32(w, a[3].i32, done) ? WASI_OK : WASI_FAULT;
}

/* ---- As imports ---- */

typedef wasi_error (*wasi_fn)(wasi *w, const gw_val *args);
typedef struct bound {
    wasi *w;
    wasi_fn fn;
} bound;

static const struct row {
    const char *name, *params; /* i: i32, I: i64 */
    wasi_fn fn;
} rows[] = {
#define X(name, params) { #name, params, gw_wasi_##name },
    GW_WASI_FUNCTIONS(X)
#undef X
};

static gw_trap *enter(void *user, gw_store *s, const gw_val *args, gw_val *results)
{
    const bound *b = user;

    (void)s;
    results[0].i32 = b->fn(b->w, args);
    return NULL;
}

static gw_trap *proc_exit(void *user, gw_store *s, const gw_val *args, gw_val *results)
{
    const bound *b = user;

    (void)s;
    (void)results;
    b->w->exited = true;
    b->w->exit_code = args[0].i32;
    return gw_trap_new(0, "exit", 4);
}

/* For what is not there: all results are the number of "no such call". */
static gw_trap *not_there(void *user, gw_store *s, const gw_val *args, gw_val *results)
{
    const gw_sigtype *t = user;

    (void)s;
    (void)args;
    for (uint32_t k = 0; k < t->nresults; k++)
        results[k].i64 = t->types[t->nparams + k] == GW_I32 ? WASI_NOSYS : 0;
    return NULL;
}

static gw_sigtype *type_of(gw_engine *e, const char *params, bool has_result)
{
    static const gw_type result = GW_I32;
    gw_type types[16];
    gw_functype f = { types, &result, 0, has_result, 0 };

    for (; params[f.nparams]; f.nparams++)
        types[f.nparams] = params[f.nparams] == 'i' ? GW_I32 : GW_I64;
    return gw_engine_type(e, &f);
}

static gw_funcref *bind(wasi *w, gw_store *s, gw_sigtype *type, wasi_fn fn)
{
    bound *b = type ? malloc(sizeof *b) : NULL;
    gw_funcref *ref = NULL;

    if (b) {
        b->w = w;
        b->fn = fn;
        ref = gw_func_host(s, type, fn ? enter : proc_exit, b, free);
        if (!ref)
            free(b);
    }
    return ref;
}

static gw_sigtype *wanted_type(gw_engine *e, const wasm_externtype_t *want)
{
    const wasm_functype_t *t = wasm_externtype_as_functype_const(want);
    const wasm_valtype_vec_t *p = wasm_functype_params(t), *r = wasm_functype_results(t);
    gw_type types[64];
    gw_functype f = { types, types + 32, (uint32_t)p->size, (uint32_t)r->size, 0 };

    if (p->size > 32 || r->size > 32)
        return NULL;
    for (size_t k = 0; k < p->size; k++)
        types[k] = gw_api_type(wasm_valtype_kind(p->data[k]));
    for (size_t k = 0; k < r->size; k++)
        types[32 + k] = gw_api_type(wasm_valtype_kind(r->data[k]));
    return gw_engine_type(e, &f);
}

wasm_extern_t *gantry_wasm_wasi_import(wasi *w, wasm_store_t *s, const wasm_importtype_t *want)
{
    const wasm_name_t *module = wasm_importtype_module(want), *name = wasm_importtype_name(want);
    gw_engine *e = s->store->engine;
    gw_funcref *ref = NULL;
    gw_sigtype *type;
    bool found = false;

    if (module->size != 22 || memcmp(module->data, "wasi_snapshot_preview1", 22) != 0
        || wasm_externtype_kind(wasm_importtype_type(want)) != WASM_EXTERN_FUNC)
        return NULL;
    if (name->size == 9 && memcmp(name->data, "proc_exit", 9) == 0) {
        ref = bind(w, s->store, type_of(e, "i", false), NULL);
        found = true;
    }
    for (size_t k = 0; k < sizeof rows / sizeof *rows && !found; k++)
        if (strlen(rows[k].name) == name->size
            && memcmp(rows[k].name, name->data, name->size) == 0) {
            ref = bind(w, s->store, type_of(e, rows[k].params, true), rows[k].fn);
            found = true;
        }
    if (!found && (type = wanted_type(e, wasm_importtype_type(want))) != NULL)
        ref = gw_func_host(s->store, type, not_there, type, NULL);
    return (wasm_extern_t *)gw_api_handle(s, GW_H_FUNC, ref);
}
