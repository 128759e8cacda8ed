# Inputs that would take much more memory than they are long: tests/fuzz/replay.c sees to it that they do not get it.
load streams

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# writes PYTHON: a generator of (name, bytes).
writes() {
    python3 -c "
import json, struct
def inputs():
$(sed 's/^/    /' <<<"$1")
for name, data in inputs():
    open(name, 'wb').write(data)"
}

# bounded TARGET: every file here, in a process of its own.
bounded() {
    for file in *; do
        run --separate-stderr "${BUILD:-$BATS_TEST_DIRNAME/../build}/tests/test_fuzz_$1" "$file"
        [ "$status" -eq 0 ] && [ "$output" = '1 passed, 0 failed' ] || { echo "$file: $output $stderr"; return 1; }
    done
}

@test "streams: long lists, labels and histories, and sizes that are only declared" {
    writes '
begin = b"\1\x93\xa8bertpipe\1"
def segment(header, record=b""):
    return begin + header + record + b"\x93\xa3end\xcf" + bytes(8) + b"\xc4\x08" + bytes(8)
def many(kind, count, item):
    return kind + struct.pack(">I", count) + item * count
text = b"\x82\xa4type\xa4text"
yield "labels", segment(text + b"\xa6labels" + many(b"\xdd", 15 << 20, b"\xa0"))
yield "options", segment(text + b"\xa7history\x91\x83\xa4tool\xa1t\xa7version\xa11\xa7options" + many(b"\xdf", 7 << 20, b"\xa0\xa0"))
yield "entries", segment(text + b"\xa7history" + many(b"\xdd", 900000, b"\x82\xa4tool\xa0\xa7version\xa0"))
for field in (b"\xa5words", b"\xa4tags", b"\xa5label"):
    yield field[1:].decode(), segment(b"\x81\xa4type\xa4text", b"\x83\xa2id\xa11\xa4text\xa1t" + field + many(b"\xdd", 15 << 20, b"\xa0"))
yield "spans", segment(b"\x81\xa4type\xabpredictions", b"\x82\xa2id\xa11\xa5spans" + many(b"\xdd", 3 << 20, b"\x94\0\0\xa0\0"))
for i, head in enumerate((b"\xdd", b"\xdf", b"\xc6", b"\xdb", b"\xc9")):
    yield f"declared-{i}", b"\0" + head + b"\xff\xff\xff\xff"
    yield f"record-{i}", begin + b"\x81\xa4type\xa4text\x81\xa4text" + head + b"\xff\xff\xff\xff"'
    bounded stream
}

@test "text files: short cells, labels and values, and quotes that nobody closes" {
    writes '
yield "columns", b"\1\0text" + b"\t" * (15 << 20)
yield "cells", b"\1\0text\n" + b"\t" * (15 << 20)
yield "commas", b"\2\0text,a\n" + b"," * (15 << 20)
yield "numbered", b"\x11\0" + b"\t" * (15 << 20)
yield "labels", b"\1\2text\tlabel\na\t" + b"," * (15 << 20)
yield "quote", b"\2\0text\n\"" + b"a\n" * (20 << 20)
for name, value in {"lists": b"[],", "objects": b"{},", "numbers": b"0,", "strings": b"\"\","}.items():
    yield name, b"\3\0{\"text\":\"a\",\"k\":[" + value * (5 << 20) + b"0]}"
yield "keys", b"\3\0{\"text\":\"a\"" + b"".join(b",\"%x\":0" % i for i in range(1500000)) + b"}"'
    bounded load
}

@test "the files of a model" {
    writes '
for i in range(6):
    yield f"lists-{i}", bytes([i]) + b"{\"k\":[" + b"[]," * (5 << 20) + b"[]]}"
    yield f"deep-{i}", bytes([i]) + b"{\"k\":" + b"[" * (15 << 20)'
    bounded model_files
    rm -- *
    writes '
yield "declared", b"\0" + struct.pack("<Q", 99999999) + b"{"
yield "lists", b"\1{\"__metadata__\":[" + b"[]," * (5 << 20) + b"0]}"
yield "shape", b"\1" + b"{\"a\":{\"dtype\":\"F32\",\"shape\":[1073741824],\"data_offsets\":[0,4294967296]}}\n"'
    bounded safetensors
    rm -- *
    writes '
yield "lines", b"\1" + b"\n" * (15 << 20)
yield "tokens", b"\1[UNK]\n[CLS]\n[SEP]\n" + b"".join(b"%x\n" % i for i in range(2000000))
yield "id", b"\0{\"model\": {\"vocab\": {\"[UNK]\": 1048575}}}"
yield "added", b"\0{\"added_tokens\": [" + b"{}," * (5 << 20) + b"{}]}"'
    bounded tokeniser_files
}
