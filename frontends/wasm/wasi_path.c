/* wasi_path.c - WASI's functions on paths: path_*, and the walk that keeps them inside their
 * directory.
 *
 * A path is resolved here, component by component, never by the system: every step opens one name
 * in an open directory without following links, `..` goes back to the directory that was left, at
 * the top it is refused, and a link's text is put in front of what is still to be walked; an
 * absolute one is refused. So whatever others rename or link in the meantime, no step leaves the
 * tree. What is done at the end is done to one name in one open directory. */
#define _GNU_SOURCE
#include "wasi.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_LINKS = 40, MOST_DEPTH = 128 };

/* Where a walk is: open directories from the top, the first being the descriptor's own. */
typedef struct walk {
    int dirs[MOST_DEPTH];
    int depth;               /* of the current one */
    unsigned links;
    char rest[2 * PATH_MAX]; /* what is still to be walked */
    char name[NAME_MAX + 1]; /* at the end: the last component, or "." */
    bool must_be_directory;  /* it was followed by a slash */
} walk;

static void end(walk *k)
{
    while (k->depth > 0)
        close(k->dirs[k->depth--]);
}

static int here(const walk *k)
{
    return k->dirs[k->depth];
}

/* Puts the text of the link `name` in front of the rest. */
static wasi_error follow(walk *k, const char *name)
{
    char text[PATH_MAX];
    ssize_t n = readlinkat(here(k), name, text, sizeof text - 1);
    size_t rest = strlen(k->rest);

    if (n < 0)
        return gw_wasi_error(errno);
    if (++k->links > MOST_LINKS)
        return WASI_LOOP;
    if (n == 0 || text[0] == '/')
        return n == 0 ? WASI_NOENT : WASI_NOTCAPABLE;
    if ((size_t)n + 1 + rest + 1 > sizeof k->rest)
        return WASI_NAMETOOLONG;
    memmove(k->rest + n + 1, k->rest, rest + 1);
    memcpy(k->rest, text, (size_t)n);
    k->rest[n] = '/';
    if (rest == 0)
        k->rest[n] = 0;
    return WASI_OK;
}

static bool is_link(const walk *k, const char *name)
{
    struct stat s;
    return fstatat(here(k), name, &s, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(s.st_mode);
}

/* One component that more components follow. */
static wasi_error step(walk *k, const char *name)
{
    int fd;

    if (strcmp(name, ".") == 0)
        return WASI_OK;
    if (strcmp(name, "..") == 0) {
        if (k->depth == 0)
            return WASI_NOTCAPABLE;
        close(k->dirs[k->depth--]);
        return WASI_OK;
    }
    fd = openat(here(k), name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR) && is_link(k, name))
        return follow(k, name);
    if (fd < 0)
        return gw_wasi_error(errno);
    if (k->depth + 1 == MOST_DEPTH) {
        close(fd);
        return WASI_NAMETOOLONG;
    }
    k->dirs[++k->depth] = fd;
    return WASI_OK;
}

/* Takes the first component off the rest; false: none. *last: nothing but slashes follows. */
static bool component(walk *k, char name[NAME_MAX + 1], bool *last, bool *too_long)
{
    size_t at = strspn(k->rest, "/"), n = strcspn(k->rest + at, "/");
    size_t next = at + n + strspn(k->rest + at + n, "/");

    *too_long = n > NAME_MAX;
    if (n == 0 || *too_long)
        return false;
    memcpy(name, k->rest + at, n);
    name[n] = 0;
    *last = k->rest[next] == 0;
    k->must_be_directory = *last && next > at + n;
    memmove(k->rest, k->rest + next, strlen(k->rest + next) + 1);
    return true;
}

/* To the directory that holds the path's last component, which is in k->name then. end() in any
 * case of success. */
