"""Every program with what it does, as `run` disturbs it."""

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


@dataclasses.dataclass
class Case:
    """One command line. `{input}` in it and in the environment is the folder that World makes; it runs in a folder of its own."""

    name: str
    command: str
    stdin: str = ""  # a file of the inputs
    before: str = ""  # a folder of the inputs, copied to the same name: what an earlier run left
    # Names (fnmatch) besides those of the undisturbed run that may be there after a failure: parts that a next run goes on from
    kept: tuple = ()
    growing: tuple = ()  # files (fnmatch) that are written little by little, so that a failure may leave their beginning
    units: tuple = ()  # folders (fnmatch) that are there with all that their bertpipe.json lists, or not at all
    several: bool = False  # whether files come one after the other into place: what a failure in between leaves lacks some, but is never old and new
    together: bool = False  # whether all files are new or none is; unless a fault lasts, when what was there may have another name, which is told
    replaced: str = ""  # a folder whose model is replaced: a failure leaves the old model or the new one
    last: str = ""  # a file (fnmatch) that may be there only beside all other files
    env: dict = dataclasses.field(default_factory=dict)

    @property
    def tool(self):
        return self.command.split()[0]


TRAIN = "bert-train -q -m {input}/model -o out -b 2 -w 2 -l 0.01 -j 1 --logging-steps 1"
HUB = {"HF_HOME": "hf", "HF_ENDPOINT": "{hub}", "XDG_CACHE_HOME": "cache"}
PARTS = ("*.part", "*.part.*", "*.incomplete", "*.lock", "*/.locks/*", "hf*/", "*cache*/")  # and folders of a cache
REF = "hf/hub/*/refs/main"
STEPS = "--save-strategy steps --save-steps 2 --max-steps 4"
CHECKPOINTS = ("out/checkpoint-*",)

