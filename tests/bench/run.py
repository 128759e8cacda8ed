#!/usr/bin/env python3
"""bertpipe and PyTorch side by side: training and inference speed, peak memory, start-up.

Everything runs on the bundled reviews (or ARCHIVE), at their own lengths up to 512 tokens, in batches of 16, in float32,
on all processors, from the same model folder. Training is timed from the end of step 1 to the end of the last step; rates
count real tokens, never padding. First the answers: the losses of the first steps without dropout must agree. Then each
of PyTorch's variants is tried once, and the fastest runs in turn with bertpipe (dropout 0.1) and transformers' Trainer as
people run it (dropout 0.1, padded to a batch's longest); medians count. Peak memory is each process's largest resident size.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "parity"))
import common  # noqa: E402

BATCH, LENGTH, SEED = 16, 512, 42
VARIANTS = "padded-sdpa dynamic-sdpa dynamic-eager grouped-sdpa grouped-eager"
TRAINER = "trainer"
REVIEW_TOKENS = 234  # IMDB's median
STARTS = 10
LOSS_TOLERANCE = 1e-4
SPEED_NEEDED, MEMORY_NEEDED, START_NEEDED = 0.8, 0.5, 0.3
FLAGS = "avx2 fma avx512f avx512_bf16 avx512_vnni avx_vnni amx_bf16 amx_tile asimd sve".split()


# ---- the machine ----


def processor():
    """Model name and the instruction sets that matter."""
    fields = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip(), value.strip())
    have = set(fields.get("flags", fields.get("Features", "")).split())
    model = " ".join(fields[name] for name in ("model name", "cpu family", "model") if name in fields)
    return f"{model or platform.machine()}: {' '.join(flag for flag in FLAGS if flag in have)}"


class OtherLoad:
    """The share of the processors' time that other programs, or other virtual machines, took since this was made."""

    def __init__(self):
        self.start = self.now()

    @staticmethod
    def now():
        ticks = list(map(int, pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
        own = os.times()
        idle = ticks[3] + ticks[4]
        return sum(ticks), sum(ticks) - idle, sum(own[:4]) * os.sysconf("SC_CLK_TCK")

    def share(self):
        total, busy, own = (b - a for a, b in zip(self.start, self.now()))
        return max(0.0, busy - own) / max(total, 1)


# ---- one process ----


def measure(command, stdin=None, stdout=None):
    """Runs a command: its standard output (unless it goes to a file) and its peak memory in MB."""
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": str(THREADS)}
    with (
        open(stdin or os.devnull, "rb") as source,
        open(stdout, "w+b") if stdout else tempfile.TemporaryFile() as sink,
        tempfile.TemporaryFile() as messages,
    ):
        process = subprocess.Popen(
            list(map(str, command)), stdin=source, stdout=sink, stderr=messages, env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            messages.seek(0)
            sys.exit(f"{command[0]}: exit status {process.returncode}\n{messages.read().decode(errors='replace')}")
        sink.seek(0)
        return b"" if stdout else sink.read(), usage.ru_maxrss / 1e3 * 1.024


THREADS = len(os.sched_getaffinity(0))


class Bench:
    def __init__(self, options, work):
        self.options, self.work = options, work
        self.pretrained = common.demo_model()
        self.tokens, self.start = work / "train.mp", work / "start"

    def prepare(self):
        """A data set of exactly the reviews that the steps take, and the model that both sides start from."""
        count = self.options.steps * BATCH
        common.tokenise(self.pretrained, self.tokens, "train", LENGTH, self.options.archive, count)
        common.start_model(self.pretrained, self.tokens, self.start, SEED)
        self.lengths = [len(example["input_ids"]) for example in common.examples(self.tokens)]

    # ---- training ----

    def bertpipe(self, *flags):
        """Losses, seconds from the end of step 1 to that of the last, and peak memory of one run of bert-train."""
        metrics = self.work / "metrics.mp"
        _, peak = measure(
            [
                common.program("bert-train"), "-m", self.start, "-o", self.work / "trained", "--force",
                "--max-steps", self.options.steps, "--per-device-train-batch-size", BATCH, "--seed", SEED,
                "--warmup-steps", 0, "--logging-steps", 1, "--save-strategy", "no", "--threads", THREADS, *flags,
            ],
            stdin=self.tokens,
            stdout=metrics,
        )  # fmt: skip
        steps = [record for record in common.records(metrics) if "loss" in record["values"]]
        return [step["values"]["loss"] for step in steps], steps[-1]["time"] - steps[0]["time"], peak

    def pytorch(self, variant, steps=None):
        command = [sys.executable, HERE / "reference.py", "train", variant, self.start, self.tokens]
        output, peak = measure([*command, steps or self.options.steps, BATCH, SEED])
        return {**json.loads(output), "peak": peak}

    def check_losses(self):
        """The relative differences between the losses without dropout, step for step."""
        ours, *_ = self.bertpipe("--dropout", 0, "--learning-rate", 5e-5)
        theirs = self.pytorch("dynamic-sdpa")
        self.counted = theirs["tokens"]  # of steps 2 to the last, the same for both
        return [abs(a - b) / abs(b) for a, b in zip(ours, theirs["losses"], strict=True)]

    # ---- inference ----

    def inference(self):
        """Tokens per second: bertpipe's, PyTorch's."""
        ours, theirs = [], []
        for _ in range(self.options.rounds):
            output, _ = measure(
                [common.program("bert-eval"), "-m", self.start, "-f", "msgpack", "--threads", THREADS,
                 "-o", self.work / "eval.mp"], stdin=self.tokens,
            )  # fmt: skip
            ours.append(common.metrics(self.work / "eval.mp", "eval")[0][1]["tokens_per_second"])
            output, _ = measure([sys.executable, HERE / "reference.py", "predict", self.start, self.tokens])
            result = json.loads(output)
            theirs.append(result["tokens"] / result["seconds"])
        return ours, theirs

    def first_predictions(self):
        """Seconds from the start of bert-predict to its first prediction, for one review of IMDB's median length."""
        text, stream = self.work / "one.txt", self.work / "one.mp"
        records = common.records(self.tokens)
        record = records[min(range(len(records)), key=lambda i: abs(self.lengths[i] - REVIEW_TOKENS))]
        text.write_text(" ".join(record["text"].split()) + "\n")
        common.run("rec-load", text, stdout=self.work / "one.text")
        common.run("wp-tokenize", "-m", self.start, "-L", LENGTH, "-o", stream, stdin=self.work / "one.text")
        command = [common.program("bert-predict"), "-m", str(self.start), "-f", "json", "--threads", str(THREADS)]
        seconds = []
        for _ in range(STARTS + 1):
            with open(stream, "rb") as source:
                started = time.monotonic()
                process = subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                line = process.stdout.readline()
                seconds.append(time.monotonic() - started)
                process.stdout.read()
            if process.wait() != 0 or "probs" not in json.loads(line):
                sys.exit(f"bert-predict: exit status {process.returncode}, {line!r}")
        header, found = common.segments(stream)[0]
        return len(found[0]["ids"]) // {"u16": 2, "u32": 4}[header["ids_type"]], seconds[1:]

    def gemm(self):
        """Name of the kernels; per shape: its name, GFLOP/s of one thread, of all."""
        output = measure([common.BUILD / "bench/gemm-peak", THREADS])[0].decode().splitlines()
        rows = [line.split("\t") for line in output[1:]]
        return output[0], [("x".join(row[:3]), float(row[3]), float(row[4])) for row in rows]


# ---- FLOPs ----


def training_flops(config, lengths):
    """
    Multiplications and additions of one pass over reviews of these lengths, forward and backward (twice the forward). The
    last layer is counted where the classifier reads it: queries and feed-forward of the first token alone.
    """
    hidden, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    total = 0
    for length in lengths:
        for layer in range(layers):
            rows = 1 if layer + 1 == layers else length
            dense = 2 * hidden * (2 * hidden * length + (2 * hidden + 2 * inner) * rows)
            total += dense + 4 * hidden * rows * length
        total += 2 * hidden * hidden
    return 3 * total


# ---- the report ----


def row(*cells):
    widths = [46, 12, 28, 10]
    print("  ".join(str(cell).ljust(width) for cell, width in zip(cells, widths)).rstrip(), flush=True)


def rates(values):
    return f"{statistics.median(values):,.0f}", "(" + " ".join(f"{value:,.0f}" for value in values) + ")"


def verdict(value, needed, good, form="{:.2f}"):
    return f"{form.format(value)} (needed: {form.format(needed)}, {'reached' if good else 'MISSED'})"


def report_training(bench, product):
    """Runs and prints the training comparison."""
    options = bench.options
    print(f"\ntraining: {options.steps * BATCH} reviews, {sum(bench.lengths):,} tokens, batches of {BATCH}")
    tried = {}
    for variant in options.variants.split():
        result = bench.pytorch(variant)
        tried[variant] = result["tokens"] / result["seconds"]
        row(f"  tried PyTorch {variant}", f"{tried[variant]:,.0f}", f"{result['padding']:.0%} padding")
    best = max(tried, key=tried.get)
    runs = {"bertpipe": [], best: [], TRAINER: []}
    for _ in range(options.rounds):
        _, seconds, peak = bench.bertpipe("--learning-rate", 5e-5)
        runs["bertpipe"].append((bench.counted / seconds, peak))
        for variant, steps in (best, options.steps), (TRAINER, min(options.trainer_steps, options.steps)):
            result = bench.pytorch(variant, steps)
            runs[variant].append((result["tokens"] / result["seconds"], result["peak"]))
    row("", "tokens/s", "(each run)", "peak MB")
    medians, peaks = {}, {}
    titles = {"bertpipe": "bertpipe, dropout 0.1", best: f"PyTorch {best}, dropout 0", TRAINER: "Trainer, dropout 0.1"}
    for name, title in titles.items():
        medians[name] = statistics.median(rate for rate, _ in runs[name])
        peaks[name] = max(memory for _, memory in runs[name])
        row(title, *rates([rate for rate, _ in runs[name]]), f"{peaks[name]:,.0f}")
    speed, memory = medians["bertpipe"] / medians[best], peaks["bertpipe"] / min(peaks[best], peaks[TRAINER])
    print("speed, of PyTorch's best:", verdict(speed, SPEED_NEEDED, speed >= SPEED_NEEDED))
    print(f"speed, of the Trainer's: {medians['bertpipe'] / medians[TRAINER]:.2f}")
    print("memory, of the smaller of theirs:", verdict(memory, MEMORY_NEEDED, memory <= MEMORY_NEEDED))
    config = json.loads((bench.start / "config.json").read_text())
    flops = training_flops(config, bench.lengths) / sum(bench.lengths) * medians["bertpipe"] / 1e9
    print(f"arithmetic: {flops:.0f} GFLOP/s, {flops / product:.0%} of the matrix product's {product:.0f}")


def report_losses(bench):
    differences = bench.check_losses()
    right = differences[0] <= LOSS_TOLERANCE
    print(
        f"losses without dropout, relative difference: step 1 {differences[0]:.1e} (needed: {LOSS_TOLERANCE:.0e}, "
        f"{'reached' if right else 'MISSED'}), steps 1 to {len(differences)} at most {max(differences):.1e}"
    )
    return right


def report_gemm(bench):
    kernels, shapes = bench.gemm()
    print(f"matrix product ({kernels}), GFLOP/s of one thread / of {THREADS}:")
    print("  " + ", ".join(f"{shape} {one:.0f}/{all_:.0f}" for shape, one, all_ in shapes))
    return max(all_ for _, _, all_ in shapes)


def report_rest(bench):
    ours, theirs = bench.inference()
    print("\ninference, batches of 16")
    row("bertpipe", *rates(ours))
    row("PyTorch, sorted by length", *rates(theirs))
    tokens, seconds = bench.first_predictions()
    median = statistics.median(seconds)
    print(
        f"\nbert-predict, start to first prediction ({tokens} tokens), seconds, median of {len(seconds)}: "
        + verdict(median, START_NEEDED, median < START_NEEDED, "{:.3f}")
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", default=common.SAMPLE, help="IMDB's archive (default: the bundled sample)")
    parser.add_argument("--steps", type=int, default=8, help="steps of a run (default: 8)")
    parser.add_argument("--trainer-steps", type=int, default=4, help="steps of a run of the Trainer (default: 4)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side (default: 3)")
    parser.add_argument("--variants", default=VARIANTS, help=f"PyTorch's to try (default: {VARIANTS})")
    options = parser.parse_args()
    if options.steps < 2 or options.trainer_steps < 2 or options.rounds < 1 or not options.variants.split():
        parser.error("at least 2 steps, 1 round and 1 variant are needed")
    load = OtherLoad()
    print(f"{processor()}\n{THREADS} processors, load average {os.getloadavg()[0]:.2f}")
    with common.workspace("bench") as work:
        bench = Bench(options, work)
        bench.prepare()
        product = report_gemm(bench)
        right = report_losses(bench)
        report_training(bench, product)
        report_rest(bench)
    print(f"\nother programs took {load.share():.0%} of the processors meanwhile")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
