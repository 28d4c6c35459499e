/* Reading of a target's description (docs/TARGETS.md), every fault collected. */
#ifndef LOAD_TARGET_FILE_H
#define LOAD_TARGET_FILE_H

#include "load/target.h"

/* The keys of a description, ended by NULL: for whoever embeds one. */
extern const char *const target_file_keys[];

#endif
