// unwind.cc - frames of code in memory, seen by the unwinder of C++, by backtrace() and by GDB.
//
// unwind [GDB]: with an argument it only waits in a function that GDB breaks on.
#include <gantry/jit.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <execinfo.h>
#include <string>

static int passed, failed;
static void check(bool ok, const char *what)
{
    if (ok)
        passed++;
    else {
        failed++;
        std::printf("fail: %s\n", what);
    }
}

static jit_engine *engine;
static bool saw_outer, saw_inner, saw_main;
static jit_code *codes[2];

extern "C" {
int64_t look(int64_t x)
{
    void *at[64];
    int n = backtrace(at, 64);
    for (int k = 0; k < n; k++) {
        jit_code *c = jit_engine_code_at(engine, static_cast<char *>(at[k]) - 1);
        saw_inner |= c && c == codes[0];
        saw_outer |= c && c == codes[1];
    }
    char **names = backtrace_symbols(at, n);
    for (int k = 0; names && k < n; k++)
        saw_main |= std::strstr(names[k], "main") != nullptr;
    return x + 1;
}
int64_t throws(int64_t x) { throw std::string(std::to_string(x)); }
__attribute__((noinline)) int64_t stops_here(int64_t x) { return x + 2; }
}

// %outer calls %inner calls the host, each with values in saved registers and a frame.
static const char text[] = R"(
function %inner(i64, i64) -> i64 system_v {
    ss0 = explicit_slot 100
    sig0 = (i64) -> i64 system_v
block0(v0: i64, v1: i64):
    v2 = stack_addr.i64 ss0
    store v1, v2
    v3 = call_indirect sig0, v0(v1)
    v4 = load.i64 v2
    v5 = iadd v3, v4
    v6 = iadd v5, v1
    return v6
}
function %outer(i64, i64) -> i64 system_v {
    sig0 = (i64, i64) -> i64 system_v
    fn0 = colocated %inner sig0
block0(v0: i64, v1: i64):
    v2 = iadd v1, v1
    v3 = iadd v2, v1
    v4 = call fn0(v0, v3)
    v5 = iadd v4, v2
    v6 = iadd v5, v3
    return v6
}
)";

static void complain(void *, const jit_diagnostic *d) { std::printf("%u: %s\n", d->line, d->text); }

typedef int64_t (*host)(int64_t);
typedef int64_t (*outer)(host, int64_t);

static bool compile(jit_level level)
{
    jit_module *m = nullptr;
    jit_unit *units[2] = {};
    jit_settings s = {};
    jit_ctx *c = jit_ctx_new(engine);
    bool ok = jit_module_read(engine, text, std::strlen(text), &m, complain, nullptr) == JIT_OK;

    s.size = sizeof s;
    s.level = level;
    for (size_t k = 0; k < 2 && ok; k++)
        ok = jit_compile_unit(c, jit_module_function_at(m, k), &s, &units[k]) == JIT_OK;
    ok = ok && jit_publish(engine, c, units, 2, codes) == JIT_OK;
    for (jit_unit *u : units)
        jit_unit_free(u);
    jit_module_free(m);
    jit_ctx_free(c);
    return ok;
}

static int64_t call_outer(host fn, int64_t x)
{
    return reinterpret_cast<outer>(jit_code_entry(codes[1]))(fn, x);
}

// What a call that throws leaves in saved registers.
static bool passes_exception()
{
    volatile int64_t seed = 5;
    int64_t a = seed * 2, b = seed * 3, c = seed * 4, d = seed * 5, e = seed * 6;
    try {
        call_outer(throws, 7);
    } catch (const std::string &s) {
        return s == "21" && a == 10 && b == 15 && c == 20 && d == 25 && e == 30;
    }
    return false;
}

static bool sees_frames_from_invoke()
{
    jit_bits args[2] = {}, result[1] = {};
    host fn = look;
    int64_t x = 1, got;

    saw_outer = saw_inner = saw_main = false;
    std::memcpy(args[0].at, &fn, sizeof fn);
    std::memcpy(args[1].at, &x, sizeof x);
    jit_abi_param params[2] = { JIT_I64, JIT_I64 }, results[1] = { JIT_I64 };
    jit_signature sig = { JIT_CONV_SYSTEM_V, 2, 1, params, results };
    jit_call_result r = jit_invoke(engine, jit_code_entry(codes[1]), &sig, args, result);
    std::memcpy(&got, result[0].at, sizeof got);
    return r.status == JIT_OK && got == 4 + 3 + 3 + 2 + 3 && saw_outer && saw_inner && saw_main;
}

int main(int argc, char **)
{
    jit_engine_settings s = {};

    s.size = sizeof s;
    s.host_features = true;
    s.unwind_tables = s.gdb = s.jitdump = true;
    if (jit_engine_create(&s, &engine) != JIT_OK)
        return 2;
    for (int round = 0; round < 2; round++) {
        if (!compile(round ? JIT_O1 : JIT_O0))
            return 2;
        if (argc > 1) {
            call_outer(stops_here, 1);
        } else {
            saw_outer = saw_inner = saw_main = false;
            check(call_outer(look, 1) == 4 + 3 + 3 + 2 + 3, "a call");
            check(saw_inner && saw_outer && saw_main, "backtrace()");
            check(sees_frames_from_invoke(), "backtrace() under jit_invoke()");
            check(passes_exception(), "an exception");
            check(passes_exception(), "a second exception");
        }
        for (jit_code *c : codes)
            jit_code_free(c);
    }
    jit_engine_free(engine);
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
