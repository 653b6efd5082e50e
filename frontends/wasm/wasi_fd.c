/* wasi_fd.c - WASI's functions on file descriptors: fd_*. */
#define _GNU_SOURCE
#include "wasi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- The table ---- */

wasi_fd *gw_wasi_fd(wasi *w, uint32_t fd)
{
    return fd < w->nfds && w->fds[fd].host >= 0 ? &w->fds[fd] : NULL;
}

uint32_t gw_wasi_add_fd(wasi *w, int host, uint8_t type, uint64_t rights, uint64_t inheriting)
{
    uint32_t k = 0;

    while (k < w->nfds && w->fds[k].host >= 0)
        k++;
    if (k == w->nfds) {
        wasi_fd *more = realloc(w->fds, (k + (size_t)1) * sizeof *more);
        if (!more)
            return ~0u;
        w->fds = more;
        w->nfds++;
    }
    memset(&w->fds[k], 0, sizeof w->fds[k]);
    w->fds[k].host = host;
    w->fds[k].type = type;
    w->fds[k].rights = rights;
    w->fds[k].inheriting = inheriting;
    return k;
}

void gw_wasi_drop_fd(wasi_fd *f)
{
    if (f->dir)
        closedir(f->dir);
    if (!f->borrowed && f->host >= 0)
        close(f->host);
    free(f->preopened);
    memset(f, 0, sizeof *f);
    f->host = -1;
}

uint8_t gw_wasi_filetype(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFBLK: return WASI_BLOCK;
    case S_IFCHR: return WASI_CHAR;
    case S_IFDIR: return WASI_DIRECTORY;
    case S_IFREG: return WASI_REGULAR;
    case S_IFLNK: return WASI_SYMLINK;
    case S_IFSOCK: return WASI_STREAM;
    default: return WASI_UNKNOWN;
    }
}

/* What a system call came to. */
static wasi_error result(long r)
{
    return r < 0 ? gw_wasi_error(errno) : WASI_OK;
}

#define FD(f, number) \
    wasi_fd *f = gw_wasi_fd(w, (number).i32); \
    if (!f) \
        return WASI_BADF

wasi_error gw_wasi_fd_close(wasi *w, const gw_val *a)
{
    FD(f, a[0]);
    gw_wasi_drop_fd(f);
    return WASI_OK;
}

wasi_error gw_wasi_fd_renumber(wasi *w, const gw_val *a)
{
    FD(from, a[0]);
    FD(to, a[1]);

    if (from != to) {
        gw_wasi_drop_fd(to);
        *to = *from;
        memset(from, 0, sizeof *from);
        from->host = -1;
    }
    return WASI_OK;
}

/* ---- Reading and writing ---- */

enum { MOST_PARTS = 1024 };

/* The guest's list of buffers as the system's; WASI_OK or an error. *parts: malloc's. */
static wasi_error parts_of(const wasi *w, gw_val list, gw_val count, struct iovec **parts, int *n)
{
    uint32_t k, most = count.i32;
    const uint8_t *at = wasi_at(w, list.i32, (uint64_t)most * 8);

    if (!at)
        return WASI_FAULT;
    if (most > MOST_PARTS)
        most = MOST_PARTS; /* the caller goes on after a short read or write */
    *parts = malloc((most + (size_t)1) * sizeof **parts);
    if (!*parts)
        return WASI_NOMEM;
    for (k = 0; k < most; k++, at += 8) {
        (*parts)[k].iov_len = wasi_u32(at + 4);
        (*parts)[k].iov_base = wasi_at(w, wasi_u32(at), (*parts)[k].iov_len);
        if (!(*parts)[k].iov_base) {
            free(*parts);
            return WASI_FAULT;
        }
    }
    *n = (int)most;
    return WASI_OK;
}

enum { READ, WRITE, PREAD, PWRITE };

static wasi_error transfer(wasi *w, int how, gw_val fd, gw_val list, gw_val count, int64_t offset,
                           uint32_t out)
{
    struct iovec *parts = NULL;
    ssize_t done = -1;
    int n = 0;
    FD(f, fd);

    if (!(f->rights & (how == READ || how == PREAD ? WASI_RIGHT_READ : WASI_RIGHT_WRITE)))
        return WASI_BADF;
    wasi_error e = parts_of(w, list, count, &parts, &n);
    if (e != WASI_OK)
        return e;
    switch (how) {
    case READ: done = readv(f->host, parts, n); break;
    case WRITE: done = writev(f->host, parts, n); break;
    case PREAD: done = preadv(f->host, parts, n, offset); break;
    case PWRITE: done = pwritev(f->host, parts, n, offset); break;
    }
    e = result(done);
    free(parts);
    if (e != WASI_OK)
        return e;
    return wasi_put32(w, out, (uint32_t)done) ? WASI_OK : WASI_FAULT;
}

wasi_error gw_wasi_fd_read(wasi *w, const gw_val *a)
{
    return transfer(w, READ, a[0], a[1], a[2], 0, a[3].i32);
}

