/* invoke.c - calling compiled code with any signature, and having it call the host with any
 * signature.
 *
 * Both ways go through adapters: small functions made as IR, for each signature once, and compiled
 * like all others. An adapter for a call is `void (args, results)`, where args[0] holds the address
 * to call and the parameters follow, 16 bytes each. It is entered by the target's stub, which saves
 * what the callee's convention may not preserve and leaves a record to which a trap returns. */
#include "jit/debug.h"
#include "jit/engine.h"
#include <string.h>

struct adapter {
    adapter *next;
    ir_sig sig;          /* its arrays stand behind the struct */
    jit_code *code;
    void *fn, *user;     /* of a host function; a call's adapter: NULL */
    size_t bytes;
};

static bool same_signature(const ir_sig *a, const jit_signature *b)
{
    return a->conv == (uint32_t)b->conv && a->nparams == b->nparams && a->nresults == b->nresults
           && (!a->nparams || memcmp(a->params, b->params, a->nparams * sizeof *a->params) == 0)
           && (!a->nresults
               || memcmp(a->results, b->results, a->nresults * sizeof *a->results) == 0);
}

/* ---- The adapters' IR ---- */

static const jit_mem trusted = { JIT_MEM_NOTRAP, 0, { 0 } };

static void build_call(jit_func *f, const jit_signature *sig)
{
    jit_builder *b = jit_build(f);
    jit_sigref s = jit_sig_declare(f, sig);
    jit_value args = jit_param(b, 0), results = jit_param(b, 1), *v;
    jit_value callee = jit_load(b, JIT_I64, trusted, args, 0);

    v = arena_try(&f->mem, (sig->nparams + 1) * sizeof *v);
    for (uint32_t k = 0; v && k < sig->nparams; k++)
        v[k] = jit_load(b, JIT_PARAM_TYPE(sig->params[k]), trusted, args, (int32_t)(16 * (k + 1)));
    if (v) {
        jit_inst call = jit_call_indirect(b, s, callee, sig->nparams, v);
        for (uint32_t k = 0; k < sig->nresults; k++)
            jit_store(b, trusted, jit_result(b, call, k), results, (int32_t)(16 * k));
    }
    jit_return_void(b);
    jit_build_end(b);
}

static void build_host(jit_func *f, const jit_signature *sig, const void *fn, const void *user)
{
    static const jit_abi_param ints[3] = { JIT_I64, JIT_I64, JIT_I64 };
    jit_signature to = { JIT_CONV_SYSTEM_V, 3, 0, ints, NULL };
    jit_slot in = jit_slot_declare(f, 16 * (sig->nparams ? sig->nparams : 1), 16);
    jit_slot out = jit_slot_declare(f, 16 * (sig->nresults ? sig->nresults : 1), 16);
    jit_builder *b = jit_build(f);
    jit_sigref s = jit_sig_declare(f, &to);
    jit_value args[3], *v = arena_try(&f->mem, (sig->nresults + 1) * sizeof *v);

    args[0] = jit_iconst(b, JIT_I64, (int64_t)(intptr_t)user);
    args[1] = jit_stack_addr(b, in, 0);
    args[2] = jit_stack_addr(b, out, 0);
    for (uint32_t k = 0; k < sig->nparams; k++)
        jit_store(b, trusted, jit_param(b, k), args[1], (int32_t)(16 * k));
    jit_call_indirect(b, s, jit_iconst(b, JIT_I64, (int64_t)(intptr_t)fn), 3, args);
    for (uint32_t k = 0; v && k < sig->nresults; k++)
        v[k] = jit_load(b, JIT_PARAM_TYPE(sig->results[k]), trusted, args[2], (int32_t)(16 * k));
    if (v)
        jit_return_values(b, sig->nresults, v);
    jit_build_end(b);
}

/* ---- Making and keeping them; under adapter_lock ---- */

static jit_status compile_adapter(jit_engine *e, jit_func *f, jit_code **code)
{
    jit_settings s = { .size = sizeof s, .level = JIT_O1 };

    if (!e->own_ctx)
        e->own_ctx = jit_ctx_new(e);
    if (!e->own_ctx)
        return JIT_ERR_NOMEM;
    f->name.kind = NAME_NONE; /* known to nobody */
    jit_ctx_configure(e->own_ctx, &s);
    return jit_compile_function(e->own_ctx, f, code);
}

