/* parse.c - reads rules: NAME: PATTERN [if CONDITION] => REPLACEMENT, or NAME: zeros(PATTERN) =
 * EXPRESSION.
 *
 * The grammar is in docs/rules.md. A rule ends with its line. */
#include "rulec.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct parser {
    const char *at, *file;
    int line;
    rule *r;
} parser;

static _Noreturn void expected(const parser *p, const char *what)
{
    rulec_die(p->file, p->line, "expected %s at \"%.20s\"", what, *p->at ? p->at : "the end");
}

static void skip(parser *p)
{
    while (*p->at == ' ' || *p->at == '\t')
        p->at++;
}

static bool take(parser *p, const char *text)
{
    size_t n = strlen(text);

    skip(p);
    if (strncmp(p->at, text, n) != 0)
        return false;
    if (isalnum((unsigned char)text[n - 1]) && (isalnum((unsigned char)p->at[n]) || p->at[n] == '_'))
        return false; /* part of a longer word */
    p->at += n;
    return true;
}

static void need(parser *p, const char *text)
{
    if (!take(p, text))
        expected(p, text);
}

static bool word(parser *p, char *out, size_t size)
{
    size_t n = 0;

    skip(p);
    while (isalnum((unsigned char)p->at[n]) || p->at[n] == '_')
        n++;
    if (n == 0 || isdigit((unsigned char)p->at[0]) || n >= size)
        return false;
    memcpy(out, p->at, n);
    out[n] = 0;
    p->at += n;
    return true;
}

/* ---- Expressions over constants ---- */

static int parse_or(parser *p);

static int new_expr(parser *p, char op, int a, int b)
{
    rule *r = p->r;

    if (r->nexprs == (int)(sizeof r->exprs / sizeof *r->exprs))
        rulec_die(p->file, p->line, "too long an expression");
    r->exprs[r->nexprs] = (expr){ .op = op, .a = a, .b = b };
    return r->nexprs++;
}

static int parse_primary(parser *p)
{
    char name[16];
    int e;

    skip(p);
    if (isdigit((unsigned char)*p->at)) {
        char *end;
        e = new_expr(p, '0', -1, -1);
        p->r->exprs[e].number = strtoull(p->at, &end, 0);
        p->at = end;
        return e;
    }
    if (take(p, "(")) {
        e = parse_or(p);
        need(p, ")");
        return e;
    }
    if (!word(p, name, sizeof name))
        expected(p, "a number or a name");
    if (!take(p, "(")) {
        e = new_expr(p, 'n', -1, -1);
        strcpy(p->r->exprs[e].name, name);
        return e;
    }
    e = new_expr(p, 'f', -1, -1);
    strcpy(p->r->exprs[e].name, name);
    if (strcmp(name, "ty") == 0 || strcmp(name, "mask") == 0 || strcmp(name, "bits") == 0
        || strcmp(name, "zero") == 0 || strcmp(name, "known_zero") == 0) {
        char arg[16];
        if (!word(p, arg, sizeof arg))
            expected(p, "a variable");
        strcpy(p->r->exprs[e].arg, arg);
        if (take(p, ",")) {
            int a = parse_or(p);
            p->r->exprs[e].a = a;
        }
    } else {
        int a = parse_or(p);
        p->r->exprs[e].a = a;
    }
    need(p, ")");
    return e;
}

static int parse_unary(parser *p)
{
    skip(p);
    for (const char *c = "-~"; *c; c++)
        if (*p->at == *c) {
            p->at++;
            int a = parse_unary(p);
            return new_expr(p, *c == '-' ? 'm' : '~', a, -1);
        }
    if (*p->at == '!' && p->at[1] != '=') {
        p->at++;
        int a = parse_unary(p);
        return new_expr(p, '!', a, -1);
    }
    return parse_primary(p);
}

/* Binary operators from the tightest on; the letter is the expr's op. */
typedef struct binary { const char *text; char op; int level; } binary;
static const binary binaries[] = {
    { "*", '*', 0 }, { "+", '+', 1 }, { "-", '-', 1 }, { "<<", 'L', 2 }, { ">>", 'R', 2 },
    { "u<=", 'l', 6 }, { "u>=", 'g', 6 }, { "u<", '<', 6 }, { "u>", '>', 6 },
    { "s<=", 'I', 6 }, { "s>=", 'J', 6 }, { "s<", 'i', 6 }, { "s>", 'j', 6 },
    { "<=", 'l', 6 }, { ">=", 'g', 6 }, { "<", '<', 6 }, { ">", '>', 6 },
    { "==", '=', 6 }, { "!=", 'N', 6 }, { "&&", 'A', 7 }, { "||", 'O', 8 },
    { "&", '&', 3 }, { "^", '^', 4 }, { "|", '|', 5 },
};

static int parse_level(parser *p, int level)
{
    int a = level < 0 ? parse_unary(p) : parse_level(p, level - 1);

    for (;;) {
        const binary *found = NULL;
        skip(p);
        for (size_t k = 0; k < sizeof binaries / sizeof *binaries && !found; k++) {
            const binary *b = &binaries[k];
            size_t n = strlen(b->text);
            if (strncmp(p->at, b->text, n) != 0)
                continue;
            if (b->level != level)
                break; /* another level's, and no longer one */
            found = b;
        }
        if (!found || level < 0)
            return a;
        p->at += strlen(found->text);
        int b = parse_level(p, level - 1);
        a = new_expr(p, found->op, a, b);
    }
}

