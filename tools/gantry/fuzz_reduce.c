/* fuzz_reduce.c - makes a failing program smaller, by edits of its text.
 *
 * An edit stays when the text is sound CLIF and the failure is still there. Edits, from coarse to
 * fine: whole functions go; instructions become constants or go, many at a time and then fewer;
 * branches become jumps, blocks that nobody reaches go, blocks are joined; results are replaced by
 * operands; declarations and block parameters go; constants and arguments become small. All is done
 * again until nothing helps or the trials are used up. */
#include "fuzz.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 32, MAX_RESULTS = 16, WORD = 64, MAX_FUNCTIONS = 16, MAX_VALUES = 4096 };

/* Types of the values of a function, by number: 0: not asked for yet, 1 + index of the type,
 * NO_TYPE.
 * Edits never give a number to another value. */
typedef struct value_types {
    char *function; /* its first line */
    uint8_t of[MAX_VALUES];
} value_types;

typedef struct reducer {
    value_types types[MAX_FUNCTIONS];
    unsigned ntypes;
    char **line;
    size_t n;
    jit_bits *args;
    unsigned trials;
    bool (*holds)(void *user, const char *text, const jit_bits *args);
    void *user;
} reducer;

/* ---- Lines ---- */

static char *join(char *const *line, size_t n)
{
    size_t size = 1, at = 0;

    for (size_t k = 0; k < n; k++)
        size += line[k] ? strlen(line[k]) + 1 : 0;
    char *text = tool_alloc(size, 1);
    for (size_t k = 0; k < n; k++)
        if (line[k]) {
            size_t length = strlen(line[k]);
            memcpy(text + at, line[k], length);
            text[at + length] = '\n';
            at += length + 1;
        }
    return text;
}

static char *copy(const char *s)
{
    return tool_text(s, strlen(s));
}

static void split(reducer *r, const char *text)
{
    size_t lines = 0;

    for (const char *s = text; *s; s++)
        lines += *s == '\n';
    r->line = tool_alloc(lines + 1, sizeof *r->line);
    r->n = 0;
    for (const char *s = text; *s;) {
        const char *e = strchr(s, '\n');
        size_t length = e ? (size_t)(e - s) : strlen(s);
        const char *remark = strstr(s, "  ; "); /* what constants are: they will not be */
        size_t kept = remark && remark < s + length ? (size_t)(remark - s) : length;
        if (kept > 0)
            r->line[r->n++] = tool_text(s, kept);
        s += length + (e != NULL);
    }
}

static void drop_all(char **line, size_t n)
{
    for (size_t k = 0; k < n; k++)
        free(line[k]);
    free(line);
}

static char **copy_lines(const reducer *r)
{
    char **line = tool_alloc(r->n + 1, sizeof *line);

    for (size_t k = 0; k < r->n; k++)
        line[k] = copy(r->line[k]);
    return line;
}

static bool is_sound(const char *text)
{
    jit_module *m = NULL;
    bool good = jit_module_read(tool_engine(), text, strlen(text), &m, NULL, NULL) == JIT_OK;

    for (size_t k = 0; good && k < jit_module_function_count(m); k++)
        good = jit_func_verify(jit_module_function_at(m, k), NULL, NULL) == JIT_OK;
    jit_module_free(m);
    return good;
}

/* Takes the lines over, which may be NULL or hold line ends, when the failure is still there. */
static bool attempt(reducer *r, char **line)
{
    char *text = join(line, r->n);
    bool good = false;

    if (r->trials > 0 && is_sound(text)) {
        r->trials--;
        good = r->holds(r->user, text, r->args);
    }
    drop_all(line, r->n);
    if (good) {
        drop_all(r->line, r->n);
        split(r, text);
    }
    free(text);
    return good;
}

/* ---- What a line is ---- */

