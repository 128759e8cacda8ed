"""What the campaigns need: programs, texts, tokens, and what a checkpoint is."""
import json
import os
import re
import subprocess
from pathlib import Path

import xxhash

MODEL = Path(__file__).parent.parent / "fixtures/model/good-tiny"
TRAIN = ["bert-train", "-j1", "-f", "json", "-b", "4", "-w", "2", "-m", str(MODEL), "--save-strategy", "steps"]
LAST = ["--resume-from-checkpoint", "last"]
# What makes a checkpoint one to go on from.
NEEDED = ["model.safetensors", "optimizer.safetensors", "trainer_state.json"]


def use_programs(build):
    os.environ["PATH"] = str(Path(build).resolve()) + ":" + os.environ["PATH"]


def run(command, cwd, check=True):
    return subprocess.run(command, cwd=cwd, check=check, capture_output=True, text=True)


def make_texts(work, name, count=20):
    """So many labelled texts: WORK/NAME.tsv, NAME.text.mp and, as tokens, NAME.mp."""
    rows = [f"{('negative', 'positive')[i % 2]}\ta film , number {i}{' and a plot' * (i % 5)}" for i in range(count)]
    (work / f"{name}.tsv").write_text("label\ttext\n" + "\n".join(rows) + "\n")
    run(["rec-load", "-q", "--from", "tsv", "-o", f"{name}.text.mp", f"{name}.tsv"], work)
    run(["wp-tokenize", "-q", "-m", MODEL, "-o", f"{name}.mp", f"{name}.text.mp"], work)


def training_digest(folder):
    return json.loads((folder / "bertpipe.json").read_text())["run"]["training_digest"]


def read_tree(root):
    """{path: bytes, or None for a folder} of all that is below root."""
    return {
        str(path.relative_to(root)): None if path.is_dir() else path.read_bytes() for path in sorted(root.rglob("*"))
    }


def checkpoints(tree, out=""):
    """{step: training digest, or None when it is not what its bertpipe.json lists} of a tree's checkpoints in OUT."""
    found = {}
    for path, content in tree.items():
        match = re.fullmatch(re.escape(out) + r"checkpoint-(\d+)", path)
        if match is None or content is not None:
            continue
        found[int(match[1])] = None
        try:
            listed = json.loads(tree[path + "/bertpipe.json"])
        except (KeyError, ValueError):
            continue
        contents = {name: tree.get(f"{path}/{name}") for name in listed["files"]}
        if all(name in contents for name in NEEDED) and all(
            content is not None and xxhash.xxh64(content).hexdigest() == listed["files"][name]["xxh64"]
            for name, content in contents.items()
        ):
            found[int(match[1])] = listed["run"]["training_digest"]
    return found
