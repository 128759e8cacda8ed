"""File operations of a command, recorded by strace, and what a crash may leave of them.

record() runs the command and gives what it did to a folder. crash_states() gives the trees that can be found after a
crash at any point: of a killed process all operations so far; of a machine that lost power those that an fsync vouches
for, and of the others any. What is assumed of a file system:

  - fsync of a file vouches for the data written to it so far, fsync of a folder for the names made, moved and removed in
    it so far; fsync of a file says nothing about its name
  - a name is made, moved, exchanged or removed wholly or not at all, and each of these independently of the others
  - data that no fsync vouches for may be there, be missing, be cut short or be zeros, whatever became of the file's name
"""
import os
import random
import re
import subprocess
import tempfile
from collections import namedtuple
from pathlib import Path

# What changes files, and what a command could do instead that is not understood here.
KNOWN = """openat mkdir write fsync fdatasync rename renameat renameat2 link unlink unlinkat rmdir fchmod close""".split()
UNKNOWN = """open creat mkdirat pwrite64 writev pwritev ftruncate truncate fallocate linkat symlink symlinkat chmod
             fchmodat lseek dup dup2 dup3 copy_file_range sendfile splice""".split()

# One operation. Of names: folder and name (and of moves from where), node is what the name stands for. Of data: node.
Op = namedtuple("Op", "kind folder name node source source_name data", defaults=(None,) * 7)
State = namedtuple("State", "at kind tree")  # after how many operations; which of them happened; {path: bytes or None}


