"""The fields of transformers' TrainingArguments are those that tests/fixtures/train/training-arguments.txt lists.

    arguments.py [--write]

With --write the list is made anew. tests/arguments.bats holds the table of bertpipe-trainer(7) against it.
"""
import dataclasses
import pathlib
import sys

import transformers

LIST = pathlib.Path(__file__).resolve().parent.parent / "fixtures/train/training-arguments.txt"


def main():
    fields = [field.name for field in dataclasses.fields(transformers.TrainingArguments)]
    if sys.argv[1:] == ["--write"]:
        title = f"# The fields of TrainingArguments, transformers {transformers.__version__}; tests/parity/arguments.py checks them."
        LIST.write_text("\n".join([title, *fields]) + "\n")
    listed = [line for line in LIST.read_text().splitlines() if not line.startswith("#")]
    differing = set(fields) ^ set(listed)
    print(f"{len(fields)} fields in transformers {transformers.__version__}, {len(listed)} listed, differing: {sorted(differing)}")
    return 1 if differing else 0


sys.exit(main())
