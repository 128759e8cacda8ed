"""Models between bert-fetch's cache and huggingface_hub's, both ways, and bert-init's in transformers.

Both sides download from the hub of tests/fixtures/hub on this machine; nothing else is asked. The reference runs in
processes of its own, because it reads its environment once.

usage: python tests/parity/hub-cache.py
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import common

FIXTURES = common.ROOT / "tests/fixtures"
FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]
TEXTS = ["a great film", "the worst acting , and the plot is bad", "[SEP] Brilliant, [MASK]!"]


@contextlib.contextmanager
def hub(root):
    """The server over acme/tiny (main and v1), acme/sharded and acme/vocab (no tokenizer.json)."""
    models = root / "models/acme"
    for name, fixture in (("tiny/main", "good-tiny"), ("tiny/v1", "good-tiny"), ("vocab/main", "good-tiny"), ("sharded/main", "good-sharded")):
        shutil.copytree(FIXTURES / "model" / fixture, models / name)
    (models / "vocab/main/tokenizer.json").unlink()
    (models / "tiny/main/README.md").write_text("# a model\n")
    path = models / "tiny/v1/config.json"
    path.write_text(path.read_text().replace("positive", "good"))
    server = subprocess.Popen([sys.executable, str(FIXTURES / "hub/server.py"), str(root)])
    try:
        while not (root / "hub").exists():
            time.sleep(0.05)
        yield (root / "hub").read_text().strip()
    finally:
        server.kill()
        server.wait()


def environment(cache, url, offline=False):
    dropped = ("HF_", "HUGGING", "TRANSFORMERS_", "http", "HTTP", "XDG_CACHE_HOME")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {
        "HF_HOME": str(cache), "XDG_CACHE_HOME": str(cache / "xdg"), "HF_ENDPOINT": url, "HF_HUB_OFFLINE": "1" if offline else "0",
        "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", "OMP_NUM_THREADS": "1",
    }  # fmt: skip


def reference(code, env):
    """Runs code in Python; what it assigns to `result` comes back."""
    code = f"import json, sys\nsys.path.insert(0, {str(pathlib.Path(__file__).parent)!r})\n{code}\nprint(); print(json.dumps(result))"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{code}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def fetch(name, env, *arguments):
    done = subprocess.run([common.program("bert-fetch"), name, *arguments], env=env, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bert-fetch {name}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout.rstrip("\n"), done.stderr


def requests(root, what):
    found = [line for line in (root / "log").read_text().splitlines() if what in line]
    (root / "log").write_text("")
    return found


def tree(folder):
    """Path → what is there, for every file and link below a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = "→ " + os.readlink(path)
        elif path.is_file():
            found[name] = path.stat().st_mode & 0o777, path.read_bytes()
        else:
            found[name] = path.stat().st_mode & 0o777
    return found


PREDICT = """
import transformers
def predict(name, **options):
    import torch
    tokenizer = transformers.AutoTokenizer.from_pretrained(name, **options)
    model, report = transformers.AutoModelForSequenceClassification.from_pretrained(name, output_loading_info=True, **options)
    assert not any(report.values()), report
    ids = [tokenizer(text)["input_ids"] for text in TEXTS]
    with torch.no_grad():
        probs = [model(torch.tensor([row])).logits.softmax(-1)[0].tolist() for row in ids]
    return {"ids": ids, "probs": probs, "labels": model.config.id2label}
TEXTS = %r
""" % (TEXTS,)


def predict(name, env, folder):
    """The same by wp-tokenize and bert-predict: ids, probabilities."""
    text, tokens, predictions = (folder / f"{kind}.mp" for kind in ("text", "tokens", "predictions"))
    for program, arguments, source, sink in (
        ("rec-load", [], ("\n".join(TEXTS) + "\n").encode(), text),
        ("wp-tokenize", ["-m", name], text, tokens),
        ("bert-predict", ["-m", name], tokens, predictions),
    ):
        data = source if isinstance(source, bytes) else source.read_bytes()
        done = subprocess.run([common.program(program), "-q", *arguments], env=env, input=data, capture_output=True)
        if done.returncode != 0:
            sys.exit(f"{program} -m {name}: exit status {done.returncode}\n{done.stderr.decode()}")
        sink.write_bytes(done.stdout)
    ids = [memoryview(record["ids"]).cast("H").tolist() for record in common.records(tokens)]
    return {"ids": ids, "probs": [record["probs"] for record in common.records(predictions)]}


