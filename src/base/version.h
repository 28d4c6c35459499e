/* The version printed by --version and kept with results. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define DRIFTDRILL_VERSION "0.1.0"

#endif
