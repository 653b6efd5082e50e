/* wasi.h - WASI preview 1 from the inside: file descriptors, the guest's memory, errors by WASI's
 * numbers. */
#ifndef GW_WASI_H
#define GW_WASI_H

#include "wasm_api.h"
#include <dirent.h>

/* Errors, by their number in the interface ("errno"). */
#define GW_WASI_ERRORS(X) \
    X(2BIG, 1) X(ACCES, 2) X(AGAIN, 6) X(BADF, 8) X(BUSY, 10) X(DOM, 18) X(DQUOT, 19) X(EXIST, 20) \
    X(FAULT, 21) \
    X(FBIG, 22) X(ILSEQ, 25) X(INTR, 27) X(INVAL, 28) X(IO, 29) X(ISDIR, 31) X(LOOP, 32) \
    X(MFILE, 33) X(MLINK, 34) \
    X(NAMETOOLONG, 37) X(NFILE, 41) X(NODEV, 43) X(NOENT, 44) X(NOMEM, 48) X(NOSPC, 51) \
    X(NOSYS, 52) X(NOTDIR, 54) \
    X(NOTEMPTY, 55) X(NOTSOCK, 57) X(NOTSUP, 58) X(NOTTY, 59) X(NXIO, 60) X(OVERFLOW, 61) \
    X(PERM, 63) X(PIPE, 64) \
    X(RANGE, 68) X(ROFS, 69) X(SPIPE, 70) X(TIMEDOUT, 73) X(TXTBSY, 74) X(XDEV, 75)
typedef uint32_t wasi_error;
enum {
    WASI_OK = 0,
#define X(name, number) WASI_##name = number,
    GW_WASI_ERRORS(X)
#undef X
    WASI_NOTCAPABLE = 76
};

enum { /* types of files */
    WASI_UNKNOWN, WASI_BLOCK, WASI_CHAR, WASI_DIRECTORY, WASI_REGULAR, WASI_DGRAM, WASI_STREAM,
    WASI_SYMLINK
};
enum { WASI_APPEND = 1, WASI_DSYNC = 2, WASI_NONBLOCK = 4, WASI_RSYNC = 8, WASI_SYNC = 16 };
#define WASI_RIGHT_READ ((uint64_t)1 << 1)
#define WASI_RIGHT_WRITE ((uint64_t)1 << 6)
#define WASI_RIGHTS_ALL (((uint64_t)1 << 30) - 1)

typedef struct wasi_fd {
    int host;        /* -1: free */
    bool borrowed;   /* the host's own, not to be closed */
    uint8_t type;
    uint64_t rights, inheriting;
    char *preopened; /* the guest's name of it; NULL: not one */
    DIR *dir;        /* while it is read */
} wasi_fd;

struct gantry_wasm_wasi {
    char **args, **env;
    uint32_t nargs, nenv;
    wasi_fd *fds;
    uint32_t nfds;
    gw_memory_inst *memory; /* of the instance that calls; NULL: not bound yet */
    bool exited;
    uint32_t exit_code;
};
typedef struct gantry_wasm_wasi wasi;

/* n bytes of the guest's memory at p; NULL: not all of them are inside. */
static inline void *wasi_at(const wasi *w, uint32_t p, uint64_t n)
{
    if (!w->memory || p > w->memory->def.bytes || n > w->memory->def.bytes - p)
        return NULL;
    return w->memory->def.base + p;
}

/* Numbers in the guest's memory, little-endian as both machines are; false: outside. */
static inline bool wasi_put32(const wasi *w, uint32_t p, uint32_t x)
{
    void *at = wasi_at(w, p, sizeof x);
    if (at)
        memcpy(at, &x, sizeof x);
    return at != NULL;
}
static inline bool wasi_put64(const wasi *w, uint32_t p, uint64_t x)
{
    void *at = wasi_at(w, p, sizeof x);
    if (at)
        memcpy(at, &x, sizeof x);
    return at != NULL;
}
static inline uint32_t wasi_u32(const uint8_t *p)
{
    uint32_t x;
    memcpy(&x, p, sizeof x);
    return x;
}
static inline uint64_t wasi_u64(const uint8_t *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

wasi_error gw_wasi_error(int host_errno);
/* NULL: no such descriptor. The pointer lives until the next one is opened. */
wasi_fd *gw_wasi_fd(wasi *w, uint32_t fd);
/* The lowest free number for a descriptor, which it owns from then on; ~0u: no memory. */
uint32_t gw_wasi_add_fd(wasi *w, int host, uint8_t type, uint64_t rights, uint64_t inheriting);
void gw_wasi_drop_fd(wasi_fd *f);
uint8_t gw_wasi_filetype(uint32_t st_mode);

/* All functions: arguments and errors in the guest's own numbers. */
#define GW_WASI_FD_FUNCTIONS(X) \
    X(fd_advise, "iIIi") X(fd_allocate, "iII") X(fd_close, "i") X(fd_datasync, "i") \
    X(fd_fdstat_get, "ii") \
    X(fd_fdstat_set_flags, "ii") X(fd_fdstat_set_rights, "iII") X(fd_filestat_get, "ii") \
    X(fd_filestat_set_size, "iI") X(fd_filestat_set_times, "iIIi") X(fd_pread, "iiiIi") \
    X(fd_prestat_get, "ii") \
    X(fd_prestat_dir_name, "iii") X(fd_pwrite, "iiiIi") X(fd_read, "iiii") X(fd_readdir, "iiiIi") \
    X(fd_renumber, "ii") X(fd_seek, "iIii") X(fd_sync, "i") X(fd_tell, "ii") X(fd_write, "iiii")
#define GW_WASI_PATH_FUNCTIONS(X) \
    X(path_create_directory, "iii") X(path_filestat_get, "iiiii") \
    X(path_filestat_set_times, "iiiiIIi") \
    X(path_link, "iiiiiii") X(path_open, "iiiiiIIii") X(path_readlink, "iiiiii") \
    X(path_remove_directory, "iii") \
    X(path_rename, "iiiiii") X(path_symlink, "iiiii") X(path_unlink_file, "iii")
#define GW_WASI_OTHER_FUNCTIONS(X) \
    X(args_get, "ii") X(args_sizes_get, "ii") X(environ_get, "ii") X(environ_sizes_get, "ii") \
    X(clock_res_get, "ii") X(clock_time_get, "iIi") X(poll_oneoff, "iiii") X(sched_yield, "") \
    X(random_get, "ii")
#define GW_WASI_FUNCTIONS(X) \
    GW_WASI_FD_FUNCTIONS(X) GW_WASI_PATH_FUNCTIONS(X) GW_WASI_OTHER_FUNCTIONS(X)
#define X(name, params) wasi_error gw_wasi_##name(wasi *w, const gw_val *a);
GW_WASI_FUNCTIONS(X)
#undef X

/* For filestat: 64 bytes at p. */
struct stat;
wasi_error gw_wasi_put_stat(const wasi *w, uint32_t p, const struct stat *s);
/* Times of utimensat() from flags; false: they contradict each other. */
struct timespec;
bool gw_wasi_times(uint64_t atim, uint64_t mtim, uint32_t flags, struct timespec out[2]);

#endif
