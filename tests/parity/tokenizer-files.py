#!/usr/bin/env python3
"""Tokenizer files both ways between transformers and common/text.

usage: tokenizer-files.py BUILD [MODEL]...

Each good folder of tests/fixtures/text, and each MODEL, is opened and saved again by a small C program (tokenizer-copy.c,
linked with BUILD/libbertpipe.a), once from its files and once from nothing. transformers' AutoTokenizer must then give the ids,
types and special tokens that tokenizers gave for the original. And what transformers' save_pretrained writes is opened and
saved likewise. Ends with "N passed, N failed".
"""

import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer
from transformers import AutoTokenizer, BertTokenizerFast

import common

FIXTURES = common.ROOT / "tests/fixtures/text"

passed = failed = 0


def check(condition, message):
    global passed, failed
    if condition:
        passed += 1
    else:
        failed += 1
        print("FAILED:", message)


def load_generator():
    spec = importlib.util.spec_from_file_location("generate_text", common.ROOT / "tests/fixtures/generate-text.py")
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


def reference(folder, texts):
    """The ids by tokenizers itself; by transformers for a folder that has a vocab.txt only."""
    if (folder / "tokenizer.json").exists():
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    return [BertTokenizerFast.from_pretrained(folder)(text)["input_ids"] for text in texts]


def same_tokenizer(name, folder, texts, expected):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ours = [tokenizer(text)["input_ids"] for text in texts]
    different = [text for text, a, b in zip(texts, ours, expected) if a != b]
    check(not different, f"{name}: transformers gives other ids for {len(different)} texts, the first {different[:1]!r}")
    pair = tokenizer("a", "b")
    check(pair["token_type_ids"] == [0] * pair["input_ids"].index(tokenizer.sep_token_id) + [0] + [1] * 2,
          f"{name}: types of a pair {pair}")
    saved = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    check(saved["truncation"] is None and saved["padding"] is None, f"{name}: truncation or padding is saved")
    check(tokenizer.cls_token_id == expected[0][0] and tokenizer.sep_token_id == expected[0][-1], f"{name}: special tokens")


def test_folder(program, folder, texts):
    expected = reference(folder, texts)
    for label, source in [("copied", [folder]), ("made", [])]:
        with tempfile.TemporaryDirectory() as target:
            done = subprocess.run([program, folder, target, *source])
            check(done.returncode == 0, f"{folder.name} {label}: exit status {done.returncode}")
            if done.returncode == 0:
                same_tokenizer(f"{folder.name} {label}", pathlib.Path(target), texts, expected)
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        loader = AutoTokenizer if (folder / "tokenizer.json").exists() else BertTokenizerFast
        loader.from_pretrained(folder).save_pretrained(first)
        done = subprocess.run([program, first, second, first])
        check(done.returncode == 0, f"{folder.name} by save_pretrained: exit status {done.returncode}")


def main():
    generator = load_generator()
    texts = ["The movie was un[MASK]able, [SEP] Éclair!"] + generator.QUIRKS + generator.random_texts(100, "files")
    models = [pathlib.Path(model) for model in sys.argv[2:]]
    # A folder without tokenizer_config.json does not say what class it is for.
    names = ["bert-base-uncased", "good-small", "good-cased", "good-lower-with-accents", "good-cased-no-accents", "good-no-chinese", "good-no-cleaning",
             "good-added", "good-prefix", "good-short-words", "good-other-special", "good-small-text", "good-cased-text", "good-other-special-text", "good-saved-truncation"]
    with tempfile.TemporaryDirectory() as folder:
        program = common.compile_program("tokenizer-copy.c", folder, sys.argv[1])
        for model in [FIXTURES / name for name in names] + models:
            test_folder(program, model, texts)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
