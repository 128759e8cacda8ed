#!/usr/bin/env python3
"""From memory to ids, one thread: bertpipe beside nanotoken and tokenizers; and wp-tokenize as a whole.

usage: tokenise.py [--archive FILE] [--rounds 5] [--passes 4] [--mixed]

First the ids of all texts must be the same. Then rounds of the programs in turn: in each a first pass with empty caches and
passes after it; medians over rounds count. wp-tokenize reads the reviews from a file and writes to /dev/null, with one thread
and with two, and starts on an empty stream; beside it what two processes that only count get of two cores. tokenizers, which has no such cache to speak of, encodes a part. --mixed takes
texts of many scripts and of accented words, made up from a seed, instead of the reviews.
"""

import argparse
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

import nanotoken
import numpy
import tokenizers

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "parity"))
import common  # noqa: E402

SCRIPTS = [(0x61, 0x7A), (0xC0, 0x17F), (0x391, 0x3C9), (0x410, 0x44F), (0x5D0, 0x5EA), (0x627, 0x64A), (0x904, 0x939),
           (0xE01, 0xE2E), (0x3041, 0x3096), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0x1F300, 0x1F5FF)]  # fmt: skip


def reviews(archive, folder):
    text = folder / "text.mp"
    common.run("imdb-fetch", "-s", "all", "-a", archive, stdout=text)
    return [record["text"] for record in common.records(text)]


def mixed(count=4000):
    """Each text has words of three scripts; a vocabulary of words recurs, as in any language."""
    generator = random.Random(1)
    words = [[
        "".join(chr(generator.randint(*script)) for _ in range(generator.randint(1, 9))) for _ in range(4000)
    ] for script in SCRIPTS]  # fmt: skip
    texts = []
    for _ in range(count):
        chosen = generator.sample(words, 3)
        texts.append(" ".join(generator.choice(generator.choice(chosen)) for _ in range(200)))
    return texts


def check(model, file, texts, folder):
    """The ids of all three are the same; tokenizers' of every tenth text."""
    common.run_path(common.BUILD / "bench/tokenise", model, file, 0, folder / "ids")
    ours = numpy.fromfile(folder / "ids", dtype=numpy.uint32)
    ragged = nanotoken.Tokenizer(str(model / "tokenizer.json")).encode_batch(texts, parallel=False)
    theirs = numpy.asarray(ragged.ids, dtype=numpy.uint32)
    if len(ours) != len(theirs) or (ours != theirs).any():
        sys.exit("tokenise.py: the ids are not nanotoken's")
    reference, at = plain(model), 0
    for i, text in enumerate(texts):
        size = ragged.offsets[i + 1] - ragged.offsets[i]
        if i % 10 == 0 and reference.encode(text).ids != ours[at : at + size].tolist():
            sys.exit(f"tokenise.py: the ids of text {i} are not tokenizers'")
        at += size
    return len(ours)


def plain(model):
    reference = tokenizers.Tokenizer.from_file(str(model / "tokenizer.json"))
    reference.no_truncation()
    reference.no_padding()
    return reference


def timed(function):
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def spin(count=5_000_000):
    return timed(lambda: subprocess.run([sys.executable, "-c", f"for _ in range({count}): pass"], check=True))


def two_spins():
    program = [sys.executable, "-c", "for _ in range(5_000_000): pass"]
    processes = [subprocess.Popen(program) for _ in range(2)]
    return [process.wait() for process in processes]


def whole_filter(model, folder, size, rounds):
    """Megabytes a second with one and two threads, and milliseconds of a start, as medians."""
    empty = folder / "empty.mp"
    common.run("rec-load", "-q", "/dev/null", "-o", empty)
    tokenize = [str(common.BUILD / "wp-tokenize"), "-q", "-o", "/dev/null"]
    runs = {
        "one": [*tokenize, "-m", str(model), str(folder / "text.mp")],
        "two": [*tokenize, "-j", "2", "-m", str(model), str(folder / "text.mp")],
        "tokenizer.json": [*tokenize, "-m", str(model), str(empty)],
        "vocab.txt": [*tokenize, "--vocab", str(model / "vocab.txt"), str(empty)],
    }
    times = {name: [] for name in [*runs, "spin", "two spins"]}
    for _ in range(3 * rounds):
        for name, command in runs.items():
            times[name].append(timed(lambda: subprocess.run(command, check=True)))
        times["spin"].append(spin())
        times["two spins"].append(timed(two_spins))
    seconds = {name: statistics.median(values) for name, values in times.items()}
    print(f"wp-tokenize: {size / 1e6 / seconds['one']:.1f} MB/s, -j 2 {seconds['one'] / seconds['two']:.2f} times that, "
          f"where two processes get {2 * seconds['spin'] / seconds['two spins']:.2f} cores; "
          f"starts in {1e3 * seconds['tokenizer.json']:.1f} ms (tokenizer.json), {1e3 * seconds['vocab.txt']:.1f} ms (vocab.txt)")  # fmt: skip
    return size / 1e6 / seconds["one"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--archive", default=common.SAMPLE, help="default: the bundled reviews")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--passes", type=int, default=4)
    parser.add_argument("--mixed", action="store_true")
    arguments = parser.parse_args()
    model = common.demo_model()
    with tempfile.TemporaryDirectory(prefix="bench-tokenise-") as name:
        folder = pathlib.Path(name)
        file = folder / "texts"
        texts = mixed() if arguments.mixed else reviews(arguments.archive, folder)
        file.write_bytes(b"".join(text.encode() + b"\0" for text in texts))
        size = sum(len(text.encode()) for text in texts)
        count = check(model, file, texts, folder)
        print(f"{len(texts)} texts, {size / 1e6:.1f} MB, {count} ids: the same")
        part = texts[:: max(1, len(texts) // 500)]
        part_size = sum(len(text.encode()) for text in part)
        rates = {"bertpipe, first": [], "bertpipe, warm": [], "nanotoken, first": [], "nanotoken, warm": [], "tokenizers": []}
        reference = plain(model)
        for _ in range(arguments.rounds):
            done = subprocess.run([str(common.BUILD / "bench/tokenise"), str(model), str(file), str(arguments.passes)],
                                  check=True, stdout=subprocess.PIPE, text=True)  # fmt: skip
            ours = [float(line) for line in done.stdout.split()]
            peer = nanotoken.Tokenizer(str(model / "tokenizer.json"))
            theirs = [timed(lambda: peer.encode_batch(texts, parallel=False)) for _ in range(arguments.passes)]
            rates["bertpipe, first"].append(size / 1e6 / ours[0])
            rates["bertpipe, warm"].append(size / 1e6 / statistics.median(ours[1:]))
            rates["nanotoken, first"].append(size / 1e6 / theirs[0])
            rates["nanotoken, warm"].append(size / 1e6 / statistics.median(theirs[1:]))
            rates["tokenizers"].append(part_size / 1e6 / timed(lambda: [reference.encode(text) for text in part]))
        medians = {what: statistics.median(values) for what, values in rates.items()}
        if not arguments.mixed:
            rate = whole_filter(model, folder, size, arguments.rounds)
            print(f"that is {100 * rate / medians['bertpipe, first']:.0f} % of the library's first pass")
    for what, value in medians.items():
        print(f"{what:<18} {value:8.1f} MB/s")
    print(f"first {medians['bertpipe, first'] / medians['nanotoken, first']:.2f}, "
          f"warm {medians['bertpipe, warm'] / medians['nanotoken, warm']:.2f} times nanotoken; "
          f"warm {medians['bertpipe, warm'] / medians['tokenizers']:.0f} times tokenizers")  # fmt: skip


main()
