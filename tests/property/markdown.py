#!/usr/bin/env python3
"""Comments of random plans, full of hostile names and values, before independent parsers of CommonMark; prints TAP.

    tests/property/markdown.py [--seeds N] [SEED...]

Parsers: markdown-it-py (CommonMark, with GFM's tables and autolinks), and GitHub's own cmark-gfm where it is installed. The laws:
    one structure      the comment has the headings, lists, tables and folds that we write, balanced, and nothing else: no link, image, other HTML or emphasis
    rows are actions   a row for each action that destroys, first and in order, with its address; those left out are counted
    within the limit   never longer than was asked for, never half a character
    nothing hidden     no control, bidirectional or invisible character, no line that GitLab takes for a command
    no secret          none of the run's secrets, however it is spelled
A fixed list of seeds, and a fresh one whose number is printed. With HLREC_QUICK set: fewer.
"""
import argparse
import glob
import html
import html.parser
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import unicodedata

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("HLREC_BUILD", SOURCE / "build" / "plain")).resolve()
VENV = pathlib.Path(os.environ.get("HLREC_VENV", SOURCE / "build" / "venv"))
PROGRAM = BUILD / "tests" / "property" / "markdown_plan"
SEEDS = 150
DESTROYS = ("replace", "delete")
ORDER = ["delete", "replace", "refuse", "update", "adopt", "create", "forget", "defer"]
LEAST = 4096

for folder in glob.glob(str(VENV / "lib" / "python3*" / "site-packages")):
    sys.path.append(folder)
try:
    import markdown_it
    import linkify_it  # noqa: F401  (markdown-it's autolinks need it)
except ImportError as missing:
    print(f"ok 1 - everything # SKIP {missing}")
    print("1..1")
    sys.exit(0)
try:
    import cmarkgfm
    from cmarkgfm.cmark import Options
except ImportError:
    cmarkgfm = None

# ---- hostile texts ----

PIECES = ["|", "\\|", "\\", "`", "``", "```", "````````", "\n```\n", "~~~", "<", ">", "<!--", "-->", "]]>", "<?", "<details>", "</details>", "</summary>", "</code>", "<img src=x onerror=y>",
          "<script>", "&lt;", "&#64;", "&amp", "![x](http://evil.example/p.png)", "[x](http://evil.example)", "[x]: http://evil.example", "[^1]", "http://evil.example/a?b",
          "https://evil.example", "www.evil.example", "WWW.evil.example", "ftp://evil.example", "mailto:a@evil.example", "a@evil.example", "xmpp:a@evil.example", "@admin", "@everyone",
          "#1", "fixes #1", "GH-1", "o/r#1", "!1", "%1", "~bug", "$x$", "$`x`$", ":tada:", "\n", "\r\n", "\n\n", "\n/close\n", "/merge", "\n# Plan: 0 to delete\n", "\n- a\n", "\n| a | b |\n",
          "\n---\n", "\n===\n", "\n    code\n", "\n> q\n", "**", "*", "_", "__", "~~", "==", "\t", "\x00", "\x1b[31m", "\x07", "\x7f", "\u0085", "\u200b", "\u200d", "\u202e", "\u2066", "\ufeff",
          "\u00ad", "\U000e0041", "\ufe0f", "\u3164", "\u2028", "é", "ü", "漢字", "😀", "\u00a0", "  ", " ", ".", ",", "'", '"', "(", ")", "[", "]", "{", "}", "=", "+", "-", "^", "a", "web", "db-1", "1",
          "<!-- hlrec:v1 stack=home target=default -->", "\n<!-- hlrec:v1 stack=home target=default -->\n", "p|ss`wo@rd", "s3cret<x>&y", "line1\nline2secret"]
SECRETS = ["p|ss`wo@rd", "s3cret<x>&y", "line1\nline2secret"]


def hostile(rng, most=12):
    if rng.random() < 0.02:
        return rng.choice(PIECES) * rng.randint(1, 3000)
    return "".join(rng.choice(PIECES) for _ in range(rng.randint(1, most)))


