/* The version of every tool and of the library; the Makefile reads it from here. */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

#define BERTPIPE_VERSION "0.1.0"

#endif
