/* test_wasi.c - WASI's functions on a directory: what works in it, and that nothing leads out of
 * it. */
#define _GNU_SOURCE
#include "wasi.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static gw_memory_inst memory; /* all that the functions see of an instance */
static uint8_t bytes[65536];
static wasi *w;
static char top[64];          /* holds `secret`, and `in`, which the guest sees as descriptor 3 */

enum { DIR_FD = 3, PATH = 1024, PATH2 = 4096, OUT = 8192 };

static void put_file(const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", top, name);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

static void put_link(const char *to, const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", top, name);
    cr_assert_eq(symlink(to, path), 0);
}

static void put_dir(const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", top, name);
    cr_assert_eq(mkdir(path, 0700), 0);
}

static void begin(void)
{
    char path[256];

    strcpy(top, P_tmpdir "/wasi-XXXXXX");
    cr_assert_not_null(mkdtemp(top));
    put_file("secret", "secret");
    put_dir("in");
    put_dir("in/dir");
    put_file("in/file", "hello");
    put_file("in/dir/x", "x");
    put_link("..", "in/up");
    put_link("/etc/passwd", "in/absolute");
    put_link("../secret", "in/out");
    put_link("dir/../../secret", "in/round");
    put_link("loop", "in/loop");
    put_link("file", "in/same");
    put_link("dir", "in/there");
    put_link("../file", "in/dir/back");
    memory.def.base = bytes;
    memory.def.bytes = sizeof bytes;
    w = gantry_wasm_wasi_new();
    cr_assert_not_null(w);
    w->memory = &memory;
    snprintf(path, sizeof path, "%s/in", top);
    cr_assert(gantry_wasm_wasi_dir(w, "/", path));
}

static void end(void)
{
    char command[128];

    gantry_wasm_wasi_delete(w);
    snprintf(command, sizeof command, "rm -rf %s", top);
    cr_expect_eq(system(command), 0);
}

TestSuite(wasm_wasi, .init = begin, .fini = end);

static gw_val num(uint64_t x)
{
    gw_val v;
    v.i64 = x;
    return v;
}

static uint32_t put_path(uint32_t at, const char *path)
{
    memcpy(bytes + at, path, strlen(path));
    return (uint32_t)strlen(path);
}

/* Opens a path for reading, with or without following a link at its end; *fd gets the number. */
static wasi_error open_path(const char *path, bool follow, uint32_t oflags, uint64_t rights,
                            uint32_t *fd)
{
    uint32_t n = put_path(PATH, path);
    gw_val a[9] = { num(DIR_FD), num(follow), num(PATH), num(n),  num(oflags),
                    num(rights), num(0),      num(0),    num(OUT) };
    wasi_error e = gw_wasi_path_open(w, a);

    *fd = wasi_u32(bytes + OUT);
    return e;
}

static wasi_error close_fd(uint32_t fd)
{
    gw_val a[1] = { num(fd) };
    return gw_wasi_fd_close(w, a);
}

Test(wasm_wasi, paths_inside_are_opened_with_links_and_dots)
{
    static const char *const good[] = {
        "file",     "./file",         "dir/x",      "dir/../file", "dir//x", "same", "there/x",
        "dir/back", "there/../dir/x", "there/back", "dir/.",       "dir/",   "."
    };
    uint32_t fd;

    for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
        cr_expect_eq(open_path(good[k], true, 0, WASI_RIGHT_READ, &fd), WASI_OK, "%s", good[k]);
        cr_expect_eq(close_fd(fd), WASI_OK);
    }
}

