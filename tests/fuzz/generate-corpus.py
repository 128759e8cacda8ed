#!/usr/bin/env python3
"""Write tests/fuzz/corpus/: what fuzzing begins with. What it found that was wrong is in FOUND, so that it is tried first.

usage: generate-corpus.py
"""

import gzip
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "fixtures"
MODELS = FIXTURES / "model"
LARGEST = 4096  # bytes of an input

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
ROWS = {  # of rec-load's formats
    0: [b"a\nb\r\n\nlast", b"\xef\xbb\xbfmark\n", b"\xff\n"],
    1: [b"id\ttext\tlabel\tpair\tother\n1\ta\\tb\tpositive\tc\t2\n", b"text\tlabel\twords\ttags\tx\na\t0.5\t[\"a\"]\t[\"O\"]\t{\"k\":[1,null]}\n",
        b"a\tb\n", b"text\ttext\n", b"text\tlabel\na\ta,1\n", b"text\tlabel\na\t[\"a\",1]\n"],
    2: [b'id,text,label\n1,"a ""b""\nc",positive\n', b'text,label\n"open', b'text\n"a"b\n', b'text,label\r\nx,-1\r\n'],
    3: [b'{"text":"a","label":[0,"x",1.5],"id":7,"more":{"k":[1,null,true]},"words":["a"],"tags":["O"]}\n', b'{"text":"b\\u0000","label":null,"x":{"y":0.1}}',
        b'{"bertpipe":{"type":"text","problem":"single","labels":["n","p"],"history":[{"tool":"t","version":"1","options":{"k":"v"}}],"part":[1,2,"s"]}}\n'
        b'{"text":"a","label":1}\n', b'{"text":"a","pair":"b","label":"p"}', b'{"text":' + 20 * b"[", b'{"text":"a","big":9223372036854775808}'],
}
INDEX = {"metadata": {"total_size": 8}, "weight_map": {"a": "model-00001-of-00001.safetensors"}}
STATE = {"log_history": [{"loss": 0.5, "epoch": 0.1, "step": 1}, {"eval_loss": 0.5, "step": 2}], "stateful_callbacks": {"bertpipe": {"args": {}, "attributes": dict(
    {name: 1 for name in ("step", "samples", "tokens", "logged_step", "evaluated_step", "saved_step", "best_step", "worse")},
    **{name: 0.5 for name in ("epoch", "seconds", "step_seconds", "loss_sum", "loss_total", "grad_norm", "learning_rate", "best_metric")},
    **{name: False for name in ("has_best", "compared", "stopped")}, log_times=[1.5, 2.5], checkpoints=[1])}}}