MILD = ["write `adopt: true` and _nothing_ else", "__init__ and `x", "a | www.evil.example/x", "see ABC-12 or www.evil.example", "it's (so)", "`", "_a_"]


def text(rng, calm="no longer in the spec"):
    if rng.random() < 0.1:
        return rng.choice(MILD)
    return calm if rng.random() < 0.3 else hostile(rng).replace("\x00", "\x01")


def address(rng, number):
    return f"{rng.choice(['container', 'secret', 'route'])}.{'' if rng.random() < 0.4 else text(rng)}{number}"


def change(rng):
    made = {"path": text(rng, "image"), "origin": rng.choice(["spec", "drift", "both"]), "forces": rng.random() < 0.2, "line": rng.randint(0, 50),
            "sensitive": rng.random() < 0.1}
    for side in ("desired", "recorded", "live"):
        if rng.random() < 0.8:
            made[side] = rng.choice([text(rng), hostile(rng, 60), [text(rng) for _ in range(rng.randint(0, 12))], {text(rng): text(rng) for _ in range(rng.randint(0, 12))}, 7, True])
    return made


def step(rng, number):
    made = {"address": address(rng, number), "action": rng.choice(ORDER + ["none", "none"]), "reason": text(rng), "line": rng.randint(0, 99),
            "loses_data": rng.random() < 0.3, "create_first": rng.random() < 0.5}
    for key in ("hint", "note", "error", "error_hint", "moved_from"):
        if rng.random() < 0.15:
            made[key] = text(rng)
    if rng.random() < 0.3:
        made["used_by"] = [address(rng, i) for i in range(rng.randint(0, 6))]
    made["changes"] = [change(rng) for _ in range(rng.choice([0, 0, 1, 2, 3, 30]))]
    return made


def plan(rng):
    made = {"max_size": rng.choice([0, 0, 1, LEAST, 5000, 8192, 20000, 60000]), "stack": rng.choice(["home", "a--b", text(rng)]), "file": rng.choice(["hlrec.yaml", text(rng)])}
    for key in ("target", "head", "run", "source", "commit", "guard", "guard_hint", "error", "error_hint"):
        if rng.random() < 0.4:
            made[key] = text(rng, "3f9c1ab")
    if rng.random() < 0.5:
        made["order"] = rng.randint(1, 2**62)
    if rng.random() < 0.3:
        made["preview"] = {"base": text(rng, "aa01"), "behind": rng.randint(0, 3), "conflicts": rng.random() < 0.3, "unused": [text(rng) for _ in range(rng.choice([0, 0, 2, 200]))]}
    made["failed"] = rng.random() < 0.05
    made["steps"] = [step(rng, i) for i in range(rng.choice([0, 1, 3, 8, 40, 200]))]
    made["findings"] = [{"message": text(rng), "severe": rng.random() < 0.3, **({"hint": text(rng)} if rng.random() < 0.3 else {})} for _ in range(rng.choice([0, 0, 1, 5, 300]))]
    made["secrets"] = SECRETS
    return made


# ---- laws ----


class Broken(Exception):
    pass


def expect(holds, message, *details):
    if not holds:
        raise Broken("\n".join([message, *(str(detail)[:3000] for detail in details)]))


OURS = re.compile(r"<details( open)?><summary>[A-Z]+ <code>([\w ,./=-]|&#\d+;|<!-- -->|[^\x00-\x7f])*</code>(: (the spec changed|drift|the spec changed, and drift))?</summary>|</details>")
MARKER = re.compile(r"<!-- hlrec:v1 stack=[\w.:-]+ target=[\w.:-]+ -->\n(<!-- hlrec:run head=[\w.:-]+ order=\d+ run=[\w.:-]+ -->\n)?")
BOLD = re.compile(r"No changes:|Plan: (\d+ [a-z ]+, )*\d+ unchanged\.|This does not merge with the base:|The table does not name all that is destroyed:|not used|There is no plan:|apply stops here:|error|warning|note|hint|could not be read:|REPLACE|DELETE|its data is lost|and \d+ more")
ITALIC = re.compile(r"A preview: .*|Left out, to stay below \d+ bytes:.*")