Test(wasm_wasi, no_path_leads_out)
{
    static const char *const bad[] = {
        "..",        "../secret",        "/etc/passwd",        "/",
        "up",        "up/secret",        "absolute",           "out",
        "round",     "dir/../../secret", "there/../../secret", "up/in/file",
        "dir/../..", "./../secret"
    };
    uint32_t fd;

    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        uint32_t n = put_path(PATH, bad[k]);
        gw_val at[3] = { num(DIR_FD), num(PATH), num(n) };
        gw_val stat_of[5] = { num(DIR_FD), num(1), num(PATH), num(n), num(OUT) };
        cr_expect_eq(open_path(bad[k], true, 0, WASI_RIGHT_READ, &fd), WASI_NOTCAPABLE, "%s",
                     bad[k]);
        cr_expect_eq(gw_wasi_path_filestat_get(w, stat_of), WASI_NOTCAPABLE, "%s", bad[k]);
        cr_expect_neq(open_path(bad[k], false, 1, WASI_RIGHT_READ | WASI_RIGHT_WRITE, &fd), WASI_OK,
                      "%s", bad[k]);
        if (!strchr(bad[k], '/') && bad[k][0] != '.')
            continue; /* a link of the guest's own directory may go */
        cr_expect_neq(gw_wasi_path_unlink_file(w, at), WASI_OK, "%s", bad[k]);
        cr_expect_neq(gw_wasi_path_remove_directory(w, at), WASI_OK, "%s", bad[k]);
        cr_expect_neq(gw_wasi_path_create_directory(w, at), WASI_OK, "%s", bad[k]);
    }
}

Test(wasm_wasi, links_are_not_followed_where_that_is_not_asked_for)
{
    uint32_t fd;

    cr_expect_eq(open_path("same", false, 0, WASI_RIGHT_READ, &fd), WASI_LOOP);
    cr_expect_eq(open_path("loop", true, 0, WASI_RIGHT_READ, &fd), WASI_LOOP);
    cr_expect_eq(open_path("nothing", true, 0, WASI_RIGHT_READ, &fd), WASI_NOENT);
    cr_expect_eq(open_path("file/x", true, 0, WASI_RIGHT_READ, &fd), WASI_NOTDIR);
    cr_expect_eq(open_path("", true, 0, WASI_RIGHT_READ, &fd), WASI_NOENT);
}

Test(wasm_wasi, names_are_not_moved_or_linked_across_the_border)
{
    uint32_t from = put_path(PATH, "file"), to = put_path(PATH2, "../stolen"), fd;
    gw_val rename_out[6] = { num(DIR_FD), num(PATH), num(from), num(DIR_FD), num(PATH2), num(to) };
    gw_val rename_in[6] = { num(DIR_FD), num(PATH2), num(to), num(DIR_FD), num(PATH), num(from) };
    gw_val link_in[7] = { num(DIR_FD), num(0),    num(PATH2), num(to),
                          num(DIR_FD), num(PATH), num(from) };
    gw_val symlink_out[5] = { num(PATH2), num(put_path(PATH2, "/etc/passwd")), num(DIR_FD),
                              num(PATH), num(from) };

    cr_expect_eq(gw_wasi_path_symlink(w, symlink_out), WASI_NOTCAPABLE);
    put_path(PATH2, "../stolen");
    cr_expect_eq(gw_wasi_path_rename(w, rename_out), WASI_NOTCAPABLE);
    cr_expect_eq(gw_wasi_path_rename(w, rename_in), WASI_NOTCAPABLE);
    cr_expect_eq(gw_wasi_path_link(w, link_in), WASI_NOTCAPABLE);
    to = put_path(PATH2, "dir/moved");
    rename_out[5] = num(to);
    cr_expect_eq(gw_wasi_path_rename(w, rename_out), WASI_OK);
    cr_expect_eq(open_path("dir/moved", true, 0, WASI_RIGHT_READ, &fd), WASI_OK);
}

