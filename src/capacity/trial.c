#include "capacity/trial.h"

#include "base/mem.h"

void capacity_trial_deinit(struct capacity_trial *trial)
{
    mem_free(trial->block);
    trial->block = NULL;
    trial->block_count = 0;
}
