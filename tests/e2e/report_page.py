#!/usr/bin/env python3
"""report_page.py FOLDER: is the report of a drill's result folder whole? One line "ok NAME" or
"not ok NAME: why" a check."""

import glob
import html.parser
import json
import os
import re
import sys
import xml.etree.ElementTree as tree

XHTML = "{http://www.w3.org/1999/xhtml}"


class References(html.parser.HTMLParser):
    """Everything in a page that a browser would follow or run."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "link", "iframe", "object", "embed", "img", "base", "form"):
            self.found.append(tag)
        for name, value in attrs:
            value = value or ""
            if name in ("href", "src", "xlink:href", "action", "srcset", "data", "poster"):
                if not value.startswith("#"):
                    self.found.append(f"{tag} {name}={value}")
            elif name.startswith("on"):
                self.found.append(f"{tag} {name}")
            elif re.search(r"url\((?!#)", value):
                self.found.append(f"{tag} {name}={value}")


def references(text):
    parser = References()
    parser.feed(text)
    styles = " ".join(re.findall(r"<style>(.*?)</style>", text, re.S))
    return parser.found + re.findall(r"@import\s|url\((?!#)[^)]*\)", styles)


def words(element):
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip()


def check(name, problem):
    print(f"not ok {name}: {problem}" if problem else f"ok {name}")
    return not problem


def unnamed(page, verdict):
    """Expectations that the page's table does not have with their outcome."""
    rows = [[words(cell) for cell in row] for row in page.iter(XHTML + "tr")]
    missing = []
    for expectation in verdict["expectations"]:
        name = re.sub(r"\s+", " ", expectation["name"]).strip()
        if not any(len(row) > 1 and row[1] == name and row[0].endswith(expectation["outcome"])
                   for row in rows):
            missing.append(name)
    return missing


def unlabelled(page):
    """Pictures without a title and a description that they name."""
    ids = {element.get("id"): words(element) for element in page.iter() if element.get("id")}
    return [picture.get("id") for picture in page.iter()
            if picture.tag.endswith("svg") and
            not all(ids.get(name) for name in picture.get("aria-labelledby", "?").split())]


def main():
    folder = sys.argv[1]
    with open(os.path.join(folder, "verdict.json"), encoding="utf-8") as file:
        verdict = json.load(file)
    path = os.path.join(folder, "report.html")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    page = tree.fromstring(text)
    good = check("the page is well-formed", "" if page.tag == XHTML + "html" else page.tag)
    good &= check("the page is not large",
                  "" if len(text) < 4_000_000 else f"{len(text)} bytes")
    good &= check("the page refers to nothing outside", "; ".join(references(text)))
    good &= check("the page names every expectation with its outcome",
                  "; ".join(unnamed(page, verdict)))
    good &= check("every picture has a title and a description", "; ".join(unlabelled(page)))
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    good &= check("ids are unique", "" if len(ids) == len(set(ids)) else "some are not")
    said = words(page.find(f"{XHTML}body"))
    silent = [alert["alert"] for alert in verdict["alerts"] if alert["alert"] not in said]
    good &= check("every alert is in the page", "; ".join(silent))
    boards = sorted(glob.glob(os.path.join(folder, "dashboards", "driftdrill-*.svg")))
    good &= check("each dashboard is a picture", "" if len(boards) == 4 else str(boards))
    for board in boards:
        with open(board, encoding="utf-8") as file:
            picture = file.read()
        name = os.path.basename(board)
        tree.fromstring(picture)
        good &= check(f"{name} is small", "" if len(picture) < 300_000 else f"{len(picture)} bytes")
        good &= check(f"{name} refers to nothing outside", "; ".join(references(picture)))
    sys.exit(0 if good else 1)


main()
