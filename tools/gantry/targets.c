/* targets.c - turns the `set` and `target` lines of a file into configurations to compile for. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Features ---- */

#define WIDE(k) ((uint64_t)1 << (32 + (k)))
#define SSE3 JIT_X86_SSE3
#define CX16 JIT_X86_CX16
#define POPCNT JIT_X86_POPCNT
#define LZCNT JIT_X86_LZCNT
#define BMI1 JIT_X86_BMI1
#define BMI2 JIT_X86_BMI2
#define AVX JIT_X86_AVX
#define AVX2 JIT_X86_AVX2
#define FMA JIT_X86_FMA
#define UP_TO_SSSE3 (SSE3 | JIT_X86_SSSE3)
#define UP_TO_SSE41 (UP_TO_SSSE3 | JIT_X86_SSE41)
#define UP_TO_SSE42 (UP_TO_SSE41 | JIT_X86_SSE42)
#define NEHALEM (UP_TO_SSE42 | POPCNT | CX16)
#define SANDY (NEHALEM | AVX)
#define HASWELL (SANDY | AVX2 | BMI1 | BMI2 | FMA | LZCNT)
#define ALDER (NEHALEM | BMI1 | BMI2 | LZCNT | FMA | WIDE(6))
#define SKX (HASWELL | WIDE(0) | WIDE(1) | WIDE(2))
#define ICELAKE (SKX | WIDE(3) | WIDE(4) | WIDE(5))
#define ZEN (UP_TO_SSE42 | POPCNT | BMI1 | BMI2 | LZCNT | FMA | CX16)
#define KNOWN_BITS ((uint64_t)UINT32_MAX)

typedef struct named_bits { const char *name; uint64_t bits; } named_bits;

static const named_bits flags[] = {
#define X86(name, bit) { #name, (uint64_t)(bit) },
#define A64(name, bits)
#define PRESET(name, bits)
#include "features.def"
#undef X86
#undef A64
#undef PRESET
};

static const named_bits a64_flags[] = {
#define X86(name, bit)
#define A64(name, bits) { #name, (uint64_t)(bits) },
#define PRESET(name, bits)
#include "features.def"
#undef X86
#undef A64
#undef PRESET
};

static const named_bits presets[] = {
#define X86(name, bit)
#define A64(name, bits)
#define PRESET(name, bits) { name, (uint64_t)(bits) },
#include "features.def"
#undef X86
#undef A64
#undef PRESET
};

static const named_bits *find_bits(const named_bits *list, size_t count, const char *s, size_t n)
{
    for (size_t k = 0; k < count; k++)
        if (strlen(list[k].name) == n && memcmp(list[k].name, s, n) == 0)
            return &list[k];
    return NULL;
}
#define FIND(list, s, n) find_bits(list, sizeof list / sizeof *list, s, n)

/* What the host has of the flags that only the tool knows. */
static uint64_t wide_host_features(void)
{
    uint64_t bits = 0;
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    bits |= __builtin_cpu_supports("avx512f") ? WIDE(0) : 0;
    bits |= __builtin_cpu_supports("avx512dq") ? WIDE(1) : 0;
    bits |= __builtin_cpu_supports("avx512vl") ? WIDE(2) : 0;
    bits |= __builtin_cpu_supports("avx512vbmi") ? WIDE(3) : 0;
    bits |= __builtin_cpu_supports("avx512bitalg") ? WIDE(4) : 0;
    bits |= __builtin_cpu_supports("avx512vnni") ? WIDE(5) : 0;
#endif
    return bits;
}

static void refuse(config *c, const char *what, const char *s, size_t n)
{
    if (c->skip[0] == 0)
        snprintf(c->skip, sizeof c->skip, "%s %.*s", what, n < 100 ? (int)n : 100, s);
}