static bool starts(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

static bool is_indented(const char *s)
{
    return starts(s, "    ");
}

/* A declaration ahead of the blocks: `    fn0 = ...`. */
static bool is_declaration(const char *s)
{
    static const char *const kinds[] = { "fn", "sig", "ss", "gv", "region", "stack_limit" };

    if (!is_indented(s))
        return false;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (starts(s + 4, kinds[k])
            && (isdigit((unsigned char)s[4 + strlen(kinds[k])]) || s[4 + strlen(kinds[k])] == ' '))
            return true;
    return false;
}

static bool is_instruction(const char *s)
{
    return is_indented(s) && !is_declaration(s);
}

static bool is_block(const char *s)
{
    return starts(s, "block");
}

/* The opcode: behind the results, if there are any. */
static const char *opcode_of(const char *s)
{
    const char *equals = strstr(s, " = ");

    return s[4] == 'v' && equals ? equals + 3 : s + 4;
}

static bool is_terminator(const char *s)
{
    static const char *const ops[] = { "jump ", "brif ", "br_table ", "return", "trap " };
    const char *op = opcode_of(s);

    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++)
        if (starts(op, ops[k]))
            return true;
    return false;
}

static bool is_constant(const char *s)
{
    const char *op = opcode_of(s);

    return starts(op, "iconst") || starts(op, "f32const") || starts(op, "f64const");
}

/* The values that an instruction defines: their numbers. */
static unsigned results_of(const char *s, unsigned *v)
{
    unsigned n = 0;

    if (!is_instruction(s) || s[4] != 'v' || !strstr(s, " = "))
        return 0;
    for (s += 4; *s == 'v' && n < MAX_RESULTS; s += starts(s, ", ") ? 2 : 0) {
        v[n++] = (unsigned)strtoul(s + 1, (char **)(uintptr_t)&s, 10);
        if (starts(s, " = "))
            break;
    }
    return n;
}

/* The next word like `v12` at or behind s; NULL: none. */
static const char *next_word(const char *s, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = s; (p = strstr(p, word)) != NULL; p++)
        if (!isalnum((unsigned char)p[n]) && p[n] != '_'
            && (p == s || (!isalnum((unsigned char)p[-1]) && p[-1] != '_' && p[-1] != '%')))
            return p;
    return NULL;
}

static char *replace_words(const char *s, const char *word, const char *by)
{
    size_t n = strlen(word), extra = strlen(by), count = 0;
    char *text, *out;

    for (const char *p = s; (p = next_word(p, word)) != NULL; p += n)
        count++;
    text = out = tool_alloc(strlen(s) + count * extra + 1, 1);
    for (const char *p; (p = next_word(s, word)) != NULL; s = p + n) {
        memcpy(out, s, (size_t)(p - s));
        out += p - s;
        memcpy(out, by, extra);
        out += extra;
    }
    memcpy(out, s, strlen(s) + 1);
    return text;
}

/* The function that line k stands in: its lines. */
static void function_at(const reducer *r, size_t k, size_t *first, size_t *end)
{
    for (*first = k; *first > 0 && !starts(r->line[*first], "function "); --*first)
        continue;
    for (*end = k; *end < r->n && strcmp(r->line[*end], "}") != 0; ++*end)
        continue;
}

/* ---- Types, asked of the verifier ---- */

static const char *const type_names[] = { "i64", "i32", "i8", "f64", "f32", "i16" };
enum { TYPES = sizeof type_names / sizeof *type_names, NO_TYPE = 255 };

static unsigned ask_type(reducer *r, size_t k, unsigned v)
{
    char *was = r->line[k];

    for (unsigned t = 0; t < TYPES; t++) {
        size_t size = strlen(was) + 2 * WORD;
        char *line = tool_alloc(size, 1);
        snprintf(line, size, "%s\n    v99999 = band.%s v%u, v%u", was, type_names[t], v, v);
        r->line[k] = line;
        char *text = join(r->line, r->n);
        bool good = is_sound(text);
        free(text);
        free(line);
        r->line[k] = was;
        if (good)
            return t + 1;
    }
    return NO_TYPE;
}

