#!/usr/bin/env python3
"""How long bert-predict's answers take, in the pipe `rec-load | wp-tokenize | bert-predict`.

From start to the first answer, and in a live pipe once warm: from a line's writing to its answer's arrival, beside the
model's own time, which is that of bert-predict over many copies of the same text, one in a batch, without waiting. Texts of
sixteen tokens, and reviews of IMDB's median and of the longest length. Nothing else should run meanwhile; medians count.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "parity"))
import common  # noqa: E402

LENGTHS = (16, 234, 512)  # a short text, IMDB's median, the longest
COPIED_TOKENS, ROUNDS, START_NEEDED, LIVE_NEEDED = 8000, 3, 0.3, 2.0


class Bench:
    def __init__(self, options, work):
        self.options, self.work, self.model = options, work, options.model or work / "start"
        if not options.model:
            pretrained, tokens = common.demo_model(), work / "train.mp"
            common.tokenise(pretrained, tokens, "train", 512, count=16)
            common.start_model(pretrained, tokens, self.model)
        self.flags = ["-q", "-m", str(self.model), "-f", "json", *options.flags.split()]

    def tokenise(self, lines, output):
        text = self.work / "lines"
        text.write_text("".join(f"{line}\n" for line in lines))
        common.run("rec-load", text, stdout=self.work / "lines.mp")
        common.run("wp-tokenize", "-k", "-m", self.model, "-o", output, stdin=self.work / "lines.mp")
        header, records = common.segments(output)[0]
        return [len(record["ids"]) // {"u16": 2, "u32": 4}[header["ids_type"]] for record in records]

    def line_of(self, length):
        """A text of so many tokens: words of one token each, and the two special tokens."""
        line = " ".join(("a great film and the worst plot of all " * 100).split()[: length - 2])
        if self.tokenise([line], self.work / "one.mp") != [length]:
            sys.exit(f"latency.py: not {length} tokens")
        return line

    def pipe(self):
        programs = [
            [common.program("rec-load"), "-q"],
            [common.program("wp-tokenize"), "-q", "-k", "-m", str(self.model)],
            [common.program("bert-predict"), *self.flags],
        ]
        first, source = None, subprocess.PIPE
        for command in programs:
            process = subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE)
            if first:
                source.close()
            first, source = first or process, process.stdout
        return first.stdin, process

    def ask(self, line, entrance, process):
        """Seconds from the writing of a line to its answer."""
        started = time.monotonic()
        entrance.write(f"{line}\n".encode())
        entrance.flush()
        answer = process.stdout.readline()
        seconds = time.monotonic() - started
        if json.loads(answer)["text"] != line:
            sys.exit(f"latency.py: not the answer to the line that was sent: {answer!r:.200}")
        return seconds

    def first_answers(self, line):
        seconds = []
        for _ in range(self.options.starts + 1):
            started = time.monotonic()
            entrance, process = self.pipe()
            self.ask(line, entrance, process)
            seconds.append(time.monotonic() - started)
            entrance.close()
            process.stdout.read()
            process.wait()
        return seconds[1:]

    def live_answers(self, line):
        entrance, process = self.pipe()
        seconds = []
        for _ in range(self.options.answers + 3):
            seconds.append(self.ask(line, entrance, process))
            time.sleep(self.options.pause)
        entrance.close()
        process.wait()
        return seconds[3:]

    def copies(self, line, length):
        """Two streams of many copies of a text; their numbers."""
        numbers = COPIED_TOKENS // length, 2 * (COPIED_TOKENS // length)
        for number in numbers:
            self.tokenise([line] * number, self.work / f"{number}.mp")
        return numbers

    def model_seconds(self, numbers):
        """Of one text, alone in its batch: from the difference of many and twice as many, so that the start is left out."""
        taken = []
        for number in numbers:
            command = [common.program("bert-predict"), *self.flags[1:], "-b", "1", "-o", os.devnull]
            run = subprocess.run([*command, str(self.work / f"{number}.mp")], stderr=subprocess.PIPE, check=True, text=True)
            taken.append(float(re.search(r"records in ([0-9.]+) s", run.stderr)[1]))
        return (taken[1] - taken[0]) / numbers[0]


def verdict(value, needed):
    return f"needed: at most {needed}, {'reached' if value <= needed else 'MISSED'}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, help="model folder (default: the demo's, with a new classifier)")
    parser.add_argument("--flags", default="", help="further options of bert-predict, such as '--dtype bf16'")
    parser.add_argument("--starts", type=int, default=10, help="starts of the pipe (default: 10)")
    parser.add_argument("--answers", type=int, default=15, help="answers of a live pipe (default: 15)")
    parser.add_argument("--pause", type=float, default=0.05, help="seconds until the next line (default: 0.05)")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, help="tokens of the texts (default: 16 234 512)")
    options = parser.parse_args()
    with common.workspace("latency") as work:
        bench = Bench(options, work)
        lines = {length: bench.line_of(length) for length in options.lengths}
        for length in options.lengths:
            median = statistics.median(bench.first_answers(lines[length]))
            print(f"{length} tokens, start to first answer: {median:.3f} s ({verdict(median, START_NEEDED)})", flush=True)
        for length in options.lengths:
            numbers, answers, alone = bench.copies(lines[length], length), [], []
            for _ in range(ROUNDS):
                answers += bench.live_answers(lines[length])
                alone.append(bench.model_seconds(numbers))
            live, model = statistics.median(answers), statistics.median(alone)
            print(
                f"{length} tokens, live: {1e3 * live:.2f} ms, the model alone {1e3 * model:.2f} ms: "
                f"{live / model:.2f} ({verdict(live / model, LIVE_NEEDED)})",
                flush=True,
            )


if __name__ == "__main__":
    main()