static wasi_error walk_to(walk *k, wasi *w, uint32_t fd, uint32_t path, uint32_t length,
                          bool follow_last)
{
    const wasi_fd *f = gw_wasi_fd(w, fd);
    const char *at = wasi_at(w, path, length);
    wasi_error e = WASI_OK;
    bool last = false, too_long, slash;
    char name[NAME_MAX + 1];

    if (!f)
        return WASI_BADF;
    if (f->type != WASI_DIRECTORY)
        return WASI_NOTDIR;
    if (!at)
        return WASI_FAULT;
    if (length >= PATH_MAX)
        return WASI_NAMETOOLONG;
    if (length == 0)
        return WASI_NOENT;
    if (memchr(at, 0, length))
        return WASI_ILSEQ;
    if (at[0] == '/')
        return WASI_NOTCAPABLE;
    memcpy(k->rest, at, length);
    k->rest[length] = 0;
    k->dirs[0] = f->host;
    k->depth = 0;
    k->links = 0;
    while (e == WASI_OK && !last) {
        if (!component(k, name, &last, &too_long)) {
            e = too_long ? WASI_NAMETOOLONG : WASI_NOENT;
        } else if (!last) {
            e = step(k, name);
        } else if (strcmp(name, "..") == 0) {
            e = step(k, name);
            strcpy(k->name, ".");
        } else {
            slash = k->must_be_directory;
            strcpy(k->name, name);
            if ((follow_last || slash) && is_link(k, name)) {
                e = follow(k, name);
                if (slash && strlen(k->rest) + 2 < sizeof k->rest)
                    strcat(k->rest, "/");
                last = false;
            }
        }
    }
    if (e != WASI_OK)
        end(k);
    return e;
}

/* Ends the walk with what a system call came to. */
static wasi_error done(walk *k, long r)
{
    wasi_error e = r < 0 ? gw_wasi_error(errno) : WASI_OK;

    end(k);
    return e;
}

/* ---- Opening ---- */

static int open_flags(uint32_t oflags, uint64_t rights, uint32_t fdflags, bool directory)
{
    bool reads = rights & WASI_RIGHT_READ, writes = rights & WASI_RIGHT_WRITE && !directory;
    int flags = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;

    flags |= writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY;
    flags |= oflags & 1 ? O_CREAT : 0;
    flags |= directory ? O_DIRECTORY : 0;
    flags |= oflags & 4 ? O_EXCL : 0;
    flags |= oflags & 8 ? O_TRUNC : 0;
    flags |= fdflags & WASI_APPEND ? O_APPEND : 0;
    flags |= fdflags & WASI_DSYNC ? O_DSYNC : 0;
    flags |= fdflags & WASI_NONBLOCK ? O_NONBLOCK : 0;
    flags |= fdflags & (WASI_RSYNC | WASI_SYNC) ? O_SYNC : 0;
    return flags;
}

/* Arguments: directory, lookup flags, path, length, oflags, rights, inheriting, fdflags, result. */
wasi_error gw_wasi_path_open(wasi *w, const gw_val *a)
{
    walk k;
    struct stat s;
    const wasi_fd *dir = gw_wasi_fd(w, a[0].i32);
    uint32_t oflags = a[4].i32;
    uint64_t rights, inheriting;
    wasi_error e = walk_to(&k, w, a[0].i32, a[2].i32, a[3].i32, a[1].i32 & 1 && (oflags & 5) != 5);

    if (e != WASI_OK)
        return e;
    rights = a[5].i64 & dir->inheriting;
    inheriting = a[6].i64 & dir->inheriting;
    if ((oflags & 9) != 0 && !(dir->inheriting & WASI_RIGHT_WRITE)) {
        end(&k);
        return WASI_NOTCAPABLE;
    }
    bool directory = oflags & 2 || k.must_be_directory;
    int fd = openat(here(&k), k.name, open_flags(oflags, rights, a[7].i32, directory), 0666);
    if (fd < 0 && errno == EISDIR
        && !(oflags & 9)) /* a directory is opened with all that one asks for */
        fd = openat(here(&k), k.name, open_flags(oflags, rights, a[7].i32, true));
    e = done(&k, fd);
    if (e != WASI_OK)
        return e;
    uint32_t number = fstat(fd, &s) == 0
                          ? gw_wasi_add_fd(w, fd, gw_wasi_filetype(s.st_mode), rights, inheriting)
                          : ~0u;
    if (number == ~0u)
        close(fd);
    return number == ~0u ? WASI_NOMEM : wasi_put32(w, a[8].i32, number) ? WASI_OK : WASI_FAULT;
}

/* ---- Everything else ---- */

wasi_error gw_wasi_path_create_directory(wasi *w, const gw_val *a)
{
    walk k;
    wasi_error e = walk_to(&k, w, a[0].i32, a[1].i32, a[2].i32, false);
    return e != WASI_OK ? e : done(&k, mkdirat(here(&k), k.name, 0777));
}

wasi_error gw_wasi_path_remove_directory(wasi *w, const gw_val *a)
{
    walk k;
    wasi_error e = walk_to(&k, w, a[0].i32, a[1].i32, a[2].i32, false);
    return e != WASI_OK ? e : done(&k, unlinkat(here(&k), k.name, AT_REMOVEDIR));
}

