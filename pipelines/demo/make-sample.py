#!/usr/bin/env python3
"""Make the bundled sample of IMDB from the published archive.

usage: make-sample.py ARCHIVE OUTPUT.tar.gz

Draws 2,000 train and 1,000 test reviews, half of them of each label, by the rule of imdb-fetch(1): those whose
SHA-256 of "SEED:ID" is smallest. So `imdb-fetch -a ARCHIVE -s train -n 2000 --seed 42` and
`imdb-fetch -a OUTPUT.tar.gz -s train` write the same records. The output is the same at every run.
"""

import gzip
import hashlib
import io
import sys
import tarfile

SEED = 42
WANTED = {"train": 2000, "test": 1000}
README = """\
3,000 reviews drawn from the Large Movie Review Dataset v1.0, in its own layout.

Andrew L. Maas, Raymond E. Daly, Peter T. Pham, Dan Huang, Andrew Y. Ng, and Christopher Potts. 2011.
Learning Word Vectors for Sentiment Analysis. Proceedings of the 49th Annual Meeting of the Association
for Computational Linguistics (ACL 2011). https://ai.stanford.edu/~amaas/data/sentiment/

For research; work that uses the reviews should cite that paper. The reviews were written by users of IMDb,
and remain theirs.
"""


def key(name):
    return hashlib.sha256(f"{SEED}:{name.removeprefix('aclImdb/')}".encode()).digest()


def read_reviews(path):
    groups = {}
    with tarfile.open(path) as archive:
        for member in archive:
            parts = member.name.split("/")
            if member.isfile() and len(parts) == 4 and parts[1] in WANTED and parts[2] in ("neg", "pos"):
                text = archive.extractfile(member).read()
                groups.setdefault((parts[1], parts[2]), []).append((member.name, text))
    return groups


def add(archive, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mtime = 1302566400  # 2011-04-12, the published archive's date
    archive.addfile(info, io.BytesIO(data))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    groups = read_reviews(sys.argv[1])
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        add(archive, "aclImdb/README", README.encode())
        for (split, label), reviews in sorted(groups.items()):
            chosen = sorted(reviews, key=lambda review: key(review[0]))[: WANTED[split] // 2]
            for name, data in sorted(chosen):
                add(archive, name, data)
    with open(sys.argv[2], "wb") as output:
        with gzip.GzipFile("", "wb", 9, output, mtime=0) as packed:
            packed.write(tar.getvalue())


if __name__ == "__main__":
    main()
