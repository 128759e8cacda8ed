#!/usr/bin/env python3
"""bertpipe, PyTorch, transformers' Trainer and ONNX Runtime side by side: speed, memory, and the share of the machine used.

Everything runs on the bundled reviews (or ARCHIVE), at their own lengths up to 512 tokens, in batches of 16, on all
processors, from the same model folder, in float32 and bf16, inference in int8 too. Training is timed from
the end of step 1 to the end of the last step; rates count real tokens, never padding. First the answers: losses of training
without dropout and probabilities must agree. Then each of PyTorch's variants runs once, and the fastest of each type in turn
with bertpipe (dropout 0.1) and, once, the Trainer as people run it (dropout 0.1, grouped by length); medians count. Peak
memory is each process's largest resident size.

The machine's peak is the best rate of matrix products at the layers' shapes, bertpipe's own or PyTorch's. Where processors
change their clock it is another every minute: a share of it is of what the products reach right after the run. Shares count
the model's FLOPs with attention, every layer for every token: nothing recomputed, no padding. bertpipe leaves out what of
the last layer the classifier does not read; the share that it computes is printed beside.
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
VARIANTS = (
    "grouped-eager-float32 grouped-sdpa-float32 grouped-compile-float32 "
    "grouped-eager-bf16 grouped-sdpa-bf16 grouped-compile-bf16"
)
TRAINER = "trainer-sdpa"
PREDICTORS = "sdpa-float32 sdpa-bf16 compile-bf16 onnx-float32 onnx-int8"
TYPES = ("float32", "bf16")  # of training; inference has int8 too
SHAPES = {"minilm": None, "bert-base": ["--layers", 12, "--hidden", 768]}
LOSS_TOLERANCE = 1e-4
# the largest difference of a probability from PyTorch's in float32
TOLERANCES = {"float32": 1e-3, "bf16": 0.03, "int8": 0.03}
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
INSTRUCTIONS = pathlib.Path("/proc/cpuinfo").read_text().split()
AMX, AVX512_BF16 = "amx_bf16" in INSTRUCTIONS, "avx512_bf16" in INSTRUCTIONS
VNNI = "avx512_vnni" in INSTRUCTIONS or "avx_vnni" in INSTRUCTIONS


class Bench:
    def __init__(self, options, work):
        self.options, self.work = options, work
        self.tokens, self.start = work / "train.mp", work / "start"

    def prepare(self):
        """A data set of exactly the reviews that the steps take, and the model that both sides start from."""
        pretrained, shape = common.demo_model(), SHAPES[self.options.shape]
        count = self.options.steps * BATCH
        common.tokenise(pretrained, self.tokens, "train", LENGTH, self.options.archive, count)
        if shape:
            vocabulary = ["--vocab", pretrained / "vocab.txt", "--labels", "negative,positive"]
            common.run("bert-init", "-o", self.start, *vocabulary, *shape)
        else:
            common.start_model(pretrained, self.tokens, self.start, SEED)
        self.lengths = [len(example["input_ids"]) for example in common.examples(self.tokens)]

    # ---- training ----

    def bertpipe(self, dtype, *flags):
        """Losses, seconds from the end of step 1 to that of the last, and peak memory of one run of bert-train."""
        metrics = self.work / "metrics.mp"
        _, peak = measure(
            [
                common.program("bert-train"), "-m", self.start, "-o", self.work / "trained", "--force", "--dtype", dtype,
                "--max-steps", self.options.steps, "--per-device-train-batch-size", BATCH, "--seed", SEED,
                "--warmup-steps", 0, "--logging-steps", 1, "--save-strategy", "no", "--threads", THREADS, *flags,
            ],
            stdin=self.tokens,
            stdout=metrics,
        )  # fmt: skip
        steps = [record for record in common.records(metrics) if "loss" in record["values"]]
        return [step["values"]["loss"] for step in steps], steps[-1]["time"] - steps[0]["time"], peak

    def reference(self, *arguments):
        """What reference.py printed, and its peak memory."""
        output, peak = measure([sys.executable, HERE / "reference.py", *arguments])
        return {**json.loads(output.splitlines()[-1]), "peak": peak}

    def pytorch(self, variant, steps=None):
        return self.reference("train", variant, self.start, self.tokens, steps or self.options.steps, BATCH, SEED)

    def check_losses(self):
        """By type, the relative differences between the losses without dropout and PyTorch's in float32, step for step."""
        theirs = self.pytorch("dynamic-sdpa-float32")
        self.counted = theirs["tokens"]  # of steps 2 to the last, the same for both
        found = {}
        for dtype in TYPES:
            ours, *_ = self.bertpipe(dtype, "--dropout", 0, "--learning-rate", 5e-5)
            found[dtype] = [abs(a - b) / abs(b) for a, b in zip(ours, theirs["losses"], strict=True)]
        return found

    # ---- inference ----

    def evaluate(self, dtype):
        """bert-eval's tokens per second."""
        report = self.work / "eval.mp"
        measure(
            [common.program("bert-eval"), "-m", self.start, "--dtype", dtype, "-f", "msgpack", "--threads", THREADS,
             "-o", report], stdin=self.tokens,
        )  # fmt: skip
        return common.metrics(report, "eval")[0][1]["tokens_per_second"]

    def predict(self, dtype):
        """bert-predict's tokens per second from its start to its end, and the probabilities."""
        output, started = self.work / "predictions.mp", time.monotonic()
        measure(
            [common.program("bert-predict"), "-m", self.start, "--dtype", dtype, "--threads", THREADS, "-o", output],
            stdin=self.tokens,
        )  # fmt: skip
        seconds = time.monotonic() - started
        return sum(self.lengths) / seconds, [record["probs"] for record in common.records(output)]

    # ---- the machine ----

    def products(self, dtype):
        """The kernels' name and GFLOP/s of all processors at each shape."""
        output = measure([common.BUILD / "bench/gemm-peak", THREADS, dtype])[0].decode().splitlines()
        rows = [line.split("\t") for line in output[1:]]
        return output[0], {"x".join(row[:3]): float(row[4]) for row in rows}

    def peak(self, dtype):
        return max(self.products(dtype)[1].values())

    def gemm(self):
        """By type, auto among them, what products() gives; and PyTorch's best by type."""
        ours = {dtype: self.products(dtype) for dtype in (*TYPES, "int8", "auto")}
        theirs = self.reference("gemm")
        return ours, {name: theirs[name] for name in TYPES}


