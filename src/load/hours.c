#include "load/hours.h"

#define HOUR_S 3600
#define DAYS 7
#define DAY_HOURS 24
#define EPOCH_WEEKDAY 3 /* 1 January 1970 was a Thursday */

static void spread(const double *by_hour, const double *by_day, double *weight)
{
    double hours = 0, days = 0;
    for (int h = 0; h < DAY_HOURS; h++) {
        hours += by_hour[h];
    }
    for (int d = 0; d < DAYS; d++) {
        days += by_day[d];
    }
    for (int d = 0; d < DAYS; d++) {
        for (int h = 0; h < DAY_HOURS; h++) {
            weight[d * DAY_HOURS + h] = by_hour[h] / hours * DAY_HOURS * by_day[d] / days * DAYS;
        }
    }
}

void hours_published(double weight[ARRIVALS_WEEK_HOURS])
{
    static const double by_hour[DAY_HOURS] = {3.3, 2.9, 3.1, 2.7, 2.2, 2.3, 2.7, 2.9,
                                              2.7, 2.6, 2.4, 3.1, 4.1, 5.1, 5.6, 5.9,
                                              5.7, 5.7, 6.8, 7.0, 6.8, 5.8, 4.6, 3.9};
    static const double by_day[DAYS] = {18.3, 12.9, 11.3, 11.7, 12.4, 15.1, 18.3};
    spread(by_hour, by_day, weight);
}

bool hours_starts_visit(const struct ratings *ratings, int32_t user, int64_t i)
{
    return i == ratings->start[user] ||
           ratings->time_s[i] - ratings->time_s[i - 1] > HOURS_VISIT_BREAK_S;
}

bool hours_of_data(const struct ratings *ratings, double weight[ARRIVALS_WEEK_HOURS])
{
    double by_hour[DAY_HOURS] = {0}, by_day[DAYS] = {0};
    int64_t visits = 0;
    for (int32_t u = 0; u < ratings->users; u++) {
        for (int64_t i = ratings->start[u]; i < ratings->start[u + 1]; i++) {
            if (hours_starts_visit(ratings, u, i)) {
                int64_t hour = ratings->time_s[i] / HOUR_S;
                by_hour[hour % DAY_HOURS]++;
                by_day[(hour / DAY_HOURS + EPOCH_WEEKDAY) % DAYS]++;
                visits++;
            }
        }
    }
    if (visits < HOURS_VISITS_MIN) {
        return false;
    }
    spread(by_hour, by_day, weight);
    return true;
}