wasi_error gw_wasi_fd_write(wasi *w, const gw_val *a)
{
    return transfer(w, WRITE, a[0], a[1], a[2], 0, a[3].i32);
}

wasi_error gw_wasi_fd_pread(wasi *w, const gw_val *a)
{
    return transfer(w, PREAD, a[0], a[1], a[2], (int64_t)a[3].i64, a[4].i32);
}

wasi_error gw_wasi_fd_pwrite(wasi *w, const gw_val *a)
{
    return transfer(w, PWRITE, a[0], a[1], a[2], (int64_t)a[3].i64, a[4].i32);
}

wasi_error gw_wasi_fd_seek(wasi *w, const gw_val *a)
{
    static const int whence[] = { SEEK_SET, SEEK_CUR, SEEK_END };
    FD(f, a[0]);

    if (a[2].i32 > 2)
        return WASI_INVAL;
    off_t at = lseek(f->host, (off_t)a[1].i64, whence[a[2].i32]);
    if (at < 0)
        return result(at);
    return wasi_put64(w, a[3].i32, (uint64_t)at) ? WASI_OK : WASI_FAULT;
}

wasi_error gw_wasi_fd_tell(wasi *w, const gw_val *a)
{
    FD(f, a[0]);
    off_t at = lseek(f->host, 0, SEEK_CUR);

    if (at < 0)
        return result(at);
    return wasi_put64(w, a[1].i32, (uint64_t)at) ? WASI_OK : WASI_FAULT;
}

wasi_error gw_wasi_fd_advise(wasi *w, const gw_val *a)
{
    static const int advice[] = { POSIX_FADV_NORMAL, POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                                  POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE };
    FD(f, a[0]);

    if (a[3].i32 > 5 || (int64_t)a[1].i64 < 0 || (int64_t)a[2].i64 < 0)
        return WASI_INVAL;
    return gw_wasi_error(
        posix_fadvise(f->host, (off_t)a[1].i64, (off_t)a[2].i64, advice[a[3].i32]));
}

wasi_error gw_wasi_fd_allocate(wasi *w, const gw_val *a)
{
    FD(f, a[0]);
    return gw_wasi_error(posix_fallocate(f->host, (off_t)a[1].i64, (off_t)a[2].i64));
}

wasi_error gw_wasi_fd_sync(wasi *w, const gw_val *a)
{
    FD(f, a[0]);
    return result(fsync(f->host));
}

wasi_error gw_wasi_fd_datasync(wasi *w, const gw_val *a)
{
    FD(f, a[0]);
    return result(fdatasync(f->host));
}

/* ---- What a descriptor is ---- */

wasi_error gw_wasi_fd_fdstat_get(wasi *w, const gw_val *a)
{
    FD(f, a[0]);
    uint8_t *at = wasi_at(w, a[1].i32, 24);
    int host = fcntl(f->host, F_GETFL);
    uint16_t flags = 0;

    if (!at)
        return WASI_FAULT;
    if (host < 0)
        return result(host);
    flags |= host & O_APPEND ? WASI_APPEND : 0;
    flags |= host & O_NONBLOCK ? WASI_NONBLOCK : 0;
    flags |= (host & O_SYNC) == O_SYNC ? WASI_SYNC : host & O_DSYNC ? WASI_DSYNC : 0;
    memset(at, 0, 24);
    at[0] = f->type;
    memcpy(at + 2, &flags, sizeof flags);
    memcpy(at + 8, &f->rights, 8);
    memcpy(at + 16, &f->inheriting, 8);
    return WASI_OK;
}

wasi_error gw_wasi_fd_fdstat_set_flags(wasi *w, const gw_val *a)
{
    FD(f, a[0]);
    int host = fcntl(f->host, F_GETFL);

    if (host < 0)
        return result(host);
    if (a[1].i32 & ~(uint32_t)(WASI_APPEND | WASI_NONBLOCK))
        return WASI_NOTSUP;
    host &= ~(O_APPEND | O_NONBLOCK);
    host |= (a[1].i32 & WASI_APPEND ? O_APPEND : 0) | (a[1].i32 & WASI_NONBLOCK ? O_NONBLOCK : 0);
    return result(fcntl(f->host, F_SETFL, host));
}

/* Rights only ever become fewer. */
wasi_error gw_wasi_fd_fdstat_set_rights(wasi *w, const gw_val *a)
{
    FD(f, a[0]);

    if (a[1].i64 & ~f->rights || a[2].i64 & ~f->inheriting)
        return WASI_NOTCAPABLE;
    f->rights = a[1].i64;
    f->inheriting = a[2].i64;
    return WASI_OK;
}

