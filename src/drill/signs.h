/*
 * Which quantity a panel is about, and what is wrong with a query whose panel moves the wrong way.
 * Pure.
 */
#ifndef DRILL_SIGNS_H
#define DRILL_SIGNS_H

#include "drill/scenario.h"

#include <stddef.h>

/* By the words of the title, whatever their case: conversion; reciprocal rank, MRR; mean rating,
 * average rating; rating distribution shift, PSI. SCENARIO_NO_QUANTITY for any other: the sign of
 * such a panel is not tested. */
enum scenario_quantity signs_quantity(const char *title);

/* What the query does, as a clause that can follow "because it ". */
void signs_explain(enum scenario_quantity quantity, const char *query, char *out, size_t size);

const char *signs_verb(double from, double to); /* "rises", "falls", "stays" */

#endif
