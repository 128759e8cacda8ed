#!/usr/bin/env python3
"""Model folders both ways between transformers and common/model.

usage: model-files.py BUILD [MODEL]...

Every case is saved by transformers, loaded and saved again by a small C program (model-copy.c, linked with
BUILD/libbertpipe.a), and loaded by transformers: no missing, unexpected or mismatched key, equal tensors,
equal logits, an equal configuration. MODELs are further model folders (MiniLM). Ends with "N passed, N failed".
"""

import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers
from transformers import BertConfig, BertForPreTraining, BertForSequenceClassification, BertModel

import common

passed = failed = 0


def check(condition, message):
    global passed, failed
    if condition:
        passed += 1
    else:
        failed += 1
        print("FAILED:", message)


def copy(program, source, target, labels=()):
    """What had to be initialised, or None when the program failed."""
    run = subprocess.run([program, source, target, "7", *labels], stdout=subprocess.PIPE, text=True)
    return run.stdout.split() if run.returncode == 0 else None


def load(folder):
    model, info = BertForSequenceClassification.from_pretrained(folder, output_loading_info=True,
                                                                attn_implementation="eager", dtype=torch.float32)
    return model.eval(), info


def logits(model):
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(0, model.config.vocab_size, (3, 11), generator=generator)
    with torch.no_grad():
        return model(input_ids=ids).logits


# Keys that save_pretrained may leave out or that differ by design (an older dtype; labels are always written).
IGNORED = {"dtype", "torch_dtype", "transformers_version", "_name_or_path", "architectures", "problem_type"}


def compare_configs(name, ours, theirs):
    a, b = ours.to_dict(), theirs.to_dict()
    for key in sorted(set(a) | set(b)):
        if key not in IGNORED:
            check(a.get(key) == b.get(key), f"{name}: config {key}: {a.get(key)!r} is not {b.get(key)!r}")


def compare(name, source, target, new):
    """target, written by us, against source, written by transformers; new: names that we initialised."""
    theirs, _ = load(source)
    ours, info = load(target)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        check(not info.get(kind), f"{name}: {kind}: {info.get(kind)}")
    expected = theirs.state_dict()
    for key, value in ours.state_dict().items():
        if key not in new:
            check(torch.equal(value, expected[key]), f"{name}: {key} differs")
    compare_configs(name, ours.config, theirs.config)
    if not new:
        check(torch.equal(logits(ours), logits(theirs)), f"{name}: logits differ")
    return ours


def random_model(cls, seed, **config):
    torch.manual_seed(seed)
    base = dict(vocab_size=90, hidden_size=24, num_hidden_layers=3, num_attention_heads=3, intermediate_size=40,
                max_position_embeddings=30, initializer_range=0.3)
    return cls(BertConfig(**{**base, **config})).eval()


def cases():
    """(name, model, arguments of save_pretrained, names that the folder lacks)"""
    head = ["classifier.weight", "classifier.bias"]
    plain = BertForSequenceClassification
    yield "plain", random_model(plain, 1), {}, []
    yield "five labels", random_model(plain, 2, num_labels=5, classifier_dropout=0.3, layer_norm_eps=1e-6), {}, []
    named = random_model(plain, 3, hidden_act="gelu_new", pad_token_id=None, type_vocab_size=1)
    named.config.id2label = {0: "bad \u2639", 1: "good"}
    named.config.label2id = {"bad \u2639": 0, "good": 1}
    yield "named labels", named, {}, []
    yield "sharded", random_model(plain, 4), {"max_shard_size": "20KB"}, []
    yield "float16", random_model(plain, 5).to(torch.float16), {}, []
    yield "bfloat16", random_model(plain, 6).to(torch.bfloat16), {}, []
    yield "encoder alone", random_model(BertModel, 7), {}, head
    yield "pretraining heads", random_model(BertForPreTraining, 8), {}, head
    yield "no pooler", random_model(BertModel, 9), {}, head


def check_case(program, folder, name, model, arguments, new):
    source, target = folder / "theirs", folder / "ours"
    model.save_pretrained(source, **arguments)
    if name == "sharded":
        check(len(list(source.glob("model-*.safetensors"))) > 1, "sharded: several files")
    if name == "no pooler":
        drop_pooler(source)
        new = ["bert.pooler.dense.weight", "bert.pooler.dense.bias"] + new
    made = copy(program, source, target)
    check(made == new, f"{name}: initialised {made}, expected {new}")
    if made is not None:
        compare(name, source, target, new)


def drop_pooler(folder):
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    save_file({k: v for k, v in load_file(path).items() if "pooler" not in k}, path, metadata={"format": "pt"})


def check_labels(program, folder):
    """New labels: a new head of the right shape, and servers find the names."""
    random_model(BertForSequenceClassification, 10).save_pretrained(folder / "theirs")
    made = copy(program, folder / "theirs", folder / "ours", ["a", "b", "c d"])
    check(made == ["classifier.weight", "classifier.bias"], f"three labels: initialised {made}")
    model, info = load(folder / "ours")
    check(not info["missing_keys"] and not info["unexpected_keys"], f"three labels: {info}")
    check(model.config.id2label == {0: "a", 1: "b", 2: "c d"}, f"three labels: {model.config.id2label}")
    check(model.classifier.weight.shape == (3, 24), "three labels: shape of the classifier")
    deviation = model.classifier.weight.std().item() / 0.3
    check(0.6 < deviation < 1.4, f"three labels: deviation {deviation} of initializer_range")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as temporary:
        root = pathlib.Path(temporary)
        program = common.compile_program("model-copy.c", root, sys.argv[1])
        for number, case in enumerate(cases()):
            folder = root / str(number)
            folder.mkdir()
            check_case(program, folder, *case)
        folder = root / "labels"
        folder.mkdir()
        check_labels(program, folder)
        for path in sys.argv[2:]:
            target = root / ("copy-of-" + pathlib.Path(path).name)
            made = copy(program, path, target)
            check(made is not None, f"{path} loads")
            if made is not None:
                compare(path, path, target, made)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0 or passed == 0)


if __name__ == "__main__":
    main()
