#include "hub/names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/input.h"
#include "cli/memory.h"
#include "cli/paths.h"

#define DEFAULT_ENDPOINT "https://huggingface.co"
#define LETTERS          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
#define NAME_MOST        96
#define TOKEN_MOST       4096 /* bytes of a token file */

/* One part of an id: letters, digits, '_', '-' and '.', the last two only inside. */
static bool is_name(const char *name, size_t length)
{
    return length >= 1 && length <= NAME_MOST && strspn(name, LETTERS "-.") >= length &&
           strchr("-.", name[0]) == NULL && strchr("-.", name[length - 1]) == NULL;
}

static bool is_id(const char *id)
{
    const char *slash = strchr(id, '/');
    const char *name = slash != NULL ? slash + 1 : id;
    size_t length = strlen(id);
    if (slash != NULL && !is_name(id, (size_t)(slash - id)))
        return false;
    return is_name(name, strlen(name)) && strstr(id, "--") == NULL && strstr(id, "..") == NULL &&
           (length < 4 || strcmp(id + length - 4, ".git") != 0);
}

/* Whether text is a branch, tag or commit that may stand in a path: no "..", no empty part. */
static bool is_revision(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length < 256 && text[0] != '/' && text[length - 1] != '/' &&
           strspn(text, LETTERS "-./+") == length && strstr(text, "..") == NULL &&
           strstr(text, "//") == NULL && strstr(text, "/.") == NULL && text[0] != '.';
}

bool hub_is_commit(const char *text)
{
    return strlen(text) == HUB_COMMIT_HEX && strspn(text, "0123456789abcdef") == HUB_COMMIT_HEX;
}

bool hub_model_parse(struct hub_model *model, const char *text, const char *revision)
{
    const char *at = strchr(text, '@');
    if (revision == NULL)
        revision = at != NULL ? at + 1 : HUB_REVISION;
    *model = (struct hub_model){
        .id = at != NULL ? mem_strndup(text, (size_t)(at - text)) : mem_strdup(text),
        .revision = mem_strdup(revision),
    };
    if (is_id(model->id) && is_revision(revision))
        return true;
    hub_model_free(model);
    return false;
}

void hub_model_free(struct hub_model *model)
{
    free(model->id);
    free(model->revision);
    *model = (struct hub_model){0};
}

/* The variable's value, or NULL when it is not set or empty. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool is_on(const char *value)
{
    static const char *const words[] = {"1", "on", "yes", "true"};
    for (size_t i = 0; value != NULL && i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(value, words[i]) == 0)
            return true;
    return false;
}

bool hub_offline(void)
{
    const char *value = variable("HF_HUB_OFFLINE");
    return is_on(value != NULL ? value : variable("TRANSFORMERS_OFFLINE"));
}

char *hub_endpoint(void)
{
    const char *value = variable("HF_ENDPOINT");
    char *endpoint = mem_strdup(value != NULL ? value : DEFAULT_ENDPOINT);
    size_t length = strlen(endpoint);
    while (length > 0 && endpoint[length - 1] == '/')
        endpoint[--length] = '\0';
    if (strncasecmp(endpoint, "http://", 7) == 0 || strncasecmp(endpoint, "https://", 8) == 0)
        return endpoint;
    diag_error("HF_ENDPOINT does not begin with https:// or http://"); /* it may hold a password */
    free(endpoint);
    return NULL;
}

char *hub_expand_home(const char *path)
{
    const char *home = variable("HOME");
    if (path[0] == '~' && (path[1] == '/' || path[1] == '\0') && home != NULL)
        return mem_format("%s%s", home, path + 1);
    return mem_strdup(path);
}

char *hub_home(void)
{
    const char *home = variable("HF_HOME");
    if (home != NULL)
        return hub_expand_home(home);
    home = variable("XDG_CACHE_HOME");
    if (home != NULL)
        return mem_format("%s/huggingface", home);
    home = variable("HOME");
    if (home != NULL)
        return mem_format("%s/.cache/huggingface", home);
    diag_error("no cache folder: none of HF_HOME, XDG_CACHE_HOME and HOME is set");
    return NULL;
}

static char *token_path(void)
{
    const char *path = variable("HF_TOKEN_PATH");
    if (path != NULL)
        return hub_expand_home(path);
    char *home = hub_home();
    char *file = home != NULL ? mem_format("%s/token", home) : NULL;
    free(home);
    return file;
}

/* Takes a token without the white space around it; the place is named, never the token. */
static int clean_token(const char *place, const char *text, char **token)
{
    size_t length;
    text += strspn(text, " \t\r\n");
    length = strcspn(text, " \t\r\n");
    if (strspn(text + length, " \t\r\n") != strlen(text + length))
        return diag_error("%s: not a token: it has white space in it", place);
    for (size_t i = 0; i < length; i++)
        if (text[i] <= 0x20 || text[i] >= 0x7f)
            return diag_error("%s: not a token: it has other than ASCII characters", place);
    *token = length > 0 ? mem_strndup(text, length) : NULL;
    return 0;
}

static int read_token_file(const char *path, char **token)
{
    char text[TOKEN_MOST + 1];
    struct input input;
    size_t size = 0;
    ssize_t count;
    if (path_missing(path))
        return 0;
    if (input_open(&input, path) != 0)
        return -1;
    while ((count = input_read(&input, text + size, TOKEN_MOST - size)) > 0)
        size += (size_t)count;
    input_close(&input);
    if (count < 0)
        return -1;
    text[size] = '\0';
    return clean_token(path, text, token);
}

int hub_token(char **token)
{
    const char *name = variable("HF_TOKEN") != NULL ? "HF_TOKEN" : "HUGGING_FACE_HUB_TOKEN";
    char *path;
    int status;
    *token = NULL;
    if (variable(name) != NULL)
        return clean_token(name, variable(name), token);
    if (is_on(variable("HF_HUB_DISABLE_IMPLICIT_TOKEN")))
        return 0;
    path = token_path();
    if (path == NULL)
        return -1;
    status = read_token_file(path, token);
    free(path);
    return status;
}
