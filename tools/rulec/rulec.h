/* rulec.h - the rule compiler: rules as trees, and what its parts hand each other. */
#ifndef RULEC_H
#define RULEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_ARGS = 3, MAX_NODES = 32, MAX_NAMES = 16, MAX_TYPES = 16 };

typedef enum node_kind {
    NODE_VALUE,  /* a variable: any value */
    NODE_CONST,  /* a variable: any constant */
    NODE_EXPR,   /* a number, or {expression}: a constant that has this value */
    NODE_OP
} node_kind;

typedef struct expr {
    char op;               /* '0' number, 'n' name, 'f' function, else the operator; two-character ones
                            * as in token kinds */
    char name[16];
    uint64_t number;
    int a, b;              /* indices into the rule's exprs; -1: none */
    char arg[16];          /* of functions that take a variable or a type */
} expr;

typedef struct node {
    node_kind kind;
    char name[24];         /* of a variable; of an opcode */
    int op;                /* row of the opcode table */
    char cond[8];          /* condition "eq", or the variable of one */
    char change[8];        /* in a replacement: "inv" or "swap" of that variable, or "" */
    bool cond_is_variable;
    int nargs, args[MAX_ARGS];
    int expr;              /* NODE_EXPR */
    int type;              /* class of its own type; -1: not known */
    int control;           /* class of an operation's controlling type */
    char annotation[8];    /* type as written; "": none */
} node;

typedef struct rule {
    char name[40];
    const char *file;
    int line;
    bool is_fact;          /* zeros(...) = expression */
    node nodes[MAX_NODES];
    int nnodes, pattern, replacement; /* roots; -1 */
    expr exprs[96];
    int nexprs, condition, fact;      /* -1: none */
    int ntypes, truth;     /* type classes: 0 is T; the one of truth values, -1: none */
    char type_name[MAX_TYPES][8];
    bool swapped;          /* a twin made for a commutative operand */
} rule;

typedef struct opcode {
    const char *name, *rule; /* operand types > result types, as in jit_opcodes.def */
    unsigned props;
} opcode;
extern const opcode opcodes[];
extern const int nopcodes;
enum { OP_TERM = 1, OP_BRANCH = 2, OP_EFFECT = 4, OP_TRAPS = 8, OP_LOADS = 16, OP_STORES = 32,
       OP_CALL = 64, OP_COMMUTES = 128, OP_EXPLICIT = 256 };

typedef struct rules { rule **at; int n, cap; } rules;

_Noreturn void rulec_die(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void rulec_parse(rules *all, const char *file, const char *text); /* parse.c */
void rulec_check(rule *r);                      /* check.c: types, names, and that it makes less of it */
void rulec_check_all(const rules *all);         /* doubles, and what can never be reached */
void rulec_expand(rules *all);                  /* twins for commutative operands */
void rulec_emit(const rules *all);              /* emit.c: C on standard output */

#endif
