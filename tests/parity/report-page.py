#!/usr/bin/env python3
"""bert-report's page in headless Chromium: a screenshot, and no request that leaves it.

usage: report-page.py [--screenshot FILE.png] PAGE.html

Chromium (Debian's package chromium, or $CHROMIUM) writes a log of its network; requests of its own have no page as their
initiator. That the log would show a page's requests is seen with a copy of the page that asks for a picture. Exit status 1
when a request is found, when the control's is not, or when the screenshot is blank.
"""

import argparse
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib

CONTROL = '<img src="http://127.0.0.1:9/control.png">'


def browse(page, folder, picture):
    log = folder / "network.json"
    subprocess.run(
        [os.environ.get("CHROMIUM", "chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         f"--user-data-dir={folder}/profile", "--window-size=1200,4800", f"--screenshot={picture}",
         f"--log-net-log={log}", page.resolve().as_uri()],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip
    return json.loads(log.read_text())


def requests(log):
    """Addresses that a page asked for: those of requests with an initiator."""
    found = set()
    for event in log["events"]:
        parameters = event.get("params", {})
        if "url" in parameters and parameters.get("initiator", "not an origin") != "not an origin":
            found.add(parameters["url"])
    return found


def colours(picture):
    """Different pixels in every 16th row of an RGB(A) PNG, up to a few hundred."""
    data, at, packed = picture.read_bytes(), 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IHDR":
            width, _, _, colour = struct.unpack(">IIBB", data[at + 8 : at + 18])
        if kind == b"IDAT":
            packed += data[at + 8 : at + 8 + size]
        at += 12 + size
    depth = {2: 3, 6: 4}[colour]
    raw = zlib.decompress(packed)
    row = width * depth + 1
    return len({raw[i + 1 + 4 * depth : i + row][k : k + depth] for i in range(0, len(raw), 16 * row) for k in range(0, 2000, depth)})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--screenshot", type=pathlib.Path)
    parser.add_argument("page", type=pathlib.Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="report-page-") as name:
        folder = pathlib.Path(name)
        picture = (arguments.screenshot or folder / "page.png").resolve()
        asked = requests(browse(arguments.page, folder, picture))
        seen = colours(picture)
        control = folder / "control.html"
        text = arguments.page.read_text()
        policy = text.index("<meta http-equiv")
        control.write_text(text[:policy] + text[text.index(">", policy) + 1 :].replace("<main", CONTROL + "<main", 1))
        caught = requests(browse(control, folder, folder / "control.png"))
    print(f"requests: {sorted(asked) or 'none'}; of the control: {sorted(caught)}; colours: {seen}")
    sys.exit(0 if not asked and any("control.png" in url for url in caught) and seen > 16 else 1)


main()