static int parse_or(parser *p) { return parse_level(p, 8); }

/* ---- Terms ---- */

static int new_node(parser *p, node_kind kind)
{
    rule *r = p->r;

    if (r->nnodes == MAX_NODES)
        rulec_die(p->file, p->line, "too large a term");
    r->nodes[r->nnodes] = (node){ .kind = kind, .op = -1, .expr = -1, .type = -1, .control = -1 };
    return r->nnodes++;
}

static int find_opcode(const char *name)
{
    for (int k = 0; k < nopcodes; k++)
        if (strcmp(opcodes[k].name, name) == 0)
            return k;
    return -1;
}

static void parse_condition_code(parser *p, node *n)
{
    if (take(p, ".")) {
        if (!word(p, n->cond, sizeof n->cond))
            expected(p, "a condition");
    } else if (take(p, "@")) {
        n->cond_is_variable = true;
        if (!word(p, n->cond, sizeof n->cond))
            expected(p, "a variable for conditions");
        if (strcmp(n->cond, "inv") == 0 || strcmp(n->cond, "swap") == 0) {
            strcpy(n->change, n->cond);
            need(p, "(");
            if (!word(p, n->cond, sizeof n->cond))
                expected(p, "a variable for conditions");
            need(p, ")");
        }
    }
}

static int parse_term(parser *p)
{
    char name[24];
    int k;

    skip(p);
    if (isdigit((unsigned char)*p->at) || *p->at == '-' || *p->at == '{') {
        bool braces = take(p, "{");
        int e = braces ? parse_or(p) : parse_unary(p);
        if (braces)
            need(p, "}");
        k = new_node(p, NODE_EXPR);
        p->r->nodes[k].expr = e;
        return k;
    }
    if (!word(p, name, sizeof name))
        expected(p, "a term");
    skip(p);
    if (*p->at == '(' || *p->at == '.' || *p->at == '@') {
        k = new_node(p, NODE_OP);
        strcpy(p->r->nodes[k].name, name);
        p->r->nodes[k].op = find_opcode(name);
        if (p->r->nodes[k].op < 0)
            rulec_die(p->file, p->line, "no opcode is named %s", name);
        parse_condition_code(p, &p->r->nodes[k]);
        need(p, "(");
        do {
            int a = parse_term(p);
            node *n = &p->r->nodes[k];
            if (n->nargs == MAX_ARGS)
                rulec_die(p->file, p->line, "too many operands of %s", name);
            n->args[n->nargs++] = a;
        } while (take(p, ","));
        need(p, ")");
    } else {
        k = new_node(p, isupper((unsigned char)name[0]) ? NODE_CONST : NODE_VALUE);
        strcpy(p->r->nodes[k].name, name);
    }
    if (take(p, ":") && !word(p, p->r->nodes[k].annotation, sizeof p->r->nodes[k].annotation))
        expected(p, "a type");
    return k;
}

/* ---- Rules ---- */

static void parse_rule(parser *p)
{
    rule *r = p->r;
    size_t n = strcspn(p->at, ":");

    if (n == 0 || n >= sizeof r->name || p->at[n] != ':')
        expected(p, "NAME:");
    memcpy(r->name, p->at, n);
    r->name[n] = 0;
    p->at += n + 1;
    r->pattern = r->replacement = r->condition = r->fact = -1;
    skip(p);
    if (strncmp(p->at, "zeros(", 6) == 0) {
        p->at += 6;
        r->is_fact = true;
        r->pattern = parse_term(p);
        need(p, ")");
        need(p, "=");
        r->fact = parse_or(p);
    } else {
        r->pattern = parse_term(p);
        if (take(p, "if"))
            r->condition = parse_or(p);
        need(p, "=>");
        r->replacement = parse_term(p);
    }
    skip(p);
    if (*p->at && *p->at != '#')
        expected(p, "the end of the rule");
}

void rulec_parse(rules *all, const char *file, const char *text)
{
    char line[512];

    for (int number = 1; *text; number++) {
        size_t n = strcspn(text, "\n");
        if (n >= sizeof line)
            rulec_die(file, number, "too long a line");
        memcpy(line, text, n);
        line[n] = 0;
        text += n + (text[n] == '\n');
        char *at = line + strspn(line, " \t");
        if (!*at || *at == '#')
            continue;
        rule *r = calloc(1, sizeof *r);
        if (!r)
            rulec_die(file, number, "no memory");
        r->file = file;
        r->line = number;
        parser p = { at, file, number, r };
        parse_rule(&p);
        if (all->n == all->cap) {
            all->cap = all->cap ? 2 * all->cap : 256;
            all->at = realloc(all->at, (size_t)all->cap * sizeof *all->at);
            if (!all->at)
                rulec_die(file, number, "no memory");
        }
        all->at[all->n++] = r;
    }
}
