#!/usr/bin/env python3
"""usage: soak.py BUILD [--seconds N] [--seed N] [PROGRAM]...

For so many seconds runs pipes of programs whose stages are stopped for a while (SIGSTOP, SIGCONT) and killed (SIGKILL,
SIGTERM, ...) at random. A pipe that nothing was killed in must give the undisturbed pipe's answer. Of one in which
something was killed, a last stage with exit status 0 must have given the whole answer, and any other left the old
file; what was not killed ends by itself, with 0, in silence as a reader's going away ends it, or with 1 and one line.
Of training, whole checkpoints may be left, from which the next run goes on. Nothing else is left: no file, no process.
With PROGRAMs, only the pipes that end in one of them. Prints what was done; exit status 1 when something was bad.
"""
import argparse
import hashlib
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

SAMPLE = Path(__file__).parents[2] / "pipelines/demo/imdb-sample.tar.gz"
REVIEWS = ["imdb-fetch", "-q", "-a", str(SAMPLE), "--md5", hashlib.md5(SAMPLE.read_bytes()).hexdigest()]
TOKENIZE = ["wp-tokenize", "-q", "-j4", "-m", str(MODEL), "-L", "64"]
# Each writes "out": training a folder, the others a file.
PIPES = [
    [[*REVIEWS, "-n", "400"], TOKENIZE, [*TRAIN, "-j4", "-q", "--max-steps", "20", "--save-steps", "1",
                                         "--save-total-limit", "2", "--no-load-best-model-at-end", *LAST, "-o", "out"]],
    [[*REVIEWS, "-s", "test"], [*TOKENIZE, "-k"], ["bert-predict", "-q", "-j4", "-m", str(MODEL), "-o", "out"]],
    [[*REVIEWS, "-s", "all"], ["rec-shuffle", "-q", "--memory", "300K"], TOKENIZE,
     ["bert-eval", "-q", "-j4", "-m", str(MODEL), "-f", "text", "-o", "out"]],
    [["rec-load", "-q", "--from", "tsv", "many.tsv"], TOKENIZE, ["rec-cat", "-q", "-o", "out"]],
]
KILLS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
OLD = b"old " * 1000
PATIENCE = 120  # seconds that a pipe may go on when it is left alone


