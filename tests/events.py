"""TensorBoard event files in plain Python: `python3 events.py FILE` prints one JSON object an event, every checksum verified.

Written from the formats' descriptions (TFRecord, protobuf, RFC 3720), independently of common/log.
"""

import json
import struct
import sys

TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = (byte >> 1) ^ 0x82F63B78 if byte & 1 else byte >> 1
    TABLE.append(byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def check(data, stored, place):
    crc = crc32c(data)
    masked = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    if masked != stored:
        sys.exit(f"{place}: checksum {stored:08x} of data with {masked:08x}")


def records(data):
    """The records that are whole; the file of a run that was killed may end anywhere."""
    at = 0
    while at + 12 <= len(data):
        length, length_crc = struct.unpack_from("<QI", data, at)
        check(data[at : at + 8], length_crc, f"byte {at}: length")
        if at + 16 + length > len(data):
            return
        payload = data[at + 12 : at + 12 + length]
        check(payload, struct.unpack_from("<I", data, at + 12 + length)[0], f"byte {at}: record")
        yield payload
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def message(data):
    """{field number: [values]}."""
    fields, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
            if len(value) != length:
                sys.exit("a field ends after its message")
        elif key & 7 in (1, 5):
            code = "<d" if key & 7 == 1 else "<f"
            (value,), at = struct.unpack_from(code, data, at), at + struct.calcsize(code)
        else:
            sys.exit(f"wire type {key & 7}")
        fields.setdefault(key >> 3, []).append(value)
    return fields


def event(data):
    fields = message(data)
    found = {"time": fields[1][0], "step": fields.get(2, [0])[0]}
    if 3 in fields:
        found["version"] = fields[3][0].decode()
    if 7 in fields:
        found["session"] = message(fields[7][0])[1][0]
    for summary in fields.get(5, []):
        (value,) = message(summary)[1]
        value = message(value)
        found["tag"] = value[1][0].decode()
        if 2 in value:
            found["value"] = value[2][0]
        else:
            tensor, metadata = message(value[8][0]), message(value[9][0])
            found["text"] = tensor[8][0].decode()
            found["type"], found["plugin"] = tensor[1][0], message(metadata[1][0])[1][0].decode()
    return found


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        for payload in records(file.read()):
            print(json.dumps(event(payload)))
