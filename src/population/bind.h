/* Limits of the binding (population_bind_drift) that others on this floor need. */
#ifndef POPULATION_BIND_H
#define POPULATION_BIND_H

/* New films that people may hear of: the best-known ones of an injection, with so many ratings that
 * something is known of who likes them. */
#define BIND_OFFERS 2048
#define BIND_OFFER_RATINGS 5
/* How many favourites somebody has among all such films, in the mean. */
#define BIND_FAVOURITES 300

#endif
