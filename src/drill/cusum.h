/*
 * The quickest detection there can be: Page's CUSUM over exact log-likelihood ratios, in nats. No
 * detector that raises false alarms as rarely finds a change sooner in the worst case (Moustakides
 * 1986), so its delay is a floor under that of every alert.
 *
 * Interval and delay are those of a drifted Wiener process, with Siegmund's correction for the
 * overshoot of single observations (Siegmund 1985), `kl` being the nats an observation brings under
 * the change:
 *     h' = threshold + 1.166 sqrt(2 kl),  interval = (e^h' - h' - 1) / kl,
 *     delay = (h' - 1 + e^-h') / kl       in observations.
 * The asymptote ln(interval) / kl overstates the delay by 1.5 to 13 times when an observation says
 * as little as a rating does. Pure.
 */
#ifndef DRILL_CUSUM_H
#define DRILL_CUSUM_H

#include <stdbool.h>

/* Observations between false alarms, and until the alarm after the change. kl > 0. */
double cusum_interval(double kl, double threshold);
double cusum_delay(double kl, double threshold);
/* The threshold whose interval is `interval` observations; 0 if even that alarms more rarely (an
 * observation is then worth an alarm by itself). kl > 0, interval > 0. */
double cusum_threshold(double kl, double interval);

struct cusum {
    double threshold, value; /* nats; value starts at 0 */
};

/* Takes the log-likelihood ratio of one observation, change over no change; minus infinity is
 * allowed. True if the threshold is reached; the value then starts again at 0. */
bool cusum_add(struct cusum *cusum, double log_ratio);

#endif
