/* A result file: what is read can be written, and comes back the same. */
#include "base/buf.h"
#include "base/fileio.h"
#include "load/result_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Files are renamed into place, so this one needs a folder; one a process. */
static void check_again(struct result_file *file)
{
    char folder[] = "/tmp/fuzz-result-XXXXXX", one[64], two[64];
    struct error error = {.code = ERR_OK};
    struct result_file read;
    struct buf text, again;
    check(mkdtemp(folder) != NULL);
    (void)snprintf(one, sizeof one, "%s/one", folder);
    (void)snprintf(two, sizeof two, "%s/two", folder);
    check(result_write(file, one, &error) == ERR_OK);
    check(result_read(one, &read, &error) == ERR_OK);
    check(result_write(&read, two, &error) == ERR_OK);
    buf_init(&text, (size_t)1 << 26);
    buf_init(&again, (size_t)1 << 26);
    check(file_read(one, &text, &error) == ERR_OK && file_read(two, &again, &error) == ERR_OK);
    check(text.len == again.len && memcmp(text.data, again.data, text.len) == 0);
    buf_deinit(&text);
    buf_deinit(&again);
    result_file_deinit(&read);
    check(file_remove_tree(folder, &error) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result_file file;
    struct error error = {.code = ERR_OK};
    char path[64];
    int memory = memfd_create("result", 0);
    check(memory >= 0 && write(memory, data, size) == (ssize_t)size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    if (result_read(path, &file, &error) == ERR_OK) {
        check_again(&file);
        result_file_deinit(&file);
    } else {
        check(error.code == ERR_INPUT && error.text[0] != '\0');
    }
    (void)close(memory);
    return 0;
}
