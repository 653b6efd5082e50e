/* lexer.c - a table says what each byte may begin or continue; a switch does the rest. */
#include "ir/lexer.h"

#include "ir/literal.h"
#include <string.h>

enum { C_WORD = 1, C_DIGIT = 2, C_BLANK = 4, C_PUNCT = 8, C_HEX = 16 };

#define DIGIT (C_WORD | C_DIGIT | C_HEX)
#define HEX (C_WORD | C_HEX)
static const uint8_t class_of[256] = {
    [' '] = C_BLANK, ['\t'] = C_BLANK, ['\r'] = C_BLANK, ['\v'] = C_BLANK, ['\f'] = C_BLANK,
    ['('] = C_PUNCT, [')'] = C_PUNCT, ['{'] = C_PUNCT, ['}'] = C_PUNCT, ['['] = C_PUNCT,
    [']'] = C_PUNCT, ['<'] = C_PUNCT, ['>'] = C_PUNCT, [','] = C_PUNCT, ['.'] = C_PUNCT,
    [':'] = C_PUNCT, ['='] = C_PUNCT, ['!'] = C_PUNCT, ['*'] = C_PUNCT,
    ['0'] = DIGIT, ['1'] = DIGIT, ['2'] = DIGIT, ['3'] = DIGIT, ['4'] = DIGIT,
    ['5'] = DIGIT, ['6'] = DIGIT, ['7'] = DIGIT, ['8'] = DIGIT, ['9'] = DIGIT,
    ['a'] = HEX, ['b'] = HEX, ['c'] = HEX, ['d'] = HEX, ['e'] = HEX, ['f'] = HEX,
    ['A'] = HEX, ['B'] = HEX, ['C'] = HEX, ['D'] = HEX, ['E'] = HEX, ['F'] = HEX,
    ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1,
    ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1,
    ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1, ['_'] = 1,
    ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1,
    ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1,
    ['W'] = 1, ['X'] = 1, ['Y'] = 1, ['Z'] = 1
};

static inline unsigned class_at(const lexer *l, const char *p)
{
    return p < l->end ? class_of[(unsigned char)*p] : 0;
}

void jit_lexer_init(lexer *l, arena *mem, const char *text, size_t n)
{
    memset(l, 0, sizeof *l);
    l->at = l->line_start = text;
    l->end = text + n;
    l->line = 1;
    l->fresh = true;
    l->mem = mem;
}

uint32_t jit_token_column(const token *t)
{
    return (uint32_t)(t->at - t->line_start) + 1;
}

/* Whether a comment is what the printer writes behind an instruction: "v3 = 5, v4 = 0x1.0p0". */
static bool is_constant_note(const char *s, size_t n)
{
    size_t k = 1;

    if (n < 2 || s[0] != 'v' || !(class_of[(unsigned char)s[1]] & C_DIGIT))
        return false;
    while (k < n && class_of[(unsigned char)s[k]] & C_DIGIT)
        k++;
    return n - k > 3 && memcmp(s + k, " = ", 3) == 0;
}

static bool is_blank(char c)
{
    return class_of[(unsigned char)c] & C_BLANK;
}

/* At a semicolon: keeps the comment, stops at the line's end. */
static void read_comment(lexer *l)
{
    const char *stop = memchr(l->at, '\n', (size_t)(l->end - l->at));
    const char *s = l->at, *e = stop ? stop : l->end, *nul;
    comment c;

    l->at = e;
    nul = memchr(s, 0, (size_t)(e - s));
    e = nul ? nul : e; /* the text of a comment is a C string */
    while (s < e && (*s == ';' || is_blank(*s)))
        s++;
    while (e > s && is_blank(e[-1]))
        e--;
    if (!l->fresh && is_constant_note(s, (size_t)(e - s)))
        return;
    c.line = l->line;
    c.at = s;
    c.len = (size_t)(e - s);
    vec_push(l->mem, &l->comments, c);
}

