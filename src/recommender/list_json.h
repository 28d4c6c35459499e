/*
 * The answer of GET /recommendations/ as text:
 *     {"user_id":1,"request_id":"...","recommendations":[
 *      {"movie_id":2,"rank":1,"score":0.9876,"recommender":"base"}, ...]}
 * Written by hand, because printf and a JSON library cost more than making the list. Pure.
 */
#ifndef RECOMMENDER_LIST_JSON_H
#define RECOMMENDER_LIST_JSON_H

#include "base/buf.h"
#include "recommender/model.h"
#include "recommender/recommend.h"
#include "recommender/served.h"

/* Appends the whole answer or, if it does not fit, nothing (out->failed is set then). count is at
 * most RECOMMEND_LENGTH_MAX. Scores are rounded to four places; one that is not finite or beyond
 * +-1e9 is written as the nearest bound, or 0 for "not a number". */
void list_json_write(struct buf *out, const struct model *model, int32_t user_id,
                     const char request_id[SERVED_ID_SIZE], const struct ranker_place *places,
                     int count);

#endif
