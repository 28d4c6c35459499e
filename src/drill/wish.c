#include "drill/wish.h"

struct traffic_wish wish_traffic(const struct scenario *scenario)
{
    static const enum traffic_arrivals arrivals[] = {[SCENARIO_POISSON] = TRAFFIC_POISSON,
                                                     [SCENARIO_CONSTANT] = TRAFFIC_CONSTANT,
                                                     [SCENARIO_DIURNAL] = TRAFFIC_DIURNAL,
                                                     [SCENARIO_REPLAY] = TRAFFIC_REPLAY,
                                                     [SCENARIO_RECORDED] = TRAFFIC_RECORDED};
    const struct scenario_traffic *traffic = &scenario->traffic;
    return (struct traffic_wish){.arrivals = arrivals[traffic->arrivals],
                                 .file = traffic->file,
                                 .time_scale = (double)scenario->time_scale,
                                 .by_activity = traffic->by_activity,
                                 .day_ns = traffic->day_ns,
                                 .start_hour = traffic->start_hour,
                                 .joins_per_s = traffic->joins_per_s,
                                 .leaving = {.after_steps = traffic->leave_after,
                                             .probability = traffic->leave_probability}};
}

struct population_config wish_people(const struct scenario *scenario, uint64_t seed)
{
    const struct scenario_behaviour *behaviour = &scenario->behaviour;
    struct population_config config = population_defaults();
    config.users = scenario->people;
    config.newcomers = scenario->newcomers;
    config.seed = seed;
    if (behaviour->cascade) {
        config.examination = POPULATION_CASCADE;
        config.cascade_stop = behaviour->cascade_stop;
    }
    config.abandon_share = behaviour->abandon_share;
    config.rating_share = behaviour->rating_share;
    return config;
}