MANIFEST = {"bertpipe": "0.1.0", "format": 1, "digest": "0123456789abcdef", "files": {"vocab.txt": {"size": 6, "xxh64": "%s"}}, "run": None}
FOUND = {
    "text": [b"\x0a\x05a\xff" + "\u0301".encode() * 70, b"\x02\x5d[SEP] \t[SEP] [MASK]"],
    "tokeniser_files": [b"\x01[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n\n", b"\x01[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\0b\n", b'\x03{"pad_token": "<pad>"}',
                        b'\0{"model": {"type": "WordPiece", "vocab": {"[UNK]": 16777215}}}'],
    "load": [b'\2etel\r\x16\0t\1\0"openel\n"open\nxl\r\nx,-', b"\xfe\xf3\1$\0,a", b'\1\0text\tk\tx\na\tb\t{"k":2}\n', b'\3\0{"text":"a","k":1,"x":{"k":2}}\n',
             b"\1\0text\tlabel\na\t.5\nb\tx\n", b"\1\0text\tlabel\na\t.5\nb\t3\n"],
    "model_files": [b'\4{"a": {"tote": 8}, "weight_map": {}}'],
    "safetensors": [b"\0", b"\1{}"],
    "hub": [b"\4ht#p://h\nhtt:", b"\4https://user:sec@ret@host/a\n"],
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
            path = FIXTURES / "text" / name
            if path.exists():
                yield bytes([which]) + path.read_bytes()


def small(paths):
    return [data for data in (path.read_bytes() for path in sorted(paths)) if len(data) < LARGEST]


def stream_inputs():
    """Streams as they are, and some whose sums the target sets right."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, FIXTURES / "stream/generate.py", folder], check=True, env={"PYTHONDONTWRITEBYTECODE": "1"})
        for path in sorted(pathlib.Path(folder).glob("*.mp")):
            if path.stat().st_size < LARGEST:
                yield (b"\1" if path.name.startswith("good") else b"\0") + path.read_bytes()
    yield b"\0\xdd\xff\xff\xff\xff"  # five bytes that declare gigabytes
    yield b"\0\x93\xa8bertpipe\x01\xdf\xff\xff\xff\xff"


def load_inputs():
    for form, texts in ROWS.items():
        for text in texts:
            for options in (b"\0", b"\1", b"\2") if form else (b"\0",):
                yield bytes([form]) + options + text
        yield bytes([form | 8]) + b"\1" + texts[0]
        yield bytes([form | 20]) + b"\0" + texts[1]


def safetensors_inputs():
    for data in small(MODELS.glob("*.safetensors")):
        yield b"\0" + data
        if len(data) > 8 and (length := int.from_bytes(data[:8], "little")) < len(data):
            yield b"\1" + data[8:8 + length] + b"\n" + data[8 + length:]
    yield b"\0\xff\xff\xff\x7f\0\0\0\0{"


def model_inputs():
    for data in small(MODELS.glob("*/config.json")):
        yield b"\0" + data
    for kind, value in {1: MANIFEST, 2: MANIFEST, 3: STATE, 4: INDEX, 5: INDEX}.items():
        yield bytes([kind]) + json.dumps(value).encode()
        yield bytes([kind]) + b"{" + 3000 * b'"a":[' + b"}"


def make_tar(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data, kind, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, target, len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue().rstrip(b"\0") + bytes(1024 + -len(out.getvalue().rstrip(b"\0")) % 512)


def archive_inputs():
    model = [("m/config.json", b"{}", tarfile.REGTYPE, ""), ("m/model.safetensors", b"x" * 9, tarfile.REGTYPE, "")]
    odd = [("../x", b"", tarfile.REGTYPE, ""), ("/x", b"", tarfile.REGTYPE, ""), ("m/l", b"", tarfile.SYMTYPE, "/etc"), ("m/h", b"", tarfile.LNKTYPE, "m/config.json"),
           ("m/d", b"", tarfile.CHRTYPE, ""), ("m/p", b"", tarfile.FIFOTYPE, ""), ("m/config.json", b"{}", tarfile.REGTYPE, "")]
    for extra in [None, *odd]:
        data = make_tar(model + ([extra] if extra else []))
        yield b"\2" + data
        yield b"\3" + data
    yield b"\0" + gzip.compress(make_tar(model), mtime=0)
    yield b"\0" + gzip.compress(make_tar(model[:1] + [("m/model.safetensors", bytes(40 << 20), tarfile.REGTYPE, "")]), mtime=0)[:LARGEST]
    for names in (("m/config.json", "m/model.safetensors"), ("config.json", "../model.safetensors"), ("a/config.json", "a/model.safetensors", "b/config.json", "b/model.safetensors")):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name), b"{}")
        yield b"\0" + out.getvalue()


def hub_inputs():
    yield b"\0" + json.dumps({"sha": 40 * "0", "siblings": [{"rfilename": "config.json"}, {"rfilename": "a/b"}, {}]}).encode()
    yield b'\0{"sha": "../../x", "siblings": []}'
    for text in ('W/"abc-1"', '"' + 64 * "f" + '"', "../x", '"a/b"'):
        yield b"\1" + text.encode()
    for text in ("bytes 17-99/100", "bytes */100", "bytes 18446744073709551616-"):
        yield b"\2" + text.encode()
    for text in ("acme/tiny@v1", "solo", "a/b@refs/pr/1", "../a", "a--b/c", "a/b@../x"):
        yield b"\3" + text.encode()
    for text in ("https://u:p@h:443/a?t#f\nhttps://h/b", "http://h\nhttps://h", "h/@x"):
        yield b"\4" + text.encode()


INPUTS = {"text": text_inputs, "tokeniser_files": file_inputs, "stream": stream_inputs, "load": load_inputs, "safetensors": safetensors_inputs,
          "model_files": model_inputs, "archive": archive_inputs, "hub": hub_inputs}


def main():
    shutil.rmtree(HERE / "corpus", ignore_errors=True)
    for name, inputs in INPUTS.items():
        folder = HERE / "corpus" / name
        folder.mkdir(parents=True)
        for i, data in enumerate([*FOUND.get(name, []), *inputs()]):
            (folder / f"{i:03}").write_bytes(data)


if __name__ == "__main__":
    main()
