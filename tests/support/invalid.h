/*
 * Malformed inputs are files under tests/data/invalid/<what>/, each with the message it must give
 * beside it in <file>.expected. Tests run in the repository's root.
 */
#ifndef SUPPORT_INVALID_H
#define SUPPORT_INVALID_H

#include <stddef.h>

/* Reads the file and writes what is wrong with it into `message`; leaves it empty if nothing is. */
typedef void invalid_reader(const char *path, char *message, size_t size);

/* Calls `read` for every input of the folder and compares the messages. Returns how many differed,
 * each told on stderr; a folder without inputs counts as one. */
size_t invalid_each(const char *what, invalid_reader *read);

#endif
