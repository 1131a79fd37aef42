#!/usr/bin/env python3
"""Are all links of a site in place? Every `href` and `src` of every page must lead to a file of the site, an anchor to an element, and nothing may be
loaded from elsewhere. Python 3.9 or later, standard library only.
"""
import html.parser
import os
import sys
import urllib.parse

#: Attributes by which a browser loads something by itself.
LOADS = {("link", "href"), ("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src")}


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids.update(value for key in ("id", "name") if (value := values.get(key)))
        for key in ("href", "src"):
            if values.get(key) is not None:
                self.links.append((tag, key, values[key], values.get("rel")))


def main():
    root = os.path.abspath(sys.argv[1])
    pages, wrong, seen = {}, [], 0
    for folder, _, files in os.walk(root):
        for name in files:
            if name.endswith(".html"):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as page:
                    pages[path] = Page(page.read())
    for path, page in sorted(pages.items()):
        for tag, key, link, rel in page.links:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme in ("http", "https") or link.startswith("//"):
                if (tag, key) in LOADS and rel not in ("canonical", "prev", "next"):
                    wrong.append((path, link, "is loaded from elsewhere"))
                continue
            if parts.scheme or path.endswith("/404.html"):
                continue
            target = os.path.normpath(os.path.join(os.path.dirname(path), urllib.parse.unquote(parts.path))) if parts.path else path
            if os.path.isdir(target):
                target = os.path.join(target, "index.html")
            seen += 1
            if not os.path.exists(target):
                wrong.append((path, link, "leads nowhere"))
            elif parts.fragment and target in pages and urllib.parse.unquote(parts.fragment) not in pages[target].ids:
                wrong.append((path, link, "has no such place"))
    for path, link, what in wrong:
        print(f"{os.path.relpath(path, root)}: {link} {what}")
    print(f"{len(pages)} pages, {seen} links, {len(wrong)} wrong")
    sys.exit(bool(wrong) or not pages)


main()
