/* module.c - modules: functions and data objects under names that are taken only once. */
#include "ir/func.h"

#include <string.h>

jit_module *jit_module_new(jit_engine *e)
{
    const jit_allocator *host = e ? jit_engine_allocator(e) : &jit_libc_allocator;
    jit_module *m = host->alloc(host->user, sizeof *m);

    if (!m)
        return NULL;
    memset(m, 0, sizeof *m);
    m->engine = e;
    m->host = host;
    jit_arena_init(&m->mem, host, &m->fail);
    if (m->mem.chunk > 4096)
        m->mem.chunk = 4096;
    return m;
}

void jit_module_free(jit_module *m)
{
    const jit_allocator *host;

    if (!m)
        return;
    for (uint32_t k = 0; k < m->funcs.len; k++)
        jit_func_destroy(m->funcs.at[k]);
    host = m->host;
    jit_arena_free(&m->mem);
    host->free(host->user, m, sizeof *m);
}

static const ir_name *entry_name(const jit_module *m, uint32_t entry)
{
    return entry & MODULE_DATA ? &m->data.at[(entry & ~MODULE_DATA) - 1].name
                               : &m->funcs.at[entry - 1]->name;
}

/* What is under name (0: nothing); *key is where it stands or would stand. */
static uint32_t find(const jit_module *m, const ir_name *name, uint64_t *key)
{
    uint32_t entry;

    for (*key = jit_name_hash(name); (entry = jit_map_get(&m->names, *key)) != 0; ++*key)
        if (jit_name_equal(entry_name(m, entry), name))
            break;
    return entry;
}

static jit_status fail_duplicate(jit_module *m, const ir_name *name)
{
    char text[128];

    jit_name_print(name, text, sizeof text);
    return jit_fail_set(&m->fail, JIT_ERR_LINK, "the name %s is taken", text);
}

static jit_status fail_no_memory(jit_module *m)
{
    return jit_fail_set(&m->fail, JIT_ERR_NOMEM, "no memory");
}

bool jit_module_adopt(jit_module *m, jit_func *f)
{
    uint64_t key;

    if (find(m, &f->name, &key) != 0) {
        fail_duplicate(m, &f->name);
        return false;
    }
    if (m->funcs.len >= MODULE_DATA - 2 || !vec_try_reserve(&m->mem, &m->funcs, 1)
        || !jit_map_try_put(&m->mem, &m->names, key, m->funcs.len + 1)) {
        fail_no_memory(m);
        return false;
    }
    m->funcs.at[m->funcs.len++] = f;
    f->module = m;
    return true;
}

jit_func *jit_module_function(jit_module *m, const char *name, const jit_signature *sig,
                              jit_linkage linkage)
{
    jit_func *f = jit_func_new(m->engine, name, sig);

    if (!f) {
        fail_no_memory(m);
        return NULL;
    }
    f->linkage = linkage;
    if (f->fail.status != JIT_OK)
        jit_fail_set(&m->fail, f->fail.status, "%s", f->fail.message);
    else if (jit_module_adopt(m, f))
        return f;
    jit_func_free(f);
    return NULL;
}

size_t jit_module_function_count(const jit_module *m)
{
    return m->funcs.len;
}

jit_func *jit_module_function_at(const jit_module *m, size_t k)
{
    return k < m->funcs.len ? m->funcs.at[k] : NULL;
}

jit_func *jit_module_lookup(const jit_module *m, const ir_name *name)
{
    uint64_t key;
    uint32_t entry = find(m, name, &key);

    return entry == 0 || entry & MODULE_DATA ? NULL : m->funcs.at[entry - 1];
}

jit_func *jit_module_find(const jit_module *m, const char *name)
{
    ir_name n;

    if (!name || !jit_name_scan(name, &n))
        return NULL;
    if (n.kind == NAME_LIBCALL) /* functions are never named as libcalls, but may share the text */
        n = (ir_name){ NAME_TEXT, 0, 0, jit_libcall_name(n.index) };
    return jit_module_lookup(m, &n);
}

static bool copy_data_name(jit_module *m, const char *name, ir_name *out)
{
    char *text;

    if (out->kind == NAME_USER)
        return true;
    name += name[0] == '%';
    text = arena_try(&m->mem, strlen(name) + 1);
    if (!text)
        return false;
    strcpy(text, name);
    *out = (ir_name){ NAME_TEXT, 0, 0, text };
    return true;
}

jit_status jit_module_data(jit_module *m, const char *name, const void *bytes, size_t size,
                           size_t align, bool writable, jit_linkage linkage)
{
    ir_data d = { .linkage = linkage, .size = size, .align = align, .writable = writable };
    uint64_t key;

    if (!name || !jit_name_scan(name, &d.name))
        return jit_fail_set(&m->fail, JIT_ERR_ARG, "a data object's name is not an identifier");
    if (align == 0 || (align & (align - 1)) != 0 || size > SIZE_MAX / 2)
        return jit_fail_set(&m->fail, JIT_ERR_ARG, "the alignment of %s is not a power of two",
                            name);
    if (!copy_data_name(m, name, &d.name))
        return fail_no_memory(m);
    if (find(m, &d.name, &key) != 0)
        return fail_duplicate(m, &d.name);
    d.bytes = arena_try(&m->mem, size);
    if (!d.bytes || !vec_try_reserve(&m->mem, &m->data, 1)
        || !jit_map_try_put(&m->mem, &m->names, key, (m->data.len + 1) | MODULE_DATA))
        return fail_no_memory(m);
    if (bytes)
        memcpy(d.bytes, bytes, size);
    else
        memset(d.bytes, 0, size);
    m->data.at[m->data.len++] = d;
    return JIT_OK;
}
