#!/usr/bin/env python3
"""Has pages load a script of the site where Zensical 0.0.73 lets them ask another host for it; without the script they do without.

    own.py SITE [SCRIPT]

Exit code 1 if no page asks: then this is no longer needed. Python 3.9 or later, standard library only.
"""
import os
import re
import shutil
import sys

ASKS = re.compile(r'<script src="https://unpkg\.com/iframe-worker/shim"[^>]*></script>')
NAME = "iframe-worker.js"


def main():
    root, script = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    found = 0
    if script:
        shutil.copyfile(script, os.path.join(root, "assets", NAME))
    for folder, _, files in os.walk(root):
        up = os.path.relpath(os.path.join(root, "assets", NAME), folder)
        for name in files:
            if name.endswith(".html"):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as page:
                    text = page.read()
                text, times = ASKS.subn(f'<script src="{up}"></script>' if script else "", text)
                found += times
                with open(path, "w", encoding="utf-8") as page:
                    page.write(text)
    if not found:
        sys.exit("no page asks for iframe-worker: scripts/site/own.py can go")


main()