/* The type of a value defined at line k, by a use that has a type; NULL: it has none of these. */
static const char *type_of(reducer *r, size_t k, unsigned v)
{
    size_t first, end;
    unsigned f = 0, t;

    function_at(r, k, &first, &end);
    while (f < r->ntypes && strcmp(r->types[f].function, r->line[first]) != 0)
        f++;
    if (f == MAX_FUNCTIONS || v >= MAX_VALUES)
        return NULL;
    if (f == r->ntypes)
        r->types[r->ntypes++].function = copy(r->line[first]);
    t = r->types[f].of[v];
    if (t == 0)
        t = r->types[f].of[v] = (uint8_t)ask_type(r, k, v);
    return t == NO_TYPE ? NULL : type_names[t - 1];
}

/* What line k becomes when it computes nothing; NULL: it goes. *same: nothing can be done. */
static char *emptied(reducer *r, size_t k, bool *same)
{
    unsigned v[MAX_RESULTS], n = results_of(r->line[k], v);
    char *text, *out;

    *same = is_constant(r->line[k]) || is_terminator(r->line[k]);
    if (*same || n == 0)
        return NULL;
    text = out = tool_alloc(n, WORD);
    for (unsigned i = 0; i < n; i++) {
        const char *type = type_of(r, k, v[i]);
        if (!type) {
            free(text);
            *same = true;
            return NULL;
        }
        bool is_float = type[0] == 'f';
        out += snprintf(out, WORD, "%s    v%u = %s%s %s", i ? "\n" : "", v[i],
                        is_float ? type : "iconst.", is_float ? "const" : type,
                        is_float ? "0.0" : "0");
    }
    return text;
}

/* ---- Edits ---- */

static bool drop_functions(reducer *r)
{
    bool any = false;

    for (size_t k = 0; k < r->n; k++) {
        size_t first, end;
        if (!starts(r->line[k], "function "))
            continue;
        function_at(r, k, &first, &end);
        char **line = copy_lines(r);
        for (size_t i = first; i <= end && i < r->n; i++) {
            free(line[i]);
            line[i] = NULL;
        }
        if (end + 2 < r->n && attempt(r, line)) { /* never the last one */
            any = true;
            k--;
        } else if (end + 2 >= r->n) {
            drop_all(line, r->n);
        }
    }
    return any;
}

/* Instructions [k, k + n) compute nothing any longer. */
static bool empty_lines(reducer *r, size_t k, size_t n)
{
    char **line = copy_lines(r);
    bool any = false, same;

    for (size_t i = k; i < k + n && i < r->n; i++) {
        if (!is_instruction(r->line[i]))
            continue;
        char *empty = emptied(r, i, &same);
        if (same)
            continue;
        free(line[i]);
        line[i] = empty;
        any = true;
    }
    if (any)
        return attempt(r, line);
    drop_all(line, r->n);
    return false;
}

static bool empty_chunks(reducer *r)
{
    bool any = false;

    for (size_t size = CHUNK; size > 0 && r->trials > 0; size /= 2)
        for (size_t k = 0; k < r->n && r->trials > 0; k += size)
            any |= empty_lines(r, k, size);
    return any;
}

/* Values that nobody reads go, as do declarations. */
static bool drop_unused(reducer *r)
{
    bool any = false;

    for (size_t k = r->n; k-- > 0 && r->trials > 0;) {
        unsigned v[MAX_RESULTS], n;
        size_t first, end;
        bool used = false;
        char word[WORD];
        n = results_of(r->line[k], v);
        if (n == 0 && !is_declaration(r->line[k]))
            continue;
        function_at(r, k, &first, &end);
        for (unsigned i = 0; i < n || (i == 0 && n == 0); i++) {
            if (n > 0)
                snprintf(word, sizeof word, "v%u", v[i]);
            else
                snprintf(word, sizeof word, "%.*s", (int)strcspn(r->line[k] + 4, " "), r->line[k]
                         + 4);
            for (size_t j = first; j <= end && j < r->n && !used; j++)
                used = j != k && next_word(r->line[j], word) != NULL;
        }
        if (used)
            continue;
        char **line = copy_lines(r);
        free(line[k]);
        line[k] = NULL;
        if (attempt(r, line))
            any = true;
    }
    return any;
}

