/*
 * Memory for one large JSON document, given back at once.
 *
 * A vocabulary is tens of thousands of small values, on which malloc and free take longer than
 * parsing does. Between begin and end everything that jansson takes comes from the arena, in the
 * whole process: nothing of jansson's may outlive it, nothing made before may be released
 * meanwhile, and no other thread may use jansson.
 */
#ifndef CLI_JSON_ARENA_H
#define CLI_JSON_ARENA_H

/* For the document in this file, whose size decides how much there is; where that is not enough,
 * jansson reports that memory is out. */
void json_arena_begin(const char *path);
/* json_decref is not needed before this. */
void json_arena_end(void);

#endif
