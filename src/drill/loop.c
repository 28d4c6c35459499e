#include "drill/loop.h"

#include "base/clock.h"

#include <math.h>
#include <string.h>

#define LISTS_A_PERSON 2.0
/* A window of the shipped rules: what the last loop left in it is then gone. */
#define QUIET_PRODUCTION_NS (15 * 60 * CLOCK_NS_PER_S)

static int retrain_phase(const struct scenario *scenario)
{
    for (int i = 0; i < scenario->phase_count; i++) {
        if (scenario->phase[i].retrains) {
            return i;
        }
    }
    return -1;
}

static int64_t first_onset_ns(const struct drift *drift)
{
    int64_t onset_ns = INT64_MAX;
    for (int i = 0; i < drift->count; i++) {
        onset_ns =
            drift->injection[i].onset_ns < onset_ns ? drift->injection[i].onset_ns : onset_ns;
    }
    return onset_ns;
}

void loop_begin(struct loop *loop, const struct loop_config *config, const struct loop *former,
                int64_t begun_ns)
{
    *loop = (struct loop){.config = config,
                          .origin_ns = begun_ns,
                          .quiet_ns = begun_ns,
                          .asked_ns = former != NULL ? former->asked_ns : INT64_MIN};
}

int64_t loop_drill_ns(const struct loop *loop, int64_t mono_ns)
{
    return mono_ns - loop->origin_ns;
}

/* What has been watched since the onset exists only then. */
static bool alert_may_retrain(const struct loop *loop, int64_t mono_ns, int firing)
{
    const struct loop_config *config = loop->config;
    bool cooled = loop->asked_ns == INT64_MIN || mono_ns - loop->asked_ns >= config->cooldown_ns;
    return config->on_alert && firing > 0 && cooled && (!loop->asked || loop->trained) &&
           loop_drill_ns(loop, mono_ns) >= first_onset_ns(&config->scenario->drift);
}

static enum loop_act retrain(struct loop *loop, enum loop_cause cause, int64_t mono_ns)
{
    loop->cause = cause;
    loop->asked = true;
    loop->trained = false;
    if (cause == LOOP_ALERT) {
        loop->asked_ns = mono_ns;
    }
    return LOOP_RETRAIN;
}

static bool settled(const struct loop *loop, int64_t mono_ns)
{
    const struct scenario *scenario = loop->config->scenario;
    const struct scenario_phase *last = &scenario->phase[scenario->phase_count - 1];
    return last->end_when_settled && loop->trained && loop->quiet_ns != 0 &&
           loop_drill_ns(loop, mono_ns) >= last->start_ns &&
           mono_ns - loop->quiet_ns >= QUIET_PRODUCTION_NS / scenario->time_scale;
}

enum loop_act loop_turn(struct loop *loop, int64_t mono_ns, int firing)
{
    const struct scenario *scenario = loop->config->scenario;
    int phase = retrain_phase(scenario);
    loop->quiet_ns = firing > 0 ? 0 : loop->quiet_ns == 0 ? mono_ns : loop->quiet_ns;
    if (phase >= 0 && alert_may_retrain(loop, mono_ns, firing)) {
        int64_t early_ns = scenario->phase[phase].start_ns - loop_drill_ns(loop, mono_ns);
        loop->origin_ns -= early_ns > 0 ? early_ns : 0;
        return retrain(loop, LOOP_ALERT, mono_ns);
    }
    if (phase >= 0 && !loop->asked &&
        loop_drill_ns(loop, mono_ns) >= scenario->phase[phase].start_ns) {
        return retrain(loop, LOOP_SCHEDULE, mono_ns);
    }
    return loop_drill_ns(loop, mono_ns) >= scenario->end_ns || settled(loop, mono_ns) ? LOOP_OVER
                                                                                      : LOOP_PLAY;
}

void loop_trained(struct loop *loop)
{
    loop->trained = true;
}

static bool counts(const struct scenario *scenario, const struct webhook_notice *notice)
{
    bool expects = false;
    for (int i = 0; i < scenario->expectation_count; i++) {
        const struct scenario_expectation *e = &scenario->expectation[i];
        if (e->kind == SCENARIO_FIRES && strcmp(e->alert, notice->alert) == 0) {
            return true;
        }
        expects = expects || e->kind == SCENARIO_FIRES;
    }
    return !expects && strcmp(notice->severity, "ticket") == 0;
}

int loop_firing(const struct scenario *scenario, const struct webhook_notice *notices, size_t count)
{
    int firing = 0;
    for (size_t i = 0; i < count; i++) {
        bool last = !notices[i].resolved && counts(scenario, &notices[i]);
        for (size_t j = i + 1; j < count && last; j++) {
            last = strcmp(notices[j].fingerprint, notices[i].fingerprint) != 0;
        }
        firing += last;
    }
    return firing;
}

int32_t loop_parts(int32_t people, double lists_per_s, int64_t loop_ns)
{
    double lists = lists_per_s * (double)loop_ns / (double)CLOCK_NS_PER_S;
    double parts = floor((double)people * LISTS_A_PERSON / lists);
    return parts < 1 ? 1 : parts > (double)people ? people : (int32_t)parts;
}

struct drift loop_drift_back(const struct drift *drift)
{
    struct drift back = *drift;
    for (int i = 0; i < back.count; i++) {
        struct drift_injection *injection = &back.injection[i];
        if (!drift_of_people(injection->kind) || injection->end_ns != INT64_MAX ||
            (injection->shape != DRIFT_SUDDEN && injection->shape != DRIFT_LINEAR &&
             injection->shape != DRIFT_GRADUAL)) {
            continue;
        }
        injection->end_ns = injection->onset_ns;
        injection->onset_ns = INT64_MIN;
        injection->shape = DRIFT_SUDDEN;
        injection->ramp_ns = 0;
    }
    return back;
}
