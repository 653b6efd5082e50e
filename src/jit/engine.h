/* engine.h - engines, symbols, units and code handles from the inside.
 *
 * A symbol is a name with a cell: an 8-byte word in data memory that holds the address the name
 * stands for at present. Calls by name read the cell; the address of a function by name is its
 * thunk, a jump through the cell that never moves. Both are made when first needed. Symbols of
 * JIT_LOCAL functions are known within their batch only. The engine's lock guards all but code
 * lookups. */
#ifndef JIT_ENGINE_H
#define JIT_ENGINE_H

#include "gantry/jit.h"
#include "jit/code_mem.h"
#include "jit/pool.h"
#include "machinst/mfunc.h"
#include "support/map.h"

typedef struct symbol {
    struct symbol *next;           /* in its bucket */
    uint64_t hash;
    ir_name name;                  /* text stands behind the struct */
    size_t bytes;                  /* of this block */
    uint64_t address;              /* what it stands for; 0: nothing yet, or freed */
    _Atomic(uint64_t) *cell;       /* NULL: not needed so far */
    uint8_t *thunk;                /* NULL: not needed so far */
    struct jit_code *code;         /* that defines it; NULL: the host, or freed */
    struct jit_code *coming;       /* that will define it, of the batch being published */
    uint32_t refs;                 /* codes that refer to it */
    bool pinned;                   /* the host has its thunk's address, or it is the host's */
    bool named;                    /* the host knows it by its thunk: that stays, whatever comes */
    bool local;
} symbol;

#define QUARANTINE 256u
#define CODE_MAGIC_LIVE 0x67616e74u
#define CODE_MAGIC_FREED 0x64656164u
#define UNIT_MAGIC_LIVE 0x756e6974u

struct jit_code {
    uint32_t magic;
    jit_engine *engine;
    uint8_t *entry;
    size_t size;
    size_t bytes;                  /* of this block, tables included */
    symbol *sym;                   /* it defines; NULL: none */
    symbol **refs;                 /* it refers to */
    uint32_t nrefs;
    mbuf_trap *traps;
    uint32_t ntraps;
    mbuf_srcpos *srcpos;
    uint32_t nsrcpos;
    struct code_frames *frames;    /* the unwinder's; NULL: it is not told */
    struct code_image *image;      /* GDB's; likewise */
    struct jit_code *prev, *next;  /* in engine->codes */
};

struct jit_unit {
    jit_engine *engine;
    uint32_t magic;                /* UNIT_MAGIC_LIVE; the pool writes over what is given back */
    size_t bytes;                  /* of this block; 0: it stands in a context's memory */
    mcode code;
    jit_code_map map;              /* without sites: not kept */
    ir_name name;
    jit_linkage linkage;
    ir_name *symbols;
    uint32_t nsymbols;
    bool nan_canonical;            /* as the settings had it */
    char *listing;                 /* NULL: not kept */
    size_t listing_len;
};

/* For whom memory is asked of the host: what the log tells. */
typedef struct mem_owner { jit_engine *engine; const char *what; const void *which; } mem_owner;

typedef struct adapter adapter;    /* invoke.c: entry code for a signature */

typedef struct data_block {
    struct data_block *next;
    void *raw, *at;                /* mapping, and the object in it */
    size_t size;                   /* of the mapping */
    size_t bytes;                  /* of this block */
    symbol *sym;
} data_block;

struct jit_engine {
    jit_allocator host;            /* counting, over the user's: of IR and texts */
    jit_allocator pool_host;       /* likewise: of the engine itself */
    mem_owner ir_owner, pool_owner;
    jit_allocator user;
    const target *target;
    uint64_t features;
    bool runs_here;
    bool perf_map, unwind_tables, gdb;
    struct jitdump *jitdump;       /* NULL: none is written */
    struct code_frames *entry_frames; /* of entry_stub; NULL: not told */
    void (*log)(void *user, const char *line);
    void *log_user;
    pthread_mutex_t lock;
    pool pool;
    code_mem mem;
    bool has_mem;
    symbol **buckets;
    uint32_t nbuckets, nsymbols;
    struct jit_code *codes;        /* live ones */
    struct jit_code *quarantine[QUARANTINE]; /* debug builds: the last ones freed */
    uint32_t nquarantine;
    size_t ncodes;
    data_block *data;
    uint8_t *trap_stub;            /* what freed names lead to */
    uint8_t *entry_stub;           /* behind jit_invoke; NULL: not made yet */
    uint8_t *landing;
    adapter *adapters;
    jit_ctx *own_ctx;              /* compiles adapters, under adapter_lock */
    pthread_mutex_t adapter_lock;
    atomic_size_t host_bytes, host_peak, host_allocs;
};

/* symbols.c; all under the lock. */
uint64_t jit_symbol_hash(const ir_name *n);
symbol *jit_symbol_find(jit_engine *e, const ir_name *name);
symbol *jit_symbol_get(jit_engine *e, const ir_name *name); /* makes it; NULL: no memory */
symbol *jit_symbol_new_local(jit_engine *e, const ir_name *name);
bool jit_symbol_need_cell(jit_engine *e, symbol *s);  /* false: space is full */
bool jit_symbol_need_thunk(jit_engine *e, symbol *s);
void jit_symbol_set(jit_engine *e, symbol *s, uint64_t address, struct jit_code *code);
void jit_symbol_drop(jit_engine *e, symbol *s); /* forgets it when nothing needs it any longer */
void jit_symbols_free(jit_engine *e);

/* libcalls.c */
void *jit_libcall_address(unsigned libcall); /* NULL: none on this host */

/* engine.c */
uint8_t *jit_engine_stub(jit_engine *e, const uint8_t *bytes, size_t size); /* NULL: full */
const jit_allocator *jit_engine_allocator(const jit_engine *e);
/* A host allocator whose requests are counted and logged as those of `which`; *o keeps that. */
jit_allocator jit_engine_account(mem_owner *o, jit_engine *e, const char *what, const void *which);

/* compile.c */
struct jit_ctx {
    jit_engine *engine;
    mem_owner owner;
    jit_allocator host;
    jit_settings settings;
    fail_ctx fail;
    arena tmp; /* what a compile needs, and its results */
    strbuf listing;
    jit_stats stats;
    bool time_stages;
    char message[1024];
};
/* Compiles into the context's own memory: *u is valid until the next compile on c. */
jit_status jit_ctx_compile(jit_ctx *c, const jit_func *f, const jit_settings *s, jit_unit *u);

/* code.c: publish.c makes them */
void jit_code_unlink(jit_code *c);

void jit_adapters_free(jit_engine *e); /* invoke.c */

#endif