CASES = [
    Case("rec-load", "rec-load -q -o old.mp", stdin="lines.txt"),
    Case("rec-load-tsv", "rec-load -q -F tsv {input}/reviews.tsv"),
    Case("rec-load-csv", "rec-load -q -F csv --labels negative,positive -f tsv -o old.mp {input}/reviews.csv"),
    Case("rec-load-jsonl", "rec-load -q -F jsonl -o old.mp {input}/text.jsonl"),
    Case("rec-cat", "rec-cat -q {input}/part-2-of-2.mp {input}/part-1-of-2.mp"),
    Case("rec-cat-file", "rec-cat -q -f json -o old.mp", stdin="text.mp"),
    Case("rec-check", "rec-check -q {input}/text.mp {input}/train.mp"),
    Case("rec-check-file", "rec-check -q -o old.mp {input}/full.mp"),
    Case("rec-dump", "rec-dump -q --header {input}/full.mp {input}/train.mp"),
    Case("rec-dump-tsv", "rec-dump -q -f tsv -o old.mp", stdin="text.mp"),
    Case("rec-head", "rec-head -q -n 2 -s 1 {input}/text.mp"),
    Case("rec-head-file", "rec-head -q -n 3 -o old.mp {input}/windows.mp"),
    Case("rec-join", "rec-join -q {input}/predictions.mp {input}/text.mp"),
    Case("rec-join-file", "rec-join -q --left -f json -o old.mp {input}/text.mp {input}/few.mp"),
    Case("rec-join-position", "rec-join -q --by-position {input}/text.mp -", stdin="predictions.mp"),
    Case("rec-shuffle", "rec-shuffle -q {input}/text.mp"),
    Case("rec-shuffle-spilled", "rec-shuffle -q --memory 64K -o old.mp {input}/many.mp"),
    Case("rec-split", "rec-split -q -n 2 -o old", stdin="text.mp", together=True),
    Case("rec-split-ratio", "rec-split -q -r 3:1 --stratify -o old.mp -o other.mp {input}/text.mp", together=True),
    Case("rec-stat", "rec-stat -q -H {input}/train.mp"),
    Case("rec-stat-file", "rec-stat -q -f json -o old.mp", stdin="text.mp"),
    Case("wp-tokenize", "wp-tokenize -q -m {input}/model -k --offsets -o old.mp", stdin="text.mp"),
    Case("wp-tokenize-vocab", "wp-tokenize -q --vocab {input}/model/vocab.txt -L 6 --on-long window {input}/text.mp"),
    Case("wp-tokenize-json", "wp-tokenize -q --vocab {input}/model/tokenizer.json -j 2 -f json {input}/text.mp"),
    Case("wp-tokenize-decode", "wp-tokenize -q --decode -m {input}/model -o old.mp {input}/train.mp"),
    Case("imdb-fetch", "imdb-fetch -q -s all -a {input}/archives/good-tiny.tar.gz -o old.mp"),
    Case("imdb-fetch-sample", "imdb-fetch -q -n 2 -a {input}/archives/good-plain.tar"),
    Case("imdb-fetch-stats", "imdb-fetch -q --stats -a {input}/archives/good-xz.tar.xz"),
    Case("imdb-fetch-download", "imdb-fetch -q --url {imdb}/ok/good-tiny.tar.gz --md5 {md5}", kept=PARTS, env={"XDG_CACHE_HOME": "cache"}),
    Case("bert-fetch", "bert-fetch -q acme/tiny", kept=PARTS, last=REF, env=HUB),
    Case("bert-fetch-token", "bert-fetch -q acme/sharded@main", kept=PARTS, last=REF, env=HUB | {"HF_TOKEN_PATH": "{input}/token"}),
    Case("bert-fetch-again", "bert-fetch -q acme/tiny", before="hf", kept=PARTS, env=HUB),
    Case("bert-fetch-url", "bert-fetch -q {storage}/files/model.zip", kept=PARTS, env=HUB),
    Case("bert-fetch-archive", "bert-fetch -q {input}/model.tar.gz", kept=PARTS, env=HUB),
    Case("bert-init", "bert-init -q -o out --vocab {input}/model/vocab.txt --layers 1 --hidden 8 --heads 1 --positions 16 --labels no,yes"),
    Case("bert-init-config", "bert-init -q -o out --config {input}/model/config.json --vocab {input}/model/tokenizer.json --layers 1"),
    Case("bert-predict", "bert-predict -q -m {input}/model -j 1 -o old.mp {input}/texts.mp"),
    Case("bert-predict-threads", "bert-predict -q -m {input}/sharded -j 2 -f json", stdin="short.mp"),
    Case("bert-predict-cached", "bert-predict -q -m acme/tiny -j 1 -f tsv --device ref {input}/train.mp", before="hf", env=HUB),
    Case("bert-eval", "bert-eval -q -m {input}/model -j 1 -f json -o old.mp {input}/test.mp"),
    Case("bert-eval-predictions", "bert-eval -q --bootstrap 9 --compare {input}/rival.mp {input}/predictions.mp"),
    Case("bert-report", "bert-report -q -o old.html {input}/metrics.mp {input}/train.mp"),
    Case("bert-report-svg", "bert-report -q -o old.html --svg charts {input}/predictions.mp"),
    Case("bert-report-png", "bert-report -q -o old.html --png charts {input}/train.mp"),
    Case("bert-train", f"{TRAIN} -n 1 -e {{input}}/test.mp --report-to tensorboard {{input}}/train.mp", growing=("out/runs/*",), units=CHECKPOINTS),
    Case("bert-train-steps", f"{TRAIN} {STEPS} --save-total-limit 1 --no-load-best-model-at-end", stdin="train.mp", units=CHECKPOINTS),
    Case("bert-train-threads", f"{TRAIN} --max-steps 1 --save-strategy no -j 2 {{input}}/train.mp"),
    Case("bert-train-over", f"{TRAIN} {STEPS} --optim sgd -e {{input}}/test.mp --force {{input}}/train.mp", before="out", several=True,
         kept=("out/.model.old/*",), replaced="out", units=CHECKPOINTS),
    Case("bert-train-resume", f"{TRAIN} {STEPS} -e {{input}}/test.mp --resume-from-checkpoint last {{input}}/train.mp",
         before="stopped/out", several=True, kept=("out/.model.old/*",), units=CHECKPOINTS),
    Case("bert-train-config", "bert-train -q --config {input}/train.json -m {input}/model -o out -j 1 {input}/train.mp", units=CHECKPOINTS),
    Case("bert-train-dry-run", f"{TRAIN} --dry-run {{input}}/train.mp"),
    Case("bert-train-explain", "bert-train -q --explain {input}/out"),
    Case("help", "rec-cat --help"),
    Case("completion", "rec-check --completion zsh"),
]


