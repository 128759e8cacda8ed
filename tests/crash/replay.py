#!/usr/bin/env python3
"""usage: replay.py BUILD [--share X] [--seed N] [--forget-fsync] [SCENARIO]...

Records what bertpipe's programs do to files while they save, makes every state that a crash may leave of it
(recorder.py), and asks in each what a user would: does the run go on, and end as one that was left alone? Does a model
answer as the old or the new one does, or is it refused? Is a file the old or the new one? Prints the number of states
of each scenario; exit status 1 when one of them is bad.
"""
import argparse
import hashlib
import os
import re
import shutil
import sys
import tempfile
from multiprocessing.pool import ThreadPool
from pathlib import Path

import xxhash

import work
from recorder import crash_states, record
from work import LAST, MODEL, run, training_digest

TRAIN = [*work.TRAIN, "--max-steps", "6", "--no-load-best-model-at-end"]


def write_tree(root, tree):
    """Files in the order in which they come have that order as their times."""
    for number, (path, content) in enumerate(tree.items()):
        if content is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(content)
            os.utime(root / path, (number, number))


class Scenario:
    """Prepares a folder WORK/root, which a command changes, and judges the states: judge gives a reason or None."""

    inject = ()

    def __init__(self, folder):
        self.work, self.root = folder, folder / "root"
        self.root.mkdir()
        self.prepare()

    def prepare(self):
        pass

    def recorded(self, recorder):
        pass

    def bert_train(self, root, *options):
        return run([*self.train, "-o", root / "out", *options, self.work / "a.mp"], self.work, check=False)


class Checkpoints(Scenario):
    """A run from its first step to the trained model, with a checkpoint every other step, of which one is kept."""

    train = [*TRAIN, "--save-steps", "2", "--save-total-limit", "1"]

    def prepare(self):
        work.make_texts(self.work, "a")
        self.command = [*self.train, "-o", self.root / "out", self.work / "a.mp"]
        run([*self.train, "-o", self.work / "whole", self.work / "a.mp"], self.work)

    def recorded(self, recorder):
        """How many operations until each checkpoint is promised: its name given, and the folder that it is in synced."""
        self.promised = {}
        for i, op in enumerate(recorder.ops):
            if op.kind in ("move", "exchange") and re.fullmatch(r"checkpoint-\d+", op.name):
                synced = (j for j, later in enumerate(recorder.ops) if j > i and (later.kind, later.node) == ("fsync", op.folder))
                self.promised[int(op.name.split("-")[1])] = next(synced, len(recorder.ops)) + 1

    def judge(self, state, root):
        step = max((step for step, at in self.promised.items() if state.at >= at), default=0)
        there = max((step for step, digest in work.checkpoints(state.tree, "out/").items() if digest), default=0)
        if there < step:
            return f"checkpoint-{step} was written, and is not there"
        result = self.bert_train(root, *LAST)
        if result.returncode != 0:
            return f"cannot go on: {result.stderr}"
        match = re.search(r"checkpoint-(\d+): going on after step", result.stderr)
        if (int(match[1]) if match else 0) != there:
            return f"checkpoint-{there} is whole, but the run says: {result.stderr}"
        if training_digest(root / "out") != training_digest(self.work / "whole"):
            return "ends with another digest than a run that was left alone"
        left = sorted(name for name in os.listdir(root / "out") if name.startswith("."))
        return f"left over: {left}" if left else None


class Replaced(Scenario):
    """A checkpoint takes the place of another run's of the same step: one of the two can always be gone on from."""

    train = [*TRAIN, "--save-steps", "6"]
    seeds = ["--seed", "7"], ["--seed", "8"]

    def prepare(self):
        work.make_texts(self.work, "a")
        for seed in self.seeds:
            run([*self.train, *seed, "-o", self.work / seed[1], self.work / "a.mp"], self.work)
        run([*self.train, *self.seeds[0], "-o", self.root / "out", self.work / "a.mp"], self.work)
        self.command = [*self.train, *self.seeds[1], "-o", self.root / "out", self.work / "a.mp"]

    def judge(self, state, root):
        for seed in self.seeds:
            result = self.bert_train(root, *seed, *LAST)
            if result.returncode == 0:
                if "going on after step 6" not in result.stderr:
                    return f"neither checkpoint is there: {result.stderr}"
                if training_digest(root / "out") != training_digest(self.work / seed[1]):
                    return f"seed {seed[1]}: ends with another digest"
                return None
            if "cannot be resumed, for the run is another: --seed was" not in result.stderr:
                break
        return f"cannot go on: {result.stderr}"


class ReplacedAside(Replaced):
    """The same on a file system that cannot exchange two names."""

    inject = ("renameat2:error=EINVAL",)


