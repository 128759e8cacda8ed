/*
 * The folder a run writes into.
 */
#ifndef TRAIN_OUTPUT_FOLDER_H
#define TRAIN_OUTPUT_FOLDER_H

#include <stdbool.h>

/*
 * Makes the folder, or accepts one that is empty (event files and *_results.json aside) or holds an
 * earlier run's output (bertpipe.json or checkpoint-N folders). Any other is refused unless force
 * is set. Then tries whether files can be made in it. 0, or -1 with a message. A folder that was
 * made goes again if the program ends before anything is in it.
 */
int output_folder_prepare(const char *folder, bool force);

#endif
