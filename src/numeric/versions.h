/*
 * VECTOR_VERSIONS before a function compiles it twice on x86-64 Linux, for AVX2 and for any
 * machine, and the loader picks one. Both do the same float operations in the same order (AVX2
 * alone has no fused multiply-add, and -ffp-contract=off forbids it elsewhere), so results have the
 * same bits. Not under the sanitizers, whose run-time is not up when the loader asks. INLINED
 * helpers are compiled as part of each version.
 */
#ifndef NUMERIC_VERSIONS_H
#define NUMERIC_VERSIONS_H

#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__) &&                 \
    !defined(__SANITIZE_THREAD__)
#define VECTOR_CLONES
#define VECTOR_VERSIONS __attribute__((target_clones("avx2", "default")))
#else
#define VECTOR_VERSIONS
#endif

/* For the few loops over more data than anything else reads: AVX-512, too. The same bits again. */
#ifdef VECTOR_CLONES
#define WIDE_VECTOR_VERSIONS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE_VECTOR_VERSIONS
#endif

#define INLINED static inline __attribute__((always_inline))

#endif
