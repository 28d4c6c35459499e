/* Limits of the binding (population_bind_drift) that others on this floor need. */
#ifndef POPULATION_BIND_H
#define POPULATION_BIND_H

/* New films that people may hear of: the best-known ones of an injection. */
#define BIND_OFFERS 256

#endif