static adapter *keep(jit_engine *e, const jit_signature *sig, jit_code *code)
{
    size_t np = sig->nparams * sizeof(jit_abi_param), nr = sig->nresults * sizeof(jit_abi_param);
    size_t bytes = sizeof(adapter) + np + nr;

    pthread_mutex_lock(&e->lock);
    adapter *a = jit_pool_alloc(&e->pool, bytes);
    pthread_mutex_unlock(&e->lock);
    if (!a)
        return NULL;
    a->bytes = bytes;
    a->code = code;
    a->sig.conv = (uint32_t)sig->conv;
    a->sig.nparams = sig->nparams;
    a->sig.nresults = sig->nresults;
    a->sig.params = (jit_abi_param *)(void *)(a + 1);
    a->sig.results = a->sig.params + sig->nparams;
    if (np)
        memcpy(a->sig.params, sig->params, np);
    if (nr)
        memcpy(a->sig.results, sig->results, nr);
    a->next = e->adapters;
    e->adapters = a;
    return a;
}

/* Adapters are the engine's own: not counted among the host's codes. */
static void hide(jit_engine *e, jit_code *code)
{
    pthread_mutex_lock(&e->lock);
    jit_code_unlink(code);
    code->next = code->prev = NULL;
    pthread_mutex_unlock(&e->lock);
}

static jit_status make_adapter(jit_engine *e, const jit_signature *sig, const void *fn, void *user,
                               adapter **out)
{
    static const jit_abi_param ints[2] = { JIT_I64, JIT_I64 };
    jit_signature call = { JIT_CONV_SYSTEM_V, 2, 0, ints, NULL };
    jit_func *f = jit_func_new(e, "adapter", fn ? sig : &call);
    jit_code *code = NULL;

    if (!f)
        return JIT_ERR_NOMEM;
    if (fn)
        build_host(f, sig, fn, user);
    else
        build_call(f, sig);
    jit_status status = compile_adapter(e, f, &code);
    jit_func_free(f);
    if (status != JIT_OK)
        return status;
    *out = keep(e, sig, code);
    if (!*out) {
        jit_code_free(code);
        return JIT_ERR_NOMEM;
    }
    hide(e, code);
    return JIT_OK;
}

void jit_adapters_free(jit_engine *e)
{
    for (adapter *a = e->adapters, *next; a; a = next) {
        next = a->next;
        jit_pool_free(&e->pool, a->code, a->code->bytes);
        jit_pool_free(&e->pool, a, a->bytes);
    }
    e->adapters = NULL;
}

static jit_status make_entry_stub(jit_engine *e)
{
    uint8_t bytes[512];
    uint32_t landing, n = e->target->entry_stub(bytes, sizeof bytes, &landing);

    pthread_mutex_lock(&e->lock);
    uint8_t *stub = jit_engine_stub(e, bytes, n);
    if (stub && e->unwind_tables)
        e->entry_frames = jit_frames_add(e, stub, n, e->target->entry_rows,
                                         e->target->nentry_rows);
    pthread_mutex_unlock(&e->lock);
    if (!stub)
        return JIT_ERR_CODE_FULL;
    e->landing = stub + landing;
    e->entry_stub = stub;
    return JIT_OK;
}

static jit_status find_adapter(jit_engine *e, const jit_signature *sig, adapter **out)
{
    jit_status status = JIT_OK;

    pthread_mutex_lock(&e->adapter_lock);
    if (!e->entry_stub)
        status = make_entry_stub(e);
    adapter **at = &e->adapters;
    while (*at && ((*at)->fn || !same_signature(&(*at)->sig, sig)))
        at = &(*at)->next;
    if (*at && status == JIT_OK) { /* found: to the front, the next call will be of the same kind */
        *out = *at;
        *at = (*out)->next;
        (*out)->next = e->adapters;
        e->adapters = *out;
    } else if (status == JIT_OK) {
        status = make_adapter(e, sig, NULL, NULL, out);
    }
    pthread_mutex_unlock(&e->adapter_lock);
    return status;
}

/* ---- Calling ---- */

/* What the stub and the fault handler share: sp comes first, the stub writes it. */
typedef struct entry_record {
    uint64_t sp;
    jit_engine *engine;
    struct entry_record *outer; /* the call of this thread in which this one is made */
    unsigned trap;
    const void *pc, *address;
} entry_record;

static _Thread_local entry_record *current;

typedef int (*stub_fn)(void (*fn)(void *args, void *results), void *args, void *results,
                       entry_record *record);

