/*
 * A model in an archive (zip, which a wheel is too, or tar), local or at a URL, unpacked once into
 * bertpipe's own cache: ${XDG_CACHE_HOME:-~/.cache}/bertpipe/models/NAME-KEY, where KEY begins the
 * SHA-256 of the archive, or of the URL when that is all that is known.
 */
#ifndef HUB_ARCHIVE_H
#define HUB_ARCHIVE_H

/* The folder of a local archive's model, to be freed; NULL with a message. sha256: 64 hexadecimal
 * digits that the archive must have, or NULL. */
char *hub_archive_folder(const char *path, const char *sha256);

/* The same for an archive that is downloaded first, which HF_HUB_OFFLINE forbids. A token goes
 * along when the URL is the hub's. */
char *hub_url_folder(const char *url, const char *sha256);

#endif
