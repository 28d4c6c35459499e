/*
 * Model files. The input is a list of edits to a good file that is made here, so that the corpus
 * never grows stale: the first byte chooses (bit 0: the checksums are made right afterwards; bit 1:
 * the file is cut at the first edit), then each edit is four bytes of place and one of value. What
 * is read must serve a list.
 */
#include "../tests/support/model_bytes.h"
#include "base/mem.h"
#include "movielens/synth.h"
#include "recommender/model_file.h"
#include "recommender/recommend.h"
#include "recommender/train.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define EDIT_BYTES 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static unsigned char *make_good_file(size_t *count)
{
    char path[] = "/tmp/driftdrill-fuzz-model-XXXXXX";
    const struct parallel one = {1};
    struct synth_config synth = {.users = SYNTH_USERS_MIN, .movies = SYNTH_MOVIES_MIN, .seed = 1};
    struct train_config config = train_defaults();
    struct dataset dataset;
    struct corpus corpus;
    struct error error = {.code = ERR_OK};
    config.factors = 8;
    check(synth_make(&synth, &one, &dataset, &error) == ERR_OK);
    corpus_take(&corpus, &dataset);
    dataset_deinit(&dataset);
    struct model *model = train_model(&config, &corpus, NULL, NULL, NULL);
    int fd = mkstemp(path);
    check(fd >= 0 && model_file_write(model, path, &error) == ERR_OK);
    close(fd);
    model_free(model);
    FILE *file = fopen(path, "rbe");
    check(file != NULL && fseek(file, 0, SEEK_END) == 0);
    *count = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = mem_alloc(*count);
    check(fread(bytes, 1, *count, file) == *count);
    check(fclose(file) == 0 && unlink(path) == 0);
    return bytes;
}

/* A copy; the model is trained once. */
static unsigned char *good_file(size_t *count)
{
    static unsigned char *kept;
    static size_t kept_count;
    if (kept == NULL) {
        kept = make_good_file(&kept_count);
    }
    unsigned char *copy = mem_alloc(kept_count);
    memcpy(copy, kept, kept_count);
    *count = kept_count;
    return copy;
}

static void serve_from(struct model *model)
{
    struct recommend_scratch *scratch = recommend_scratch_new(model);
    struct ranker_place places[10];
    const struct posted_rating posted[] = {
        {.user_id = 1, .movie_id = model->corpus.catalogue.id[0], .half_stars = 9, .time_s = 5}};
    check(scratch != NULL);
    for (int32_t user_id = 0; user_id < 3; user_id++) {
        int count = recommend_list(model, user_id, posted, 1, 10, scratch, places);
        for (int p = 0; p < count; p++) {
            check(places[p].item >= 0 && places[p].item < model->corpus.catalogue.count);
            (void)model_predict_stars(model, user_id, places[p].item);
        }
    }
    recommend_scratch_free(scratch);
}

static void read_back(const unsigned char *bytes, size_t count)
{
    char path[64];
    struct error error = {.code = ERR_OK};
    struct model *model = NULL;
    int fd = memfd_create("model", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, count) != (ssize_t)count) {
        return;
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (model_file_read(path, &model, &error) == ERR_OK) {
        if (model->corpus.catalogue.count > 0) {
            serve_from(model);
        }
        model_free(model);
    } else {
        check(error.code == ERR_INPUT && error.text[0] != '\0' && model == NULL);
    }
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count = 0;
    if (size == 0) {
        return 0;
    }
    unsigned char *bytes = good_file(&count);
    check(count > 0);
    for (size_t at = 1; at + EDIT_BYTES <= size; at += EDIT_BYTES) {
        uint32_t place;
        memcpy(&place, data + at, sizeof place);
        if ((data[0] & 2) != 0 && at == 1) {
            count = place % count;
        } else if (count > 0) {
            bytes[place % count] = data[at + 4];
        }
    }
    if ((data[0] & 1) != 0) {
        model_bytes_repair(bytes, count);
    }
    read_back(bytes, count);
    mem_free(bytes);
    return 0;
}
