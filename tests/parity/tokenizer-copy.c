/*
 * usage: tokenizer-copy IN OUT [SOURCE]
 * Opens the tokeniser of the folder IN and writes its files into the folder OUT, taking from SOURCE
 * what it has.
 */
#include "cli/diag.h"
#include "text/tokeniser.h"

int main(int argc, char **argv)
{
    diag_init("tokenizer-copy");
    if (argc < 3 || argc > 4) {
        diag_error("usage: tokenizer-copy IN OUT [SOURCE]");
        return 2;
    }
    struct tokeniser *tokeniser = tokeniser_open_folder(argv[1]);
    if (tokeniser == NULL)
        return 1;
    int status = argc > 3 ? tokeniser_keep_files(tokeniser, argv[3]) : 0;
    if (status == 0)
        status = tokeniser_save_folder(tokeniser, argv[2]);
    tokeniser_close(tokeniser);
    return status == 0 ? 0 : 1;
}
