#!/usr/bin/env python3
"""The demo's training without dropout, by bert-train and by transformers' Trainer, and how far their predictions agree.

usage: demo-agreement.py [--seed 42] [--train N] [--test N] [--epochs N] [--length N]

Both start from one model folder (the pretrained weights and the classifier that bert-train initialises), tokenise the
bundled reviews, go through them in the same order with the same settings, evaluate after each epoch and keep the model of
the lowest loss. Compared are the losses of the steps and the predictions on the test reviews. Exit status 0 when at
least 99 % of the predictions agree. --train and --test take fewer reviews, for a quick look.
"""

import argparse
import sys
import tempfile

import torch
import transformers

import common

NEEDED = 0.99
BATCH, RATE, WARMUP, DECAY = 16, 1e-4, 20, 0.01


def check_tokens(model, stream):
    """bertpipe's token ids are those of transformers' tokenizer."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    header, records = common.segments(stream)[0]
    length = header["tokenizer"]["max_length"]
    theirs = tokenizer([record["text"] for record in records], truncation=True, max_length=length)["input_ids"]
    ours = [example["input_ids"] for example in common.examples(stream)]
    different = sum(a != b for a, b in zip(ours, theirs, strict=True))
    print(f"{stream.name}: {len(ours)} records, {different} of them with other token ids than transformers'")
    return different == 0


class Reference(transformers.Trainer):
    """The Trainer with its own sampler, that notes which examples it took."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, data_collator=self.collate, **keywords)
        self.order = []

    def collate(self, batch):
        self.order += [example["number"] for example in batch if "number" in example]
        return common.collate(batch)


def train_reference(start, train, test, epochs, seed):
    """The trained Trainer: its model is the best one."""
    folder = tempfile.mkdtemp(dir=start.parent)
    arguments = transformers.TrainingArguments(
        output_dir=folder,
        num_train_epochs=epochs,
        per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=64,
        learning_rate=RATE,
        warmup_steps=WARMUP,
        weight_decay=DECAY,
        logging_steps=1,
        eval_strategy="epoch",
        save_strategy="epoch",
        load_best_model_at_end=True,
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to="none",
        use_cpu=True,
        seed=seed,
    )
    numbered = [{**example, "number": number} for number, example in enumerate(train)]
    trainer = Reference(common.load_reference(start, dropout=0.0), arguments, train_dataset=numbered, eval_dataset=test)
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()
    return trainer


def compare_losses(ours, history):
    """Prints by how much the losses of the steps differ."""
    theirs = {entry["step"]: entry["loss"] for entry in history if "loss" in entry}
    steps = [(step, values["loss"]) for step, values in ours if "loss" in values]
    if [step for step, _ in steps] != sorted(theirs):
        sys.exit(f"bert-train logged {len(steps)} steps, the Trainer {len(theirs)}")
    differences = [abs(loss - theirs[step]) / abs(theirs[step]) for step, loss in steps]
    for count in (1, 50, len(differences)):
        print(f"loss of steps 1 to {count}: largest relative difference {max(differences[:count]):.2e}")


def main():
    parser = argparse.ArgumentParser(description="Compare the demo's predictions with transformers'.")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--train", type=int)
    parser.add_argument("--test", type=int)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--length", type=int, default=128)
    options = parser.parse_args()
    model = common.demo_model()
    with common.workspace("demo-agreement") as work:
        train, test, start, out = (work / name for name in ("train.mp", "test.mp", "start", "model"))
        common.tokenise(model, train, "train", options.length, count=options.train)
        common.tokenise(model, test, "test", options.length, count=options.test)
        same_tokens = check_tokens(model, train) and check_tokens(model, test)
        common.start_model(model, train, start, options.seed)
        common.run(
            "bert-train", "-m", start, "-o", out, "--eval", test, "--num-train-epochs", options.epochs,
            "--per-device-train-batch-size", BATCH, "--learning-rate", RATE, "--warmup-steps", WARMUP,
            "--weight-decay", DECAY, "--seed", options.seed, "--dropout", 0, "--logging-steps", 1,
            stdin=train, stdout=work / "metrics.mp",
        )  # fmt: skip
        common.run("bert-predict", "-m", out, stdin=test, stdout=work / "predictions.mp")
        ours = torch.tensor([record["label"] for record in common.records(work / "predictions.mp")])

        data = common.examples(test)
        trainer = train_reference(start, common.examples(train), data, options.epochs, options.seed)
        wanted = [i for e in range(options.epochs) for i in common.trainer_order(len(trainer.train_dataset), options.seed, e)]
        same_order = trainer.order == wanted
        print(f"the Trainer's order is {'' if same_order else 'NOT '}that of torch.randperm seeded with seed + epoch")
        compare_losses(common.metrics(work / "metrics.mp"), trainer.state.log_history)
        theirs = common.predict(trainer.model, data).argmax(1)
        gold = torch.tensor([example["labels"] for example in data])
        agreement = (ours == theirs).double().mean().item()
        for name, labels in (("bertpipe", ours), ("transformers", theirs)):
            print(f"{name}: accuracy {(labels == gold).double().mean().item():.4f}")
        print(f"{agreement:.2%} of {len(data)} predictions agree (needed: {NEEDED:.0%})")
    return 0 if same_tokens and same_order and agreement >= NEEDED else 1


if __name__ == "__main__":
    sys.exit(main())
