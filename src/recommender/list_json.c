#include "recommender/list_json.h"

#include "recommender/recommend.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define SCORE_BOUND 1e9
#define SCORE_DIGITS 4
#define SCORE_UNIT 10000

/* The longest of a place: its fixed text, two numbers, a score and the name of a source. */
#define PLACE_BYTES 128
#define HEAD_BYTES 128

static char *put_bytes(char *at, const char *bytes, size_t count)
{
    memcpy(at, bytes, count);
    return at + count;
}

#define put_literal(at, text) put_bytes(at, text, sizeof(text) - 1)

/* At least `digits` digits. */
static char *put_number(char *at, uint64_t number, int digits)
{
    char reversed[20];
    int count = 0;
    while (number > 0 || count < digits) {
        reversed[count++] = (char)('0' + number % 10);
        number /= 10;
    }
    while (count > 0) {
        *at++ = reversed[--count];
    }
    return at;
}

static char *put_id(char *at, int32_t id)
{
    if (id < 0) {
        *at++ = '-';
    }
    return put_number(at, (uint64_t)(id < 0 ? -(int64_t)id : id), 1);
}

static char *put_score(char *at, float score)
{
    double bounded = isnan(score) ? 0 : fmin(fmax((double)score, -SCORE_BOUND), SCORE_BOUND);
    int64_t parts = llrint(bounded * SCORE_UNIT);
    if (parts < 0) {
        *at++ = '-';
        parts = -parts;
    }
    at = put_number(at, (uint64_t)parts / SCORE_UNIT, 1);
    *at++ = '.';
    return put_number(at, (uint64_t)parts % SCORE_UNIT, SCORE_DIGITS);
}

static char *put_place(char *at, int32_t movie_id, int rank, const struct ranker_place *place)
{
    const char *source = source_name(place->source);
    at = put_literal(at, "{\"movie_id\":");
    at = put_id(at, movie_id);
    at = put_literal(at, ",\"rank\":");
    at = put_id(at, rank);
    at = put_literal(at, ",\"score\":");
    at = put_score(at, place->score);
    at = put_literal(at, ",\"recommender\":\"");
    at = put_bytes(at, source, strlen(source));
    return put_literal(at, "\"}");
}

void list_json_write(struct buf *out, const struct model *model, int32_t user_id,
                     const char request_id[SERVED_ID_SIZE], const struct ranker_place *places,
                     int count)
{
    char text[HEAD_BYTES + RECOMMEND_LENGTH_MAX * PLACE_BYTES];
    assert(count >= 0 && count <= RECOMMEND_LENGTH_MAX);
    char *at = put_literal(text, "{\"user_id\":");
    at = put_id(at, user_id);
    at = put_literal(at, ",\"request_id\":\"");
    at = put_bytes(at, request_id, SERVED_ID_SIZE - 1);
    at = put_literal(at, "\",\"recommendations\":[");
    for (int p = 0; p < count; p++) {
        if (p > 0) {
            *at++ = ',';
        }
        at = put_place(at, model->corpus.catalogue.id[places[p].item], p + 1, &places[p]);
    }
    at = put_literal(at, "]}");
    buf_add(out, text, (size_t)(at - text));
}