def same_answers(ours, theirs):
    assert ours["ids"] == theirs["ids"], (ours["ids"], theirs["ids"])
    worst = max(abs(a - b) for one, other in zip(ours["probs"], theirs["probs"]) for a, b in zip(one, other))
    assert worst < 1e-6, worst
    return worst


def ours_is_found(root, url, folder):
    """A model that bert-fetch has downloaded, read offline by transformers and huggingface_hub."""
    online, offline = environment(folder / "ours", url), environment(folder / "ours", url, offline=True)
    path, _ = fetch("acme/tiny", online)
    v1, _ = fetch("acme/tiny", online, "--revision", "v1")
    requests(root, "")
    theirs = reference(PREDICT + "result = [predict('acme/tiny'), predict('acme/tiny', revision='v1'), predict('acme/tiny', revision=%r)]" % pathlib.Path(v1).name, offline)
    assert theirs[0]["labels"]["1"] == "positive" and theirs[1]["labels"]["1"] == theirs[2]["labels"]["1"] == "good"
    worst = same_answers(predict("acme/tiny", offline, folder), theirs[0])
    found = reference(
        f"""
import huggingface_hub as hub
report = hub.scan_cache_dir()
repo, = report.repos
result = {{
    "files": [hub.try_to_load_from_cache("acme/tiny", name) for name in {FILES!r}],
    "snapshot": hub.snapshot_download("acme/tiny"),
    "download": hub.hf_hub_download("acme/tiny", "model.safetensors", revision="v1"),
    "warnings": list(map(str, report.warnings)), "id": repo.repo_id, "size": repo.size_on_disk,
    "revisions": {{ref: rev.commit_hash for rev in repo.revisions for ref in rev.refs}},
}}""",
        offline,
    )
    assert found["files"] == [f"{path}/{name}" for name in FILES], found
    assert found["snapshot"] == path and found["download"] == f"{v1}/model.safetensors"
    assert found["warnings"] == [] and found["id"] == "acme/tiny"
    assert found["revisions"] == {"main": pathlib.Path(path).name, "v1": pathlib.Path(v1).name}
    assert requests(root, "") == [], "offline is offline"
    for name in ("acme/sharded", "acme/vocab"):
        fetch(name, online)
    answers = reference(PREDICT + "result = predict('acme/vocab')", offline)
    same_answers(predict("acme/vocab", offline, folder), answers)
    reference("import transformers; transformers.AutoModelForSequenceClassification.from_pretrained('acme/sharded'); result = 0", offline)
    # online, the reference has nothing to download but what bert-fetch leaves out
    requests(root, "")
    reference("import huggingface_hub as hub; hub.snapshot_download('acme/tiny'); result = 0", online)
    assert not requests(root, "storage"), "the weights are there"
    print(f"bert-fetch → transformers, huggingface_hub: found offline, 3 revisions, probabilities within {worst:.1e}")


def theirs_is_found(root, url, folder):
    """A model that the reference has downloaded, found by bert-fetch and by -m."""
    online, offline = environment(folder / "theirs", url), environment(folder / "theirs", url, offline=True)
    theirs = reference(PREDICT + "result = [predict('acme/tiny'), predict('acme/tiny', revision='v1')]", online)
    reference("import huggingface_hub as hub; hub.snapshot_download('acme/sharded'); result = 0", online)
    requests(root, "")
    path, _ = fetch("acme/tiny", offline)
    fetch("acme/tiny@v1", offline)
    fetch("acme/sharded", offline)
    worst = same_answers(predict("acme/tiny", offline, folder), theirs[0])
    same_answers(predict("acme/tiny@v1", offline, folder), theirs[1])
    assert requests(root, "") == [], "offline is offline"
    again, notes = fetch("acme/tiny", online)
    assert again == path
    assert not requests(root, "storage"), notes
    print(f"transformers, huggingface_hub → bert-fetch, -m: found offline, 2 revisions and shards, probabilities within {worst:.1e}")


