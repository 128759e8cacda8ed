/*
 * TensorBoard event files, as PyTorch's SummaryWriter and the Trainer's TensorBoardCallback write
 * them.
 *
 * A file is a run of TFRecords: u64le length, u32le masked CRC-32C of the length, data, u32le
 * masked CRC-32C of the data. The data of each is an Event protobuf: 1 wall_time (double), 2 step
 * (varint), 3 file_version (the first record's "brain.Event:2"), 5 summary { 1 value { 1 tag,
 * 2 simple_value (float) | 8 tensor, 9 metadata } }. Source: tensorflow/core/util/event.proto,
 * tensorflow/core/framework/summary.proto, tensor.proto.
 *
 * What a call adds reaches the file with one write(2) before it returns, so a run that is killed
 * leaves a file that reads up to there.
 */
#ifndef LOG_EVENT_FILE_H
#define LOG_EVENT_FILE_H

#include <stdint.h>

#include "log/metrics.h"

struct event_file;

/*
 * OUT/runs/%b%d_%H-%M-%S_HOST of the present local time, as the Trainer names it; for a run that is
 * resumed (step > 0) the folder in OUT/runs with the newest event file, if there is one. To be
 * freed by the caller; NULL with a message.
 */
char *event_file_default_folder(const char *out, uint64_t step);

/*
 * A new file FOLDER/events.out.tfevents.SECONDS.HOST.PID.N; the folder and those above it are made,
 * and its other files stay. For a run resumed after so many steps (0: from the beginning) the file
 * says that it begins there, and TensorBoard leaves out what the folder's older files hold of later
 * steps. NULL with a message.
 */
struct event_file *event_file_open(const char *folder, uint64_t step);
/* The file's path; owned by the file. */
const char *event_file_path(const struct event_file *file);

/*
 * One event for each value, and for the epoch: train/NAME, or eval/NAME when the split is "eval";
 * the epoch is train/epoch in either, as the Trainer's callback has it. 0, or -1 with a message.
 */
int event_file_metrics(struct event_file *file, const struct metrics *metrics);
/* TAG/text_summary without a step, as SummaryWriter.add_text. 0, or -1 with a message. */
int event_file_text(struct event_file *file, const char *tag, const char *text);

/* file may be NULL. 0, or -1 with a message. */
int event_file_close(struct event_file *file);

#endif