wasi_error gw_wasi_path_unlink_file(wasi *w, const gw_val *a)
{
    walk k;
    wasi_error e = walk_to(&k, w, a[0].i32, a[1].i32, a[2].i32, false);

    if (e == WASI_OK && k.must_be_directory) {
        end(&k);
        return WASI_NOTDIR;
    }
    return e != WASI_OK ? e : done(&k, unlinkat(here(&k), k.name, 0));
}

wasi_error gw_wasi_path_filestat_get(wasi *w, const gw_val *a)
{
    walk k;
    struct stat s;
    wasi_error e = walk_to(&k, w, a[0].i32, a[2].i32, a[3].i32, a[1].i32 & 1);

    if (e != WASI_OK)
        return e;
    e = done(&k, fstatat(here(&k), k.name, &s, AT_SYMLINK_NOFOLLOW));
    return e != WASI_OK ? e : gw_wasi_put_stat(w, a[4].i32, &s);
}

wasi_error gw_wasi_path_filestat_set_times(wasi *w, const gw_val *a)
{
    walk k;
    struct timespec t[2];
    wasi_error e;

    if (!gw_wasi_times(a[4].i64, a[5].i64, a[6].i32, t))
        return WASI_INVAL;
    e = walk_to(&k, w, a[0].i32, a[2].i32, a[3].i32, a[1].i32 & 1);
    return e != WASI_OK ? e : done(&k, utimensat(here(&k), k.name, t, AT_SYMLINK_NOFOLLOW));
}

/* Two walks at once are on the heap: each holds a path. Ends both with what the call came to. */
static wasi_error with_two(wasi *w, const gw_val from[3], bool follow_from, const gw_val to[3],
                           int (*call)(const walk *from, const walk *to))
{
    walk *k = malloc(2 * sizeof *k);
    wasi_error e =
        k ? walk_to(&k[0], w, from[0].i32, from[1].i32, from[2].i32, follow_from) : WASI_NOMEM;

    if (e == WASI_OK) {
        e = walk_to(&k[1], w, to[0].i32, to[1].i32, to[2].i32, false);
        if (e == WASI_OK)
            e = done(&k[1], call(&k[0], &k[1]));
        end(&k[0]);
    }
    free(k);
    return e;
}

static int rename_between(const walk *from, const walk *to)
{
    return renameat(here(from), from->name, here(to), to->name);
}

static int link_between(const walk *from, const walk *to)
{
    return linkat(here(from), from->name, here(to), to->name, 0);
}

wasi_error gw_wasi_path_rename(wasi *w, const gw_val *a)
{
    return with_two(w, a, false, a + 3, rename_between);
}

/* Arguments: directory, lookup flags, path, length; directory, path, length. */
wasi_error gw_wasi_path_link(wasi *w, const gw_val *a)
{
    gw_val from[3] = { a[0], a[2], a[3] };
    return with_two(w, from, a[1].i32 & 1, a + 4, link_between);
}

/* What a link says is checked when it is followed; an absolute one could never be, here. */
wasi_error gw_wasi_path_symlink(wasi *w, const gw_val *a)
{
    walk k;
    char text[PATH_MAX];
    const char *at = wasi_at(w, a[0].i32, a[1].i32);
    wasi_error e;

    if (!at)
        return WASI_FAULT;
    if (a[1].i32 >= sizeof text)
        return WASI_NAMETOOLONG;
    if (a[1].i32 == 0 || memchr(at, 0, a[1].i32))
        return a[1].i32 == 0 ? WASI_NOENT : WASI_ILSEQ;
    if (at[0] == '/')
        return WASI_NOTCAPABLE;
    memcpy(text, at, a[1].i32);
    text[a[1].i32] = 0;
    e = walk_to(&k, w, a[2].i32, a[3].i32, a[4].i32, false);
    return e != WASI_OK ? e : done(&k, symlinkat(text, here(&k), k.name));
}

wasi_error gw_wasi_path_readlink(wasi *w, const gw_val *a)
{
    walk k;
    char *out = wasi_at(w, a[3].i32, a[4].i32);
    wasi_error e = walk_to(&k, w, a[0].i32, a[1].i32, a[2].i32, false);

    if (e != WASI_OK)
        return e;
    if (!out) {
        end(&k);
        return WASI_FAULT;
    }
    ssize_t n = a[4].i32 ? readlinkat(here(&k), k.name, out, a[4].i32) : 0;
    e = done(&k, n);
    return e != WASI_OK ? e : wasi_put32(w, a[5].i32, (uint32_t)n) ? WASI_OK : WASI_FAULT;
}
