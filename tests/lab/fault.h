/* Faults on purpose: 'METHOD PATHGLOB NTH HOW'.
 *
 * METHOD may be '*'. PATHGLOB is a shell pattern whose '*' crosses '/', and is held against the path as requested and against what is
 * left of it without a leading version ("/v1.41"). NTH counts the calls that match, from 1; '*' is each. HOW is
 *   a status     that answer instead of the API's
 *   reset        the connection is cut
 *   hang         nothing comes, until the client gives up
 *   truncate     the request is executed, and half of the answer's body is sent
 *   after-HOW    the request is executed, then one of the first three */
#ifndef HL_TESTS_LAB_FAULT_H
#define HL_TESTS_LAB_FAULT_H

#include "schema/base/arena.h"

enum lab_fault { FAULT_NONE, FAULT_STATUS, FAULT_RESET, FAULT_HANG, FAULT_TRUNCATE };

struct lab_fault_hit {
    enum lab_fault fault;
    int status;      /* of FAULT_STATUS */
    bool after;      /* the request is executed all the same */
    const char *how; /* for the log */
};

struct lab_faults;

struct lab_faults *lab_faults_new(struct hl_arena *arena);
/* False when `text` is none. */
bool lab_faults_add(struct lab_faults *faults, const char *text);
void lab_faults_clear(struct lab_faults *faults);
/* Counts the call for each rule that it matches; the first rule whose turn it is decides. */
struct lab_fault_hit lab_faults_take(struct lab_faults *faults, const char *method, const char *path);

#endif
