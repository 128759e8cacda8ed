/*
 * Option rows that every filter shares, so that they are spelled and explained alike.
 *
 *     static struct stream_io io;
 *     static const struct option_row rows[] = {
 *         ..., STREAM_OPTION_OUTPUT(io), STREAM_OPTION_FORM(io), STREAM_OPTION_MAX_RECORD(io), {0},
 *     };
 */
#ifndef STREAM_OPTIONS_H
#define STREAM_OPTIONS_H

#include <stdint.h>

#include "cli/options.h"
#include "stream/writer.h"

struct stream_io {
    const char *output;  /* path, or NULL */
    int form;            /* enum stream_form */
    uint64_t max_record; /* bytes, 0: STREAM_MAX_RECORD */
};

#define STREAM_OPTION_OUTPUT(io)                                                                   \
    {                                                                                              \
        .letter = 'o', .name = "output", .kind = OPTION_STRING, .target = &(io).output,            \
        .argument = "FILE", .help = "write to FILE, which appears only when it is whole"           \
    }
#define STREAM_OPTION_FORM(io)                                                                     \
    {                                                                                              \
        .letter = 'f', .name = "form", .kind = OPTION_CHOICE, .target = &(io).form,                \
        .argument = "FORM", .choices = stream_form_names,                                          \
        .help = "auto: msgpack, but text on a terminal"                                            \
    }
#define STREAM_OPTION_PARTIAL(flag)                                                                \
    {                                                                                              \
        .name = "partial", .kind = OPTION_FLAG, .target = &(flag),                                 \
        .help = "accept a set of parts that is not complete"                                       \
    }
#define STREAM_OPTION_MAX_RECORD(io)                                                               \
    {                                                                                              \
        .name = "max-record", .kind = OPTION_UNSIGNED, .target = &(io).max_record,                 \
        .argument = "BYTES", .help = "refuse larger records (0: 16 MiB)"                           \
    }

#endif
