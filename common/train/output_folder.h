/*
 * The folder a run writes into.
 */
#ifndef TRAIN_OUTPUT_FOLDER_H
#define TRAIN_OUTPUT_FOLDER_H

#include <stdbool.h>

/*
 * Makes the folder this run's alone for as long as the program runs, and removes what killed runs
 * left half written in it; where no folder can be opened, nothing happens. *lock: -1 at first;
 * owned by the caller, who need not close it. 0, or -1 with a message.
 */
int output_folder_claim(int *lock, const char *folder);

/*
 * Makes the folder, or accepts one that is empty (event files and *_results.json aside) or holds an
 * earlier run's output (bertpipe.json or checkpoint-N folders). Any other is refused unless force
 * is set. Then tries whether files can be made in it, and claims it unless that has been done. 0,
 * or -1 with a message. A folder that was made goes again if the program ends before anything is
 * in it.
 */
int output_folder_prepare(int *lock, const char *folder, bool force);

#endif