/* Behind the spaces at p, eight at a time: text with source positions is mostly indent. */
static const char *skip_spaces(const char *p, const char *end)
{
    const uint64_t spaces = 0x2020202020202020;
    uint64_t eight;

    while (end - p >= 8) {
        memcpy(&eight, p, 8);
        if (eight != spaces)
            break;
        p += 8;
    }
    while (p < end && *p == ' ')
        p++;
    return p;
}

/* Skips blanks, comments, line ends. */
static void skip_space(lexer *l)
{
    while (l->at < l->end) {
        char c = *l->at;
        if (c == ' ') {
            l->at = skip_spaces(l->at + 1, l->end);
            continue;
        }
        if (c == '\n') {
            l->line_start = ++l->at;
            l->line++;
            l->fresh = true;
        } else if (c == ';')
            read_comment(l);
        else if (is_blank(c))
            l->at++;
        else
            break;
    }
}

/* The kind of entity that a prefix names. */
static uint8_t entity_of(const char *s, size_t n)
{
    static const struct { char name[12]; uint8_t len, kind; } entities[] = {
        { "block", 5, TOK_BLOCK }, { "ss", 2, TOK_SLOT }, { "fn", 2, TOK_FN },
        { "sig", 3, TOK_SIG }, { "gv", 2, TOK_GV }, { "region", 6, TOK_REGION },
        { "const", 5, TOK_CONST },
        { "u", 1, TOK_USER }, { "v", 1, TOK_VALUE }, { "dss", 3, TOK_DYN_SLOT },
        { "dt", 2, TOK_DYN_TYPE }, { "tag", 3, TOK_TAG }, { "ret", 3, TOK_RET },
        { "exn", 3, TOK_EXN }, { "userextname", 11, TOK_USER_EXT }
    };
    for (size_t k = 0; k < sizeof entities / sizeof *entities; k++)
        if (entities[k].len == n && memcmp(s, entities[k].name, n) == 0)
            return entities[k].kind;
    return TOK_WORD;
}

/* A decimal number of 32 bits without leading zeros. */
static bool entity_number(const char *s, const char *end, uint32_t *out)
{
    uint64_t x = 0;

    if (end - s > 10 || (*s == '0' && end - s > 1))
        return false;
    for (; s < end; s++)
        x = x * 10 + (uint64_t)(*s - '0');
    *out = (uint32_t)x;
    return x <= UINT32_MAX;
}

/* Sets the kind of a word: an entity, a type or just a word. */
static void classify(token *t)
{
    const char *end = t->at + t->len, *tail = end;
    bool too_wide;
    jit_type type;

    t->kind = TOK_WORD;
    while (tail > t->at && class_of[(unsigned char)tail[-1]] & C_DIGIT)
        tail--;
    if (tail == end)
        return;
    if ((*t->at == 'i' || *t->at == 'f') && class_of[(unsigned char)t->at[1]] & C_DIGIT) {
        type = jit_type_parse(t->at, t->len, &too_wide);
        if (type != JIT_VOID) {
            t->kind = TOK_TYPE;
            t->number = type;
            return;
        }
    }
    if (tail - t->at <= 11 && entity_number(tail, end, &t->number))
        t->kind = entity_of(t->at, (size_t)(tail - t->at));
    if (t->number == UINT32_MAX && t->kind != TOK_USER && t->kind != TOK_TAG) /* no index */
        t->kind = TOK_WORD;
}

static void read_word(lexer *l)
{
    const char *p = l->at + 1;

    while (class_at(l, p) & C_WORD)
        p++;
    l->tok.len = (size_t)(p - l->at);
    l->at = p;
    classify(&l->tok);
}

/* v and digits, the most frequent token of all. */
static bool read_value(lexer *l)
{
    const char *p = l->at + 1;
    uint32_t x = 0;

    while (class_at(l, p) & C_DIGIT && p - l->at < 9)
        x = x * 10 + (uint32_t)(*p++ - '0');
    if (class_at(l, p) & C_WORD || p == l->at + 1 || (l->at[1] == '0' && p != l->at + 2))
        return false;
    l->tok.kind = TOK_VALUE;
    l->tok.number = x;
    l->tok.len = (size_t)(p - l->at);
    l->at = p;
    return true;
}