/* One word behind a target's architecture. */
static void read_flag(config *c, const char *s, size_t n)
{
    const char *equals = memchr(s, '=', n);
    size_t name = equals ? (size_t)(equals - s) : n;
    bool off = equals && n - name == 6 && memcmp(equals, "=false", 6) == 0;
    bool x86 = c->arch == JIT_ARCH_X86_64;
    const named_bits *b = x86 ? FIND(flags, s, name) : FIND(a64_flags, s, name);

    if (!b && !equals && x86)
        b = FIND(presets, s, name);
    if (!b)
        refuse(c, "unknown flag", s, n);
    else if (equals && !off && !(n - name == 5 && memcmp(equals, "=true", 5) == 0))
        refuse(c, "unknown value of a flag:", s, n);
    else if (off)
        c->features &= ~b->bits;
    else
        c->features |= b->bits;
}

/* The first flag among bits that has a name. */
static void refuse_flags(config *c, const char *what, uint64_t bits)
{
    const named_bits *list = c->arch == JIT_ARCH_X86_64 ? flags : a64_flags;
    size_t n = c->arch == JIT_ARCH_X86_64 ? sizeof flags / sizeof *flags
                                          : sizeof a64_flags / sizeof *a64_flags;

    for (size_t k = 0; k < n; k++)
        if (bits & list[k].bits) {
            refuse(c, what, list[k].name, strlen(list[k].name));
            return;
        }
}

/* Whether the host or the emulator can run it; else why not. */
static void check_machine(config *c, bool emulate)
{
    jit_arch host;
    uint64_t has = jit_host_features(&host) | wide_host_features();

    if (c->arch == JIT_ARCH_AARCH64)
        has |= JIT_A64_BTI | JIT_A64_SIGN | JIT_A64_SIGN_ALL | JIT_A64_SIGN_KEY_B; /* not the machine's */
    c->emulated = emulate || c->arch != host;
    if (c->skip[0] != 0)
        return;
    if (!c->emulated)
        refuse_flags(c, "the host lacks", c->features & ~has);
    else if (tool_emulates(c->arch))
        refuse_flags(c, "the emulator lacks", c->features & ~tool_emulated_features(c->arch));
    else
        snprintf(c->skip, sizeof c->skip, "the host is %s and this build has no emulator",
                 tool_arch_name(host));
}

/* ---- Settings ---- */

typedef struct setting_state {
    jit_settings s;
    char skip[192];
} setting_state;

/* Accepted and without effect: hints, and what is always so or decided elsewhere. */
static const char *const ignored[] = {
    "enable_multi_ret_implicit_sret", "enable_llvm_abi_extensions", "probestack_strategy",
    "unwind_info", "is_pic", "machine_code_cfg_info", "enable_table_access_spectre_mitigation",
    "enable_heap_access_spectre_mitigation", "enable_pinned_reg", "enable_alias_analysis",
    "regalloc_algorithm", "regalloc_checker", "regalloc_verbose_logs", "tls_model",
    "stack_switch_model", "use_colocated_libcalls", "libcall_call_conv",
    "log2_min_function_alignment", "enable_verifier", "enable_jump_tables", "enable_float",
    "enable_simd", "enable_atomics", "enable_safepoints", "enable_probestack_inline",
    "enable_incremental_compilation_cache_checks", "enable_compact_unwind_abi"
};

static bool is_word(const char *s, size_t n, const char *word)
{
    return n == strlen(word) && memcmp(s, word, n) == 0;
}

/* A truth value; an absent one is true. */
static bool truth(const char *s, size_t n, bool *out)
{
    *out = n == 0 || is_word(s, n, "true") || is_word(s, n, "1") || is_word(s, n, "on")
           || is_word(s, n, "yes");
    return *out || is_word(s, n, "false") || is_word(s, n, "0") || is_word(s, n, "off")
           || is_word(s, n, "no");
}

static bool small_number(const char *s, size_t n, uint8_t *out)
{
    unsigned x = 0;

    for (size_t k = 0; k < n; k++) {
        if (s[k] < '0' || s[k] > '9' || x > 25)
            return false;
        x = x * 10 + (unsigned)(s[k] - '0');
    }
    *out = (uint8_t)x;
    return n > 0;
}

static bool set_probes(const char *value, size_t n, bool *none)
{
    bool probes;

    if (!truth(value, n, &probes))
        return false;
    *none = !probes;
    return true;
}

