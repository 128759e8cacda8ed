#!/usr/bin/env python3
"""Logits of test reviews through the tools against transformers in float32.

usage: logits.py --model FOLDER [--archive FILE] [--reviews N] [--shape minilm|bert-base]...

Runs imdb-fetch | wp-tokenize | bert-predict -f json (from PATH) and BertForSequenceClassification on the same
reviews, each side with its own tokenizer: on the model in FOLDER with a random head, and on a randomly
initialised model of bert-base's shape with FOLDER's vocabulary. Both models are written by save_pretrained.
bert-predict prints probabilities; the third class's weights are zero, so that its logit is 0 and the others'
are log(p / p of the third). Prints the largest absolute difference; exit status 1 when it is above 1e-4.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import time

import torch
import transformers

TOLERANCE = 1e-4
LABELS = {0: "negative", 1: "positive", 2: "zero"}


def make_model(shape, folder, out):
    torch.manual_seed(7)
    labels = {"id2label": LABELS, "label2id": {name: i for i, name in LABELS.items()}}
    if shape == "minilm":
        model = transformers.BertForSequenceClassification.from_pretrained(folder, **labels)
    else:
        model = transformers.BertForSequenceClassification(transformers.BertConfig(**labels))
        # Wider than a fresh model's 0.02, so that attention and GELU do more than next to nothing.
        for parameter in model.bert.encoder.parameters():
            if parameter.dim() == 2:
                torch.nn.init.normal_(parameter, std=0.04)
    with torch.no_grad():
        model.classifier.weight.normal_(std=0.3)
        model.classifier.bias.normal_(std=0.3)
        model.classifier.weight[2] = 0
        model.classifier.bias[2] = 0
    model.eval().save_pretrained(out)
    tokenizer = transformers.BertTokenizerFast.from_pretrained(folder)
    tokenizer.save_pretrained(out)
    return model, tokenizer


def lines(command, **more):
    result = subprocess.run(command, stdout=subprocess.PIPE, check=True, **more)
    return [json.loads(line) for line in result.stdout.splitlines()]


def fetch(archive, reviews):
    command = ["imdb-fetch", "-q", "-s", "test", "-n", str(reviews)]
    return command + (["-a", archive] if archive else [])


def through_the_tools(archive, reviews, model):
    """Identifiers and logits as bert-predict's probabilities give them."""
    pipe = subprocess.Popen(fetch(archive, reviews), stdout=subprocess.PIPE)
    tokens = subprocess.Popen(["wp-tokenize", "-q", "-m", model], stdin=pipe.stdout, stdout=subprocess.PIPE)
    predictions = lines(["bert-predict", "-m", model, "-f", "json"], stdin=tokens.stdout)
    if pipe.wait() or tokens.wait():
        sys.exit("logits.py: the pipe failed")
    logits = {}
    for prediction in predictions:
        third = prediction["probs"][2]
        logits[prediction["id"]] = [math.log(p / third) for p in prediction["probs"]]
    return logits


def through_transformers(model, tokenizer, records):
    """One review at a time: no padding."""
    logits, tokens = {}, 0
    with torch.inference_mode():
        for record in records:
            inputs = tokenizer(record["text"], truncation=True, max_length=512, return_tensors="pt")
            tokens += inputs["input_ids"].numel()
            logits[record["id"]] = model(**inputs).logits[0].double().tolist()
    return logits, tokens


def compare(shape, arguments):
    with tempfile.TemporaryDirectory() as folder:
        model, tokenizer = make_model(shape, arguments.model, folder)
        started = time.monotonic()
        ours = through_the_tools(arguments.archive, arguments.reviews, folder)
        between = time.monotonic()
        records = lines(fetch(arguments.archive, arguments.reviews) + ["-f", "json"])
        theirs, tokens = through_transformers(model, tokenizer, records)
        ended = time.monotonic()
    if list(ours) != [record["id"] for record in records]:
        sys.exit(f"logits.py: {shape}: other reviews, or in another order")
    if len(ours) != arguments.reviews:
        sys.exit(f"logits.py: {shape}: {len(ours)} reviews, not {arguments.reviews}")
    worst = max(abs(a - b) for key in ours for a, b in zip(ours[key], theirs[key]))
    values = [value for row in theirs.values() for value in row[:2]]
    print(
        f"{shape}: {len(ours)} reviews, {tokens} tokens, logits {min(values):.3f} to {max(values):.3f}: "
        f"largest difference {worst:.2e} (tools {between - started:.0f} s, transformers {ended - between:.0f} s)",
        flush=True,
    )
    return worst <= TOLERANCE


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--archive", help="aclImdb_v1.tar.gz; default: imdb-fetch's own")
    parser.add_argument("--reviews", type=int, default=500)
    parser.add_argument("--shape", action="append", choices=["minilm", "bert-base"])
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    results = [compare(shape, arguments) for shape in arguments.shape or ["minilm", "bert-base"]]
    sys.exit(0 if all(results) else 1)


main()