Test(wasm_wasi, a_file_is_written_read_and_measured)
{
    uint32_t fd;

    cr_assert_eq(open_path("new", true, 1, WASI_RIGHT_READ | WASI_RIGHT_WRITE, &fd), WASI_OK);
    memcpy(bytes + 100, "abcdefgh", 8);
    uint32_t parts[4] = { 100, 3, 103, 5 };
    memcpy(bytes + 200, parts, sizeof parts);
    gw_val write[4] = { num(fd), num(200), num(2), num(OUT) };
    cr_expect_eq(gw_wasi_fd_write(w, write), WASI_OK);
    cr_expect_eq(wasi_u32(bytes + OUT), 8);
    gw_val seek[4] = { num(fd), num((uint64_t)-6), num(2), num(OUT) };
    cr_expect_eq(gw_wasi_fd_seek(w, seek), WASI_OK);
    cr_expect_eq(wasi_u64(bytes + OUT), 2);
    parts[0] = 300;
    parts[1] = 100;
    memcpy(bytes + 200, parts, sizeof parts);
    gw_val read[4] = { num(fd), num(200), num(1), num(OUT) };
    cr_expect_eq(gw_wasi_fd_read(w, read), WASI_OK);
    cr_expect(wasi_u32(bytes + OUT) == 6 && memcmp(bytes + 300, "cdefgh", 6) == 0);
    gw_val stat_of[2] = { num(fd), num(OUT) };
    cr_expect_eq(gw_wasi_fd_filestat_get(w, stat_of), WASI_OK);
    cr_expect(bytes[OUT + 16] == WASI_REGULAR && wasi_u64(bytes + OUT + 32) == 8);
    cr_expect_eq(close_fd(fd), WASI_OK);
    cr_expect_eq(close_fd(fd), WASI_BADF);
    cr_assert_eq(open_path("file", true, 0, WASI_RIGHT_READ, &fd), WASI_OK);
    write[0] = num(fd);
    cr_expect_eq(gw_wasi_fd_write(w, write), WASI_BADF);
}

Test(wasm_wasi, addresses_outside_the_memory_are_faults)
{
    uint32_t fd;

    cr_assert_eq(open_path("file", true, 0, WASI_RIGHT_READ, &fd), WASI_OK);
    gw_val read[4] = { num(fd), num(65532), num(1), num(OUT) };
    cr_expect_eq(gw_wasi_fd_read(w, read), WASI_FAULT);
    read[1] = num(UINT32_MAX);
    cr_expect_eq(gw_wasi_fd_read(w, read), WASI_FAULT);
    uint32_t part[2] = { 65000, 1000 };
    memcpy(bytes + 200, part, sizeof part);
    read[1] = num(200);
    cr_expect_eq(gw_wasi_fd_read(w, read), WASI_FAULT);
    gw_val random[2] = { num(65530), num(7) };
    cr_expect_eq(gw_wasi_random_get(w, random), WASI_FAULT);
    random[1] = num(6);
    cr_expect_eq(gw_wasi_random_get(w, random), WASI_OK);
}

Test(wasm_wasi, a_directory_is_read_whole_through_any_buffer)
{
    for (uint32_t room = 60; room < 1000; room += 171) {
        uint64_t cookie = 0;
        unsigned names = 0;
        for (unsigned round = 0; round < 100; round++) {
            gw_val a[5] = { num(DIR_FD), num(PATH2), num(room), num(cookie), num(OUT) };
            cr_assert_eq(gw_wasi_fd_readdir(w, a), WASI_OK);
            uint32_t used = wasi_u32(bytes + OUT), at = 0;
            while (used - at >= 24 && used - at >= 24 + wasi_u32(bytes + PATH2 + at + 16)) {
                cookie = wasi_u64(bytes + PATH2 + at);
                at += 24 + wasi_u32(bytes + PATH2 + at + 16);
                names++;
            }
            if (used < room)
                break;
        }
        cr_expect_eq(names, 11, "%u names in %u bytes at once", names, room); /* with . and .. */
    }
}

Test(wasm_wasi, clocks_go_on_and_waiting_ends)
{
    gw_val time[3] = { num(1), num(0), num(OUT) };
    uint64_t before, after;

    cr_expect_eq(gw_wasi_clock_time_get(w, time), WASI_OK);
    before = wasi_u64(bytes + OUT);
    memset(bytes + PATH, 0, 96);
    bytes[PATH] = 7;                         /* user data */
    memcpy(bytes + PATH + 24, &(uint64_t){ 2000000 }, 8);
    bytes[PATH + 16] = 1;
    gw_val poll[4] = { num(PATH), num(PATH2), num(1), num(OUT) };
    cr_expect_eq(gw_wasi_poll_oneoff(w, poll), WASI_OK);
    cr_expect(wasi_u32(bytes + OUT) == 1 && bytes[PATH2] == 7 && bytes[PATH2 + 10] == 0);
    cr_expect_eq(gw_wasi_clock_time_get(w, time), WASI_OK);
    after = wasi_u64(bytes + OUT);
    cr_expect_geq(after - before, 2000000);
    time[0] = num(9);
    cr_expect_eq(gw_wasi_clock_time_get(w, time), WASI_INVAL);
}
