/* The trace that a model with TRACE follows: the file that the environment names, a line for each event, nine numbers each. */
#include <stdio.h>
#include <stdlib.h>

#define EVENTS 20000
#define FIELDS 9
static int events[EVENTS + 1][FIELDS], length, furthest;

/* Whether all was followed is what somebody asked for; how far it was, else. */
static void tellHowFar(void) {
  printf("followed %d of %d\n", furthest, length);
}

static void readTrace(void) {
  FILE *file = fopen(getenv("TRACE"), "r");
  int *field = events[0];
  if (!file) exit(3);
  while (field < events[EVENTS] && fscanf(file, "%d", field) == 1) field++;
  if (field == events[EVENTS]) exit(4); /* longer than there is room for */
  length = (field - events[0]) / FIELDS;
  fclose(file);
  atexit(tellHowFar);
}

#define SHOW() do { \
    now.event = events[now.at][0]; now.by = events[now.at][1]; now.e_a = events[now.at][2]; now.e_b = events[now.at][3]; \
    now.e_c = events[now.at][4]; now.e_d = events[now.at][5]; now.e_e = events[now.at][6]; now.e_f = events[now.at][7]; \
    now.e_g = events[now.at][8]; \
  } while (0)
#define BEGIN() do { readTrace(); now.at = 0; SHOW(); } while (0)
#define FOLLOW() do { \
    now.at++; \
    if (now.at > furthest) furthest = now.at; \
    if (now.at == length) exit(0); \
    SHOW(); \
  } while (0)
