#!/usr/bin/env python3
"""Check that wp-tokenize takes input that is made to hurt in linear time and bounded memory.

usage: adversarial.py [--memory] [--threads N,...]

Each case goes through the filter at two sizes, the second twice the first, and a word also through the library alone.
Fails when a process needs more than 64 MiB and 4 times the largest record times threads, or when twice the input takes
more than 2.6 times as long, of three runs each. --memory: the larger size only, once, and no times. Needs Python alone;
BUILD is the folder of the programs.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
BERT = ROOT / "tests/fixtures/text/bert-base-uncased"
MIB = 1 << 20
BASE = 64 * MIB
MOST = 2.6  # times as long for twice as much; 4 would be quadratic
SLACK = 0.03  # s, of what starting takes
RECORD = 32 * MIB  # --max-record, for a word of 16 MiB has a record around it


def repeat(piece, size):
    """So many bytes of one record's text."""
    return [piece * (size // len(piece.encode()))]


def distinct_words(size):
    """Words that come once, of 8 letters: none is in a cache."""
    rng = random.Random(1)
    return [" ".join("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(size // 9))]


# name, texts of a size, the larger size, and what max_input_chars_per_word is
CASES = [
    ("one word", lambda n: repeat("x", n), 16 * MIB, 100),
    ("one word, no limit", lambda n: repeat("un", n), 4 * MIB, 1 << 30),
    ("one word of pieces that almost match", lambda n: repeat("counterintelligenc", n), 4 * MIB, 1 << 30),
    ("unknown characters, one word", lambda n: repeat("\ua66e", n), 16 * MIB, 100),
    ("unknown characters, words", lambda n: repeat("\ua66e ", n), 8 * MIB, 100),
    ("alternating accents, one word", lambda n: repeat("e\u0301\u0327", n), 8 * MIB, 100),
    ("accents alone, out of order", lambda n: repeat("\u0301\u0327", n), 8 * MIB, 100),
    ("punctuation", lambda n: repeat(".", n), 8 * MIB, 100),
    ("added tokens", lambda n: repeat("[MASK]", n), 4 * MIB, 100),
    ("beginnings of added tokens", lambda n: repeat("[MAS", n), 4 * MIB, 100),
    ("words that come once", distinct_words, 4 * MIB, 100),
    ("spaces", lambda n: repeat(" ", n), 16 * MIB, 100),
    ("empty records", lambda n: [""] * n, 1_000_000, 100),
]
LIBRARY_BYTES = 100_000_000


def make_model(folder, longest):
    """bert-base-uncased as tokenizer.json, with another limit."""
    tokens = (BERT / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    piece = lambda kind, name, which: {kind: {"id": name, "type_id": which}}
    single = [piece("SpecialToken", "[CLS]", 0), piece("Sequence", "A", 0), piece("SpecialToken", "[SEP]", 0)]
    pair = single + [piece("Sequence", "B", 1), piece("SpecialToken", "[SEP]", 1)]
    ids = {name: {"id": name, "ids": [tokens.index(name)], "tokens": [name]} for name in ("[CLS]", "[SEP]")}
    model = {
        "added_tokens": [dict(id=tokens.index(name), content=name, single_word=False, lstrip=False, rstrip=False, normalized=False,
                              special=True) for name in special],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": ids},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": longest,
                  "vocab": {token: i for i, token in enumerate(tokens)}},
    }
    folder.mkdir()
    (folder / "tokenizer.json").write_text(json.dumps(model))


def run(command, stdin):
    """Seconds and peak bytes of a process that must succeed. Its peak begins with what this process has had, which so must
    never be much."""
    with open(stdin, "rb") as source, tempfile.TemporaryFile() as messages:
        started = time.perf_counter()
        child = subprocess.Popen(command, stdin=source, stdout=subprocess.DEVNULL, stderr=messages)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        if status != 0:
            messages.seek(0)
            sys.exit(messages.read().decode())
    return seconds, usage.ru_maxrss * 1024


def make_stream(path, texts, size):
    """In a process of its own, for its memory's sake."""
    child = os.fork()
    if child != 0:
        if os.waitpid(child, 0)[1] != 0:
            sys.exit(f"{path} could not be made")
        return
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts(size))
    with open(path, "wb") as out:
        command = [BUILD / "rec-load", "-q", "-F", "jsonl", "--max-record", str(RECORD)]
        os._exit(subprocess.run(command, input=lines.encode(), stdout=out).returncode)


def make_word(path, size):
    with open(path, "wb") as out:
        for _ in range(size // 1_000_000):
            out.write(b"x" * 1_000_000)


def judge(name, threads, size, times, peak, largest):
    """Prints a line; whether all is as it should be."""
    bound = BASE + 4 * largest * threads
    line = f"{name}, {size}, {threads} threads: {peak / MIB:.1f} of {bound / MIB:.0f} MiB"
    good = peak <= bound
    if times:
        good = good and times[1] <= MOST * times[0] + SLACK
        line += f", {times[0]:.3f} s for half, {times[1]:.3f} s"
    print(line + ("" if good else "  FAILED"), flush=True)
    return good


def measure(command, paths, once):
    if once:
        return None, run(command, paths[-1])[1]
    runs = [[run(command, path) for _ in range(3)] for path in paths]
    return [min(seconds for seconds, _ in tries) for tries in runs], max(peak for _, peak in runs[-1])


def filter_cases(folder, options):
    good = True
    for limit in {case[3] for case in CASES}:
        make_model(folder / str(limit), limit)
    for name, texts, size, limit in CASES:
        sizes = [size] if options.memory else [size // 2, size]
        paths = [folder / f"{n}.mp" for n in sizes]
        for path, n in zip(paths, sizes):
            make_stream(path, texts, n)
        largest = 0 if name == "empty records" else size
        for threads in options.threads:
            command = [BUILD / "wp-tokenize", "-q", "-j", str(threads), "--max-record", str(RECORD), "-m", folder / str(limit)]
            times, peak = measure(command, paths, options.memory)
            good = judge(name, threads, size, times, peak, largest) and good
        for path in paths:
            path.unlink()
    return good


def library_case(folder):
    """A word of 100 MB, from memory to ids: tests/bench/tokenise.c."""
    times = []
    for size in (LIBRARY_BYTES // 2, LIBRARY_BYTES):
        path = folder / "word"
        make_word(path, size)
        command = [BUILD / "bench/tokenise", BERT, path, "3"]
        times.append(min(map(float, subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.split())))
    return judge("one word, the library", 1, LIBRARY_BYTES, times, run([*command[:3], "1"], path)[1], LIBRARY_BYTES)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--memory", action="store_true", help="only memory, of the larger size")
    parser.add_argument("--threads", default="1,2", type=lambda text: [int(n) for n in text.split(",")])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        good = filter_cases(folder, options)
        if not options.memory:
            good = library_case(folder) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