def law_bytes(document, comment):
    limit = max(document["max_size"] or 60000, LEAST)
    expect(len(comment) <= limit, f"{len(comment)} bytes, and {limit} are allowed")
    try:
        decoded = comment.decode()
    except UnicodeDecodeError as error:
        raise Broken(f"not UTF-8: {error}")
    for character in decoded:
        category = unicodedata.category(character)
        hidden = category in ("Cc", "Cf", "Cs", "Zl", "Zp") and character != "\n" or character in "\u034f\u115f\u1160\u3164\uffa0\ufe0f"
        expect(not hidden, f"the character U+{ord(character):04X}")
    expect(MARKER.match(decoded), "no marker at the beginning", decoded[:200])
    for line in decoded.split("\n"):
        expect(not line.lstrip().startswith("/") or line.startswith(" "), "a line that begins with a slash", line)
    return decoded


def law_no_secret(_document, decoded):
    plain = html.unescape(decoded)
    for secret in SECRETS:
        for spelling in (secret, secret.replace("\n", "\\x0a"), json.dumps(secret)[1:-1]):
            expect(spelling not in decoded and spelling not in plain, f"the secret {secret!r}")


class Walk:
    """What the parser found, in the order of the document."""

    def __init__(self, tokens):
        self.headings, self.rows, self.code, self.html, self.bold = [], [], [], [], []
        self.text = []
        self.fences = 0
        row = None
        for token in tokens:
            expect(token.type in ALLOWED, f"the comment has a {token.type}", token.content)
            if token.type == "heading_open":
                self.headings.append(token.tag)
            elif token.type == "html_block":
                self.html += [line for line in token.content.split("\n") if line]
            elif token.type == "fence":
                self.fences += 1
            elif token.type == "tr_open":
                row = []
            elif token.type == "tr_close":
                self.rows.append(row)
                row = None
            elif token.type == "inline":
                shown = self.inline(token.children)
                if row is not None:
                    row.append(shown)

    def inline(self, children):
        shown, style, in_code = "", None, False
        for child in children:
            expect(child.type in ALLOWED_INLINE, f"the comment has a {child.type}", child.content, "".join(c.content for c in children))
            if child.type in ("strong_open", "em_open"):
                style = ""
            elif child.type == "strong_close":
                expect(BOLD.fullmatch(style), "these words are bold", style)
                style = None
            elif child.type == "em_close":
                style = None
            elif child.type == "html_inline":
                expect(child.content in ("<code>", "</code>", "<!-- -->"), "HTML within a line", child.content)
                if child.content != "<!-- -->":
                    expect(in_code == (child.content == "</code>"), "an element that is not balanced")
                    in_code = child.content == "<code>"
            else:
                shown += child.content
                if child.type == "text" and not in_code:
                    self.text.append(child.content)
                if style is not None:
                    style += child.content
        expect(not in_code and style is None, "an element that is not closed")
        return shown


ALLOWED = {"html_block", "heading_open", "heading_close", "inline", "paragraph_open", "paragraph_close", "blockquote_open", "blockquote_close", "bullet_list_open",
           "bullet_list_close", "list_item_open", "list_item_close", "table_open", "table_close", "thead_open", "thead_close", "tbody_open", "tbody_close", "tr_open",
           "tr_close", "th_open", "th_close", "td_open", "td_close", "fence"}
ALLOWED_INLINE = {"text", "text_special", "code_inline", "html_inline", "strong_open", "strong_close", "em_open", "em_close", "softbreak"}


