#!/usr/bin/env python3
"""usage: kills.py BUILD [--kills N] [--seed N] [--jobs N]

Kills bert-train N times with SIGKILL, half of them at any time and half of them while it saves, and lets it go on from
its last checkpoint each time. After each kill every checkpoint must be whole and the one that an undisturbed run
wrote at that step, and none that was there before may be lost; a run that ends must end as the undisturbed one. Then
kills programs that write -o, N / 5 times, by SIGKILL or SIGTERM: the file is the old or the new one, and SIGTERM
leaves nothing else. Prints what was done; exit status 1 when something was bad.
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import work
from work import LAST, MODEL, TRAIN, training_digest

# The run: a checkpoint every other step of twelve. With and without evaluation, accumulation and a limit.
RUN = [*TRAIN, "--max-steps", "12", "--save-steps", "2", "--dropout", "0.1"]
RUNS = [
    [*RUN, "--no-load-best-model-at-end", "--save-total-limit", "1"],
    [*RUN, "-e", "a.mp", "--eval-strategy", "steps", "--eval-steps", "2", "--save-total-limit", "2", "-a", "2"],
    [*RUN, "--no-load-best-model-at-end", "--lr-scheduler-type", "cosine", "--group-by-length"],
]
WRITERS = [
    ["wp-tokenize", "-q", "-m", str(MODEL), "-o", "out.mp", "many.text.mp"],
    ["rec-load", "-q", "--from", "tsv", "-o", "out.mp", "many.tsv"],
    ["rec-shuffle", "-q", "-o", "out.mp", "many.mp"],
    ["rec-split", "-q", "--ratio", "1:1", "-o", "out.mp", "-o", "other.mp", "many.mp"],
    ["bert-predict", "-q", "-j1", "-m", str(MODEL), "-o", "out.mp", "a.mp"],
    ["rec-stat", "-q", "-o", "out.mp", "many.mp"],
]


def start(command, cwd):
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def timed(command, cwd):
    begin = time.monotonic()
    work.run(command, cwd)
    return time.monotonic() - begin


class Training:
    """One of the runs, killed again and again."""

    def __init__(self, folder, command, seed):
        self.folder, self.command, self.chance = folder, command, random.Random(seed)
        self.bad, self.saving, self.ended = [], 0, 0
        self.out = folder / "out"
        keep = list(command)
        if "--save-total-limit" in keep:
            at = keep.index("--save-total-limit")
            del keep[at : at + 2]
        work.run([*keep, "-o", "all", "a.mp"], folder)
        self.expected = work.checkpoints(work.read_tree(folder / "all"))
        self.seconds = timed([*command, "-o", "whole", "a.mp"], folder)
        self.whole = work.read_tree(folder / "whole")

    def is_saving(self):
        try:
            return any(name.endswith(".partial") for name in os.listdir(self.out))
        except FileNotFoundError:
            return False

    def wait_to_kill(self, process):
        """Until any time within the run; or until a save, of the first three, and any time within it."""
        end = time.monotonic() + self.chance.uniform(0, self.seconds)
        if self.chance.random() < 0.5:
            for _ in range(self.chance.randint(1, 3)):
                for wanted in (False, True):
                    while self.is_saving() != wanted and process.poll() is None:
                        time.sleep(0.0005)
            end = time.monotonic() + self.chance.uniform(0, self.seconds / len(self.expected))
        try:
            process.wait(max(0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()

    def complain(self, reason):
        self.bad.append(reason)
        print(f"kills: {' '.join(self.command)}: {reason}", flush=True)

    def check_checkpoints(self, before):
        """What is there after a kill: {step: digest}."""
        tree = work.read_tree(self.out) if self.out.exists() else {}
        found = work.checkpoints(tree)
        for step, digest in found.items():
            if digest != self.expected[step]:
                self.complain(f"checkpoint-{step} is {'not whole' if digest is None else 'another'}")
        if before and max(found, default=0) < max(before):
            self.complain(f"checkpoint-{max(before)} was lost")
        self.saving += self.is_saving()
        return found

    def check_end(self):
        self.ended += 1
        if training_digest(self.out) != training_digest(self.folder / "whole"):
            self.complain("ended with another digest")
        tree = work.read_tree(self.out)
        if tree.keys() != self.whole.keys() or tree["model.safetensors"] != self.whole["model.safetensors"]:
            self.complain("ended with another model or other files")
        shutil.rmtree(self.out)

    def once(self, found, kill):
        """Starts the run, which kills it or lets it end: whether it was killed, and the checkpoints then."""
        process = start([*self.command, "-o", "out", *LAST, "a.mp"], self.folder)
        if kill:
            self.wait_to_kill(process)
        message = process.communicate()[1]
        if process.returncode == -signal.SIGKILL:
            return True, self.check_checkpoints(found)
        if process.returncode != 0:
            self.complain(f"exit status {process.returncode}: {message}")
            shutil.rmtree(self.out, ignore_errors=True)
        else:
            self.check_end()
        return False, {}

    def campaign(self, kills):
        found, done = {}, 0
        while done < kills:
            killed, found = self.once(found, kill=True)
            done += killed
        self.once(found, kill=False)


class Writer:
    """A program that writes files, killed while old ones are there."""

    def __init__(self, folder, command, seed):
        self.folder, self.command, self.chance = folder, command, random.Random(seed)
        self.bad, self.replaced = [], 0
        self.names = [command[i + 1] for i, word in enumerate(command) if word == "-o"]
        self.seconds = min(timed(command, folder) for _ in range(3))
        self.new = self.contents()
        self.before = set(os.listdir(folder))

    def contents(self):
        return {name: (self.folder / name).read_bytes() for name in self.names}

    def campaign(self, kills):
        old = {name: b"old " * 1000 for name in self.names}
        done = 0
        while done < kills:
            for name, content in old.items():
                (self.folder / name).write_bytes(content)
            process = start(self.command, self.folder)
            number = self.chance.choice((signal.SIGKILL, signal.SIGTERM))
            try:
                process.wait(self.chance.uniform(0, 1.2 * self.seconds))
            except subprocess.TimeoutExpired:
                process.send_signal(number)
            message = process.communicate()[1]
            done += process.returncode == -number
            left = set(os.listdir(self.folder)) - self.before
            now = self.contents()
            self.replaced += now != old
            if process.returncode not in (0, -number) or message:
                self.complain(f"exit status {process.returncode}: {message}")
            if any(now[name] not in (old[name], self.new[name]) for name in self.names):
                self.complain("a file is neither the old nor the new one")
            if left and process.returncode != -signal.SIGKILL:
                self.complain(f"left over: {sorted(left)}")
            if any(not name.startswith(".") for name in left):
                self.complain(f"in sight: {sorted(left)}")
            for name in left:
                (self.folder / name).unlink()

    complain = Training.complain


def campaigns(kind, commands, kills, options, folder):
    """Each command in a folder of its own, with its share of the kills, until all have ended."""
    shares = [kills // len(commands) + (i < kills % len(commands)) for i in range(len(commands))]

    def one(i):
        place = folder / f"{kind.__name__}-{i}"
        place.mkdir()
        for name in ("a", "many"):
            for end in (".tsv", ".text.mp", ".mp"):
                (place / (name + end)).symlink_to(folder / (name + end))
        campaign = kind(place, commands[i], options.seed + i)
        campaign.campaign(shares[i])
        return campaign

    with ThreadPoolExecutor(options.jobs) as pool:
        return list(pool.map(one, range(len(commands))))


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n", 1)[0].removeprefix("usage: "))
    parser.add_argument("build")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=3)
    options = parser.parse_args()
    work.use_programs(options.build)
    with tempfile.TemporaryDirectory(prefix="bertpipe-kills-") as name:
        folder = Path(name)
        work.make_texts(folder, "a")
        work.make_texts(folder, "many", 20000)
        runs = campaigns(Training, RUNS, options.kills, options, folder)
        writers = campaigns(Writer, WRITERS, options.kills // 5, options, folder)
    bad = sum(len(run.bad) for run in runs)
    print(f"killed: bert-train {options.kills} times, {sum(run.saving for run in runs)} of them while it saved; "
          f"{sum(run.ended for run in runs)} runs ended: {bad} bad")
    bad_files = sum(len(writer.bad) for writer in writers)
    print(f"killed: programs with -o {options.kills // 5} times: {bad_files} bad")
    sys.exit(1 if bad + bad_files else 0)


if __name__ == "__main__":
    main()