static bool set_level(const char *s, size_t n, jit_level *level)
{
    if (is_word(s, n, "none"))
        *level = JIT_O1;
    else if (is_word(s, n, "speed") || is_word(s, n, "speed_and_size"))
        *level = JIT_O2;
    else
        return false;
    return true;
}

/* One NAME or NAME=VALUE of a `set` line. */
static void read_setting(setting_state *state, const char *s, size_t n)
{
    const char *equals = memchr(s, '=', n);
    size_t name = equals ? (size_t)(equals - s) : n, length = equals ? n - name - 1 : 0;
    const char *value = equals ? equals + 1 : s + n;
    bool known = true;

    if (is_word(s, name, "opt_level"))
        known = set_level(value, length, &state->s.level);
    else if (is_word(s, name, "enable_nan_canonicalization"))
        known = truth(value, length, &state->s.nan_canonical);
    else if (is_word(s, name, "preserve_frame_pointers"))
        known = truth(value, length, &state->s.frame_pointers);
    else if (is_word(s, name, "enable_probestack"))
        known = set_probes(value, length, &state->s.no_probestack);
    else if (is_word(s, name, "probestack_size_log2"))
        known = small_number(value, length, &state->s.probestack_log2);
    else if (is_word(s, name, "bb_padding_log2_minus_one"))
        known = small_number(value, length, &state->s.block_padding);
    else {
        size_t k = 0;
        while (k < sizeof ignored / sizeof *ignored && !is_word(s, name, ignored[k]))
            k++;
        known = k < sizeof ignored / sizeof *ignored;
    }
    if (!known && state->skip[0] == 0)
        snprintf(state->skip, sizeof state->skip, "unknown setting %.*s",
                 n < 100 ? (int)n : 100, s);
}

/* ---- Lines ---- */

/* The next word of *text; its length, 0 at the end. */
static size_t next_word(const char **text, const char **word)
{
    size_t n = 0;

    while (**text == ' ' || **text == '\t')
        ++*text;
    *word = *text;
    while ((*text)[n] != 0 && (*text)[n] != ' ' && (*text)[n] != '\t')
        n++;
    *text += n;
    return n;
}

static jit_arch read_arch(const char *s, size_t n)
{
    const char *dash = memchr(s, '-', n);

    n = dash ? (size_t)(dash - s) : n;
    if (is_word(s, n, "x86_64"))
        return JIT_ARCH_X86_64;
    return is_word(s, n, "aarch64") || is_word(s, n, "arm64") ? JIT_ARCH_AARCH64 : JIT_ARCH_HOST;
}

static config *add_config(configs *list, const setting_state *state)
{
    config *more = tool_alloc(list->n + 1, sizeof *more);

    if (list->n > 0)
        memcpy(more, list->at, list->n * sizeof *more);
    free(list->at);
    list->at = more;
    more += list->n++;
    more->settings = state->s;
    snprintf(more->skip, sizeof more->skip, "%s", state->skip);
    return more;
}

static void read_target(configs *list, const setting_state *state, const jit_directive *d)
{
    config *c = add_config(list, state);
    const char *text = d->text, *word;
    size_t n = next_word(&text, &word);

    c->line = d->line;
    snprintf(c->tag, sizeof c->tag, "%s", d->text);
    c->arch = read_arch(word, n);
    if (c->arch == JIT_ARCH_HOST)
        refuse(c, "unknown architecture", word, n);
    while (c->arch != JIT_ARCH_HOST && (n = next_word(&text, &word)) > 0)
        read_flag(c, word, n);
}

static void bare_config(configs *list, const setting_state *state, jit_arch arch)
{
    config *c = add_config(list, state);

    c->arch = arch;
    snprintf(c->tag, sizeof c->tag, "%s", tool_arch_name(arch));
}

/* Keeps the configurations of one architecture; a bare one where there is none. */
static void keep_arch(configs *list, const setting_state *state, jit_arch arch)
{
    size_t kept = 0;

    for (size_t k = 0; k < list->n; k++)
        if (list->at[k].arch == arch)
            list->at[kept++] = list->at[k];
    list->n = kept;
    if (kept == 0)
        bare_config(list, state, arch);
}