jit_call_result jit_invoke(jit_engine *e, jit_entry entry, const jit_signature *sig,
                           const jit_bits *args, jit_bits *results)
{
    jit_call_result r = { JIT_OK, JIT_TRAP_NONE, NULL, NULL };
    jit_bits few[17], *block = few;
    adapter *a = NULL;
    stub_fn stub;
    void (*fn)(void *args, void *results);

    if (!e || !entry || !sig || (sig->nparams && !args) || (sig->nresults && !results))
        r.status = JIT_ERR_ARG;
    else if (!e->runs_here)
        r.status = JIT_ERR_UNSUPPORTED;
    else
        r.status = find_adapter(e, sig, &a);
    size_t size = sig ? (sig->nparams + (size_t)1) * sizeof *block : 0;
    if (r.status == JIT_OK && sig->nparams > 16) {
        block = e->pool_host.alloc(e->pool_host.user, size);
        r.status = block ? JIT_OK : JIT_ERR_NOMEM;
    }
    if (r.status != JIT_OK)
        return r;
    memset(&block[0], 0, sizeof block[0]);
    memcpy(&block[0], &entry, sizeof entry);
    if (sig->nparams)
        memcpy(&block[1], args, sig->nparams * sizeof *args);
    memcpy(&stub, &e->entry_stub, sizeof stub);
    jit_entry code = jit_code_entry(a->code);
    memcpy(&fn, &code, sizeof fn);

    entry_record record = { .engine = e, .outer = current };
    current = &record;
    if (stub(fn, block, results, &record)) {
        r.trap = record.trap;
        r.pc = record.pc;
        r.fault_address = record.address;
    }
    current = record.outer;
    if (block != few)
        e->pool_host.free(e->pool_host.user, block, size);
    return r;
}

jit_status jit_invoke_adapter(jit_engine *e, const jit_signature *sig, jit_entry *entry)
{
    adapter *a = NULL;

    if (!e || !sig || !entry)
        return JIT_ERR_ARG;
    jit_status status = find_adapter(e, sig, &a);
    if (status == JIT_OK)
        *entry = jit_code_entry(a->code);
    return status;
}

jit_status jit_host_function(jit_engine *e, const jit_signature *sig,
                             void (*fn)(void *user, const jit_bits *args, jit_bits *results),
                             void *user, jit_entry *address)
{
    adapter *a = NULL;
    void *to;

    if (!e || !sig || !fn || !address)
        return JIT_ERR_ARG;
    memcpy(&to, &fn, sizeof to);
    pthread_mutex_lock(&e->adapter_lock);
    jit_status status = make_adapter(e, sig, to, user, &a);
    if (status == JIT_OK) {
        a->fn = to;
        a->user = user;
        *address = jit_code_entry(a->code);
    }
    pthread_mutex_unlock(&e->adapter_lock);
    return status;
}

/* ---- Traps by signal ---- */

/* Where the last trap's frames return to; frame records are alike on both machines: the caller's
 * frame pointer, then the return address. */
enum { TRACE = 64 };
static _Thread_local struct { size_t n; const void *at[TRACE]; } trace;

/* Only records between the trap's stack pointer and the call's entry are believed, each above the
 * one before; whatever a frame pointer holds that is none, nothing else is read. */
static void note_frames(uintptr_t fp, uintptr_t low, uintptr_t high)
{
    uintptr_t record[2];

    trace.n = 0;
    while (trace.n < TRACE && fp >= low && fp < high && high - fp >= sizeof record
           && fp % sizeof(uintptr_t) == 0) {
        memcpy(record, (const void *)fp, sizeof record);
        trace.at[trace.n++] = (const void *)record[1];
        low = fp + sizeof record;
        fp = record[0];
    }
}

size_t jit_trap_frames(const void **at, size_t most)
{
    size_t n = trace.n < most ? trace.n : most;

    if (n > 0)
        memcpy(at, trace.at, n * sizeof *at);
    return trace.n;
}

/* In the signal handler: a fault at a trap site of the running call's engine ends that call. */
static bool on_fault(int sig, uintptr_t *pc, uintptr_t *sp, uintptr_t fp, const void *address)
{
    entry_record *r = current;

    (void)sig;
    if (!r || !r->sp)
        return false;
    const void *at = (const void *)*pc;
    jit_engine *e = r->engine;
    unsigned trap = at == e->trap_stub ? JIT_TRAP_UNDEFINED
                                       : jit_code_trap_at(jit_engine_code_at(e, at), at);
    if (trap == JIT_TRAP_NONE)
        return false;
    r->trap = trap;
    r->pc = at;
    r->address = address == at ? NULL : address;
    note_frames(fp, *sp, (uintptr_t)r->sp);
    *pc = (uintptr_t)e->landing;
    *sp = (uintptr_t)r->sp;
    return true;
}

jit_status jit_traps_install(void)
{
    return jit_os_faults_install(on_fault) ? JIT_OK : JIT_ERR_IO;
}

void jit_traps_remove(void)
{
    jit_os_faults_remove();
}