static bool begins(const char *s, size_t n, const char *word)
{
    return n >= strlen(word) && memcmp(s, word, strlen(word)) == 0;
}

/* NaN, Inf and sNaN are numbers though they look like words. */
static bool is_special_float(const char *s, size_t n)
{
    if (n == 0 || (*s != 'N' && *s != 'I' && *s != 's'))
        return false;
    return begins(s, n, "NaN") || begins(s, n, "Inf") || begins(s, n, "sNaN");
}

static void read_number(lexer *l)
{
    l->tok.kind = TOK_NUMBER;
    l->tok.len = jit_literal_span(l->at, (size_t)(l->end - l->at));
    l->at += l->tok.len;
}

static void read_signed(lexer *l)
{
    const char *p = l->at + 1;
    size_t rest = (size_t)(l->end - p);

    if (*l->at == '-' && rest > 0 && *p == '>') {
        l->tok.kind = TOK_ARROW;
        l->tok.len = 2;
        l->at += 2;
    } else if (class_at(l, p) & C_DIGIT || is_special_float(p, rest))
        read_number(l);
    else {
        l->tok.kind = (uint8_t)*l->at;
        l->at++;
    }
}

/* A prefix character and what follows of a class. */
static void read_run(lexer *l, uint8_t kind, unsigned class)
{
    const char *p = l->at + 1;

    while (class_at(l, p) & class)
        p++;
    l->tok.kind = kind;
    l->tok.len = (size_t)(p - l->at);
    l->at = p;
}

static void read_string(lexer *l)
{
    const char *p = l->at + 1;

    while (p < l->end && *p != '"' && *p != '\n' && *p != 0)
        p++;
    l->tok.kind = p < l->end && *p == '"' ? TOK_STRING : TOK_BAD;
    p += l->tok.kind == TOK_STRING;
    l->tok.len = (size_t)(p - l->at);
    l->at = p;
}

static void read_other(lexer *l)
{
    switch (*l->at) {
    case '+':
    case '-':
        read_signed(l);
        break;
    case '%':
        read_run(l, TOK_NAME, C_WORD);
        break;
    case '"':
        read_string(l);
        break;
    case '@':
        if (class_at(l, l->at + 1) & C_HEX)
            read_run(l, TOK_POSITION, C_HEX);
        else {
            l->tok.kind = '@';
            l->at++;
        }
        break;
    default:
        l->tok.kind = TOK_BAD;
        l->at++;
    }
}

void jit_lexer_next(lexer *l)
{
    unsigned class;

    skip_space(l);
    l->tok.at = l->at;
    l->tok.len = 1;
    l->tok.line = l->line;
    l->tok.line_start = l->line_start;
    l->tok.first = l->fresh;
    l->tok.number = 0;
    l->fresh = false;
    if (l->at == l->end) {
        l->tok.kind = TOK_END;
        l->tok.len = 0;
        return;
    }
    class = class_of[(unsigned char)*l->at];
    if (*l->at == 'v' && read_value(l))
        return;
    if (class & C_PUNCT) {
        l->tok.kind = (uint8_t)*l->at;
        l->at++;
    } else if (class & C_DIGIT)
        read_number(l);
    else if (class & C_WORD) {
        if (is_special_float(l->at, (size_t)(l->end - l->at)))
            read_number(l);
        else
            read_word(l);
    } else
        read_other(l);
}

void jit_lexer_line(lexer *l, const char **text, size_t *n)
{
    const char *s = l->tok.at + l->tok.len, *e = s;

    while (e < l->end && *e != '\n' && *e != ';' && *e != 0)
        e++;
    l->at = e;
    while (s < e && is_blank(*s))
        s++;
    while (e > s && is_blank(e[-1]))
        e--;
    *text = s;
    *n = (size_t)(e - s);
    jit_lexer_next(l);
}
