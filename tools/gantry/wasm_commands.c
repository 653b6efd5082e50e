/* wasm_commands.c - `gantry wasm --commands`: one command a line on stdin, one answer a line on
 * stdout. */
#define _GNU_SOURCE
#include "wasm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct named {
    struct named *next;
    char *name;
    wasm_instance_t *instance;
} named;

typedef struct session {
    wasm_engine_t *engine;
    wasm_store_t *store;
    spectest *spectest;
    named *instances;   /* by `$id`, the newest first; the handles belong to it */
    named *registered;  /* by the name to import from; borrowed handles */
    wasm_instance_t *current;
} session;

/* ---- Answers ---- */

static void answer(const char *format, ...) TOOL_PRINTF(1, 2);
static void answer(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

/* Messages stay on their line. */
static void answer_text(const char *kind, const char *text, size_t n)
{
    printf("%s ", kind);
    for (size_t k = 0; k < n && text[k] != 0; k++)
        putchar(text[k] == '\n' || text[k] == '\r' ? ' ' : text[k]);
    putchar('\n');
    fflush(stdout);
}

static void answer_trap(wasm_trap_t *trap)
{
    wasm_message_t message;

    if (gantry_wasm_trap_is_exhaustion(trap)) {
        answer("exhausted call stack exhausted");
    } else {
        wasm_trap_message(trap, &message);
        answer_text("trap", message.data ? message.data : "", message.size);
        wasm_byte_vec_delete(&message);
    }
    wasm_trap_delete(trap);
}

static void answer_error(const gantry_wasm_error *e)
{
    static const char *const kinds[] = {
        "ok", "malformed", "invalid", "unlinkable", "trap", "unsupported", "error", "error", "error"
    };
    char text[300];
    int n = e->offset == SIZE_MAX
                ? snprintf(text, sizeof text, "%s", e->text)
                : snprintf(text, sizeof text, "%s (at byte 0x%zx)", e->text, e->offset);

    answer_text(kinds[e->status], text, (size_t)(n < 0 ? 0 : n));
}

/* ---- Words ---- */

/* The next word of *line, terminated in place; NULL: there is none. */
static char *next_word(char **line)
{
    char *word = *line + strspn(*line, " \t\r\n");
    size_t n = strcspn(word, " \t\r\n");

    if (n == 0)
        return NULL;
    *line = word + n;
    if (**line != 0)
        *(*line)++ = 0;
    return word;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* A quoted name, decoded in place; false: it is none. */
static bool unquote(char *word, wasm_name_t *out)
{
    size_t n = 0;
    char *p = word + 1;

    if (!word || word[0] != '"')
        return false;
    while (*p != 0 && *p != '"') {
        if (*p == '\\') {
            int high = hex_digit(p[1]), low = high < 0 ? -1 : hex_digit(p[2]);
            if (low < 0)
                return false;
            word[n++] = (char)(high << 4 | low);
            p += 3;
        } else {
            word[n++] = *p++;
        }
    }
    if (p[0] != '"' || p[1] != 0)
        return false;
    out->size = n;
    out->data = word;
    return true;
}

/* ---- Values ---- */

static bool parse_number(const char *s, unsigned bits, uint64_t *out)
{
    char *end;
    bool negative = *s == '-';

    errno = 0;
    *out = strtoull(s + negative, &end, strncmp(s + negative, "0x", 2) == 0 ? 16 : 10);
    if (errno != 0 || *end != 0 || end == s + negative || s[negative] == '-' || s[negative] == '+')
        return false;
    if (negative ? *out > (uint64_t)1 << (bits - 1) : bits < 64 && *out >> bits != 0)
        return false;
    if (negative)
        *out = 0 - *out;
    return true;
}

static wasm_ref_t *foreign_of(session *s, uint64_t n)
{
    wasm_foreign_t *f = wasm_foreign_new(s->store);

    if (f)
        wasm_foreign_set_host_info(f, (void *)(uintptr_t)n);
    return wasm_foreign_as_ref(f);
}

/* A value as commands write it; any function stands for a funcref that is not null. */
static bool parse_value(session *s, const char *word, const wasm_func_t *any, wasm_val_t *v)
{
    uint64_t bits;

    memset(v, 0, sizeof *v);
    if (strncmp(word, "i32:", 4) == 0 && parse_number(word + 4, 32, &bits)) {
        v->kind = WASM_I32;
        v->of.i32 = (int32_t)(uint32_t)bits;
    } else if (strncmp(word, "i64:", 4) == 0 && parse_number(word + 4, 64, &bits)) {
        v->kind = WASM_I64;
        v->of.i64 = (int64_t)bits;
    } else if (strncmp(word, "f32:", 4) == 0 && parse_number(word + 4, 32, &bits)) {
        uint32_t low = (uint32_t)bits;
        v->kind = WASM_F32;
        memcpy(&v->of.f32, &low, sizeof low);
    } else if (strncmp(word, "f64:", 4) == 0 && parse_number(word + 4, 64, &bits)) {
        v->kind = WASM_F64;
        memcpy(&v->of.f64, &bits, sizeof bits);
    } else if (strcmp(word, "externref:null") == 0) {
        v->kind = WASM_EXTERNREF;
    } else if (strcmp(word, "funcref:null") == 0) {
        v->kind = WASM_FUNCREF;
    } else if (strncmp(word, "externref:", 10) == 0 && parse_number(word + 10, 64, &bits)) {
        v->kind = WASM_EXTERNREF;
        v->of.ref = foreign_of(s, bits);
    } else if (strncmp(word, "funcref:", 8) == 0) {
        v->kind = WASM_FUNCREF;
        v->of.ref = wasm_func_as_ref(wasm_func_copy(any));
    } else {
        return false;
    }
    return true;
}

static void print_value(const wasm_val_t *v)
{
    uint32_t word;
    uint64_t bits;

    switch (v->kind) {
    case WASM_I32:
        printf(" i32:%" PRId32, v->of.i32);
        break;
    case WASM_I64:
        printf(" i64:%" PRId64, v->of.i64);
        break;
    case WASM_F32:
        memcpy(&word, &v->of.f32, sizeof word);
        printf(" f32:0x%08" PRIx32, word);
        break;
    case WASM_F64:
        memcpy(&bits, &v->of.f64, sizeof bits);
        printf(" f64:0x%016" PRIx64, bits);
        break;
    case WASM_FUNCREF:
        printf(v->of.ref ? " funcref:1" : " funcref:null");
        break;
    default:
        if (v->of.ref)
            printf(" externref:%ju", (uintmax_t)(uintptr_t)wasm_ref_get_host_info(v->of.ref));
        else
            printf(" externref:null");
    }
}

static void answer_values(const wasm_val_vec_t *values)
{
    printf("ok");
    for (size_t k = 0; k < values->size; k++)
        print_value(&values->data[k]);
    putchar('\n');
    fflush(stdout);
}

/* ---- Instances ---- */

static named *find(named *list, const char *name, size_t length)
{
    while (list && (strlen(list->name) != length || memcmp(list->name, name, length) != 0))
        list = list->next;
    return list;
}

static named *add(named **list, const char *name, size_t length, wasm_instance_t *i)
{
    named *n = calloc(1, sizeof *n);

    if (n && !(n->name = strndup(name, length))) {
        free(n);
        n = NULL;
    }
    if (n) {
        n->instance = i;
        n->next = *list;
        *list = n;
    }
    return n;
}

/* `-` is the current instance; NULL, and the answer is given: there is none. */
static wasm_instance_t *instance_of(const session *s, const char *word)
{
    named *n = word && strcmp(word, "-") != 0 ? find(s->instances, word, strlen(word)) : NULL;
    wasm_instance_t *i = n ? n->instance : word && strcmp(word, "-") == 0 ? s->current : NULL;

    if (!i)
        answer("error no such instance: %s", word ? word : "none named");
    return i;
}

/* ---- module ---- */

static wasm_extern_t *resolve(session *s, const wasm_importtype_t *want)
{
    const wasm_name_t *module = wasm_importtype_module(want), *name = wasm_importtype_name(want);
    named *from = find(s->registered, module->data ? module->data : "", module->size);

    if (from)
        return gantry_wasm_instance_export(from->instance, name->data ? name->data : "",
                                           name->size);
    if (module->size == 8 && memcmp(module->data, "spectest", 8) == 0) {
        const wasm_extern_t *x = tool_spectest_export(s->spectest, name);
        return x ? wasm_extern_copy(x) : NULL;
    }
    return NULL;
}

/* The instance, or NULL with the answer given. */
static wasm_instance_t *instantiate(session *s, const wasm_module_t *m)
{
    wasm_importtype_vec_t wants;
    wasm_extern_vec_t given;
    wasm_instance_t *i = NULL;
    wasm_trap_t *trap = NULL;
    gantry_wasm_error e;
    size_t k;

    wasm_module_imports(m, &wants);
    wasm_extern_vec_new_uninitialized(&given, wants.size);
    for (k = 0; k < wants.size; k++)
        if (!(given.data[k] = resolve(s, wants.data[k])))
            break;
    if (k < wants.size) {
        const wasm_name_t *a = wasm_importtype_module(wants.data[k]),
                          *b = wasm_importtype_name(wants.data[k]);
        answer("unlinkable unknown import: %.*s.%.*s", (int)a->size, a->data ? a->data : "",
               (int)b->size, b->data ? b->data : "");
    } else {
        i = gantry_wasm_instance_new(s->store, m, &given, &trap, &e);
        if (trap)
            answer_trap(trap);
        else if (!i)
            answer_error(&e);
    }
    wasm_extern_vec_delete(&given);
    wasm_importtype_vec_delete(&wants);
    return i;
}

static void do_module(session *s, char *line)
{
    const char *name = next_word(&line), *path = next_word(&line);
    wasm_byte_vec_t bytes;
    wasm_instance_t *i;
    wasm_module_t *m;
    gantry_wasm_error e;

    if (!name || !path || next_word(&line) || (strcmp(name, "-") != 0 && name[0] != '$')) {
        answer("error module takes a name and a file");
        return;
    }
    if (!tool_read_file(path, &bytes)) {
        answer("error cannot read %s: %s", path, strerror(errno));
        return;
    }
    m = gantry_wasm_module_new(s->store, &bytes, &e);
    wasm_byte_vec_delete(&bytes);
    if (!m) {
        answer_error(&e);
        return;
    }
    i = instantiate(s, m);
    wasm_module_delete(m);
    if (!i)
        return;
    if (!add(&s->instances, name, strlen(name), i)) {
        wasm_instance_delete(i);
        answer("error out of memory");
        return;
    }
    s->current = i;
    answer("ok");
}

static void do_register(session *s, char *line)
{
    wasm_instance_t *i = instance_of(s, next_word(&line));
    char *word = next_word(&line);
    wasm_name_t as;

    if (!i)
        return;
    if (!word || !unquote(word, &as) || next_word(&line))
        answer("error register takes an instance and a quoted name");
    else if (!add(&s->registered, as.data, as.size, i))
        answer("error out of memory");
    else
        answer("ok");
}

/* ---- invoke, get ---- */

static bool parse_args(session *s, char *line, const wasm_func_t *f, wasm_val_vec_t *args)
{
    wasm_functype_t *type = wasm_func_type(f);
    const wasm_valtype_vec_t *params = wasm_functype_params(type);
    size_t n = 0;
    bool good = true;
    char *word;

    wasm_val_vec_new_uninitialized(args, params->size);
    while (good && (word = next_word(&line)) != NULL) {
        good = n < args->size && parse_value(s, word, f, &args->data[n])
               && args->data[n].kind == wasm_valtype_kind(params->data[n]);
        n++;
    }
    good = good && n == params->size && args->size == n;
    wasm_functype_delete(type);
    return good;
}

static void call(const wasm_func_t *f, const wasm_val_vec_t *args)
{
    wasm_val_vec_t results;
    wasm_trap_t *trap;

    wasm_val_vec_new_uninitialized(&results, wasm_func_result_arity(f));
    trap = wasm_func_call(f, args, &results);
    if (trap)
        answer_trap(trap);
    else
        answer_values(&results);
    wasm_val_vec_delete(&results);
}

static wasm_extern_t *field_of(session *s, char **line)
{
    wasm_instance_t *i = instance_of(s, next_word(line));
    char *word = next_word(line);
    wasm_extern_t *x;
    wasm_name_t name;

    if (!i)
        return NULL;
    if (!word || !unquote(word, &name)) {
        answer("error which export? it takes a quoted name");
        return NULL;
    }
    x = gantry_wasm_instance_export(i, name.data, name.size);
    if (!x)
        answer("error there is no such export");
    return x;
}

static void do_invoke(session *s, char *line)
{
    wasm_extern_t *x = field_of(s, &line);
    const wasm_func_t *f = x ? wasm_extern_as_func_const(x) : NULL;
    wasm_val_vec_t args;

    if (!x)
        return;
    if (!f) {
        answer("error the export is not a function");
    } else {
        if (parse_args(s, line, f, &args))
            call(f, &args);
        else
            answer("error the arguments do not fit");
        wasm_val_vec_delete(&args);
    }
    wasm_extern_delete(x);
}

static void do_get(session *s, char *line)
{
    wasm_extern_t *x = field_of(s, &line);
    const wasm_global_t *g = x ? wasm_extern_as_global_const(x) : NULL;
    wasm_val_t v;
    wasm_val_vec_t one = { 1, &v };

    if (!x)
        return;
    if (!g) {
        answer("error the export is not a global");
    } else {
        wasm_global_get(g, &v);
        answer_values(&one);
        wasm_val_delete(&v);
    }
    wasm_extern_delete(x);
}

/* ---- The session ---- */

static void do_line(session *s, char *line)
{
    const char *word = next_word(&line);

    if (!word)
        answer("error an empty command");
    else if (strcmp(word, "module") == 0)
        do_module(s, line);
    else if (strcmp(word, "register") == 0)
        do_register(s, line);
    else if (strcmp(word, "invoke") == 0)
        do_invoke(s, line);
    else if (strcmp(word, "get") == 0)
        do_get(s, line);
    else
        answer("error there is no command %s", word);
}

static void free_list(named *n, bool owned)
{
    for (named *next; n; n = next) {
        next = n->next;
        if (owned)
            wasm_instance_delete(n->instance);
        free(n->name);
        free(n);
    }
}

int tool_wasm_commands(wasm_engine_t *engine)
{
    session s = { .engine = engine, .store = wasm_store_new(engine) };
    char *line = NULL;
    size_t room = 0;
    bool ready;

    s.spectest = s.store ? tool_spectest_new(s.store) : NULL;
    ready = s.spectest != NULL;
    while (ready && getline(&line, &room, stdin) >= 0)
        do_line(&s, line);
    free(line);
    free_list(s.registered, false);
    free_list(s.instances, true);
    tool_spectest_free(s.spectest);
    wasm_store_delete(s.store);
    if (!ready)
        fprintf(stderr, "gantry: out of memory\n");
    return ready ? 0 : 2;
}