def law_structure(_document, decoded):
    walk = Walk(PARSER.parse(decoded))
    expect(walk.headings == ["h3"], "headings", walk.headings)
    depth = 0
    marks = MARKER.match(decoded).group().splitlines()
    expect(walk.html[:len(marks)] == marks, "the marker is not of HTML", walk.html[:2])
    for line in walk.html[len(marks):]:
        expect(OURS.fullmatch(line), "HTML of somebody else", line)
        depth += line.startswith("<details") - (line == "</details>")
        expect(depth in (0, 1), "folds that are not balanced")
    expect(depth == 0 and walk.fences == sum(line == "</details>" for line in walk.html), "a fold without its fence", walk.html, walk.fences)
    for words in walk.text:
        expect(not re.search(r"[@#!<>\[\]|]|:\w+:|\bGH-\d", re.sub(r"state #41", "", words)), "words outside of code that mean something to a forge", words)
    return walk


def law_rows(document, decoded, walk):
    if document["failed"]:
        expect(not walk.rows, "a table without a plan")
        return
    steps = [(ORDER.index(entry["action"]), i, entry) for i, entry in enumerate(document["steps"]) if entry["action"] != "none"]
    steps = [entry for _, _, entry in sorted(steps, key=lambda item: item[:2])]
    steps += [dict(entry, action="move") for entry in document["steps"] if entry["action"] == "none" and "moved_from" in entry]
    rows, more = [], {}
    for row in walk.rows[1:]:
        expect(len(row) == 4, "a row of another width", row)
        if row[0].startswith("and "):
            total = int(row[0].split()[1])
            counts = {verb.lower(): int(count) for count, verb in (part.split() for part in row[2].split(", "))}
            expect(sum(counts.values()) == total, "a row of what is left out does not add up", row)
            more.update(counts)
        else:
            rows.append(row)
    for action in ORDER + ["move"]:
        wanted = [entry for entry in steps if entry["action"] == action]
        shown = [row for row in rows if row[0].lower() == action]
        expect(len(shown) + more.get(action, 0) == len(wanted), f"{len(wanted)} to {action}, {len(shown)} rows and {more.get(action, 0)} left out")
        for row, entry in zip(shown, wanted):
            expect(same(row[1], entry["address"]), "another address", row[1], repr(entry["address"]))
    expect([row[0].lower() for row in rows] == sorted((row[0].lower() for row in rows), key=(ORDER + ["move"]).index), "rows out of order")
    destroyed = sum(more.get(action, 0) for action in DESTROYS)
    notice = re.search(r"\n> \*\*The table does not name all that is destroyed:\*\* (\d+) more", decoded)
    expect(int(notice.group(1) if notice else 0) == destroyed, f"{destroyed} that are destroyed have no row, and that is not said above all")
    if destroyed:
        expect(all(row[0].lower() in DESTROYS for row in rows), "a row that destroys was left out for one that does not")
        expect(walk.fences == 0 and all(row[3] == "" for row in rows), "a row that destroys was left out for reasons or fields of others")
    verdict = re.search(r"^\*\*(?:Plan: (.*)\.\*\*|No changes:\*\* (\d+ unchanged)\.) Data loss: ", decoded, re.MULTILINE)
    expect(verdict, "there is no verdict")
    verdict = (verdict.group(1) or verdict.group(2)).split(", ")
    for verb, word in (("delete", "to delete"), ("replace", "to replace"), ("refuse", "refused"), ("create", "to create"), ("update", "to update"), ("defer", "deferred")):
        count = sum(entry["action"] == verb for entry in document["steps"])
        expect((f"{count} {word}" in verdict) if count else not any(part.endswith(word) for part in verdict), f"the verdict does not say {count} {word}", verdict)


def visible(character):
    if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") or character in "\u034f\u115f\u1160\u3164\uffa0\ufe0f":
        size = len(character.encode())
        return f"\\u{{{ord(character):x}}}" if size > 1 else f"\\x{ord(character):02x}"
    return character


def same(shown, wanted):
    """Whether a cell shows the address, masked, escaped and cut as it may be."""
    for secret in SECRETS:
        wanted = wanted.replace(secret, "(sensitive)")
    wanted = "".join(visible(character) for character in wanted)
    wanted, shown = (" ".join(each.replace("\u00a0", " ").split()) for each in (wanted, shown))
    return shown == wanted or (shown.endswith("...") and wanted.startswith(shown[:-3].rstrip()))


