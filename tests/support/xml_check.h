/* Is a text well-formed XML, as far as what the program writes goes: elements nest, attributes are
 * quoted and not there twice, ids are unique, '<' and '&' stand for nothing but themselves. */
#ifndef SUPPORT_XML_CHECK_H
#define SUPPORT_XML_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* False with what is wrong, and where, in `why`. */
bool xml_check(const char *text, char *why, size_t size);

#endif
