#!/usr/bin/env python3
"""Write tests/fuzz/corpus/: what fuzzing begins with. What it found that was wrong is in FOUND, so that it is tried first.

usage: generate-corpus.py
"""

import pathlib
import shutil

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "fixtures/text"

TEXTS = [
    "", " ", "This movie was absolutely fantastic!", "It was [SEP] not [sep]. [MASK]ed", "unaffable  \t\r\n déjà-vu ÀÉÎ",
    "日本語のテキスト 한국어 中文", "e\u0301\u0327 \u0344 \uac01 \u1112\u1161\u11ab", "ΑΣ ΑΣΑ ǅ İ ẞ ﬁ", "\u0000a\u00adb\u200bc\ufffd\u2028d\u3000e",
    "a" * 14 + " " + "b" * 15 + " " + "c" * 16 + " " + "d" * 31 + " " + "e" * 32, "x" * 101 + " " + "y" * 100, "\u0301" * 70, "👍🏽 🇩🇪 \U0001d15e \U0010fffd",
    "the movie the movie the movie. film,film;film", "- -- --- __ a_b C++ $5.00 (50%)", "word\u0378word \u0e33 \u0f77",
]
FILES = {
    0: ["good-small/tokenizer.json", "good-added/tokenizer.json", "good-processing/tokenizer.json", "bad-key-twice/tokenizer.json",
        "bad-not-json/tokenizer.json"],
    1: ["good-small-text/vocab.txt", "bad-duplicate/vocab.txt", "bad-utf8/vocab.txt", "bad-empty/vocab.txt"],
    2: ["good-added-text/tokenizer_config.json", "good-other-special-text/tokenizer_config.json", "bad-config/tokenizer_config.json"],
    3: ["bad-map/special_tokens_map.json", "good-other-special-text/special_tokens_map.json"],
}
FOUND = {
    "text": [b"\x0a\x05a\xff" + "\u0301".encode() * 70, b"\x02\x5d[SEP] \t[SEP] [MASK]"],
    "tokeniser_files": [b"\x01[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n\n", b"\x01[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\0b\n"],
}


def text_inputs():
    """The tokeniser, the length, the text; and each with the next as its pair."""
    for i, text in enumerate(TEXTS):
        yield bytes([i, 3 * i]) + text.encode()
        yield bytes([i, 5]) + text.encode() + b"\xff" + TEXTS[(i + 1) % len(TEXTS)].encode()
    yield bytes([0, 5]) + b"not UTF-8: \xc3\x28 \xed\xa0\x80"


def file_inputs():
    for which, names in FILES.items():
        for name in names:
            path = FIXTURES / name
            if path.exists():
                yield bytes([which]) + path.read_bytes()


def main():
    shutil.rmtree(HERE / "corpus", ignore_errors=True)
    for name, inputs in {"text": text_inputs(), "tokeniser_files": file_inputs()}.items():
        folder = HERE / "corpus" / name
        folder.mkdir(parents=True)
        for i, data in enumerate([*FOUND[name], *inputs]):
            (folder / f"{i:03}").write_bytes(data)


if __name__ == "__main__":
    main()
