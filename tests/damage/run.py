"""usage: run.py [SAMPLE] [PATTERN]

Runs every program that reads record streams on small streams of every type it takes, cut at every byte and with every bit flipped
(SAMPLE: with so many cuts and flips, evenly spread; PATTERN: cases whose name matches). Each time it has to exit with status 1 and one
line on standard error, and nothing may have been done with what no check vouches for:

    sink    standard output is empty
    stream  standard output is no whole stream, and its records are the first of the right ones, as far as checks vouched for the input's
    lines   standard output has the first lines of the right output, as far as checks vouched for the input
    head    the program needs the first record alone: all is right when the damage comes after the check behind it

and no file or folder is left behind. A tool is run as `bats` tests run it: from PATH.
"""
import itertools
import json
import multiprocessing
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "fixtures/stream"))
from msgstream import checked, segment, unpack  # noqa: E402

MODEL = HERE.parent / "fixtures/model/good-tiny"
LABELS = {"problem": "single", "labels": ["negative", "positive"]}
TEXTS = ["a bad film", "a good film", "the best"]

# kind, types, command; DAMAGED is the damaged file, which without it comes on standard input; GOOD the same undamaged.
CASES = [
    ("sink", "text tokens predictions metrics", "rec-check -q"),
    ("sink", "text tokens predictions metrics", "rec-check -o out DAMAGED"),
    ("stream", "text tokens predictions metrics", "rec-cat"),
    ("lines", "text tokens predictions metrics", "rec-cat -f json DAMAGED"),
    ("sink", "text tokens predictions metrics", "rec-cat -o out DAMAGED"),
    ("sink", "text tokens predictions metrics", "rec-cat -o out GOOD DAMAGED"),
    ("lines", "text tokens predictions metrics", "rec-dump"),
    ("lines", "text tokens predictions metrics", "rec-dump --header"),
    ("lines", "text tokens predictions metrics", "rec-dump -f tsv"),
    ("lines", "text tokens metrics", "rec-dump -f text"),
    ("sink", "text tokens predictions metrics", "rec-dump -o out"),
    ("stream", "text tokens predictions metrics", "rec-head"),
    ("head", "text tokens predictions metrics", "rec-head -n 1"),
    ("sink", "text tokens predictions metrics", "rec-head -o out"),
    ("sink", "text tokens predictions metrics", "rec-shuffle"),
    ("sink", "text tokens predictions metrics", "rec-shuffle -o out"),
    ("sink", "text tokens predictions metrics", "rec-split -q -n 2"),
    ("sink", "text tokens predictions metrics", "rec-split -q -r 1:1 -o a -o b"),
    ("sink", "text tokens predictions", "rec-split -q --stratify -r 1:1 -o a -o b"),
    ("sink", "text tokens predictions", "rec-stat"),
    ("sink", "text tokens predictions", "rec-stat -f msgpack -o out"),
    ("stream", "text tokens predictions", "rec-join DAMAGED GOOD"),
    ("stream", "text tokens predictions", "rec-join --by-position DAMAGED GOOD"),
    ("sink", "text tokens predictions", "rec-join -o out GOOD DAMAGED"),
    ("sink", "text tokens predictions", "rec-join --by-position -o out GOOD -"),
    ("stream", "text", "wp-tokenize -q -m MODEL"),
    ("stream", "text", "wp-tokenize -q -k --offsets -j 1 -m MODEL"),
    ("sink", "text", "wp-tokenize -q -o out -m MODEL DAMAGED"),
    ("stream", "tokens", "wp-tokenize -q --decode -m MODEL"),
    ("sink", "tokens", "wp-tokenize -q --decode -o out -m MODEL"),
    ("sink", "tokens", "bert-train -q -m MODEL -o model -n 1 -b 2 -w 0"),
    ("sink", "tokens", "bert-train -q -m MODEL -o model -n 1 -b 2 -w 0 DAMAGED"),
    ("sink", "tokens", "bert-train -q -m MODEL -o model -n 1 -b 2 -w 0 GOOD DAMAGED"),
    ("sink", "tokens", "bert-train -q -m MODEL -o model -n 1 -b 2 -w 0 -e DAMAGED GOOD"),
    ("sink", "tokens", "bert-train -q -m MODEL -n 1 -b 2 -w 0 --dry-run"),
    ("sink", "tokens", "bert-eval -q -m MODEL"),
    ("sink", "tokens", "bert-eval -q -m MODEL -f msgpack -o out DAMAGED"),
    ("sink", "tokens", "bert-eval -q -m MODEL --compare GOOD-predictions"),
    ("sink", "predictions", "bert-eval -q"),
    ("sink", "predictions", "bert-eval -q -f json -o out DAMAGED"),
    ("sink", "predictions", "bert-eval -q --compare DAMAGED GOOD"),
    ("stream", "tokens", "bert-predict -q -m MODEL"),
    ("lines", "tokens", "bert-predict -q -m MODEL -b 1 -f json"),
    ("sink", "tokens", "bert-predict -q -m MODEL -o out DAMAGED"),
    ("sink", "tokens predictions metrics", "bert-report -q"),
    ("sink", "tokens predictions metrics", "bert-report -q --svg charts -o out DAMAGED"),
]


def tokens_stream(folder):
    """The same texts as tokens of the model, with a check after each record."""
    texts = (folder / "text").read_bytes()
    dump = subprocess.run(f"wp-tokenize -q -m {MODEL} | rec-dump --header", shell=True, input=texts, capture_output=True, check=True)
    header, *records = map(json.loads, dump.stdout.splitlines())
    for record in records:
        record["ids"] = struct.pack(f"<{len(record['ids'])}H", *record["ids"])
    return segment(dict(header["bertpipe"], history=[]), records, check_every=1)


