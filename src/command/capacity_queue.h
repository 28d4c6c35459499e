/*
 * Does the queue grow? What waits and what is in flight is looked at several times a second while
 * a trial runs; the growth is the slope of a straight line through it. Neighbouring looks see
 * nearly the same queue, so the error comes from means over tenths of the time, and is widened
 * where even those follow each other. Pure.
 */
#ifndef COMMAND_CAPACITY_QUEUE_H
#define COMMAND_CAPACITY_QUEUE_H

#define CAPACITY_QUEUE_PARTS 10

struct capacity_queue {
    double from_s, to_s; /* what is looked at; looks outside are left out */
    double looks[CAPACITY_QUEUE_PARTS], sum[CAPACITY_QUEUE_PARTS];
};

void capacity_queue_init(struct capacity_queue *queue, double from_s, double to_s);
void capacity_queue_look(struct capacity_queue *queue, double now_s, double requests);
/* All is answered, and nothing comes any more: from now_s on it is empty without being looked at.
 */
void capacity_queue_empty_from(struct capacity_queue *queue, double now_s);
/* Requests a second by which it grew, and the standard error of that; both NAN if a part of the
 * time was not looked at. */
double capacity_queue_slope(const struct capacity_queue *queue, double *error);

#endif
