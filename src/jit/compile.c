/* compile.c - the pipeline on one screen: verify, optimize, hand to the back end. */
#include "jit/engine.h"
#include "opt/passes.h"
#include <stdio.h>
#include <string.h>

jit_ctx *jit_ctx_new(jit_engine *e)
{
    if (!e)
        return NULL;
    jit_ctx *c = e->pool_host.alloc(e->pool_host.user, sizeof *c);
    if (!c)
        return NULL;
    memset(c, 0, sizeof *c);
    c->engine = e;
    c->host = jit_engine_account(&c->owner, e, "context", c);
    jit_arena_init(&c->tmp, &c->host, &c->fail);
    c->tmp.recycles = true;
    jit_strbuf_init(&c->listing, &c->host);
    return c;
}

void jit_ctx_free(jit_ctx *c)
{
    if (!c)
        return;
    jit_arena_free(&c->tmp);
    jit_strbuf_free(&c->listing);
    const jit_allocator *host = &c->engine->pool_host;
    host->free(host->user, c, sizeof *c);
}

static bool read_settings(jit_settings *to, const jit_settings *from)
{
    memset(to, 0, sizeof *to);
    if (!from)
        return true;
    if (from->size == 0 || from->size > sizeof *to || from->level > JIT_O3)
        return false;
    memcpy(to, from, from->size);
    return true;
}

static jit_status refuse(jit_ctx *c, jit_status status, const char *text)
{
    snprintf(c->message, sizeof c->message, "%s", text);
    return status;
}

jit_status jit_ctx_configure(jit_ctx *c, const jit_settings *s)
{
    jit_settings read;

    if (!c)
        return JIT_ERR_ARG;
    if (!read_settings(&read, s))
        return refuse(c, JIT_ERR_ARG, "settings of an unknown size or level");
    c->settings = read;
    return JIT_OK;
}

const char *jit_error_message(const jit_ctx *c)
{
    return c->message;
}

void jit_ctx_get_stats(const jit_ctx *c, jit_stats *s) { *s = c->stats; }
void jit_ctx_time_stages(jit_ctx *c, bool on) { c->time_stages = on; }

/* ---- The pipeline ---- */

typedef struct job {
    jit_ctx *c;
    const jit_func *f;
    jit_settings s;
    jit_unit *u;
    uint64_t since;
} job;

static void stage(job *j, uint64_t *total)
{
    if (j->c->time_stages) {
        uint64_t now = jit_os_clock_ns();
        *total += now - j->since;
        j->since = now;
    }
}

/* The first fault found is the one that is told. */
static void note_fault(void *user, const jit_diagnostic *d)
{
    job *j = user;

    if (j->c->fail.message[0])
        return;
    snprintf(j->c->fail.message, sizeof j->c->fail.message, "%s%s%s",
             d->instruction ? d->instruction : "", d->instruction ? ": " : "", d->text);
}

static void verify(job *j)
{
    fail_ctx *fail = &j->c->fail;
    const char *message;
    jit_status status = jit_func_error(j->f, &message);

    if (status != JIT_OK)
        jit_fail(fail, status, "%s", message);
    if ((j->s.no_verify && !(j->s.checks & JIT_CHECK_IR))
        || __atomic_load_n(&j->f->verified, __ATOMIC_ACQUIRE))
        return;
    /* Only the stamp changes. */
    status = jit_func_verify((jit_func *)(uintptr_t)j->f, note_fault, j);
    if (status != JIT_OK) {
        char text[sizeof fail->message];
        memcpy(text, fail->message, sizeof text);
        jit_fail(fail, status, "%s", text[0] ? text : "the IR is not valid");
    }
}

/* What the mid-end made of a sound function has to be sound, too. */
static void check_optimized(job *j, const jit_func *made)
{
    fail_ctx *fail = &j->c->fail;

    if (made == j->f || !(j->s.checks & JIT_CHECK_IR))
        return;
    jit_func again = *made; /* the verifier stamps what it is given; all else it only reads */
    again.verified = false;
    jit_status status = jit_func_verify(&again, note_fault, j);
    if (status != JIT_OK)
        jit_fail(fail, status == JIT_ERR_VERIFY ? JIT_ERR_MISCOMPILE : status,
                 "after the mid-end: %s", fail->message);
}

/* f, each instruction of which has its number as source position: so the mid-end passes it on. */
static const jit_func *with_numbers(const jit_func *f, arena *tmp)
{
    jit_func *g = ARENA_NEW(tmp, jit_func);
    uint32_t n = inst_count(f);

    *g = *f;
    g->srcpos.at = ARENA_ARRAY_RAW(tmp, uint32_t, n);
    g->srcpos.len = g->srcpos.cap = n;
    for (uint32_t k = 0; k < n; k++)
        g->srcpos.at[k] = k;
    return g;
}

