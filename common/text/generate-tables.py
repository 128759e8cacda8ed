#!/usr/bin/env python3
"""Write unicode_tables.h: what the reference tokeniser knows of every code point.

usage: generate-tables.py [--check FILE] > unicode_tables.h

The tables are not taken from a Unicode library but asked of the reference (the Python package
tokenizers) one code point at a time, because its category, decomposition and case tables are of
different Unicode versions. With --check the tables are compared with FILE, and the exit status is 1
when they differ.
"""

import argparse
import sys

from tokenizers import AddedToken, Tokenizer, __version__, models, normalizers, pre_tokenizers

FLAGS = ["DROP", "SPACE", "CJK", "PUNCTUATION", "MARK", "LOWER", "DECOMPOSE", "COMBINING", "WORD"]
DROP, SPACE, CJK, PUNCTUATION, MARK, LOWER, DECOMPOSE, COMBINING, WORD = (1 << i for i in range(9))
BLOCK = 64
LAST = 0x110000
HANGUL = range(0xAC00, 0xAC00 + 11172)


def scalars():
    """Every code point that UTF-8 can carry."""
    for code in range(LAST):
        if not 0xD800 <= code <= 0xDFFF:
            yield code, chr(code)


def bert(**on):
    """A BertNormalizer that does one thing only."""
    options = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**options, **on}).normalize_str


def word_test():
    """Whether a character counts as part of a word beside a single_word added token."""
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    tokenizer.add_tokens([AddedToken("#", single_word=True, normalized=False)])
    token = tokenizer.token_to_id("#")

    def is_word(char):
        if char == "#":
            return False
        return token not in tokenizer.encode(char + "#", add_special_tokens=False).ids

    return is_word