static uint64_t nanoseconds(struct timespec t)
{
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

wasi_error gw_wasi_put_stat(const wasi *w, uint32_t p, const struct stat *s)
{
    uint8_t *at = wasi_at(w, p, 64);
    uint64_t words[8] = { s->st_dev,
                          s->st_ino,
                          gw_wasi_filetype(s->st_mode),
                          s->st_nlink,
                          (uint64_t)s->st_size,
                          nanoseconds(s->st_atim),
                          nanoseconds(s->st_mtim),
                          nanoseconds(s->st_ctim) };

    if (!at)
        return WASI_FAULT;
    memcpy(at, words, sizeof words);
    return WASI_OK;
}

wasi_error gw_wasi_fd_filestat_get(wasi *w, const gw_val *a)
{
    struct stat s;
    FD(f, a[0]);

    if (fstat(f->host, &s) < 0)
        return gw_wasi_error(errno);
    return gw_wasi_put_stat(w, a[1].i32, &s);
}

wasi_error gw_wasi_fd_filestat_set_size(wasi *w, const gw_val *a)
{
    FD(f, a[0]);

    if (!(f->rights & WASI_RIGHT_WRITE))
        return WASI_BADF;
    return result(ftruncate(f->host, (off_t)a[1].i64));
}

static bool one_time(uint64_t t, bool set, bool now, struct timespec *out)
{
    out->tv_sec = (time_t)(t / 1000000000u);
    out->tv_nsec = now ? UTIME_NOW : set ? (long)(t % 1000000000u) : UTIME_OMIT;
    return !(set && now);
}

bool gw_wasi_times(uint64_t atim, uint64_t mtim, uint32_t flags, struct timespec out[2])
{
    return flags < 16 && one_time(atim, flags & 1, flags & 2, &out[0])
           && one_time(mtim, flags & 4, flags & 8, &out[1]);
}

wasi_error gw_wasi_fd_filestat_set_times(wasi *w, const gw_val *a)
{
    struct timespec t[2];
    FD(f, a[0]);

    if (!gw_wasi_times(a[1].i64, a[2].i64, a[3].i32, t))
        return WASI_INVAL;
    return result(futimens(f->host, t));
}

/* ---- Preopened directories ---- */

wasi_error gw_wasi_fd_prestat_get(wasi *w, const gw_val *a)
{
    FD(f, a[0]);

    if (!f->preopened)
        return WASI_BADF;
    return wasi_put32(w, a[1].i32, 0) && wasi_put32(w, a[1].i32 + 4, (uint32_t)strlen(f->preopened))
               ? WASI_OK
               : WASI_FAULT;
}

wasi_error gw_wasi_fd_prestat_dir_name(wasi *w, const gw_val *a)
{
    FD(f, a[0]);
    size_t n = f->preopened ? strlen(f->preopened) : 0;
    void *at = wasi_at(w, a[1].i32, a[2].i32);

    if (!f->preopened)
        return WASI_BADF;
    if (!at)
        return WASI_FAULT;
    if (n > a[2].i32)
        return WASI_NAMETOOLONG;
    memcpy(at, f->preopened, n);
    return WASI_OK;
}

/* ---- Directories ---- */

static uint8_t entry_type(unsigned char d_type)
{
    switch (d_type) {
    case DT_BLK: return WASI_BLOCK;
    case DT_CHR: return WASI_CHAR;
    case DT_DIR: return WASI_DIRECTORY;
    case DT_REG: return WASI_REGULAR;
    case DT_LNK: return WASI_SYMLINK;
    case DT_SOCK: return WASI_STREAM;
    default: return WASI_UNKNOWN;
    }
}

static DIR *open_dir(wasi_fd *f)
{
    if (!f->dir) { /* on a descriptor of its own, whose position nobody else moves */
        int fd = openat(f->host, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        f->dir = fd >= 0 ? fdopendir(fd) : NULL;
        if (!f->dir && fd >= 0)
            close(fd);
    }
    return f->dir;
}

/* Fills the buffer with entries from the cookie on; the last one may be cut off, which tells that
 * there are more. */
wasi_error gw_wasi_fd_readdir(wasi *w, const gw_val *a)
{
    FD(f, a[0]);
    uint8_t *at = wasi_at(w, a[1].i32, a[2].i32);
    uint32_t room = a[2].i32, used = 0;
    uint8_t entry[24 + 256];

    if (!at)
        return WASI_FAULT;
    if (f->type != WASI_DIRECTORY || !open_dir(f))
        return f->type != WASI_DIRECTORY ? WASI_NOTDIR : gw_wasi_error(errno);
    if (a[3].i64 == 0)
        rewinddir(f->dir);
    else
        seekdir(f->dir, (long)a[3].i64);
    while (used < room) {
        errno = 0;
        const struct dirent *d = readdir(f->dir);
        if (!d && errno != 0)
            return gw_wasi_error(errno);
        if (!d)
            break;
        uint64_t next = (uint64_t)telldir(f->dir), inode = d->d_ino;
        uint32_t length = (uint32_t)strlen(d->d_name), size = 24 + length;
        memset(entry, 0, 24);
        memcpy(entry, &next, 8);
        memcpy(entry + 8, &inode, 8);
        memcpy(entry + 16, &length, 4);
        entry[20] = entry_type(d->d_type);
        memcpy(entry + 24, d->d_name, length);
        if (size > room - used)
            size = room - used;
        memcpy(at + used, entry, size);
        used += size;
    }
    return wasi_put32(w, a[4].i32, used) ? WASI_OK : WASI_FAULT;
}
