/* reader.h - the state of reading CLIF, shared by the files reader*.c.
 *
 * A function is read under a guard of its own: the first error in it leaves by jit_fail, the
 * function is dropped, and reading goes on at the next `function`. A value that is used before its
 * definition stands as a placeholder, FORWARD + index, and is replaced at its function's end. */
#ifndef JIT_IR_READER_H
#define JIT_IR_READER_H

#include "gantry/jit_text.h"
#include "ir/func.h"
#include "ir/lexer.h"
#include "ir/numbering.h"

#define FORWARD 0x80000000u /* ids from here to EH_RET(0) are placeholders */
#define OP_HASH_SIZE 1024u

/* A value used before its definition. */
typedef struct forward {
    uint32_t number;      /* v<number> */
    uint32_t line, column;/* of the first use */
    uint32_t alias;       /* index + 1 of the forward that it is an alias of; 0: a value */
    uint32_t id;          /* what it turned out to be; 0: not known yet */
    bool busy;            /* on the chain that is being followed */
} forward;

/* A type suffix that is not stored with its instruction, of a value that was not known yet. */
typedef struct suffix_check { uint32_t id; uint32_t line, column; jit_type type; } suffix_check;

typedef struct place { uint32_t line, column; } place;

enum number_space { /* of declarations */
    SPACE_SLOT, SPACE_DYN_SLOT, SPACE_GV, SPACE_SIG, SPACE_FN, SPACE_CONST, SPACE_REGION,
    SPACE_DYN_TYPE, SPACE_COUNT
};

/* A global value whose base is declared below it, if anywhere. */
typedef struct late_base { uint32_t index, number; place where; } late_base;

/* A global value's or callee's name that was written userextnameN. */
typedef struct ext_name { bool of_gv; uint32_t index, number; } ext_name;

typedef struct reader {
    lexer lex;
    fail_ctx fail;
    arena tmp;            /* all that goes with the reader */
    jit_module *module;
    jit_func *f;          /* being read; NULL: none */
    jit_diagnostic_fn report;
    void *user;
    jit_status status;    /* of the first error */
    place error;          /* of the failure that is on its way */

    uint32_t stamp;       /* of f in the numberings */
    numbering values, blocks, alias_of; /* alias_of: number + 1 of what a value is an alias of */
    numbering declared[SPACE_COUNT];
    map const_index;      /* hash of bytes and stamp -> id, of constants in instructions */
    uint32_t next_number[SPACE_COUNT];  /* above all that were declared */
    jit_gv stack_limit;   /* text number + 1 */
    place stack_limit_place;

    VEC(forward) forwards;
    VEC(suffix_check) suffixes;
    VEC(place) block_uses;  /* by block index: where it was named first */
    VEC(uint32_t) list;     /* operands of the list being read */
    VEC(uint32_t) calls;    /* block calls of the instruction being read */
    VEC(uint32_t) results;  /* text numbers of the results being read */
    VEC(ir_ehentry) entries;
    VEC(jit_type) types;    /* of the results */
    VEC(jit_abi_param) params, returns;
    VEC(ext_name) ext_names;
    VEC(late_base) late_bases;
    VEC(ir_name) user_names;/* the u0:1 names of f, in order of appearance */
    map user_index;         /* hash of name and stamp -> index + 1 of user_names */
    jit_allocator scratch_host; /* memory of tmp, for short strings being made */
    uint8_t op_hash[OP_HASH_SIZE]; /* opcode by hash of its name, linear probing */
} reader;

/* ---- Errors (reader.c) ---- */
/* At a token; "expected what, found <token>". */
_Noreturn void jit_reader_expected(reader *r, const char *what);
_Noreturn void jit_reader_error(reader *r, place where, const char *format, ...) JIT_PRINTF(3, 4);
/* Passes a failure of f on, if there is one. */
void jit_reader_check(reader *r);

static inline place here(const reader *r)
{
    return (place){ r->lex.tok.line, jit_token_column(&r->lex.tok) };
}
static inline const token *tok(const reader *r) { return &r->lex.tok; }
static inline bool at(const reader *r, unsigned kind) { return r->lex.tok.kind == kind; }
static inline void next(reader *r) { jit_lexer_next(&r->lex); }
static inline bool accept(reader *r, unsigned kind)
{
    if (r->lex.tok.kind != kind)
        return false;
    jit_lexer_next(&r->lex);
    return true;
}
static inline void expect(reader *r, unsigned kind, const char *what)
{
    if (r->lex.tok.kind != kind)
        jit_reader_expected(r, what);
    jit_lexer_next(&r->lex);
}
static inline bool at_word(const reader *r, const char *word)
{
    return r->lex.tok.kind == TOK_WORD && r->lex.tok.len == strlen(word)
           && memcmp(r->lex.tok.at, word, r->lex.tok.len) == 0;
}
static inline bool accept_word(reader *r, const char *word)
{
    if (!at_word(r, word))
        return false;
    jit_lexer_next(&r->lex);
    return true;
}
/* The number of a token of that kind; goes on. */
static inline uint32_t expect_number(reader *r, unsigned kind, const char *what)
{
    uint32_t n = r->lex.tok.number;
    expect(r, kind, what);
    return n;
}
jit_type jit_reader_type(reader *r, const char *what);
uint64_t jit_reader_unsigned(reader *r, uint64_t most, const char *what);
int64_t jit_reader_signed(reader *r, int64_t least, int64_t most, const char *what);
/* +N or -N if it stands here, else 0. */
int64_t jit_reader_offset(reader *r, int64_t least, int64_t most);
/* A vector constant of type t, or a bare one of its own length (t is JIT_VOID). */
uint32_t jit_reader_vector(reader *r, jit_type t, uint8_t out[16]);
/* Memory of f, or of the module, never NULL. */
void *jit_reader_memory(reader *r, arena *a, size_t size);
char *jit_reader_string(reader *r, arena *a, const char *s, size_t n);

/* ---- The parts ---- */
void jit_reader_signature(reader *r, jit_signature *sig); /* into params and returns */
void jit_reader_name(reader *r, bool callee, ir_name *name, uint32_t *ext); /* reader_decl.c */
void jit_reader_preamble(reader *r);
void jit_reader_mem_flags(reader *r, jit_mem *flags);
/* The id (index + 1) of a declared entity, or an error at the current token. */
uint32_t jit_reader_declared(reader *r, enum number_space space, unsigned kind, const char *what);
uint32_t jit_reader_inline_const(reader *r, const uint8_t *bytes, uint32_t size, bool mask);
void jit_reader_body(reader *r);                 /* reader_body.c: blocks, aliases, resolving */
uint32_t jit_reader_value(reader *r, const char *what); /* an id or a placeholder */
uint32_t jit_reader_block(reader *r, const char *what); /* a block index */
void jit_reader_name_value(reader *r, uint32_t number, uint32_t id);
/* reader_inst.c: an instruction whose results (r->results) and `=` are read. */
void jit_reader_inst(reader *r, uint32_t position, const char *tags);
void jit_reader_ops(reader *r);              /* fills op_hash */

#endif