class Models(Scenario):
    """A trained model takes the place of another: each state is the old one, the new one, or refused."""

    train = [*TRAIN, "--save-strategy", "no"]
    forget = False

    def prepare(self):
        work.make_texts(self.work, "a")
        run([*self.train, "--seed", "7", "-o", self.root / "out", self.work / "a.mp"], self.work)
        if self.forget:
            (self.root / "out/bertpipe.json").unlink()
        self.command = [*self.train, "--labels", "positive,negative", "--force", "-o", self.root / "out", self.work / "a.mp"]
        self.accepted = [self.predict(self.root).stdout]

    def recorded(self, recorder):
        self.accepted.append(self.predict(self.root).stdout)
        self.end = len(recorder.ops)

    def predict(self, root):
        return run(["bert-predict", "-q", "-f", "json", "-m", root / "out", self.work / "a.mp"], self.work, check=False)

    def judge(self, state, root):
        result = self.predict(root)
        if result.returncode == 1 and not result.stdout and len(result.stderr.splitlines()) == 1:
            return "the model is saved, but refused: " + result.stderr if state.at == self.end else None
        if result.returncode != 0 or result.stdout not in self.accepted:
            return f"exit status {result.returncode}, neither the old model's answers nor the new one's: {result.stderr}"
        if state.at == self.end and result.stdout != self.accepted[1]:
            return "the new model is saved, but the old one answers"
        return None


class ModelsUnlisted(Models):
    """The same, where the old model has no bertpipe.json that would tell."""

    forget = True


class NewModel(Models):
    """bert-init: no model, or the whole one."""

    def prepare(self):
        work.make_texts(self.work, "a")
        self.command = ["bert-init", "--vocab", MODEL / "vocab.txt", "--layers", "1", "--hidden", "16", "--heads", "2"]
        self.command += ["--labels", "negative,positive", "-o", self.root / "out"]
        self.accepted = []

    def recorded(self, recorder):
        self.accepted = [None, self.predict(self.root).stdout]
        self.end = len(recorder.ops)


class Outputs(Scenario):
    """Files that -o names: old or new, and when the program has ended, new."""

    def prepare(self):
        work.make_texts(self.work, "a")
        for name in ("out.mp", "other.mp"):
            (self.root / name).write_bytes(b"old " * 5000)
        self.old = self.files()

    def files(self):
        return {path.name: path.read_bytes() for path in self.root.iterdir()}

    def recorded(self, recorder):
        self.new, self.end = self.files(), len(recorder.ops)

    def judge(self, state, _root):
        for name, new in self.new.items():
            if state.tree.get(name) not in (self.old[name], new):
                return f"{name} is neither the old nor the new file"
            if state.at == self.end and state.tree[name] != new:
                return f"{name} is written, but old"
        return None


class Tokens(Outputs):
    command = ["wp-tokenize", "-q", "-m", MODEL, "-o", "root/out.mp", "a.text.mp"]


class Divided(Outputs):
    command = ["rec-split", "-q", "--ratio", "3:1", "-o", "root/out.mp", "-o", "root/other.mp", "a.text.mp"]


class Shuffled(Outputs):
    command = ["rec-shuffle", "-q", "-o", "root/out.mp", "a.text.mp"]


SCENARIOS = {
    "checkpoints": Checkpoints,
    "replaced": Replaced,
    "replaced-aside": ReplacedAside,
    "models": Models,
    "models-unlisted": ModelsUnlisted,
    "new-model": NewModel,
    "tokens": Tokens,
    "divided": Divided,
    "shuffled": Shuffled,
}


def tree_key(tree):
    key = hashlib.sha256()
    for path, content in sorted(tree.items()):
        key.update(f"{path}\0{xxhash.xxh128_hexdigest(content or b'')}{content is None}\n".encode())
    return key.digest()


def distinct(states):
    """Each tree once; as the last of its states, for promises only grow."""
    last = {}
    for state in states:
        last[tree_key(state.tree)] = state
    return last.values()


def replay(name, share, seed, forget):
    """Prints a line of the scenario; the number of bad states."""
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="bertpipe-replay-", dir=fast) as folder:
        scenario = SCENARIOS[name](Path(folder))
        recorder = record(scenario.command, scenario.root, folder, scenario.inject)
        if forget:
            recorder.ops = [op for op in recorder.ops if op.kind != "fsync"]
        scenario.recorded(recorder)

        def judge(numbered):
            number, state = numbered
            root = Path(folder) / f"state-{number}"
            root.mkdir()
            write_tree(root, state.tree)
            reason = scenario.judge(state, root)
            shutil.rmtree(root)
            return state, reason

        tried = list(crash_states(recorder, seed, share))
        different = list(distinct(tried))
        bad = 0
        with ThreadPool() as pool:
            for state, reason in pool.imap_unordered(judge, enumerate(different)):
                if reason is not None:
                    bad += 1
                    print(f"{name}: after operation {state.at} of {len(recorder.ops)}, {state.kind}: {reason.strip()}")
        print(f"{name}: {len(recorder.ops)} operations, {len(tried)} states, {len(different)} of them different: {bad} bad",
              flush=True)
        return len(tried), bad


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n", 1)[0].removeprefix("usage: "))
    parser.add_argument("build")
    parser.add_argument("--share", type=float, default=1.0, help="of the points at which a crash may come")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--forget-fsync", action="store_true", help="as if the programs never called it: bad states are found")
    parser.add_argument("scenarios", nargs="*", choices=[*SCENARIOS, []])
    options = parser.parse_intermixed_args()
    work.use_programs(options.build)
    results = [replay(name, options.share, options.seed, options.forget_fsync) for name in options.scenarios or SCENARIOS]
    tried, bad = (sum(numbers) for numbers in zip(*results))
    print(f"replayed: {tried} states, {bad} bad")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
