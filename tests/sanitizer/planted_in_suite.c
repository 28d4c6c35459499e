/*
 * A Criterion suite with bugs planted on purpose, chosen by the environment variable PLANTED:
 * overflow, undefined, leak, or none. tests/sanitizer/selfcheck runs it the way `make asan-unit`
 * runs the real suites and expects a failure for each bug. Allocates with malloc itself: the bugs
 * must reach the sanitizers, not base/mem.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Volatile, so that the compiler cannot see through the bugs. */
static char *volatile block;
static volatile int largest = INT_MAX;

static void overflow(void)
{
    block = malloc(16);
    if (block != NULL) {
        block[16] = 1;
    }
    free(block);
}

static void undefined(void)
{
    largest = largest + 1;
}

static void leak(void)
{
    block = malloc(64);
    block = NULL;
}

Test(planted, bug_named_by_the_environment)
{
    const char *name = getenv("PLANTED");
    cr_assert_not_null(name);
    if (strcmp(name, "overflow") == 0) {
        overflow();
    } else if (strcmp(name, "undefined") == 0) {
        undefined();
    } else if (strcmp(name, "leak") == 0) {
        leak();
    }
}
