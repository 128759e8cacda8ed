/*
 * Names of models on a hub, and what the environment says about the hub.
 *
 * The rules are huggingface_hub's (2.4.0): utils/_validators.py, constants.py, utils/_auth.py.
 */
#ifndef HUB_NAMES_H
#define HUB_NAMES_H

#include <stdbool.h>

#define HUB_COMMIT_HEX 40
#define HUB_REVISION   "main" /* when none is given */

struct hub_model {
    char *id;       /* "ORG/NAME" or "NAME" */
    char *revision; /* a branch, tag or commit: "main", "v1", "refs/pr/3" */
};

/*
 * Splits "ORG/NAME", "NAME" or either with "@REVISION"; revision replaces what follows the @, and
 * NULL means that. False, without a message, when the text is no such name; else release the model
 * with hub_model_free.
 */
bool hub_model_parse(struct hub_model *model, const char *text, const char *revision);
void hub_model_free(struct hub_model *model);

/* Whether text is a whole commit hash: 40 lower-case hexadecimal digits. */
bool hub_is_commit(const char *text);

/* HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is on: no connection may be opened. */
bool hub_offline(void);

/* HF_ENDPOINT without a slash at its end, or https://huggingface.co; to be freed. NULL with a
 * message when it is no http or https URL. */
char *hub_endpoint(void);

/*
 * The token of HF_TOKEN, or of the file HF_TOKEN_PATH or HF_HOME/token, to be freed; *token is NULL
 * when there is none. 0, or -1 with a message, which never holds the token.
 */
int hub_token(char **token);

/* HF_HOME, or ${XDG_CACHE_HOME:-~/.cache}/huggingface, to be freed; NULL with a message when there
 * is no home. */
char *hub_home(void);

/* The path with a ~ at its beginning replaced by HOME, to be freed. */
char *hub_expand_home(const char *path);

#endif