def parse_arguments(text):
    """The arguments of a system call: strings as bytes, all else as text."""
    arguments = []
    for string, cut, other in re.findall(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?|([^,\s"][^,"]*)', text):
        if cut:
            raise ValueError("strace has cut a string")
        arguments.append(other.strip() if other else bytes.fromhex(string.replace("\\x", "")))
    return arguments


def calls(trace):
    """(name, arguments, result) of each system call that succeeded, in the order in which they returned."""
    begun = {}
    for line in trace.splitlines():
        process, line = line.split(None, 1)
        if line.startswith(("---", "+++")):
            continue
        if line.endswith("<unfinished ...>"):
            begun[process] = line[: -len("<unfinished ...>")]
            continue
        if line.startswith("<..."):
            line = begun.pop(process) + line.split("resumed>", 1)[1]
        match = re.match(r"(\w+)\((.*)\)\s+= (-?\d+|\?)", line)
        if match is None:
            raise ValueError("not a line of strace: " + line[:200])
        if not match[3].startswith(("-", "?")):
            yield match[1], parse_arguments(match[2]), int(match[3])


class Recorder:
    """Follows the calls of one process on what is below root. Nodes are numbers; a folder is a dict of nodes by name."""

    def __init__(self, root, cwd):
        self.root, self.cwd = Path(root), Path(cwd)
        self.next_node, self.ops, self.open = 1, [], {}
        self.folders = {}  # node: {name: node}, as they are after all operations so far
        self.contents = {}  # of files that were there before
        self.top = self.scan(self.root)
        self.before = {node: dict(names) for node, names in self.folders.items()}

    def new_node(self):
        self.next_node += 1
        return self.next_node - 1

    def scan(self, path):
        node = self.new_node()
        if path.is_dir():
            self.folders[node] = {entry.name: self.scan(entry) for entry in sorted(path.iterdir())}
        else:
            self.contents[node] = path.read_bytes()
        return node

    def place(self, path, folder="AT_FDCWD"):
        """(folder's node, name) of a path below root, else None. The root itself: (None, None)."""
        base = self.cwd
        if folder != "AT_FDCWD":
            if int(folder) not in self.open:
                return None
            return self.open[int(folder)], path.decode()
        parts = []
        for part in (base / path.decode()).parts:
            parts = parts[:-1] if part == ".." else parts + [part]
        parts, top = tuple(parts), self.root.parts
        if parts[: len(top)] != top:
            return None
        if len(parts) == len(top):
            return None, None
        node = self.top
        for part in parts[len(top) : -1]:
            node = self.folders[node][part]
        return node, parts[-1]

    def add(self, kind, **values):
        self.ops.append(Op(kind, **values))

    def on_openat(self, folder, path, flags, *_mode, result):
        self.open.pop(result, None)
        place = self.place(path, folder)
        if place is None:
            return
        parent, name = place
        if parent is None:
            node = self.top
        elif name in self.folders[parent]:
            node = self.folders[parent][name]
            if "O_TRUNC" in flags or "O_RDWR" in flags or ("O_WRONLY" in flags and node in self.contents):
                raise ValueError("a file is changed in place: " + name)
        else:
            node = self.new_node()
            self.folders[parent][name] = node
            self.add("make", folder=parent, name=name, node=node)
        self.open[result] = node

    def on_mkdir(self, path, _mode, result):
        place = self.place(path)
        if place is not None:
            node = self.new_node()
            self.folders[node] = {}
            self.folders[place[0]][place[1]] = node
            self.add("mkdir", folder=place[0], name=place[1], node=node)

    def on_write(self, fd, data, _size, result):
        if int(fd) in self.open:
            self.add("write", node=self.open[int(fd)], data=data[:result])

    def on_fsync(self, fd, result):
        if int(fd) in self.open:
            self.add("fsync", node=self.open[int(fd)])

    on_fdatasync = on_fsync

    def on_close(self, fd, result):
        self.open.pop(int(fd), None)

    def on_fchmod(self, *_arguments, result):
        pass

    def on_rename(self, old, new, result):
        self.on_renameat2("AT_FDCWD", old, "AT_FDCWD", new, "0", result=result)

    def on_renameat(self, *arguments, result):
        self.on_renameat2(*arguments, "0", result=result)

    def on_renameat2(self, old_folder, old, new_folder, new, flags, result):
        source, target = self.place(old, old_folder), self.place(new, new_folder)
        if source is None and target is None:
            return
        from_names, to_names = self.folders[source[0]], self.folders[target[0]]
        node = from_names[source[1]]
        kind = "exchange" if "EXCHANGE" in flags else "move"
        self.add(kind, folder=target[0], name=target[1], node=node, source=source[0], source_name=source[1],
                 data=to_names.get(target[1]))
        if kind == "exchange":
            from_names[source[1]] = to_names[target[1]]
        else:
            del from_names[source[1]]
        to_names[target[1]] = node

    def on_link(self, old, new, result):
        source, target = self.place(old), self.place(new)
        if source is not None:
            node = self.folders[source[0]][source[1]]
            self.folders[target[0]][target[1]] = node
            self.add("make", folder=target[0], name=target[1], node=node)

    def on_unlinkat(self, folder, path, _flags, result):
        place = self.place(path, folder)
        if place is not None:
            node = self.folders[place[0]].pop(place[1])
            self.add("remove", folder=place[0], name=place[1], node=node)

    def on_unlink(self, path, result):
        self.on_unlinkat("AT_FDCWD", path, "0", result=result)

    on_rmdir = on_unlink

    def concerns(self, argument):
        if isinstance(argument, bytes):
            return self.place(argument) is not None
        return argument.isdigit() and int(argument) in self.open

    def follow(self, trace):
        for name, arguments, result in calls(trace):
            if name in KNOWN:
                getattr(self, "on_" + name)(*arguments, result=result)
            elif any(self.concerns(argument) for argument in arguments):
                raise ValueError(name + ": not understood here")


def record(command, root, cwd, inject=()):
    """Runs a command, which must succeed, and records what it does below root. inject: strace's faults."""
    recorder = Recorder(root, cwd)
    with tempfile.NamedTemporaryFile("r") as trace:
        strace = ["strace", "-f", "-qq", "-xx", "-s", "4000000", "-o", trace.name]
        strace += ["-e", "trace=" + ",".join(KNOWN + UNKNOWN), *(f"--inject={fault}" for fault in inject)]
        # where there are sanitizers, that of leaks cannot work under a tracer
        environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
        subprocess.run([*strace, *command], cwd=cwd, env=environment, check=True, capture_output=True)
        recorder.follow(trace.read())
    if not any(op.kind in ("move", "exchange") for op in recorder.ops):
        raise ValueError("nothing was recorded")
    return recorder


def apply(recorder, ops, spoil):
    """{path: bytes, or None for a folder} when these operations happened. spoil: what became of the data of a write."""
    folders = {node: dict(names) for node, names in recorder.before.items()}
    data = dict(recorder.contents)
    for i, op in ops:
        if op.kind == "write":
            data.setdefault(op.node, []).append(spoil(i, op.data))
        if op.kind in ("make", "mkdir", "move", "exchange"):
            folders.setdefault(op.folder, {})[op.name] = op.node
        if op.kind in ("move", "exchange"):
            names = folders.setdefault(op.source, {})
            if names.get(op.source_name) == op.node and (op.source, op.source_name) != (op.folder, op.name):
                del names[op.source_name]
            if op.kind == "exchange":
                names[op.source_name] = op.data
        if op.kind == "remove" and folders.get(op.folder, {}).get(op.name) == op.node:
            del folders[op.folder][op.name]
    tree = {}

    def walk(node, path):
        for name, child in folders.get(node, {}).items():
            if child in folders or child in recorder.folders:
                tree[path + name] = None
                walk(child, path + name + "/")
            else:
                content = data.get(child, [])
                tree[path + name] = content if isinstance(content, bytes) else b"".join(content)

    walk(recorder.top, "")
    return tree


def durable(ops):
    """The numbers of those operations that an fsync among them vouches for."""
    synced, kept = set(), set()
    for i in range(len(ops) - 1, -1, -1):
        op = ops[i]
        if op.kind == "fsync":
            synced.add(op.node)
        elif (op.node if op.kind == "write" else op.folder) in synced:
            kept.add(i)
    return kept


def crash_states(recorder, seed, share=1.0):
    """All states that are tried, at a share of the points."""
    chance = random.Random(seed)
    everything = list(enumerate(recorder.ops))

    for at in range(len(everything) + 1):
        if chance.random() >= share and at != len(everything):
            continue
        done = everything[:at]
        safe = durable(recorder.ops[:at])
        pending = {i for i, op in done if i not in safe and op.kind != "fsync"}
        names = sorted(i for i in pending if recorder.ops[i].kind != "write")
        writes = sorted(pending.difference(names))

        def state(kind, lost, spoil=lambda i, data: data):
            return State(at, kind, apply(recorder, [(i, op) for i, op in done if i not in lost], spoil))

        def zeros(kind, lost, zeroed):
            return state(kind, lost, lambda i, data: bytes(len(data)) if i in zeroed else data)

        yield state("killed", ())
        yield state("nothing unsynced", pending)
        for i in names:
            yield state("one name lost", {i})
            yield state("one name alone", pending - {i})
        if writes:
            yield state("empty files", writes)
            yield state("cut files", (), lambda i, data: data[: len(data) // 2] if i == writes[-1] else data)
            yield zeros("zeros", (), writes)
            for i in chance.sample(writes, min(3, len(writes))):
                yield zeros("a hole", (), {i})
        if pending:
            some = {i for i in pending if chance.random() < 0.5}
            yield zeros("some", some.intersection(names), some)
