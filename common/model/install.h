/* The last step of model_save, behind save.h. */
#ifndef MODEL_INSTALL_H
#define MODEL_INSTALL_H

/*
 * Moves the finished files of a model from the folder that they were made in into the model's
 * folder. What is replaced is moved into FOLDER/.model.old first, and removed when the new model is
 * on the disk; when a file cannot be moved, all that were go back. A crash in between never leaves
 * what would be taken for a model: the weights that are there go first, and the new ones come last
 * but for bertpipe.json; and an old bertpipe.json lists what is no longer there.
 * 0, or -1 with a message.
 */
int model_install(const char *partial, const char *folder);

#endif