def law_details(document, decoded, walk):
    if document["failed"]:
        return
    wanted = sum(entry["action"] != "none" and (bool(entry["changes"]) or "note" in entry or ("hint" in entry and entry["action"] != "defer" and entry["hint"] != document.get("guard_hint")) or
                                                ("error" in entry and entry["action"] == "refuse")) for entry in document["steps"])
    omitted = re.search(r"\n_Left out, .* the fields of (\d+) resource", decoded)
    expect(walk.fences + int(omitted.group(1) if omitted else 0) == wanted, f"{wanted} resources have fields, {walk.fences} are shown", omitted and omitted.group())


class Tags(html.parser.HTMLParser):
    """What a browser would see of GitHub's rendering."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        expect(tag in ("h3", "p", "strong", "em", "code", "pre", "blockquote", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"), f"<{tag}>", attributes)
        expect(not attributes or (tag, attributes) in (("details", [("open", None)]), ("pre", [("lang", "text")]), ("code", [("class", "language-text")])), f"<{tag}> with", attributes)
        self.open.append(tag)

    def handle_endtag(self, tag):
        expect(self.open and self.open.pop() == tag, f"</{tag}> closes something else")


def law_github(document, decoded, walk):
    if cmarkgfm is None:
        return
    rendered = cmarkgfm.github_flavored_markdown_to_html(decoded, Options.CMARK_OPT_UNSAFE)
    tags = Tags()
    tags.feed(rendered)
    tags.close()
    expect(not tags.open, "elements that are not closed", tags.open)
    expect(rendered.count("<tr>") == len(walk.rows), "the two parsers see other tables")


PARSER = markdown_it.MarkdownIt("gfm-like", {"linkify": True, "html": True})
PARSER.linkify.set({"fuzzy_link": False, "fuzzy_email": True})


def check(document, comment):
    decoded = law_bytes(document, comment)
    try:
        law_no_secret(document, decoded)
        walk = law_structure(document, decoded)
        law_rows(document, decoded, walk)
        law_details(document, decoded, walk)
        law_github(document, decoded, walk)
    except Broken as broken:
        raise Broken(f"{broken}\n--- the comment\n{decoded[:6000]}")
    return walk


def render(process, document):
    process.stdin.write(json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\n")
    process.stdin.flush()
    size = process.stdout.readline()
    expect(size, "the program died")
    return process.stdout.read(int(size))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=40 if os.environ.get("HLREC_QUICK") else SEEDS)
    parser.add_argument("seed", nargs="*", type=int)
    options = parser.parse_args()
    fresh = random.SystemRandom().randrange(2**32)
    groups = [("the given seeds", options.seed)] if options.seed else [("the fixed seeds", range(options.seeds)), (f"a fresh seed, {fresh}", [fresh])]
    process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    failed = rows = cut = count = 0
    for name, seeds in groups:
        problems = []
        for seed in seeds:
            document = plan(random.Random(seed))
            try:
                comment = render(process, document)
                walk = check(document, comment)
                rows += len(walk.rows)
                cut += b"\n_Left out" in comment or b"| **and " in comment
            except Broken as broken:
                problems.append(f"seed {seed}: {broken}")
        count += 1
        failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {count} - comments of {name} keep the laws")
        for line in "\n".join(problems[:3]).splitlines():
            print("#", line)
    process.stdin.close()
    process.wait()
    if not options.seed:
        # Laws about nothing hold always.
        count += 1
        met = rows > 1000 and cut > 10 if options.seeds >= SEEDS else rows > 0
        failed += not met
        print(f"{'ok' if met else 'not ok'} {count} - the plans were large enough to say something: {rows} rows, {cut} comments at their limit")
    if cmarkgfm is None:
        print("# without cmarkgfm: GitHub's own parser was not asked")
    print(f"1..{count}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