/* The k-th block that a terminator names, with its arguments; NULL: there are not so many. */
static char *target_of(const char *s, unsigned k)
{
    for (const char *p = s; (p = strstr(p, "block")) != NULL; p += 5)
        if (isdigit((unsigned char)p[5]) && k-- == 0) {
            size_t n = 5;
            while (isdigit((unsigned char)p[n]))
                n++;
            if (p[n] == '(')
                n += strcspn(p + n, ")") + 1;
            return tool_text(p, n);
        }
    return NULL;
}

static bool straighten(reducer *r)
{
    bool any = false;

    for (size_t k = 0; k < r->n && r->trials > 0; k++) {
        if (!is_instruction(r->line[k])
            || !(starts(r->line[k] + 4, "brif ") || starts(r->line[k] + 4, "br_table ")))
            continue;
        char *target;
        bool done = false;
        for (unsigned t = 0; !done && t < 6 && (target = target_of(r->line[k], t)) != NULL; t++) {
            char **line = copy_lines(r);
            size_t size = strlen(target) + 16;
            free(line[k]);
            line[k] = tool_alloc(size, 1);
            snprintf(line[k], size, "    jump %s", target);
            free(target);
            done = attempt(r, line);
            any |= done;
        }
    }
    return any;
}

/* Marks the lines of the blocks that control reaches from line `entry`, a block's first. */
static void reach(const reducer *r, size_t first, size_t end, size_t entry, bool *reached)
{
    bool any = true;

    reached[entry] = true;
    while (any) {
        any = false;
        for (size_t k = first; k < end; k++) {
            char word[WORD];
            bool block = is_block(r->line[k]);
            if (!block && k > first && reached[k - 1] && !reached[k])
                any = reached[k] = true;
            if (!block || reached[k])
                continue;
            snprintf(word, sizeof word, "%.*s", (int)strcspn(r->line[k], "(: "), r->line[k]);
            for (size_t j = first; j < end && !reached[k]; j++)
                if (!is_block(r->line[j]) && reached[j] && next_word(r->line[j], word))
                    any = reached[k] = true;
        }
    }
}

/* Blocks that control does not reach go, all of a function at once. */
static bool drop_blocks(reducer *r)
{
    bool any = false;

    for (size_t k = 0; k < r->n && r->trials > 0; k++) {
        size_t first, end, entry, gone = 0;
        if (!starts(r->line[k], "function "))
            continue;
        function_at(r, k, &first, &end);
        for (entry = first; entry < end && !is_block(r->line[entry]); entry++)
            continue;
        bool *reached = tool_alloc(r->n + 1, sizeof *reached);
        reach(r, first, end, entry, reached);
        char **line = copy_lines(r);
        for (size_t j = entry; j < end; j++)
            if (!reached[j]) {
                free(line[j]);
                line[j] = NULL;
                gone++;
            }
        free(reached);
        if (gone > 0)
            any |= attempt(r, line);
        else
            drop_all(line, r->n);
    }
    return any;
}

/* The k-th item of a list in parentheses; its length. NULL: there is none. */
static const char *item(const char *list, unsigned k, size_t *n)
{
    while (k > 0 && *list && *list != ')') {
        list += strcspn(list, ",)");
        if (*list != ',')
            return NULL;
        list += list[1] == ' ' ? 2 : 1;
        k--;
    }
    *n = strcspn(list, ",)");
    return k == 0 && *n > 0 ? list : NULL;
}

