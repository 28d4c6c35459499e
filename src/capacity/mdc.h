/*
 * The queue M/D/c: Poisson arrivals, c servers that take the same time for everybody, one line.
 * Its exact waiting times (Franx 2001, "A simple solution for the M/D/c waiting time
 * distribution") are what a capacity search against a server of known service time must find.
 * Pure.
 */
#ifndef CAPACITY_MDC_H
#define CAPACITY_MDC_H

struct mdc;

/* rate_per_s * service_s < servers, else NULL: there is no steady state. */
struct mdc *mdc_new(double rate_per_s, double service_s, int servers);
void mdc_free(struct mdc *mdc); /* accepts NULL */

double mdc_wait_over(const struct mdc *mdc, double wait_s);       /* P(wait > wait_s) */
double mdc_time_over(const struct mdc *mdc, double time_s);       /* P(wait + service > time_s) */
double mdc_time_quantile(const struct mdc *mdc, double quantile); /* of wait + service, seconds */

/* The highest rate at which no more than `share` take longer than time_s; 0 if time_s is less than
 * the service time. */
double mdc_capacity(double service_s, int servers, double time_s, double share);

#endif
