#!/usr/bin/env python3
"""How to treat long reviews: a trained model's accuracy on test reviews of more than LENGTH tokens, as a table.

usage: long-texts.py --archive FILE --model FOLDER [--length 512] [--stride 128] [--reviews N]

The reviews are those that wp-tokenize would cut at LENGTH (--reviews: of a random sample of that many). All of it is done by
the programs: imdb-fetch, wp-tokenize --on-long cut, head-tail and window, bert-eval with bootstrap intervals. Prints
Markdown.
"""

import argparse
import json
import os

import common


def long_reviews(arguments, folder):
    """A text stream of the reviews that are cut, and how many there are of how many."""
    text, tokens, lines, chosen = (folder / name for name in ("text.mp", "tokens.mp", "long.jsonl", "long.mp"))
    sample = ["-n", arguments.reviews] if arguments.reviews else []
    common.run("imdb-fetch", "-s", "test", "-a", arguments.archive, *sample, stdout=text)
    common.run("wp-tokenize", "-m", arguments.model, "-L", arguments.length, stdin=text, stdout=tokens)
    cut = {record["id"] for record in common.records(tokens) if record.get("cut")}
    count = 0
    with open(lines, "w") as file:
        for header, records in common.segments(text):
            for record in records:
                count += 1
                if record["id"] in cut:
                    label = record["label"]
                    name = header["labels"][label] if isinstance(label, int) else label
                    print(json.dumps({"id": record["id"], "text": record["text"], "label": name}), file=file)
    common.run("rec-load", "-F", "jsonl", lines, stdout=chosen)
    return chosen, len(cut), count


def evaluate(arguments, folder, text, options):
    tokens, report = folder / "long-tokens.mp", folder / "report.json"
    common.run("wp-tokenize", "-m", arguments.model, *options, stdin=text, stdout=tokens)
    common.run("bert-eval", "-m", arguments.model, "--bootstrap", 1000, "-f", "json", stdin=tokens, stdout=report)
    found = json.loads(report.read_text())
    os.remove(tokens)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--archive", default=common.SAMPLE, help="default: the bundled reviews")
    parser.add_argument("--model", required=True)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--stride", type=int, default=128)
    parser.add_argument("--reviews", type=int)
    arguments = parser.parse_args()
    length = ["-L", arguments.length]
    ways = {
        f"cut, -L {arguments.length // 2}": ["-L", arguments.length // 2],
        f"cut, -L {arguments.length}": length,
        "head-tail": [*length, "--on-long", "head-tail"],
        f"window, stride {arguments.stride}": [*length, "--on-long", "window", "--stride", arguments.stride],
    }
    with common.workspace("long-texts") as folder:
        text, count, whole = long_reviews(arguments, folder)
        print(f"{count} of {whole} reviews have more than {arguments.length} tokens\n", flush=True)
        print("| --on-long | tokens | accuracy | 95 % interval | ROC AUC |\n|---|---|---|---|---|")
        for name, options in ways.items():
            report = evaluate(arguments, folder, text, options)
            interval = report["bootstrap"]["intervals"]["accuracy"]
            print(f"| {name} | {report['tokens']:,} | {100 * report['accuracy']:.2f} | {100 * interval[0]:.2f} to "
                  f"{100 * interval[1]:.2f} | {report['roc_auc']:.4f} |", flush=True)  # fmt: skip


main()
