#include "base/mem.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

Test(mem, nothing_is_still_memory)
{
    void *a = mem_alloc(0);
    void *b = mem_zalloc(0, 8);
    void *c = mem_array(3, 0);
    void *d = mem_try_alloc(0);
    cr_assert(a != NULL && b != NULL && c != NULL && d != NULL);
    mem_free(a);
    mem_free(b);
    mem_free(c);
    mem_free(d);
    mem_free(NULL);
}

Test(mem, zeroed_memory_is_zero_and_resizing_keeps_the_content)
{
    int *numbers = mem_zalloc(100, sizeof *numbers);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(numbers[i], 0);
        numbers[i] = i;
    }
    numbers = mem_resize(numbers, 10000, sizeof *numbers);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(numbers[i], i);
    }
    mem_free(numbers);
}

Test(mem, a_product_beyond_memory_aborts_instead_of_wrapping, .signal = SIGABRT)
{
    volatile size_t many = SIZE_MAX / 2;
    mem_array(many, 4);
}

Test(mem, texts_are_copied)
{
    char text[] = "matrix";
    char *copy = mem_text(text);
    text[0] = 'M';
    cr_assert_str_eq(copy, "matrix");
    cr_assert_null(mem_text(NULL));
    mem_free(copy);
}

Test(mem, the_nth_try_fails_once_and_the_old_block_stays)
{
    char *old = mem_try_alloc(4);
    memcpy(old, "abc", 4);
    mem_fail_after(2);
    char *first = mem_try_alloc(8);
    cr_assert_not_null(first);
    cr_assert_null(mem_try_resize(old, 100));
    cr_assert_str_eq(old, "abc");
    char *third = mem_try_resize(old, 100);
    cr_assert_not_null(third);
    cr_assert_str_eq(third, "abc");
    mem_free(first);
    mem_free(third);
}

Test(mem, zero_turns_failing_off)
{
    mem_fail_after(1);
    mem_fail_after(0);
    void *memory = mem_try_alloc(8);
    cr_assert_not_null(memory);
    mem_free(memory);
}
