#!/usr/bin/env python3
"""Logits of test reviews through the tools against transformers in float32.

usage: logits.py [--archive FILE] [--reviews 500] [--shape minilm|bert-base]...

Runs imdb-fetch, wp-tokenize and bert-predict, and BertForSequenceClassification on the same reviews, each side with its
own tokenizer: the demo's pretrained model with a random head, and a randomly initialised model of bert-base's shape. Both
are written by save_pretrained. bert-predict gives probabilities; the third class's weights are zero, so that its logit is
0 and the others' are log(p / p of the third). Prints the largest absolute difference; exit status 1 when it is above 1e-4.
"""

import argparse
import math
import sys
import time

import torch
import transformers

import common

TOLERANCE = 1e-4
LABELS = ["negative", "positive", "zero"]


def write_model(shape, folder):
    source = common.demo_model()
    labels = {"id2label": dict(enumerate(LABELS)), "label2id": {name: i for i, name in enumerate(LABELS)}}
    torch.manual_seed(7)
    if shape == "minilm":
        model = transformers.BertForSequenceClassification.from_pretrained(source, **labels)
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
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(source).save_pretrained(folder)


def through_the_tools(folder, tokens):
    """Logits of each record, from the probabilities."""
    predictions = tokens.with_suffix(".predictions")
    common.run("bert-predict", "-m", folder, "-o", predictions, stdin=tokens)
    return [[math.log(p / record["probs"][2]) for p in record["probs"]] for record in common.records(predictions)]


def through_transformers(folder, tokens):
    """The same, one review at a time: no padding. And the number of tokens."""
    model = common.load_reference(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    logits, count = [], 0
    with torch.inference_mode():
        for record in common.records(tokens):
            inputs = tokenizer(record["text"], truncation=True, max_length=512, return_tensors="pt")
            count += inputs["input_ids"].numel()
            logits.append(model(**inputs).logits[0].double().tolist())
    return logits, count


def compare(shape, arguments):
    with common.workspace(f"logits-{shape}") as folder:
        model, tokens = folder / "model", folder / "tokens.mp"
        write_model(shape, model)
        common.tokenise(model, tokens, "test", 512, arguments.archive, arguments.reviews)
        started = time.monotonic()
        ours = through_the_tools(model, tokens)
        between = time.monotonic()
        theirs, count = through_transformers(model, tokens)
        ended = time.monotonic()
    if len(ours) != arguments.reviews or len(theirs) != len(ours):
        sys.exit(f"logits.py: {shape}: {len(ours)} and {len(theirs)} reviews, not {arguments.reviews}")
    worst = max(abs(a - b) for row, other in zip(ours, theirs) for a, b in zip(row, other))
    values = [value for row in theirs for value in row[:2]]
    print(
        f"{shape}: {len(ours)} reviews, {count} tokens, logits {min(values):.3f} to {max(values):.3f}: "
        f"largest difference {worst:.2e} (bert-predict {between - started:.0f} s, transformers {ended - between:.0f} s)",
        flush=True,
    )
    return worst <= TOLERANCE


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--archive", default=common.SAMPLE, help="default: the bundled reviews")
    parser.add_argument("--reviews", type=int, default=500)
    parser.add_argument("--shape", action="append", choices=["minilm", "bert-base"])
    arguments = parser.parse_args()
    transformers.utils.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    results = [compare(shape, arguments) for shape in arguments.shape or ["minilm", "bert-base"]]
    sys.exit(0 if all(results) else 1)


main()
