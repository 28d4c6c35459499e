/* Two threads add to one plain integer when PLANTED is "race": ThreadSanitizer must object. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static long plain;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards plain unless a race is planted */

static void *add(void *locked)
{
    for (int i = 0; i < 1000; i++) {
        if (locked != NULL) {
            pthread_mutex_lock(&lock);
        }
        plain++;
        if (locked != NULL) {
            pthread_mutex_unlock(&lock);
        }
    }
    return NULL;
}

int main(void)
{
    const char *planted = getenv("PLANTED");
    void *locked = planted != NULL && strcmp(planted, "race") == 0 ? NULL : &lock;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        if (pthread_create(&threads[i], NULL, add, locked) != 0) {
            return 2;
        }
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}