def hangul(code):
    index = code - 0xAC00
    parts = [0x1100 + index // 588, 0x1161 + index % 588 // 28]
    return parts + ([0x11A7 + index % 28] if index % 28 else [])


def combining_classes(nfd):
    """Ranks of the combining classes: a character moves before another of a higher class."""
    low, high = "\u0334", "\u0345"  # classes 1 and 240, the lowest and the highest
    assert nfd(high + low) == low + high
    candidates = [
        c for code, c in scalars() if nfd(c) == c and (nfd(high + c) == c + high or nfd(c + low) == low + c)
    ]
    candidates += [c for c in (low, high) if c not in candidates]

    def before(a, b):
        return nfd(b + a) == a + b and a != b

    groups = []  # one sample of each class, lowest first
    member = {}
    for c in candidates:
        start, end = 0, len(groups)
        while start < end:
            middle = (start + end) // 2
            if before(groups[middle], c):
                start = middle + 1
            else:
                end = middle
        if start == len(groups) or before(c, groups[start]):
            groups.insert(start, c)
        member[c] = groups[start]
    return {c: groups.index(sample) + 1 for c, sample in member.items()}


def collect():
    clean, cjk, strip, lower = bert(clean_text=True), bert(handle_chinese_chars=True), bert(strip_accents=True), bert(lowercase=True)
    nfd, split, is_word = normalizers.NFD().normalize_str, pre_tokenizers.BertPreTokenizer().pre_tokenize_str, word_test()
    properties, lowers, decompositions = [0] * LAST, {}, {}
    ranks = combining_classes(nfd)
    assert max(ranks.values()) < 63  # a run's are kept as bits of a uint64_t
    for code, c in scalars():
        flags = 0
        pieces = [piece for piece, _ in split("a" + c + "b")]
        if pieces == ["a", "b"]:
            flags |= SPACE
        elif pieces == ["a", c, "b"]:
            flags |= PUNCTUATION
        else:
            assert pieces == ["a" + c + "b"], (code, pieces)
        cleaned = clean("a" + c + "b")
        if cleaned == "ab":
            flags |= DROP
        else:
            assert cleaned == ("a b" if flags & SPACE else "a" + c + "b"), code
        if cjk(c) != c:
            assert cjk(c) == " " + c + " "
            flags |= CJK
        if lower(c) != c:
            flags |= LOWER
            lowers[code] = [ord(x) for x in lower(c)]
        if nfd(c) != c:
            flags |= DECOMPOSE
            decompositions[code] = [ord(x) for x in nfd(c)]
        elif strip(c) == "":
            flags |= MARK
        if c in ranks:
            flags |= COMBINING
        if is_word(c):
            flags |= WORD
        properties[code] = flags
    for code, parts in decompositions.items():
        kept = [x for x in parts if not properties[x] & MARK]
        assert [ord(x) for x in strip(chr(code))] == kept, code
        if code in HANGUL:
            assert parts == hangul(code)
    decompositions = {k: v for k, v in decompositions.items() if k not in HANGUL}
    return properties, lowers, decompositions, {ord(c): rank for c, rank in ranks.items()}


def rows(values, form, columns=96):
    line, out = "   ", []
    for value in values:
        item = " " + form(value) + ","
        if len(line) + len(item) > columns:
            out.append(line)
            line = "   "
        line += item
    return "\n".join(out + [line])


def array(kind, name, values, form=str):
    return f"static const {kind} {name}[{len(values)}] = {{\n{rows(values, form)}\n}};\n"


def mapping(name, table):
    """Code points, and the start and length of what each becomes in one array of code points."""
    codes, spans, pool = sorted(table), [], []
    for code in codes:
        spans.append(len(pool) << 3 | len(table[code]))
        pool += table[code]
    assert len(pool) << 3 < 1 << 16
    hexadecimal = lambda x: f"{x:#x}"
    return "\n".join(
        [
            array("uint32_t", f"{name}_codes", codes, hexadecimal),
            array("uint16_t", f"{name}_spans", spans),
            array("uint32_t", f"{name}_pool", pool, hexadecimal),
        ]
    )


def numbered(items):
    """The distinct items in order of appearance, and each item's number among them."""
    position = {}
    numbers = [position.setdefault(item, len(position)) for item in items]
    return list(position), numbers


def groups_of(values, size):
    return [tuple(values[start : start + size]) for start in range(0, len(values), size)]


def render(properties, lowers, decompositions, ranks):
    """Three stages: code point >> 12 gives a page, >> 6 a block of it, and the rest a letter of the block."""
    kinds = sorted(set(properties))
    letters = [chr(ord("A") + kinds.index(p)) for p in properties]
    blocks, block_numbers = numbered(groups_of(letters, BLOCK))
    pages, page_numbers = numbered(groups_of(block_numbers, BLOCK))
    assert len(kinds) <= 26 and len(pages) < 256 and len(blocks) < 1 << 16
    codes = sorted(ranks)
    strings = ",\n".join(f'    "{"".join(block)}"' for block in blocks)
    return "\n".join(
        [
            f"/* Made by generate-tables.py from tokenizers {__version__}. Do not edit. */",
            f"/* Bits: {', '.join(f'{name} {1 << i}' for i, name in enumerate(FLAGS))}. */",
            array("uint16_t", "property_kinds", kinds),
            array("uint8_t", "property_pages", page_numbers),
            array("uint16_t", "property_blocks", [x for page in pages for x in page]),
            f"static const char property_letters[{len(blocks)}][{BLOCK + 1}] = {{\n{strings},\n}};\n",
            mapping("lower", lowers),
            mapping("decompose", decompositions),
            array("uint32_t", "combining_codes", codes, lambda x: f"{x:#x}"),
            array("uint8_t", "combining_ranks", [ranks[c] for c in codes]),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", metavar="FILE", help="compare with FILE instead of printing")
    options = parser.parse_args()
    text = render(*collect())
    if options.check:
        with open(options.check, encoding="ascii") as file:
            same = file.read() == text
        print(f"{options.check}: {'as the reference' if same else 'differs from the reference'}")
        sys.exit(0 if same else 1)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
