#include "load/traffic.h"

#include "base/mem.h"
#include "load/hours.h"

#include <assert.h>
#include <math.h>

/* People come in proportion to the films they saw before; who saw none, like the mean of others. */
static void weigh_people(const struct engine_seen *seen, int32_t people, struct alias *mix)
{
    double *weight = mem_array((size_t)people, sizeof *weight);
    int64_t films = 0, experienced = 0;
    assert(seen != NULL && seen->start != NULL);
    for (int32_t p = 0; p < people; p++) {
        int64_t count = seen->start[p + 1] - seen->start[p];
        weight[p] = (double)count;
        films += count;
        experienced += count > 0;
    }
    double mean = experienced > 0 ? (double)films / (double)experienced : 1;
    for (int32_t p = 0; p < people; p++) {
        weight[p] = weight[p] > 0 ? weight[p] : mean;
    }
    alias_init(mix, weight, people);
    mem_free(weight);
}

static void use_recording(struct arrivals_config *config, const struct recording *recording)
{
    config->process = ARRIVALS_REPLAY;
    config->moment_ns = recording->moment_ns;
    config->moment_person = recording->person;
    config->moment_count = recording->count;
}

static enum err replay_data(const struct dataset *data, struct arrivals_config *config,
                            struct recording *recording, struct error *error)
{
    double visits = config->visits_per_s * (double)config->end_ns * 1e-9;
    assert(data != NULL);
    recording_of_data(&data->ratings, config->people - config->newcomers,
                      visits < 1e15 ? llround(visits) : INT64_MAX, config->end_ns, recording);
    if (recording->count == 0) {
        return error_set(error, ERR_INPUT, NULL, 0, "the data hold no visit to replay");
    }
    use_recording(config, recording);
    return ERR_OK;
}

static void follow_hours(const struct traffic_wish *wish, const struct dataset *data,
                         struct arrivals_config *config, struct traffic *out)
{
    assert(wish->day_ns > 0 && wish->start_hour >= 0);
    out->published_hours = data == NULL || !hours_of_data(&data->ratings, out->hour_weight);
    if (out->published_hours) {
        hours_published(out->hour_weight);
    }
    config->process = ARRIVALS_DIURNAL;
    config->hour_weight = out->hour_weight;
    config->day_ns = wish->day_ns;
    config->start_hour = wish->start_hour;
}

static enum err set_process(const struct traffic_wish *wish, const struct dataset *data,
                            struct arrivals_config *config, struct traffic *out,
                            struct faults *faults, struct error *error)
{
    double time_scale = wish->time_scale > 0 ? wish->time_scale : 1;
    enum err code = ERR_OK;
    switch (wish->arrivals) {
    case TRAFFIC_POISSON:
        config->process = ARRIVALS_POISSON;
        break;
    case TRAFFIC_CONSTANT:
        config->process = ARRIVALS_CONSTANT;
        break;
    case TRAFFIC_DIURNAL:
        follow_hours(wish, data, config, out);
        break;
    case TRAFFIC_REPLAY:
        code = replay_data(data, config, &out->recording, error);
        break;
    case TRAFFIC_RECORDED:
        code =
            recording_read(wish->file, time_scale, config->people, &out->recording, faults, error);
        use_recording(config, &out->recording);
        break;
    }
    return code;
}

enum err traffic_prepare(const struct traffic_wish *wish, const struct dataset *data,
                         const struct population *population, const struct engine_seen *seen,
                         struct arrivals_config *config, struct traffic *out, struct faults *faults,
                         struct error *error)
{
    *out = (struct traffic){0};
    config->newcomers = population_newcomers(population);
    config->joins_per_s = wish->joins_per_s;
    config->leaving = wish->leaving;
    if (wish->joins_per_s > 0 && config->newcomers == 0) {
        return error_set(error, ERR_INPUT, NULL, 0,
                         "newcomers should join, but all people are there from the start");
    }
    enum err code = set_process(wish, data, config, out, faults, error);
    if (code == ERR_OK && wish->by_activity) {
        weigh_people(seen, config->people, &out->mix);
        config->mix = &out->mix;
    }
    return code;
}

void traffic_deinit(struct traffic *traffic)
{
    recording_deinit(&traffic->recording);
    alias_deinit(&traffic->mix);
}