/* Writes the list without its k-th item; NULL: it has none. */
static char *without_item(const char *s, const char *list, unsigned k)
{
    size_t n;
    const char *it = item(list, k, &n);
    char *text;

    if (!it)
        return NULL;
    text = copy(s);
    char *at = text + (it - s);
    if (at[n] == ',')
        n += 2;
    else if (k > 0) {
        at -= 2;
        n += 2;
    }
    memmove(at, at + n, strlen(at + n) + 1);
    return text;
}

/* Takes the k-th parameter from a block, and its argument from every branch to it. */
static bool drop_parameter(reducer *r, size_t header, unsigned k)
{
    size_t first, end, length;
    char word[WORD], value[WORD];
    const char *open = strchr(r->line[header], '('), *it = open ? item(open + 1, k, &length) : NULL;

    if (!it)
        return false;
    function_at(r, header, &first, &end);
    snprintf(word, sizeof word, "%.*s", (int)strcspn(r->line[header], "(: "), r->line[header]);
    snprintf(value, sizeof value, "%.*s", (int)strcspn(it, ":"), it);
    for (size_t j = first; j < end; j++)
        if (j != header && next_word(r->line[j], value))
            return false;
    char **line = copy_lines(r);
    for (size_t j = first; j < end; j++) {
        const char *p = line[j];
        while ((p = next_word(p, word)) != NULL) {
            size_t at = (size_t)(p - line[j]) + strlen(word);
            char *shorter = line[j][at] == '(' ? without_item(line[j], line[j] + at + 1, k) : NULL;
            if (shorter) {
                free(line[j]);
                line[j] = shorter;
            }
            p = line[j] + at;
        }
    }
    for (size_t j = first; j < end; j++) { /* `block3()` is not written so */
        char *empty = strstr(line[j], "()");
        if (empty && strstr(line[j], "block"))
            memmove(empty, empty + 2, strlen(empty + 2) + 1);
    }
    return attempt(r, line);
}

static bool drop_parameters(reducer *r)
{
    bool any = false, entry = true;

    for (size_t k = 0; k < r->n && r->trials > 0; k++) {
        if (starts(r->line[k], "function "))
            entry = true;
        if (!is_block(r->line[k]))
            continue;
        for (unsigned p = 0; !entry && p < 16; p++)
            if (drop_parameter(r, k, p)) {
                any = true;
                p--;
            }
        entry = false;
    }
    return any;
}

/* A block that one jump alone leads to continues the jump's block. */
static bool join_blocks(reducer *r)
{
    bool any = false;

    for (size_t k = 0; k + 1 < r->n && r->trials > 0; k++) {
        char word[WORD];
        size_t first, end, from = 0, uses = 0;
        if (!is_block(r->line[k]) || k == 0)
            continue;
        function_at(r, k, &first, &end);
        snprintf(word, sizeof word, "%.*s", (int)strcspn(r->line[k], "(: "), r->line[k]);
        for (size_t j = first; j < end; j++)
            if (j != k && !is_block(r->line[j]) && next_word(r->line[j], word)) {
                uses++;
                from = j;
            }
        if (uses != 1 || !starts(r->line[from], "    jump ") || from + 1 != k)
            continue;
        char **line = copy_lines(r);
        const char *params = strchr(r->line[k], '('), *args = strchr(r->line[from], '('), *p, *a;
        size_t np, na;
        for (unsigned i = 0; params && args && (p = item(params + 1, i, &np)) != NULL
                             && (a = item(args + 1, i, &na)) != NULL; i++) {
            char value[WORD], by[WORD];
            snprintf(value, sizeof value, "%.*s", (int)strcspn(p, ":"), p);
            snprintf(by, sizeof by, "%.*s", (int)na, a);
            for (size_t j = k + 1; j < end; j++) {
                char *changed = replace_words(line[j], value, by);
                free(line[j]);
                line[j] = changed;
            }
        }
        free(line[k]);
        free(line[from]);
        line[k] = line[from] = NULL;
        any |= attempt(r, line);
    }
    return any;
}