# ---- FLOPs ----


def flops_per_token(config, lengths, read=False):
    """
    Multiplications and additions of a forward pass over reviews of these lengths, by token; training takes three times as
    many. read: the last layer where the classifier reads it, queries and feed-forward of the first token alone.
    """
    hidden, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    total = 0
    for length in lengths:
        for layer in range(layers):
            rows = 1 if read and layer + 1 == layers else length
            dense = 2 * hidden * (2 * hidden * length + (2 * hidden + 2 * inner) * rows)
            total += dense + 4 * hidden * rows * length
        total += 2 * hidden * hidden
    return total / sum(lengths)


# ---- the report ----


def row(*cells):
    widths = [44, 10, 24, 9, 16]
    print("  ".join(str(cell).ljust(width) for cell, width in zip(cells, widths)).rstrip(), flush=True)


def each(values):
    return "(" + " ".join(f"{value:,.0f}" for value in values) + ")"


def compare(what, value, needed=None, at_most=False):
    """needed: None where there is nothing to reach on this machine."""
    good = needed is None or (value <= needed if at_most else value >= needed)
    aim = "" if needed is None else f" (needed: {needed:g}, {'reached' if good else 'MISSED'})"
    print(f"  {what}: {value:.2f}{aim}", flush=True)


class Report:
    def __init__(self, bench):
        self.bench, self.right = bench, True
        self.peaks, self.theirs = {}, {}  # by type: GFLOP/s; PyTorch's best in bertpipe's, at least 1
        config = json.loads((bench.start / "config.json").read_text())
        self.flops = flops_per_token(config, bench.lengths)
        self.computed = flops_per_token(config, bench.lengths, read=True) / self.flops  # by bertpipe

    def share(self, rate, dtype, passes):
        return rate * self.flops * passes / 1e9 / self.peaks[dtype]

    def compare_share(self, rate, dtype, passes, needed):
        share = self.share(rate, dtype, passes)
        compare(f"{dtype}, of the peak", share, needed)
        compare(f"{dtype}, of the peak, without the rest of the last layer", share * self.computed)

    def line(self, title, values, dtype, passes, peak=""):
        rate = statistics.median(values)
        used = f"{self.share(rate, dtype, passes):.0%} of the peak" if dtype in self.peaks else ""
        row(f"  {title}", f"{rate:,.0f}", each(values) if len(values) > 1 else "", peak, used)

    def agree(self, what, difference, tolerance):
        good = difference <= tolerance
        self.right = self.right and good
        print(f"  {what}: {difference:.1e} (needed: {tolerance:g}, {'reached' if good else 'MISSED'})", flush=True)

    def machine(self):
        ours, theirs = self.bench.gemm()
        self.auto = ours.pop("auto")[0]
        print(f"matrix products, GFLOP/s on {THREADS} processors:")
        for dtype, (kernels, shapes) in ours.items():
            print(f"  {dtype} ({kernels}): " + ", ".join(f"{shape} {rate:.0f}" for shape, rate in shapes.items()))
        print("  PyTorch's best: " + ", ".join(f"{dtype} {rate:.0f}" for dtype, rate in theirs.items()))
        own = {dtype: max(shapes.values()) for dtype, (_, shapes) in ours.items()}
        for dtype in theirs:  # once more, as the clock may have changed meanwhile
            own[dtype] = max(own[dtype], self.bench.peak(dtype))
        self.theirs = {dtype: max(1, theirs.get(dtype, 0) / rate) for dtype, rate in own.items()}
        self.set_peaks({dtype: [rate] for dtype, rate in own.items()})
        print(f"  --dtype auto: {self.auto}", flush=True)

    def set_peaks(self, rates):
        """From bertpipe's own best rates by type, measured at several times."""
        peaks = {dtype: statistics.median(values) * self.theirs[dtype] for dtype, values in rates.items()}
        self.peaks.update(peaks)
        print("  peak: " + ", ".join(f"{dtype} {rate:.0f}" for dtype, rate in peaks.items()), flush=True)

    def losses(self):
        print("\nlosses without dropout, relative difference from PyTorch's in float32:")
        for dtype, differences in self.bench.check_losses().items():
            tolerance = LOSS_TOLERANCE if dtype == "float32" else 0.01
            self.agree(f"{dtype}, step 1 (at most {max(differences):.1e} in all)", differences[0], tolerance)

    def try_variants(self):
        """PyTorch's variants once: by type, the fastest's name and its rate."""
        best = {}
        for variant in self.bench.options.variants.split():
            try:
                result = self.bench.pytorch(variant)
            except SystemExit as error:
                row(f"  PyTorch {variant}", "failed", str(error).splitlines()[-1][:60])
                continue
            dtype, rate = variant.split("-")[2], result["tokens"] / result["seconds"]
            self.line(f"PyTorch {variant}, dropout 0", [rate], dtype, 3, f"{result['peak']:,.0f}")
            if dtype not in best or rate > best[dtype][1]:
                best[dtype] = variant, rate
        return best

    def training(self):
        bench, options = self.bench, self.bench.options
        print(f"\ntraining: {options.steps * BATCH} reviews, {sum(bench.lengths):,} tokens, batches of {BATCH}")
        row("", "tokens/s", "(each run)", "peak MB")
        best, ours, trainer = self.try_variants(), {dtype: [] for dtype in TYPES}, {}
        again = {dtype: [rate] for dtype, (_, rate) in best.items()}
        memory, peaks = {}, {dtype: [] for dtype in TYPES}
        for _ in range(options.rounds):
            for dtype in TYPES:
                _, seconds, memory[dtype] = bench.bertpipe(dtype, "--learning-rate", 5e-5)
                ours[dtype].append(bench.counted / seconds)
                peaks[dtype].append(bench.peak(dtype))
            for dtype, (variant, _) in best.items() if options.rounds > 1 else ():
                result = bench.pytorch(variant)
                again[dtype].append(result["tokens"] / result["seconds"])
        self.set_peaks(peaks)
        for dtype, (variant, _) in best.items():
            self.line(f"best of {dtype}: PyTorch {variant}", again[dtype], dtype, 3)
        for dtype in TYPES:
            result = bench.pytorch(f"{TRAINER}-{dtype}", min(options.trainer_steps, options.steps))
            trainer[dtype] = result["tokens"] / result["seconds"], result["peak"]
            self.line(f"Trainer {dtype}, dropout 0.1", [trainer[dtype][0]], dtype, 3, f"{result['peak']:,.0f}")
        for dtype in TYPES:
            self.line(f"bertpipe {dtype}, dropout 0.1", ours[dtype], dtype, 3, f"{memory[dtype]:,.0f}")
        for dtype in TYPES:
            rate, bf16 = statistics.median(ours[dtype]), dtype == "bf16"
            rates = {name: statistics.median(values) for name, values in again.items()}
            theirs = max(rates.values()) if bf16 else rates[dtype]
            compare(f"{dtype}, of PyTorch's best", rate / theirs, (2.5 if AMX else None) if bf16 else 1.3)
            compare(f"{dtype}, of the Trainer's", rate / trainer[dtype][0], (12 if bf16 else 6) if AMX else None)
            self.compare_share(rate, dtype, 3, (0.25 if AMX else None) if bf16 else 0.8)
            compare(f"{dtype}, memory, of the Trainer's", memory[dtype] / trainer[dtype][1], 1 / 3, at_most=True)
        if not AMX:
            gain = statistics.median(ours["bf16"]) / statistics.median(ours["float32"])
            compare("bf16, of float32", gain, 1.5 if AVX512_BF16 else None)

    def inference(self):
        bench, options = self.bench, self.bench.options
        print("\ninference; probabilities' largest difference from PyTorch's in float32 in brackets")
        row("", "tokens/s", "(each run)")
        rates, expected, own = {}, None, {}
        for variant in options.predictors.split():
            try:
                result = bench.reference("predict", variant, bench.start, bench.tokens, BATCH)
            except SystemExit as error:
                row(f"  {variant}", "failed", str(error).splitlines()[-1][:60])
                continue
            expected = expected or result["probs"]
            dtype, rates[variant] = variant.split("-")[1], result["tokens"] / result["seconds"]
            name = variant.replace("onnx", "ONNX Runtime") if "onnx" in variant else f"PyTorch {variant}"
            self.line(f"{name} [{apart(result['probs'], expected):.0e}]", [rates[variant]], dtype, 1)
        for dtype in (*TYPES, "int8"):
            _, probs = bench.predict(dtype)
            difference = apart(probs, expected)
            self.agree(f"bertpipe {dtype}, probabilities", difference, TOLERANCES[dtype])
            evaluated, peaks = [], []
            for _ in range(options.rounds):
                evaluated.append(bench.evaluate(dtype))
                peaks.append(bench.peak(dtype))
            self.set_peaks({dtype: peaks})
            predicted = [bench.predict(dtype)[0] for _ in range(options.rounds)]
            self.line(f"bert-eval {dtype}", evaluated, dtype, 1)
            self.line(f"bert-predict {dtype}, its start included", predicted, dtype, 1)
            rate = own[dtype] = statistics.median(evaluated)
            theirs = max((rate for name, rate in rates.items() if name.endswith(dtype)), default=None)
            if theirs:
                compare(f"{dtype}, of the best of theirs", rate / theirs, {"float32": 1.4, "bf16": 2 if AMX else None}.get(dtype))
            self.compare_share(rate, dtype, 1, {"float32": 0.85, "bf16": 0.3 if AMX else None}.get(dtype))
        slow_bf16 = VNNI and self.auto.startswith("float32")
        compare("int8, of float32", own["int8"] / own["float32"], 1.5 if slow_bf16 else None)


