/*
 * Allocation. Start-up memory may die on exhaustion (mem_alloc and friends print and abort);
 * whatever is fed by the network or grows in steady state uses mem_try_*, which return NULL.
 * Any thread may call.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);                /* never NULL; uninitialised */
void *mem_zalloc(size_t count, size_t size); /* never NULL; zeroed; checks the product */
void *mem_array(size_t count, size_t size);  /* never NULL; uninitialised; checks the product */
void *mem_resize(void *old, size_t count, size_t size);
void *mem_try_alloc(size_t size);             /* NULL when exhausted */
void *mem_try_resize(void *old, size_t size); /* NULL when exhausted; old stays valid */
char *mem_text(const char *text);             /* heap copy; NULL in, NULL out */
void mem_free(void *pointer);                 /* accepts NULL */

/* Tests only: the n-th mem_try_* call from now fails (1 = the next), 0 turns it off. */
void mem_fail_after(long calls);

#endif