/* An instruction's result is one of its operands instead. */
static bool use_operands(reducer *r)
{
    bool any = false;

    for (size_t k = 0; k < r->n && r->trials > 0; k++) {
        unsigned v[MAX_RESULTS];
        if (results_of(r->line[k], v) != 1 || is_constant(r->line[k]))
            continue;
        size_t first, end;
        function_at(r, k, &first, &end);
        const char *p = opcode_of(r->line[k]);
        bool done = false;
        while (!done && (p = strchr(p, 'v')) != NULL) {
            char value[WORD], by[WORD];
            if (!isdigit((unsigned char)p[1]) || isalnum((unsigned char)p[-1]) || p[-1] == '_') {
                p++;
                continue;
            }
            snprintf(value, sizeof value, "v%u", v[0]);
            snprintf(by, sizeof by, "v%lu", strtoul(p + 1, NULL, 10));
            p++;
            char **line = copy_lines(r);
            free(line[k]);
            line[k] = NULL;
            for (size_t j = first; j < end; j++)
                if (line[j]) {
                    char *changed = replace_words(line[j], value, by);
                    free(line[j]);
                    line[j] = changed;
                }
            done = attempt(r, line);
        }
        any |= done;
    }
    return any;
}

/* Constants and arguments nearer to zero. */
static bool shrink_constants(reducer *r)
{
    static const char *const values[] = { "0", "1", "-1", "7", "100" };
    bool any = false;

    for (size_t k = 0; k < r->n && r->trials > 0; k++) {
        if (!is_instruction(r->line[k]) || !starts(opcode_of(r->line[k]), "iconst"))
            continue;
        const char *number = strrchr(r->line[k], ' ') + 1;
        for (size_t t = 0; t < sizeof values / sizeof *values; t++) {
            if (strcmp(number, values[t]) == 0)
                break;
            char **line = copy_lines(r);
            size_t at = (size_t)(number - r->line[k]), size = at + 8;
            free(line[k]);
            line[k] = tool_alloc(size, 1);
            snprintf(line[k], size, "%.*s%s", (int)at, r->line[k], values[t]);
            if (attempt(r, line)) {
                any = true;
                break;
            }
        }
    }
    return any;
}

static bool shrink_args(reducer *r)
{
    char *text = join(r->line, r->n);
    bool any = false;

    for (unsigned k = 0; k < FUZZ_PARAMS && r->trials > 0; k++) {
        jit_bits was = r->args[k], zero;
        memset(&zero, 0, sizeof zero);
        if (memcmp(&was, &zero, sizeof was) == 0)
            continue;
        r->args[k] = zero;
        r->trials--;
        if (r->holds(r->user, text, r->args))
            any = true;
        else
            r->args[k] = was;
    }
    free(text);
    return any;
}

char *tool_fuzz_reduce(const char *text, jit_bits *args, unsigned trials,
                       bool (*holds)(void *user, const char *text, const jit_bits *args),
                       void *user)
{
    static bool (*const edits[])(reducer *r) = {
        drop_functions, straighten, drop_blocks, empty_chunks, drop_unused, drop_functions,
        join_blocks, drop_parameters, use_operands, shrink_constants, shrink_args
    };
    reducer *r = tool_alloc(1, sizeof *r);
    bool any = true;

    r->args = args;
    r->trials = trials;
    r->holds = holds;
    r->user = user;
    split(r, text);
    while (any && r->trials > 0) {
        any = false;
        for (size_t k = 0; k < sizeof edits / sizeof *edits; k++)
            any |= edits[k](r);
    }
    char *out = join(r->line, r->n);
    drop_all(r->line, r->n);
    for (unsigned f = 0; f < r->ntypes; f++)
        free(r->types[f].function);
    free(r);
    return out;
}
