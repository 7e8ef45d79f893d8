// What the programs of the tests share.

#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Ends the program unless something holds.
#define CHECK(what)                                                                \
  do {                                                                             \
    if (!(what)) {                                                                 \
      fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #what);     \
      exit(1);                                                                     \
    }                                                                              \
  } while (0)

// Ends the program with the library's message unless a call did as it should.
#define DONE(call)                                                                 \
  do {                                                                             \
    if ((call) != TOWNSEND_OK) {                                                   \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, error.message);           \
      exit(1);                                                                     \
    }                                                                              \
    CHECK(error.code == TOWNSEND_OK && error.message[0] == 0);                     \
  } while (0)

// Ends the program unless a call fails with this code and says this.
#define FAILS(call, with, says)                                                    \
  do {                                                                             \
    CHECK((call) == (with));                                                       \
    if (error.code != (with) || strstr(error.message, says) == NULL) {             \
      fprintf(stderr, "%s:%d: %d: %s\n", __FILE__, __LINE__, error.code, error.message); \
      exit(1);                                                                     \
    }                                                                              \
  } while (0)

// The same for a call that returns a pointer.
#define FAILS_NULL(call, with, says) FAILS((call) == NULL ? error.code : -1, with, says)

#endif