def same_tree(url, folder):
    """The same files downloaded by either side: the same names, links, bytes and permissions."""
    ours, theirs = folder / "tree-ours", folder / "tree-theirs"
    for revision in ("main", "v1"):
        fetch("acme/tiny", environment(ours, url), "--revision", revision)
        reference(f"import huggingface_hub as hub\nfor name in {FILES!r}: hub.hf_hub_download('acme/tiny', name, revision={revision!r})\nresult = 0", environment(theirs, url))
    ours, theirs = tree(ours / "hub"), tree(theirs / "hub")
    for name in sorted(set(ours) | set(theirs)):
        assert ours.get(name) == theirs.get(name), (name, ours.get(name), theirs.get(name))
    print(f"cache after the same downloads: {len(ours)} files, links and folders the same")


def locks(root, url, folder):
    """Either side waits for the other's lock."""
    env = environment(folder / "locks", url)
    digest = subprocess.run(["sha256sum", root / "models/acme/tiny/main/model.safetensors"], capture_output=True, text=True).stdout[:64]
    code = f"""
import pathlib, time
from huggingface_hub.utils import WeakFileLock
path = pathlib.Path({str(folder / "locks/hub/.locks/models--acme--tiny")!r}, {digest + ".lock"!r})
path.parent.mkdir(parents=True)
with WeakFileLock(path):
    print("locked", flush=True)
    time.sleep(2)
    print(time.time(), flush=True)
"""
    holder = subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True)
    holder.stdout.readline()
    _, notes = fetch("acme/tiny", env)
    finished = time.time()
    assert "model.safetensors: another process is downloading it; waiting" in notes, notes
    assert finished > float(holder.stdout.readline())
    holder.wait()
    requests(root, "")
    env = environment(folder / "locks-2", url)
    (root / "behaviour.json").write_text('{"slow": 6}')
    first = subprocess.Popen([common.program("bert-fetch"), "-q", "acme/tiny"], env=env, stdout=subprocess.DEVNULL)
    while not list((folder / "locks-2").rglob("*.incomplete")) or "storage" not in (root / "log").read_text():
        time.sleep(0.05)
    reference("import huggingface_hub as hub; hub.hf_hub_download('acme/tiny', 'model.safetensors'); result = 0", env)
    (root / "behaviour.json").unlink()
    assert first.wait() == 0
    assert len(requests(root, "storage GET")) == 1, "one of them waited for the other"
    print("locks: each side waits for the other")


def new_model(folder):
    """A model of bert-init in transformers: nothing missing, the same ids, weights distributed as its own."""
    new = folder / "new"
    common.run("bert-init", "-o", new, "--vocab", FIXTURES / "model/good-tiny/vocab.txt", "--layers", 2, "--hidden", 128, "--labels", "no,yes,both")
    theirs = reference(PREDICT + f"result = predict({str(new)!r})", dict(os.environ, OMP_NUM_THREADS="1"))
    assert theirs["labels"] == {"0": "no", "1": "yes", "2": "both"}
    worst = same_answers(predict(str(new), dict(os.environ), folder), theirs)
    import torch
    import transformers

    model = common.load_reference(new)
    torch.manual_seed(1)
    fresh = transformers.AutoModelForSequenceClassification.from_config(model.config)
    fresh = dict(fresh.named_parameters())
    for name, values in model.named_parameters():
        other = fresh.pop(name)
        if other.unique().numel() == 1:
            assert torch.equal(values, other), name
        else:
            zero = (other == 0).all(-1)
            assert torch.equal((values == 0).all(-1), zero), (name, "rows of zeros")
            error = 0.02 * (values.numel() ** -0.5)
            assert abs(values.mean()) < 6 * error and abs(values[~zero].std() - 0.02) < 6 * error, name
    assert not fresh
    print(f"bert-init → transformers: nothing missing, initialised alike, probabilities within {worst:.1e}")


def main():
    with common.workspace("hub-cache") as folder:
        root = folder / "hub"
        with hub(root) as url:
            ours_is_found(root, url, folder)
            theirs_is_found(root, url, folder)
            same_tree(url, folder)
            locks(root, url, folder)
        new_model(folder)


if __name__ == "__main__":
    main()