static void compile_body(void *arg)
{
    job *j = arg;
    jit_ctx *c = j->c;
    jit_engine *e = c->engine;
    jit_settings *s = &j->s;

    c->fail.func = j->f;
    c->fail.inst = 0;
    verify(j);
    stage(j, &c->stats.verify_ns);
    if (s->limits.instructions && inst_count(j->f) > s->limits.instructions)
        jit_fail(&c->fail, JIT_ERR_LIMIT, "%u instructions, at most %llu", inst_count(j->f),
                 (unsigned long long)s->limits.instructions);
    if (s->limits.cancel && s->limits.cancel(s->limits.cancel_user))
        jit_fail(&c->fail, JIT_ERR_CANCELLED, "cancelled by the host");
    if (s->level == JIT_LEVEL_DEFAULT)
        s->level = JIT_O2;

    if (s->accountable)
        j->f = with_numbers(j->f, &c->tmp);
    ir_cfg cfg;
    jit_cfg_compute(&cfg, j->f, &c->tmp);
    stage(j, &c->stats.analyse_ns);
    const jit_func *f = jit_opt_pipeline(j->f, s, &cfg, &c->tmp);
    stage(j, &c->stats.opt_ns);
    check_optimized(j, f);
    stage(j, &c->stats.verify_ns);

    mach_job m = { .f = f, .cfg = &cfg, .target = e->target, .settings = s, .features = e->features,
                   .fast = s->level == JIT_O0, .time = c->time_stages, .tmp = &c->tmp,
                   .numbered = s->accountable ? inst_count(j->f) : 0,
                   .entered = j->f->blocks.at[j->f->layout.at[0]].first,
                   .listing = s->keep_asm ? &c->listing : NULL, .stats = &c->stats,
                   .clock = jit_os_clock_ns };
    jit_mach_compile(&m);
    j->u->code = m.code;
    j->u->map = m.map;
    j->u->symbols = m.symbols;
    j->u->nsymbols = m.nsymbols;
}

/* "function %sum, v3 = iadd v1, v2: reason" */
static void tell(jit_ctx *c, const jit_func *f)
{
    char name[128];
    const char *text = c->fail.message;

    jit_name_print(&f->name, name, sizeof name);
    size_t n = strlen(name);
    if (strncmp(text, name, n) == 0 && strncmp(text + n, ": ", 2) == 0)
        text += n + 2; /* the builder has named it, too */
    uint32_t inst = c->fail.inst, line = inst && inst <= f->lines.len ? f->lines.at[inst - 1] : 0;
    if (line)
        snprintf(c->message, sizeof c->message, "function %s, line %u: %s", name, line, text);
    else if (c->fail.inst && c->fail.inst <= inst_count(f))
        snprintf(c->message, sizeof c->message, "function %s, instruction %u (%s): %s", name,
                 c->fail.inst - 1, op_of(inst_at(f, c->fail.inst - 1))->name, text);
    else
        snprintf(c->message, sizeof c->message, "function %s: %s", name, text);
}

jit_status jit_ctx_compile(jit_ctx *c, const jit_func *f, const jit_settings *given, jit_unit *u)
{
    job j = { .c = c, .f = f, .u = u };

    memset(u, 0, sizeof *u);
    if (!f)
        return refuse(c, JIT_ERR_ARG, "no function");
    if (!read_settings(&j.s, given ? given : &c->settings) && given)
        return refuse(c, JIT_ERR_ARG, "settings of an unknown size or level");
    if (!given)
        j.s = c->settings;
    c->message[0] = c->fail.message[0] = 0;
    memset(&c->stats, 0, sizeof c->stats);
    jit_arena_reset(&c->tmp);
    c->tmp.limit = j.s.limits.arena_bytes;
    c->listing.len = 0;
    c->listing.failed = false;
    j.since = c->time_stages ? jit_os_clock_ns() : 0;
    uint64_t began = j.since;
    u->engine = c->engine;
    u->magic = UNIT_MAGIC_LIVE;
    u->name = f->name;
    u->linkage = f->linkage;
    u->nan_canonical = j.s.nan_canonical;
    jit_status status = jit_guard(&c->fail, compile_body, &j);
    if (status != JIT_OK) {
        tell(c, f);
        return status;
    }
    if (j.s.keep_asm && !c->listing.failed) {
        u->listing = c->listing.at;
        u->listing_len = c->listing.len;
    }
    c->stats.total_ns = c->time_stages ? jit_os_clock_ns() - began : 0;
    c->stats.ir_insts = inst_count(f);
    c->stats.arena_bytes = c->tmp.used;
    return JIT_OK;
}

jit_status jit_compile_function(jit_ctx *ctx, const jit_func *f, jit_code **code)
{
    jit_unit unit, *units = &unit;

    if (code)
        *code = NULL;
    if (!ctx || !code)
        return JIT_ERR_ARG;
    jit_status status = jit_ctx_compile(ctx, f, NULL, &unit);
    return status == JIT_OK ? jit_publish(ctx->engine, ctx, &units, 1, code) : status;
}
