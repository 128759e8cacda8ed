#!/usr/bin/env python3
"""Checksums of the token ids of all IMDB reviews, per split: train, test, unsup.

usage: imdb-token-checksums.py reference ARCHIVE TOKENIZER > FILE
       imdb-token-checksums.py stream SPLIT < TOKENS.jsonl
       imdb-token-checksums.py compare FILE FILE

`reference` reads the published archive (aclImdb_v1.tar.gz) and a tokenizer.json or vocab.txt of
bert-base-uncased with the Python package tokenizers. `stream` reads what `wp-tokenize -f json`
prints for one split and needs nothing but Python. Both print

    SPLIT  RECORDS  TOKENS  SHA256

where the SHA-256 is over the reviews in order (train and test: negative before positive; then by
number), each as the number of its ids (u32, little-endian) and its ids (u16, little-endian): [CLS],
the first 510 tokens at most, [SEP]. `compare` prints the differences of two such files.
"""

import hashlib
import json
import re
import struct
import sys
import tarfile

MAX_LENGTH = 512
MEMBER = re.compile(r"^(?:\./)?aclImdb/(train|test)/(neg|pos|unsup)/(\d+)_\d+\.txt$")
BATCH = 1000


class Checksum:
    def __init__(self):
        self.hash, self.records, self.tokens = hashlib.sha256(), 0, 0

    def add(self, ids):
        self.hash.update(struct.pack(f"<I{len(ids)}H", len(ids), *ids))
        self.records += 1
        self.tokens += len(ids)

    def line(self, split):
        return f"{split}\t{self.records}\t{self.tokens}\t{self.hash.hexdigest()}"


def read_archive(path):
    """Split -> the reviews in order."""
    splits = {"train": [], "test": [], "unsup": []}
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            match = MEMBER.match(member.name)
            if match:
                folder, label, number = match.groups()
                text = archive.extractfile(member).read().decode("utf-8")
                split = "unsup" if label == "unsup" else folder
                splits[split].append((label, int(number), text))
    for reviews in splits.values():
        reviews.sort(key=lambda review: review[:2])
    return {split: [text for _, _, text in reviews] for split, reviews in splits.items()}


def load_tokenizer(path):
    from tokenizers import BertWordPieceTokenizer, Tokenizer

    if path.endswith(".json"):
        tokenizer = Tokenizer.from_file(path)
    else:
        tokenizer = BertWordPieceTokenizer(path, lowercase=True)
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_LENGTH)
    return tokenizer


def reference(archive, tokenizer_path):
    import tokenizers

    tokenizer = load_tokenizer(tokenizer_path)
    print(f"# token ids of IMDB at {MAX_LENGTH}, bert-base-uncased, by tokenizers {tokenizers.__version__}")
    for split, texts in read_archive(archive).items():
        checksum = Checksum()
        for start in range(0, len(texts), BATCH):
            for encoding in tokenizer.encode_batch(texts[start : start + BATCH]):
                checksum.add(encoding.ids)
        print(checksum.line(split))


def stream(split):
    checksum = Checksum()
    for line in sys.stdin:
        record = json.loads(line)
        if "ids" in record:
            checksum.add(record["ids"])
    print(checksum.line(split))


def read_lines(path):
    with open(path, encoding="ascii") as file:
        return {line.split("\t")[0]: line.strip() for line in file if not line.startswith("#")}


def compare(expected_path, actual_path):
    expected, actual = read_lines(expected_path), read_lines(actual_path)
    different = [split for split in expected if expected[split] != actual.get(split)]
    for split in different:
        print(f"{split}: expected {expected[split]!r}, got {actual.get(split)!r}")
    print(f"{len(expected) - len(different)} of {len(expected)} splits have the reference's token ids")
    return 1 if different else 0


def main(arguments):
    commands = {"reference": (reference, 2), "stream": (stream, 1), "compare": (compare, 2)}
    command, count = commands.get(arguments[0] if arguments else "", (None, 0))
    if command is None or len(arguments) != count + 1:
        sys.exit(__doc__)
    sys.exit(command(*arguments[1:]))


if __name__ == "__main__":
    main(sys.argv[1:])