def make_streams(folder):
    ids = "abc"
    texts = [{"id": name, "text": text, "label": i % 2} for i, (name, text) in enumerate(zip(ids, TEXTS))]
    predictions = [{"id": name, "label": 1, "name": "positive", "score": 0.75, "probs": [0.25, 0.75], "gold": i % 2}
                   for i, name in enumerate(ids)]
    metrics = [{"step": i + 1, "epoch": 0.5, "split": "train", "time": 1.5, "values": {"loss": 0.5}} for i in range(3)]
    for name, header, records in [("text", LABELS, texts), ("predictions", LABELS, predictions), ("metrics", {}, metrics)]:
        (folder / name).write_bytes(segment({"type": name, "history": []} | header, records, check_every=1))
    (folder / "tokens").write_bytes(tokens_stream(folder))


def releases(data):
    """For each record the byte after the check that vouches for it."""
    ends, waiting, at = [], 0, 0
    while at < len(data):
        item, at = unpack(data, at)
        if isinstance(item, dict):
            waiting += 1
        elif item[0] != "bertpipe":
            ends, waiting = ends + [at] * waiting, 0
    return ends


def run(folder, kind, command, stream, data):
    """Runs the command with data in an empty folder: what subprocess.run gives, and what it leaves there."""
    places = {"DAMAGED": "../damaged", "GOOD": str(folder / stream), "GOOD-predictions": str(folder / "predictions"), "MODEL": str(MODEL)}
    words = [places.get(word, word) for word in command.split()]
    with tempfile.TemporaryDirectory(dir=folder) as work:
        work = pathlib.Path(work)
        (work / "empty").mkdir()
        (work / "damaged").write_bytes(data)
        done = subprocess.run(words, input=None if "DAMAGED" in command else data, stdin=subprocess.DEVNULL if "DAMAGED" in command else None,
                              capture_output=True, cwd=work / "empty")
        return done, sorted(path.name for path in (work / "empty").iterdir())


def fault(case, right, allowed, done, left):
    """What is wrong with a run on a damaged stream, or None."""
    kind, command, stream = case
    if kind == "head" and allowed > 0:
        return None if (done.returncode, done.stderr, done.stdout) == (0, b"", right) else "the first record was vouched for"
    if done.returncode != 1 or done.stderr.count(b"\n") != 1 or not done.stderr.startswith(command.split()[0].encode() + b": "):
        return f"exit status {done.returncode}, stderr {done.stderr!r}"
    if left:
        return f"left behind: {left}"
    if kind == "lines":
        extra = ("-f tsv" in command) + ("--header" in command)
        lines, rights = done.stdout.splitlines(True), right.splitlines(True)
        return None if lines == rights[:len(lines)] and len(lines) <= allowed + extra else f"{len(lines)} lines of {allowed} vouched for"
    if kind == "sink":
        return f"stdout {done.stdout!r}" if done.stdout else None
    records, whole = checked(done.stdout)
    if whole or records != checked(right)[0][:len(records)] or len(records) > allowed:
        return f"{len(records)} records of {allowed} vouched for, {'whole' if whole else 'cut'}"
    return None


def damaged(data, what, at):
    if what == "cuts":
        return data[:at], at
    flipped = bytearray(data)
    flipped[at // 8] ^= 1 << at % 8
    return bytes(flipped), at // 8


def try_one(job):
    folder, case, right, what, at = job
    data, place = damaged((folder / case[2]).read_bytes(), what, at)
    allowed = sum(end <= place for end in releases((folder / case[2]).read_bytes()))
    return what, at, fault(case, right, allowed, *run(folder, *case, data))


def jobs_of(folder, number, case, sample):
    done, _ = run(folder, *case, (folder / case[2]).read_bytes())
    assert done.returncode == 0 and not done.stderr, (case, done)
    size = (folder / case[2]).stat().st_size
    for what, count in (("cuts", size), ("flips", 8 * size)):
        step = max(1, count // sample) if sample else 1
        for at in range(number % step, count, step):
            yield folder, case, done.stdout, what, at


def main():
    sample = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    pattern = sys.argv[2] if len(sys.argv) > 2 else ""
    counts, failures, programs, pairs = {"cuts": 0, "flips": 0}, 0, set(), set()
    with tempfile.TemporaryDirectory() as folder, multiprocessing.Pool(os.cpu_count()) as pool:
        folder = pathlib.Path(folder)
        make_streams(folder)
        cases = [(kind, command, stream) for kind, streams, command in CASES for stream in streams.split()
                 if shutil.which("gnuplot") or not command.startswith("bert-report")]
        cases = [case for case in cases if re.search(pattern, f"{case[2]} | {case[1]}")]
        jobs = itertools.chain.from_iterable(jobs_of(folder, i, case, sample) for i, case in enumerate(cases))
        programs = {command.split()[0] for _, command, _ in cases}
        pairs = {(command.split()[0], stream) for _, command, stream in cases}
        jobs = list(jobs)
        for job, (what, at, wrong) in zip(jobs, pool.imap(try_one, jobs, chunksize=16)):
            counts[what] += 1
            if wrong:
                failures += 1
                print(f"{job[1][2]} | {job[1][1]}: {what} at {at}: {wrong}")
    total = sum(counts.values())
    print(f"{len(programs)} programs, {len(pairs)} pairs of program and type, {len(cases)} commands: "
          f"{counts['cuts']} cuts and {counts['flips']} flips, {total - failures} found, {failures} failures")
    sys.exit(failures != 0)


main()
