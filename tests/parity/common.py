"""What the comparisons with Hugging Face share: bertpipe's streams and programs in Python, and the reference's models.

The programs come from $BUILD (default: build/ of this checkout), the demo's model from pipelines/demo.mk.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import msgpack
import xxhash

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD") or ROOT / "build").resolve()
SAMPLE = ROOT / "pipelines/demo/imdb-sample.tar.gz"
# As the Makefile's LDLIBS_: a program of the comparisons may use any part of the library.
LIBRARIES = "-lmsgpackc -ljansson -lyajl -lcsv -larchive -lcurl -lcrypto -lxxhash -lm -lpthread".split()


# ---- programs ----


def program(name):
    path = BUILD / name
    if not path.exists():
        sys.exit(f"{path} is missing: run make")
    return str(path)


def run(name, *arguments, stdin=None, stdout=None):
    """Runs one program on files (paths; None: nothing, discarded); its messages appear only when it fails."""
    with open(stdin or os.devnull, "rb") as source, open(stdout or os.devnull, "wb") as sink:
        done = subprocess.run(
            [program(name), *map(str, arguments)], stdin=source, stdout=sink, stderr=subprocess.PIPE
        )
    if done.returncode != 0:
        sys.exit(f"{name}: exit status {done.returncode}\n{done.stderr.decode(errors='replace')}")


def run_path(*command):
    """The same for a program that is no tool."""
    done = subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"{command[0]}: exit status {done.returncode}\n{done.stderr.decode(errors='replace')}")


def compile_program(source, folder, build=BUILD):
    """A C program of this folder, linked with the library, in another folder: its path."""
    path = pathlib.Path(folder) / pathlib.Path(source).stem
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-std=c11", "-D_GNU_SOURCE", "-I", ROOT / "common", "-O1", "-o", path,
                    ROOT / "tests/parity" / source, pathlib.Path(build) / "libbertpipe.a", *LIBRARIES], check=True)  # fmt: skip
    return path


def demo_model():
    """$PARITY_MODEL, or the folder of the demo's pretrained model, downloaded when it is not there."""
    if os.environ.get("PARITY_MODEL"):
        return pathlib.Path(os.environ["PARITY_MODEL"])
    command = ["make", "-s", "--no-print-directory", "-C", str(ROOT), "-f", "pipelines/demo.mk", "model"]
    return pathlib.Path(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


def tokenise(model, output, split, length, archive=SAMPLE, count=None):
    """Reviews of a split, tokenised, with their text, into the file output."""
    text = f"{output}.text"
    run("imdb-fetch", "-s", split, "-a", archive, *(["-n", count] if count else []), stdout=text)
    run("wp-tokenize", "-k", "-m", model, "-L", length, "-o", output, stdin=text)
    os.remove(text)


def start_model(model, tokens, output, seed=42):
    """
    The model as bert-train would start it: one step with a learning rate of 0, so that a classifier (and a pooler) that
    model lacks has bert-train's initial values. Both sides of a comparison then start from the folder output.
    """
    run(
        "bert-train", "-m", model, "-o", output, "--seed", seed, "--max-steps", 1, "--learning-rate", 0,
        "--warmup-steps", 0, "--save-strategy", "no", stdin=tokens,
    )  # fmt: skip


@contextlib.contextmanager
def workspace(prefix):
    """A temporary folder; $KEEP names one that stays instead."""
    if os.environ.get("KEEP"):
        folder = pathlib.Path(os.environ["KEEP"]).resolve() / prefix
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        yield folder
    else:
        with tempfile.TemporaryDirectory(prefix=f"{prefix}-") as folder:
            yield pathlib.Path(folder)


# ---- streams ----


def segments(path):
    """(header, records) of each segment of a stream; every check and end is verified."""
    data = pathlib.Path(path).read_bytes()
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=0)
    unpacker.feed(data)
    found, start, at, header, records = [], 0, 0, None, []
    while at < len(data):
        item = unpacker.unpack()
        if isinstance(item, dict):
            records.append(item)
        elif item[0] == "bertpipe" and header is None:
            header, records, start = item[2], [], at
        elif item[0] in ("check", "end"):
            if item[1:] != [len(records), xxhash.xxh64(data[start:at]).digest()]:
                raise ValueError(f"{path}: byte {at}: the {item[0]} does not match the data before it")
            if item[0] == "end":
                found.append((header, records))
                header = None
        else:
            raise ValueError(f"{path}: byte {at}: unexpected {item!r:.60}")
        at = unpacker.tell()
    if header is not None or not found:
        raise ValueError(f"{path}: ends before its end")
    return found


def records(path):
    return [record for _, found in segments(path) for record in found]


def examples(path):
    """The records of a labelled tokens stream, in order, as a Trainer's data set: input_ids and labels."""
    found = []
    for header, items in segments(path):
        width = {"u16": "H", "u32": "I"}[header["ids_type"]]
        names = header["labels"]
        for record in items:
            label = record["label"] if isinstance(record["label"], int) else names.index(record["label"])
            found.append({"input_ids": memoryview(record["ids"]).cast(width).tolist(), "labels": label})
    return found


def metrics(path, split="train"):
    """[(step, values)] of a metrics stream."""
    return [(record["step"], record["values"]) for record in records(path) if record["split"] == split]


# ---- the reference ----


def load_reference(folder, dropout=None, attention="sdpa"):
    """transformers' model in float32; no tensor may be missing or left over. dropout replaces config.json's."""
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    changes = {} if dropout is None else {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    model, report = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32, attn_implementation=attention, output_loading_info=True, **changes
    )
    left = {kind: names for kind, names in report.items() if names}
    if left:
        raise ValueError(f"{folder}: {left}")
    return model


def collate(batch, length=None):
    """Examples → a padded batch of tensors; length: pad to this instead of the longest."""
    import torch

    width = length or max(len(example["input_ids"]) for example in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    mask = torch.zeros(len(batch), width, dtype=torch.long)
    for row, example in enumerate(batch):
        count = len(example["input_ids"])
        ids[row, :count] = torch.tensor(example["input_ids"])
        mask[row, :count] = 1
    labels = torch.tensor([example["labels"] for example in batch])
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def trainer_order(count, seed, epoch):
    """The order of epoch 0, 1, ... in the Trainer, and in bert-train."""
    import torch

    generator = torch.Generator()
    generator.manual_seed(seed + epoch)
    return torch.randperm(count, generator=generator).tolist()


def predict(model, data, size=64):
    """Logits of all examples, in their order; batches are of like lengths."""
    import torch

    order = sorted(range(len(data)), key=lambda i: len(data[i]["input_ids"]))
    logits = torch.empty(len(data), model.config.num_labels)
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            logits[rows] = model(**collate([data[i] for i in rows])).logits
    return logits