class World:
    """The inputs of all cases, made by the programs themselves, and the servers; `with World(build, folder)`."""

    def __init__(self, build, folder):
        self.build, self.folder, self.servers = build, folder, []
        self.input = folder / "input"
        self.names = {"input": str(self.input)}

    def fill_in(self, text):
        for name, value in self.names.items():
            text = text.replace("{" + name + "}", value)
        return text

    def make(self, command, stdin=None, stdout=None, **env):
        words = self.fill_in(command).split()
        with open(stdin or os.devnull, "rb") as read, open(stdout or os.devnull, "wb") as written:
            subprocess.run([self.build / words[0], *words[1:]], cwd=self.input, stdin=read, stdout=written, check=True, stderr=subprocess.DEVNULL,
                           env=os.environ | {name: self.fill_in(value) for name, value in env.items()})

    def __enter__(self):
        self.input.mkdir(parents=True)
        shutil.copytree(FIXTURES / "model/good-tiny", self.input / "model")
        shutil.copytree(FIXTURES / "model/good-sharded", self.input / "sharded")
        (self.input / "sharded/vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nfilm\nthe\nit\ni\nmovie\n!\n")
        (self.input / "token").write_text("hf_sesame\n")
        (self.input / "train.json").write_text('{"max_steps": 2, "dropout": 0.1, "learning_rate": 0.01, "save_strategy": "no"}\n')
        self.make_texts()
        self.make_records()
        self.start_servers()
        self.make_models()
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.kill()
            server.wait()

    def make_texts(self):
        reviews = ["a terrible , boring film", "a great film", "the worst acting , and the plot is bad", "i loved it", "i hated it",
                   "absolutely wonderful", "a poor waste of time , with awful actors", "enjoy this movie ! it is fantastic"]
        labels = ["negative", "positive"] * 4
        write = lambda name, lines: (self.input / name).write_text("".join(line + "\n" for line in lines))
        write("lines.txt", reviews)
        write("reviews.tsv", ["label\ttext"] + [f"{label}\t{text}" for label, text in zip(labels, reviews)])
        write("reviews.csv", ["label,text"] + [f'{label},"{text}"' for label, text in zip(labels, reviews)])
        write("text.jsonl", [f'{{"id": "r{i}", "text": "{text}", "label": "{labels[i]}", "x": {{"n": {i}}}}}' for i, text in enumerate(reviews)])
        write("many.txt", [f"{text} {i}" for i in range(200) for text in reviews])

    def make_records(self):
        at = self.input
        self.make("rec-load -q -F jsonl text.jsonl -o text.mp")
        self.make("rec-load -q many.txt -o many.mp")
        self.make("rec-split -q -n 2 -o part text.mp")
        self.make("rec-head -q -n 5 text.mp -o few.mp")
        self.make("wp-tokenize -q -m model -k text.mp -o train.mp")
        self.make("rec-head -q -n 4 train.mp -o test.mp")
        self.make("wp-tokenize -q -m model -k many.mp -o tokens.mp")
        self.make("rec-head -q -n 8 tokens.mp -o texts.mp")
        self.make("wp-tokenize -q -m model -L 6 --on-long window text.mp -o windows.mp")
        self.make("wp-tokenize -q -m sharded -L 6 --on-long window text.mp -o short.mp")
        sys.path.insert(0, str(FIXTURES / "stream"))
        subprocess.run([sys.executable, FIXTURES / "stream/generate.py", at], check=True)
        shutil.copy(at / "good-full-text.mp", at / "full.mp")
        (at / "archives").mkdir()
        subprocess.run([sys.executable, FIXTURES / "imdb/generate-archives.py", at / "archives"], check=True)

    def make_models(self):
        train = TRAIN.replace("{{", "{").replace("}}", "}")
        self.make("bert-predict -q -m model -j 1 train.mp -o predictions.mp")
        self.make(f"{train} -n 1 -s 7 -e test.mp train.mp", stdout=self.input / "metrics.mp")
        self.make("bert-predict -q -m out -j 1 train.mp -o rival.mp")
        (self.input / "stopped").mkdir()
        self.make(f"{train.replace('-o out', '-o stopped/out')} {STEPS} -e test.mp train.mp")
        shutil.rmtree(self.input / "stopped/out/checkpoint-4")
        self.make("bert-fetch -q acme/tiny", HF_HOME="hf", HF_ENDPOINT="{hub}")

    def start_servers(self):
        hub = self.folder / "hub"
        (hub / "files").mkdir(parents=True)
        for name in ("tiny", "sharded"):
            shutil.copytree(FIXTURES / f"model/good-{name}", hub / f"models/acme/{name}/main")
        shutil.make_archive(str(self.input / "model"), "gztar", self.input, "model")
        shutil.make_archive(str(hub / "files/model"), "zip", self.input, "model")
        self.serve(FIXTURES / "hub/server.py", hub)
        self.serve(FIXTURES / "imdb/server.py", self.input / "archives", hub / "port", hub / "imdb.log")
        while not all((hub / name).exists() for name in ("hub", "storage", "port")):
            time.sleep(0.01)
        archive = self.input / "archives/good-tiny.tar.gz"
        md5 = subprocess.run(["md5sum", archive], check=True, capture_output=True, text=True).stdout.split()[0]
        self.names |= {"hub": (hub / "hub").read_text().strip(), "storage": (hub / "storage").read_text().strip(),
                       "imdb": "http://127.0.0.1:" + (hub / "port").read_text().strip(), "md5": md5}

    def serve(self, *command):
        self.servers.append(subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
