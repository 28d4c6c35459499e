#include "base/buf.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <string.h>

Test(buf, appends_are_joined_and_terminated)
{
    struct buf buf;
    buf_init(&buf, 1000);
    cr_assert(buf_text(&buf, "a="));
    cr_assert(buf_printf(&buf, "%d;%s", 42, "b"));
    cr_assert(buf_add(&buf, "\0x", 2));
    cr_assert_eq(buf.len, 8);
    cr_assert_arr_eq(buf.data, "a=42;b\0x", 9);
    buf_deinit(&buf);
}

Test(buf, exactly_the_maximum_fits_and_one_more_does_not)
{
    struct buf buf;
    buf_init(&buf, 5);
    cr_assert(buf_text(&buf, "12345"));
    cr_assert_not(buf_text(&buf, "6"));
    cr_assert(buf.failed);
    cr_assert_str_eq(buf.data, "12345");
    cr_assert_eq(buf.len, 5);
    buf_deinit(&buf);
}

Test(buf, a_failure_stays_until_reset_so_no_hole_appears)
{
    struct buf buf;
    buf_init(&buf, 8);
    buf_text(&buf, "ab");
    cr_assert_not(buf_printf(&buf, "%s", "too long for it"));
    cr_assert_not(buf_text(&buf, "c"));
    cr_assert_str_eq(buf.data, "ab");
    buf_reset(&buf);
    cr_assert(buf_text(&buf, "c"));
    cr_assert_str_eq(buf.data, "c");
    buf_deinit(&buf);
}

Test(buf, printing_gives_the_same_at_every_length)
{
    for (int length = 0; length < 300; length++) {
        struct buf buf;
        buf_init(&buf, 400);
        cr_assert(buf_text(&buf, "<"));
        cr_assert(buf_printf(&buf, "%0*d>", length, 7));
        size_t digits = length > 0 ? (size_t)length : 1;
        cr_assert_eq(buf.len, digits + 2, "length %d", length);
        cr_assert_eq(buf.data[digits], '7', "length %d", length);
        cr_assert_eq(strlen(buf.data), buf.len, "length %d", length);
        buf_deinit(&buf);
    }
}

Test(buf, exhausted_memory_leaves_the_content)
{
    struct buf buf;
    buf_init(&buf, 100000);
    buf_text(&buf, "kept");
    char block[500];
    memset(block, 'x', sizeof block);
    mem_fail_after(1);
    cr_assert_not(buf_add(&buf, block, sizeof block));
    cr_assert(buf.failed);
    cr_assert_str_eq(buf.data, "kept");
    buf_deinit(&buf);
}

Test(buf, a_refused_print_into_spare_room_leaves_the_content)
{
    struct buf buf;
    buf_init(&buf, 60);
    buf_text(&buf, "kept");
    cr_assert_not(buf_printf(&buf, "%080d", 1));
    cr_assert_str_eq(buf.data, "kept");
    buf_deinit(&buf);
}

Test(buf, taking_moves_the_memory_out)
{
    struct buf buf;
    buf_init(&buf, 100);
    buf_text(&buf, "mine");
    char *taken = buf_take(&buf);
    cr_assert_str_eq(taken, "mine");
    cr_assert_eq(buf.len, 0);
    char *empty = buf_take(&buf);
    cr_assert_str_eq(empty, "");
    cr_assert(buf_text(&buf, "again"));
    mem_free(taken);
    mem_free(empty);
    buf_deinit(&buf);
}