def apart(left, right):
    """The largest difference of a probability."""
    return max(abs(a - b) for one, other in zip(left, right, strict=True) for a, b in zip(one, other, strict=True))


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", default=common.SAMPLE, help="IMDB's archive (default: the bundled sample)")
    parser.add_argument("--shape", choices=SHAPES, default="minilm",
                        help="the demo's model, or one of BERT-base's shape with random weights (default: minilm)")  # fmt: skip
    parser.add_argument("--steps", type=int, help="steps of a run (default: 6; 3 with bert-base)")
    parser.add_argument("--trainer-steps", type=int, help="steps of a run of the Trainer (default: 3; 2 with bert-base)")
    parser.add_argument("--rounds", type=int, help="runs of each side (default: 2; 1 with bert-base)")
    parser.add_argument("--variants", help=f"PyTorch's in training (default: {VARIANTS}; only sdpa with bert-base)")
    parser.add_argument("--predictors", help=f"in inference (default: {PREDICTORS}; not compile with bert-base)")
    options = parser.parse_args()
    small = options.shape == "minilm"
    options.steps = options.steps or (6 if small else 3)
    options.trainer_steps = options.trainer_steps or (3 if small else 2)
    options.rounds = options.rounds or (2 if small else 1)
    if options.variants is None:
        options.variants = VARIANTS if small else "grouped-sdpa-float32 grouped-sdpa-bf16"
    if options.predictors is None:
        options.predictors = PREDICTORS if small else "sdpa-float32 sdpa-bf16 onnx-float32 onnx-int8"
    if options.steps < 2 or options.trainer_steps < 2 or "float32" not in options.variants:
        parser.error("at least 2 steps and one variant in float32 are needed")
    if not options.predictors.startswith("sdpa-float32"):
        parser.error("--predictors begins with sdpa-float32, whose answers the others' are compared with")
    return options


def main():
    options, load, started = parse(), OtherLoad(), time.monotonic()
    print(f"{processor()}\n{THREADS} processors, load average {os.getloadavg()[0]:.2f}, shape {options.shape}")
    with common.workspace("bench") as work:
        bench = Bench(options, work)
        bench.prepare()
        report = Report(bench)
        report.machine()
        report.losses()
        report.training()
        report.inference()
    print(f"\n{time.monotonic() - started:.0f} s; other programs took {load.share():.0%} of the processors meanwhile")
    return 0 if report.right else 1


if __name__ == "__main__":
    sys.exit(main())
