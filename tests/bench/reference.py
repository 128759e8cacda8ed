#!/usr/bin/env python3
"""One measurement of PyTorch or ONNX Runtime, in a process of its own, printed as JSON.

usage: reference.py train VARIANT MODEL TOKENS STEPS BATCH SEED
       reference.py predict VARIANT MODEL TOKENS BATCH
       reference.py gemm

train: STEPS steps on the batches that bert-train would take with this seed. VARIANT is ORDER-KIND-TYPE. ORDER `trainer` is
transformers' Trainer with the dropout of config.json, grouping by length and padding to the batch's longest; the others are a
plain loop with fused AdamW, without dropout: `padded` to 512, `dynamic` to the batch's longest, or `grouped`, the same reviews
in batches of like lengths. KIND is sdpa, eager or compile (torch.compile of sdpa); TYPE float32 or bf16 (autocast).
Prints the losses, the real tokens of steps 2 .. STEPS, the seconds from the end of step 1 to the end of the last, and the share
of padding.

predict: VARIANT is KIND-TYPE: sdpa, eager, compile or onnx (ONNX Runtime); float32, bf16 (weights too) or, for onnx, int8
(dynamic). Prints tokens and seconds for all records, in batches of like lengths, and each record's probabilities.

gemm: the best rate of a linear layer of both models' shapes, in GFLOP/s on all processors, by type.
"""

import contextlib
import json
import os
import pathlib
import random
import sys
import tempfile
import time

import torch
import transformers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "parity"))
import common  # noqa: E402

RATE, DECAY, CLIP, LENGTH = 5e-5, 0.01, 1.0, 512
TYPES = {"float32": torch.float32, "bf16": torch.bfloat16}
# inputs, outputs: of MiniLM's and BERT-base's layers
LAYERS = [(384, 384), (384, 1536), (1536, 384), (768, 768), (768, 3072), (3072, 768)]
GEMM_ROWS, GEMM_SECONDS = (256, 4096), 0.4
OPSET = 17


def tokens_of(batch):
    return sum(len(example["input_ids"]) for example in batch)


def attention_of(kind):
    return "eager" if kind == "eager" else "sdpa"


# ---- training ----


def batches_of(data, order, steps, size, seed):
    """The examples of each step, in bert-train's order or sorted into batches of like lengths."""
    rows = common.trainer_order(len(data), seed, 0)[: steps * size]
    if order == "grouped":
        rows.sort(key=lambda i: len(data[i]["input_ids"]))
    batches = [[data[i] for i in rows[start : start + size]] for start in range(0, len(rows), size)]
    if order == "grouped":
        random.Random(0).shuffle(batches)
    return batches


def parameter_groups(model):
    kept = [p for name, p in model.named_parameters() if name.endswith(".bias") or "LayerNorm" in name]
    ids = {id(p) for p in kept}
    decayed = [p for p in model.parameters() if id(p) not in ids]
    return [{"params": decayed, "weight_decay": DECAY}, {"params": kept, "weight_decay": 0.0}]


def precision(dtype):
    return torch.autocast("cpu", torch.bfloat16) if dtype == "bf16" else contextlib.nullcontext()


def compiled(model, batches, width, dtype):
    """The model through torch.compile, which has seen a short and a long batch: it then compiles no more."""
    forward = torch.compile(model, dynamic=True)
    for batch in (max(batches, key=tokens_of), min(batches, key=tokens_of)):
        with precision(dtype):
            loss = forward(**common.collate(batch, width)).loss
        loss.backward()
    model.zero_grad()
    return forward


def train_loop(model, kind, dtype, batches, width):
    """Losses, and when each step ended. The learning rate falls to zero in a line, as bert-train's."""
    optimizer = torch.optim.AdamW(parameter_groups(model), lr=RATE, fused=True)
    losses, ends = [], []
    model.train()
    forward = compiled(model, batches, width, dtype) if kind == "compile" else model
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / len(batches))
        with precision(dtype):
            loss = forward(**common.collate(batch, width)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        ends.append(time.monotonic())
    return losses, ends


class Clock(transformers.TrainerCallback):
    def __init__(self):
        self.ends = []

    def on_step_end(self, *_, **__):
        self.ends.append(time.monotonic())


def train_trainer(model, dtype, data, steps, size, seed):
    """Losses, when each step ended, and its batches, in the Trainer's own order."""
    clock, batches = Clock(), []

    def collate(batch):
        batches.append(batch)
        return common.collate(batch)

    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=size,
            train_sampling_strategy="group_by_length",
            bf16=dtype == "bf16",
            learning_rate=RATE,
            weight_decay=DECAY,
            logging_steps=1,
            save_strategy="no",
            disable_tqdm=True,
            report_to="none",
            use_cpu=True,
            seed=seed,
        )
        trainer = transformers.Trainer(model, arguments, train_dataset=data, data_collator=collate, callbacks=[clock])
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return losses, clock.ends, batches[:steps]


