#include "movielens/ratings.h"

#include "base/mem.h"

#include <string.h>

void ratings_deinit(struct ratings *ratings)
{
    mem_free(ratings->user_id);
    mem_free(ratings->start);
    mem_free(ratings->item);
    mem_free(ratings->half_stars);
    mem_free(ratings->time_s);
    memset(ratings, 0, sizeof *ratings);
}

int32_t ratings_user(const struct ratings *ratings, int32_t user_id)
{
    int32_t low = 0, high = ratings->users;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (ratings->user_id[middle] < user_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < ratings->users && ratings->user_id[low] == user_id ? low : -1;
}