/* A feature of another compiler's build: whoever asks for it is passed over. */
static void read_feature(configs *list, setting_state *state, const char *text)
{
    if (text[0] != '"') /* !"x": the build must lack it, and it does */
        return;
    if (state->skip[0] == 0)
        snprintf(state->skip, sizeof state->skip, "unknown feature %.100s", text);
    for (size_t k = 0; k < list->n; k++)
        refuse(&list->at[k], "unknown feature", text, strlen(text));
}

/* Reads the header; the line of a `set` that no target follows, else 0. */
static uint32_t read_header(const source *s, configs *list, setting_state *state)
{
    uint32_t dangling = 0;

    for (size_t k = 0; k < jit_module_directive_count(s->module); k++) {
        jit_directive d = jit_module_directive(s->module, k);
        const char *text = d.text, *word;
        size_t n;
        if (d.kind == JIT_DIR_SET) {
            while ((n = next_word(&text, &word)) > 0)
                read_setting(state, word, n);
            dangling = d.line;
        } else if (d.kind == JIT_DIR_TARGET) {
            read_target(list, state, &d);
            dangling = 0;
        } else if (d.kind == JIT_DIR_FEATURE)
            read_feature(list, state, d.text);
    }
    return list->n > 0 ? dangling : 0;
}

/* Flags and presets separated by commas, in place of the targets' own. */
static void replace_flags(configs *list, const char *flags_text)
{
    size_t kept = 0;

    for (size_t k = 0; k < list->n; k++) {
        config *c = &list->at[k];
        const char *text = flags_text;
        c->features = 0;
        snprintf(c->tag, sizeof c->tag, "%s%s%s", tool_arch_name(c->arch), *text ? " " : "", text);
        for (size_t n; *text; text += n + (text[n] == ','))
            if ((n = strcspn(text, ",")) > 0)
                read_flag(c, text, n);
        size_t twin = 0; /* targets may differ in nothing but their flags */
        while (twin < kept && (list->at[twin].arch != c->arch
                               || strcmp(list->at[twin].skip, c->skip) != 0
                               || memcmp(&list->at[twin].settings, &c->settings,
                                         sizeof c->settings) != 0))
            twin++;
        if (twin == kept)
            list->at[kept++] = *c;
    }
    list->n = kept;
}

/* What the options make of the file's targets. */
static void choose(configs *list, const setting_state *state, const options *o, bool for_test)
{
    jit_arch host;

    jit_host_features(&host);
    if (o->arch != JIT_ARCH_HOST)
        keep_arch(list, state, o->arch);
    else if (!for_test) {
        list->n = 0;
        bare_config(list, state, host);
        list->at[0].host_features = !o->emulate && !o->with;
    } else if (list->n == 0)
        bare_config(list, state, host);
    if (o->with)
        replace_flags(list, o->with);
    for (size_t k = 0; k < list->n; k++) {
        if (o->level != JIT_LEVEL_DEFAULT)
            list->at[k].settings.level = o->level;
        if (!list->at[k].host_features)
            check_machine(&list->at[k], o->emulate);
        list->at[k].features &= KNOWN_BITS;
    }
}

bool tool_configs(const source *s, const options *o, bool for_test, configs *list, totals *t)
{
    setting_state state;
    uint32_t dangling;

    memset(list, 0, sizeof *list);
    memset(&state, 0, sizeof state);
    state.s.size = sizeof state.s;
    state.s.level = JIT_O1;
    dangling = read_header(s, list, &state);
    if (dangling != 0) {
        tool_event(s->path, dangling, "error", "no target line follows this set");
        t->refused = true;
        tool_configs_free(list);
        return false;
    }
    list->nan_canonical = state.s.nan_canonical;
    choose(list, &state, o, for_test);
    return true;
}

bool tool_compiles(const config *c)
{
    return c->skip[0] == 0 || strncmp(c->skip, "the host", 8) == 0
           || strncmp(c->skip, "the emulator", 12) == 0;
}

void tool_configs_free(configs *list)
{
    free(list->at);
    memset(list, 0, sizeof *list);
}
