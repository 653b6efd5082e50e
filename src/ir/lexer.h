/* lexer.h - cuts CLIF text into tokens: no memory per token, one token of look-ahead. */
#ifndef JIT_IR_LEXER_H
#define JIT_IR_LEXER_H

#include "gantry/jit_base.h"
#include "support/vec.h"

/* Punctuation stands for itself; the rest begins above the characters. */
enum token_kind {
    TOK_END = 0,
    TOK_WORD = 128, /* an identifier that is none of the following */
    TOK_VALUE, TOK_BLOCK, TOK_SLOT, TOK_DYN_SLOT, TOK_DYN_TYPE, TOK_GV, TOK_CONST, TOK_FN, TOK_SIG,
    TOK_REGION, TOK_USER, TOK_USER_EXT, TOK_TAG, TOK_RET, TOK_EXN, /* a prefix and `number` */
    TOK_TYPE,       /* number: the jit_type */
    TOK_NUMBER,     /* an integer or a float, as written */
    TOK_NAME,       /* %name; text with the % */
    TOK_STRING,     /* text with its quotes */
    TOK_POSITION,   /* @00af; text with the @ */
    TOK_ARROW,      /* -> */
    TOK_BAD         /* no token of CLIF */
};

typedef struct token {
    uint8_t kind;
    bool first;       /* of its line */
    uint32_t number;
    uint32_t line;    /* from 1 */
    const char *at;   /* its text */
    size_t len;
    const char *line_start;
} token;

/* A comment; what printers add behind instructions ("v3 = 5") is not kept. */
typedef struct comment {
    uint32_t line;
    const char *at; /* without ';' and blanks in front */
    size_t len;     /* without blanks behind */
} comment;

typedef struct lexer {
    const char *at, *end;
    const char *line_start;
    uint32_t line;
    bool fresh;           /* no token on this line yet */
    token tok;            /* the current token */
    arena *mem;           /* of comments */
    VEC(comment) comments;
} lexer;

void jit_lexer_init(lexer *l, arena *mem, const char *text, size_t n);
/* Goes on to the next token: l->tok. */
void jit_lexer_next(lexer *l);
/* The rest of the line behind the current token, without blanks around and without a comment. The
 * next token is the first one of the following line. */
void jit_lexer_line(lexer *l, const char **text, size_t *n);
/* Column of a token, from 1, in bytes. */
uint32_t jit_token_column(const token *t);

#endif
