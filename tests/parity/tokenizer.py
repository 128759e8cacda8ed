#!/usr/bin/env python3
"""Compare wp-tokenize with tokenizers 0.23.3, text by text, through the stream.

usage: tokenizer.py [--strings N] [--seed S] [--vocabularies NAME,...] [--what ids|offsets|decode]

For each of four vocabularies (bert-base-uncased's; and a cased, a multilingual and a tiny one, trained here by
tokenizers) the token ids of every Unicode scalar value alone, between letters and after a letter, and of N random
strings of mixed scripts, controls, long words and special tokens; or also where each token is; or the texts that the ids
are decoded to, with and without special tokens. build/ must hold rec-load and wp-tokenize, or PATH.
Prints the number of differences, and exits with status 1 unless it is 0.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

ROOT = pathlib.Path(__file__).resolve().parents[2]
BERT = ROOT / "tests/fixtures/text/bert-base-uncased/vocab.txt"
CHUNK = 200_000
LONGEST = 1 << 24
SHOWN = 5


def load_generator():
    """tests/fixtures/generate-text.py: the same quirks and the same builder of tokenizers."""
    spec = importlib.util.spec_from_file_location("generate_text", ROOT / "tests/fixtures/generate-text.py")
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


def random_words(rng, alphabets, count):
    """Made-up words, short ones often, so that a trained vocabulary has pieces of all lengths."""
    words = []
    for _ in range(count):
        alphabet = rng.choice(alphabets)
        stems = ["".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 5))) for _ in range(3)]
        words.append("".join(rng.choice(stems) for _ in range(rng.randrange(1, 4))))
    return words


def train(generator, name, size, alphabets, **options):
    """A WordPiece tokenizer trained on made-up text."""
    rng = random.Random(name)
    words = random_words(rng, alphabets, 2000)
    lines = [" ".join(rng.choice(words[: 1 + int(2000 * rng.random() ** 3)]) for _ in range(12)) for _ in range(5000)]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(**{**generator.ON, **options})
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=generator.SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(lines, trainer)
    return generator.build(tokenizer.get_vocab(with_added_tokens=True), options={**generator.ON, **options})


def letters(first, last):
    return [chr(c) for c in range(first, last + 1)]


def vocabularies(generator):
    latin = letters(0x61, 0x7A) * 3 + letters(0xE0, 0xF6)
    cased = latin + letters(0x41, 0x5A)
    many = [latin, cased, letters(0x3B1, 0x3C9), letters(0x410, 0x44F), letters(0x5D0, 0x5EA), letters(0x627, 0x64A), letters(0x904, 0x94D),
            letters(0x4E00, 0x4E40), letters(0x3041, 0x3090), letters(0xAC00, 0xAC40), letters(0x1100, 0x11C2), letters(0x30, 0x39),
            [chr(c) for c in (0x301, 0x308, 0x327, 0x61, 0x65, 0x6F)]]
    lines = BERT.read_text(encoding="utf-8").split("\n")[:-1]
    return {
        "bert-base-uncased": lambda: generator.build({token: i for i, token in enumerate(lines)}),
        "cased": lambda: train(generator, "cased", 4000, [cased, latin], lowercase=False, strip_accents=False),
        "multilingual": lambda: train(generator, "multilingual", 12000, many, strip_accents=False, lowercase=False),
        "tiny": lambda: train(generator, "tiny", 80, [letters(0x61, 0x66), letters(0x3B1, 0x3B5)]),
    }


def tokenize(folder, texts, what):
    """What wp-tokenize gives of each text: a list of ids, or of [id, begin, end]; or two decoded texts."""
    records = "".join(json.dumps(dict(text=text)) + "\n" for text in texts)
    load = subprocess.run(["rec-load", "-q", "-F", "jsonl"], input=records.encode("ascii"), stdout=subprocess.PIPE, check=True)
    command = ["wp-tokenize", "-q", "-L", str(LONGEST), "-m", folder] + ["--offsets"] * (what == "offsets")
    tokens = subprocess.run(command, input=load.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout
    if what == "decode":
        decoded = [decode(folder, tokens, options) for options in ([], ["--keep-special"])]
        return [list(pair) for pair in zip(*decoded)]
    rows = json_rows(["rec-dump"], tokens)
    if what == "offsets":
        return [[[token, *place] for token, place in zip(row["ids"], row["offsets"])] for row in rows]
    return [row["ids"] for row in rows]


def json_rows(command, stream):
    done = subprocess.run(command, input=stream, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def decode(folder, tokens, options):
    return [row["text"] for row in json_rows(["wp-tokenize", "--decode", "-q", "-m", folder, "-f", "json", *options], tokens)]


def byte_places(text):
    """The byte that each character of the text begins at, and the one after the last."""
    if text.isascii():
        return range(len(text) + 1)
    places = [0]
    for char in text:
        places.append(places[-1] + len(char.encode()))
    return places


def reference(tokenizer, texts, what):
    """The same of tokenizers, which counts characters."""
    if what != "offsets":
        ids = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]
    if what == "ids":
        return ids
    if what == "decode":
        decoded = [tokenizer.decode_batch(ids, skip_special_tokens=skip) for skip in (True, False)]
        return [list(pair) for pair in zip(*decoded)]
    expected = []
    for text, encoding in zip(texts, tokenizer.encode_batch(texts)):
        places = byte_places(text)
        expected.append([[token, places[a], places[b]] for token, (a, b) in zip(encoding.ids, encoding.offsets)])
    return expected


def compare(tokenizer, folder, texts, what):
    """Number of texts, and of those that the reference encodes otherwise."""
    count = different = 0
    for start in range(0, len(texts), CHUNK):
        part = texts[start : start + CHUNK]
        expected = reference(tokenizer, part, what)
        actual = tokenize(folder, part, what)
        if len(actual) != len(part):
            sys.exit(f"{len(part)} texts went in, {len(actual)} records came out")
        for text, ours, theirs in zip(part, actual, expected):
            if ours != theirs:
                different += 1
                if different <= SHOWN:
                    print(f"  {text!r}: {ours}, expected {theirs}")
        count += len(part)
    return count, different


def long_texts(generator, seed):
    """Strings of a few hundred kilobytes with words and runs of any length: they are tokenised in parts."""
    rng = random.Random(seed)
    texts = []
    for i in range(15):
        parts = generator.random_texts(10000, f"{seed}/long/{i}")
        if i % 3 > 0:  # no white space; of every other one few punctuation marks
            parts = [part.replace(" ", "") for part in parts]
        if i % 3 > 1:
            letters = "\u00e9\u0301\u0327\u302e\u302f\u0378\u3099\uac01\U0001d15e\u0334"
            parts = [part if rng.random() < 0.01 else "".join(rng.choices(letters, k=rng.randrange(20))) for part in parts]
        texts.append("".join(parts))
    return texts


def text_sets(generator, strings, seed):
    scalars = list(generator.scalars())
    yield "scalars alone", scalars
    yield "between letters", ["a" + char + "b" for char in scalars]
    yield "after a letter", ["a" + char for char in scalars]
    yield "quirks", generator.QUIRKS
    yield "long strings", long_texts(generator, seed)
    for start in range(0, strings, CHUNK):
        yield f"random {start}", generator.random_texts(min(CHUNK, strings - start), f"{seed}/{start}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--strings", type=int, default=CHUNK, metavar="N", help="random strings per vocabulary")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--vocabularies", metavar="NAME,...", help="only these")
    parser.add_argument("--what", default="ids", choices=["ids", "offsets", "decode"])
    options = parser.parse_args()
    os.environ["PATH"] = os.pathsep.join([os.environ.get("BUILD", str(ROOT / "build")), os.environ["PATH"]])
    generator = load_generator()
    total = bad = 0
    for name, make in vocabularies(generator).items():
        if options.vocabularies and name not in options.vocabularies.split(","):
            continue
        tokenizer = make()
        with tempfile.TemporaryDirectory() as folder:
            tokenizer.save(os.path.join(folder, "tokenizer.json"))
            for kind, texts in text_sets(generator, options.strings, options.seed):
                count, different = compare(tokenizer, folder, texts, options.what)
                print(f"{name} ({tokenizer.get_vocab_size()} tokens), {kind}: {count} texts, {different} differ", flush=True)
                total, bad = total + count, bad + different
    print(f"{total} texts, {bad} differences")
    sys.exit(1 if bad or not total else 0)


if __name__ == "__main__":
    main()
