/* Running another program to its end. */
#ifndef SUPPORT_PROGRAM_H
#define SUPPORT_PROGRAM_H

/* Exit status of the program, whose output is appended to `log`; -1, told on stderr, if it is not
 * installed or runs longer than half a minute. */
int program_run(const char *const *argv, const char *log);

#endif