class Soak:
    """One of the pipes, run again and again in a folder of its own."""

    def __init__(self, folder, commands, seed):
        self.folder, self.commands, self.chance = folder, commands, random.Random(seed)
        self.out = folder / "out"
        self.trains = commands[-1][0] == "bert-train"
        self.runs = self.stalls = self.kills = self.whole = 0
        self.bad, self.sent = [], [set() for _ in commands]
        if self.trains:
            self.expect_checkpoints()
        self.before = set(os.listdir(folder))
        self.seconds = 0
        begin = time.monotonic()
        for process in self.start():
            message = process.communicate()[1]
            if process.returncode != 0:
                sys.exit(f"soak: undisturbed, {process.args[0]}: exit status {process.returncode}: {message}")
        self.seconds = time.monotonic() - begin
        self.answer = self.contents()
        self.clear()

    def expect_checkpoints(self):
        """What each step's checkpoint is: {step: digest}."""
        limit = self.commands[-1].index("--save-total-limit")
        train = self.commands[-1][:limit] + self.commands[-1][limit + 2 :]
        commands = [*self.commands[:-1], [*train[:-1], "all"]]
        for process in self.start(commands):
            process.communicate()
        self.expected = work.checkpoints(work.read_tree(self.folder / "all"))

    def start(self, commands=None):
        """The pipe's processes, in a group whose leader is the first."""
        processes, source = [], subprocess.DEVNULL
        commands = commands or self.commands
        # where there are sanitizers, that of leaks cannot look into a process that is stopped
        environment = {**os.environ, "TMPDIR": str(self.folder), "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
        for i, command in enumerate(commands):
            processes.append(subprocess.Popen(
                command, cwd=self.folder, stdin=source, stderr=subprocess.PIPE, text=True,
                stdout=subprocess.DEVNULL if i == len(commands) - 1 else subprocess.PIPE,
                process_group=processes[0].pid if processes else 0, env=environment))
            if i > 0:
                source.close()
            source = processes[-1].stdout
        return processes

    def contents(self):
        """The answer that "out" holds; None where it is not there, or not whole."""
        if self.trains:
            try:
                digest = training_digest(self.out)
                return digest, list(work.read_tree(self.out)), (self.out / "model.safetensors").read_bytes()
            except FileNotFoundError:
                return None
        if not self.out.exists():
            return None
        content = self.out.read_bytes()
        if content == OLD:
            return OLD
        if self.commands[-1][0] == "bert-eval":
            return [line for line in content.splitlines() if not line.startswith(b"speed ")]
        # A stream's segments are as long as its writer did not have to wait.
        return subprocess.run(["rec-dump", "--header", self.out], capture_output=True).stdout

    def clear(self):
        shutil.rmtree(self.out) if self.trains else self.out.unlink(missing_ok=True)

    def complain(self, reason):
        self.bad.append(reason)
        print(f"soak: {' | '.join(command[0] for command in self.commands)}: run {self.runs}: {reason}", flush=True)

    def disturbances(self):
        """(second, stage, signal) of up to three stalls and up to two kills, in order."""
        events = []
        for _ in range(self.chance.randint(0, 3)):
            stage = self.chance.randrange(len(self.commands))
            begin = self.chance.uniform(0, self.seconds)
            events += [(begin, stage, signal.SIGSTOP),
                       (begin + self.chance.uniform(0, self.seconds / 2), stage, signal.SIGCONT)]
        for _ in range(self.chance.choice((0, 1, 1, 1, 2))):
            events.append((self.chance.uniform(0, 1.2 * self.seconds), self.chance.randrange(len(self.commands)),
                           self.chance.choice(KILLS)))
        return sorted(events)

    def disturb(self, processes):
        begin = time.monotonic()
        self.sent = [set() for _ in processes]
        for second, stage, number in self.disturbances():
            try:
                processes[-1].wait(max(0, begin + second - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            alive = [i for i, process in enumerate(processes) if process.poll() is None]
            if number in KILLS and alive and stage not in alive:
                stage = self.chance.choice(alive)
            if stage in alive:
                processes[stage].send_signal(number)
                self.stalls += number == signal.SIGSTOP
                if number in KILLS:
                    self.sent[stage].add(-number)

    def end(self, processes):
        """Waits for the processes: their messages."""
        messages = []
        for process in processes:
            try:
                messages.append(process.communicate(timeout=PATIENCE)[1])
            except subprocess.TimeoutExpired:
                self.complain(f"{process.args[0]} goes on and on")
                process.kill()
                messages.append(process.communicate()[1])
        try:
            os.killpg(processes[0].pid, 0)
            self.complain("a process was left")
            os.killpg(processes[0].pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return messages

    def check_stage(self, name, status, message, sent):
        one_line = message.startswith(f"{name}: ") and message.count("\n") == 1 and message.endswith("\n")
        if status in sent:  # perhaps while it was ending by itself
            self.kills += 1
            said = message and not one_line
        elif status in (0, -signal.SIGPIPE):
            said = message
        elif status == 1:
            said = not one_line
        else:
            said = True
        if said:
            self.complain(f"{name}: exit status {status}: {message!r}")

    def check_files(self, status, old):
        """After an end of the last stage with that status, over what was there before."""
        now = self.contents()
        self.whole += status == 0
        if status == 0 and now != self.answer:
            self.complain("the last stage succeeded with another answer")
        if now not in (old, self.answer) or (status == 1 and now != old):
            self.complain("the output is neither the old nor the whole one")
        left = set(os.listdir(self.folder)) - self.before - {"out"}
        if left and -signal.SIGKILL not in self.sent[-1]:
            self.complain(f"left over, after the signals {self.sent} and exit status {status}: {sorted(left)}")
        if any(not name.startswith(".") for name in left):
            self.complain(f"in sight: {sorted(left)}")
        for name in left:
            (self.folder / name).unlink()
        if self.trains:
            self.check_checkpoints()

    def check_checkpoints(self):
        tree = work.read_tree(self.out) if self.out.exists() else {}
        for step, digest in work.checkpoints(tree).items():
            if digest != self.expected[step]:
                self.complain(f"checkpoint-{step} is {'not whole' if digest is None else 'another'}")

    def once(self):
        old = None
        if not self.trains and self.chance.random() < 0.5:
            self.out.write_bytes(OLD)
            old = OLD
        self.runs += 1
        processes = self.start()
        self.disturb(processes)
        messages = self.end(processes)
        statuses = [process.returncode for process in processes]
        for stage in zip(self.commands, statuses, messages, self.sent):
            self.check_stage(stage[0][0], *stage[1:])
        if not any(self.sent) and any(statuses):
            self.complain(f"nothing was killed, and the exit statuses are {statuses}")
        self.check_files(statuses[-1], old)
        if statuses[-1] == 0 or not self.trains:
            self.clear()


def soak(folder, commands, seed, seconds):
    folder.mkdir()
    (folder / "many.tsv").symlink_to(folder.parent / "many.tsv")
    pipe = Soak(folder, commands, seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pipe.once()
    return pipe


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n", 1)[0].removeprefix("usage: "))
    parser.add_argument("build")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("programs", nargs="*")
    options = parser.parse_intermixed_args()
    work.use_programs(options.build)
    with tempfile.TemporaryDirectory(prefix="bertpipe-soak-") as name:
        folder = Path(name)
        work.make_texts(folder, "many", 20000)
        chosen = [pipe for pipe in PIPES if pipe[-1][0] in (options.programs or [pipe[-1][0]])]
        with ThreadPoolExecutor() as pool:
            pipes = list(pool.map(lambda i: soak(folder / str(i), chosen[i], options.seed + i, options.seconds),
                                  range(len(chosen))))
    bad = sum(len(pipe.bad) for pipe in pipes)
    print(f"soaked: {sum(pipe.runs for pipe in pipes)} pipes, {sum(pipe.stalls for pipe in pipes)} stalls, "
          f"{sum(pipe.kills for pipe in pipes)} programs killed; {sum(pipe.whole for pipe in pipes)} whole answers: "
          f"{bad} bad (--seed {options.seed})")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