def train(variant, folder, tokens, steps, size, seed):
    order, kind, dtype = variant.split("-")
    data = common.examples(tokens)
    width = LENGTH if order == "padded" else None
    if order == "trainer":
        losses, ends, batches = train_trainer(common.load_reference(folder), dtype, data, steps, size, seed)
    else:
        batches = batches_of(data, order, steps, size, seed)
        losses, ends = train_loop(common.load_reference(folder, 0.0, attention_of(kind)), kind, dtype, batches, width)
    real = sum(tokens_of(batch) for batch in batches)
    computed = sum(len(batch) * (width or max(len(e["input_ids"]) for e in batch)) for batch in batches)
    return {
        "losses": losses,
        "tokens": sum(tokens_of(batch) for batch in batches[1:]),
        "seconds": ends[-1] - ends[0],
        "padding": 1 - real / computed,
    }


# ---- inference ----


class Logits(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, mask):
        return self.model(input_ids=ids, attention_mask=mask).logits


def onnx_forward(model, dtype, folder):
    """The same model in ONNX Runtime: (ids, mask) → logits."""
    import onnxruntime

    path = f"{folder}/model.onnx"
    example = torch.randint(5, 1000, (2, 7)), torch.tensor([[1] * 7, [1] * 5 + [0] * 2])
    axes = {"ids": {0: "batch", 1: "length"}, "mask": {0: "batch", 1: "length"}, "logits": {0: "batch"}}
    torch.onnx.export(
        Logits(model), example, path, input_names=["ids", "mask"], output_names=["logits"], dynamic_axes=axes,
        dynamo=False, opset_version=OPSET,
    )  # fmt: skip
    if dtype == "int8":
        from onnxruntime import quantization

        quantization.quantize_dynamic(path, f"{folder}/int8.onnx", per_channel=True, weight_type=quantization.QuantType.QInt8)
        path = f"{folder}/int8.onnx"
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    return lambda ids, mask: torch.from_numpy(session.run(None, {"ids": ids.numpy(), "mask": mask.numpy()})[0])


def forward_of(variant, folder, work):
    kind, dtype = variant.split("-")
    model = common.load_reference(folder, attention=attention_of(kind)).eval()
    if kind == "onnx":
        return onnx_forward(model, dtype, work)
    model = Logits(model.to(TYPES[dtype])).eval()
    return torch.compile(model, dynamic=True) if kind == "compile" else model


def predict(variant, folder, tokens, size):
    data = common.examples(tokens)
    order = sorted(range(len(data)), key=lambda i: len(data[i]["input_ids"]))
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    logits = torch.empty(len(data), 2)
    with tempfile.TemporaryDirectory() as work, torch.inference_mode():
        forward = forward_of(variant, folder, work)

        def run(rows):
            batch = common.collate([data[i] for i in rows])
            logits[rows] = forward(batch["input_ids"], batch["attention_mask"]).float()

        run(batches[0])
        run(batches[-1])
        started = time.monotonic()
        for rows in batches:
            run(rows)
        seconds = time.monotonic() - started
    return {"tokens": tokens_of(data), "seconds": seconds, "probs": torch.softmax(logits, -1).tolist()}


# ---- the machine ----


def gemm_rate(inputs, outputs, rows, dtype):
    layer, x = torch.nn.Linear(inputs, outputs).to(dtype), torch.randn(rows, inputs, dtype=dtype)
    best, end = float("inf"), time.monotonic() + GEMM_SECONDS
    while time.monotonic() < end:
        started = time.monotonic()
        layer(x)
        best = min(best, time.monotonic() - started)
    return 2e-9 * rows * inputs * outputs / best


def gemm():
    with torch.inference_mode():
        return {
            name: max(gemm_rate(*layer, rows, dtype) for layer in LAYERS for rows in GEMM_ROWS)
            for name, dtype in TYPES.items()
        }


def main(arguments):
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    if len(arguments) == 7 and arguments[0] == "train":
        result = train(*arguments[1:4], *map(int, arguments[4:]))
    elif len(arguments) == 5 and arguments[0] == "predict":
        result = predict(*arguments[1:4], int(arguments[4]))
    elif arguments == ["gemm"]:
        result = gemm()
    else:
        sys.exit(__doc__)
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
