#include "command/check_files.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/mem.h"

#define JSON_MAX_BYTES ((size_t)64 << 20)

struct check_file *check_file_add(struct check_list *list, const char *path)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
        list->file = mem_resize(list->file, list->capacity, sizeof *list->file);
    }
    struct check_file *file = &list->file[list->count++];
    *file = (struct check_file){.path = mem_text(path), .readable = true};
    faults_init(&file->faults);
    faults_init(&file->warnings);
    return file;
}

void check_files_add(struct check_list *list, char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)check_file_add(list, paths[i]);
    }
}

void check_file_take(struct check_list *list, const struct check_file *file)
{
    struct check_file *to = check_file_add(list, "");
    check_file_free(to);
    *to = *file;
}

void check_file_free(struct check_file *file)
{
    mem_free(file->path);
    faults_deinit(&file->faults);
    faults_deinit(&file->warnings);
}

void check_files_free(struct check_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        check_file_free(&list->file[i]);
    }
    mem_free(list->file);
}

void check_file_error(struct check_file *file, const struct error *error)
{
    faults_add(&file->faults, file->path, error->line, "", "%s", error->text);
}

json_t *check_file_read(struct check_file *file, struct yaml_lines **lines)
{
    json_t *document = NULL;
    struct error error = {0};
    if (yaml_read_file(file->path, &document, lines, &error) != ERR_OK) {
        file->readable = false;
        check_file_error(file, &error);
    }
    return document;
}

/* YAML holds JSON and knows the lines; of the little that it reads otherwise, every line is 1. */
static void find_lines(const char *path, const struct buf *text, struct yaml_lines **lines)
{
    json_t *same = NULL;
    if (lines == NULL) {
        return;
    }
    if (yaml_read_text(path, text->data, text->len, &same, lines, NULL) != ERR_OK &&
        yaml_read_text(path, "", 0, &same, lines, NULL) != ERR_OK) {
        *lines = NULL;
    }
    json_decref(same);
}

json_t *check_file_read_json(struct check_file *file, struct yaml_lines **lines)
{
    struct error error = {0};
    json_error_t fault;
    json_t *document = NULL;
    struct buf text;
    buf_init(&text, JSON_MAX_BYTES);
    if (file_read(file->path, &text, &error) != ERR_OK) {
        file->readable = false;
        check_file_error(file, &error);
    } else {
        document = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &fault);
        if (document == NULL) {
            faults_add(&file->faults, file->path, fault.line, "", "not JSON: %s", fault.text);
        } else {
            find_lines(file->path, &text, lines);
        }
    }
    buf_deinit(&text);
    return document;
}
