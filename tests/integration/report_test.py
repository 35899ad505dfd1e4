#!/usr/bin/env python3
"""`hlrec report`: what stands on the page, that nothing in it can be more than text, who can read the file; and the page in a real browser, on a phone and a desk,
light and dark, of a small stack and a large one."""
import functools
import html.parser
import http.server
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser, missing  # noqa: E402
from lib import Lab, Stack, Tap, private_folder, stop_on_signals  # noqa: E402

HEAD = """\
hlrec: 1
stack: home
providers:
  docker: {host: "${env.HLREC_LAB_DOCKER}"}
  netbird: {url: "${env.HLREC_LAB_NETBIRD}", token: "${env.NB_TOKEN}"}
"""
SPEC = HEAD + """\
secrets:
  TOKEN: {generate: {length: 24}, write: [{dotenv: app.env}]}
  LATER: {env: NOT_THERE, optional: true}
networks: {net: {}}
volumes: {data: {}}
setup_keys:
  peers: {type: reusable, expires_in: 10d}
  others: {type: reusable, expires_in: 300d}
containers:
  db: {image: "postgres:16", networks: [net], volumes: ["data:/var/lib/postgresql/data"], environment: {PASSWORD: "${secret.TOKEN}"}}
  web: {image: "nginx:1.27", networks: [net], labels: {motto: "plain"}, depends_on: [db], environment: {KEY: "${setup_key.peers.key}"}}
  job: {image: "busybox:1", needs: [container.web], command: [sleep, "60"]}
"""
NETBIRD_TOKEN = "nbp_0123456789abcdefghijABCDEFGHIJ012345"
HOSTILE = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>&amp;\u202e</title></style>"
LARGE = 320


class World:
    """The lab, a stack that was applied, and what somebody did behind its back."""

    def __init__(self, folder):
        os.environ["HLREC_LAB_NETBIRD_TOKEN"] = NETBIRD_TOKEN
        self.lab = Lab(os.path.join(folder, "lab"))
        self.stack = Stack(folder, "home", SPEC, environment=dict(self.lab.environment, NB_TOKEN=NETBIRD_TOKEN))
        self.applied = self.stack.apply()

    def docker(self, method, path, body=None):
        data = [] if body is None else ["-H", "Content-Type: application/json", "--data-binary", json.dumps(body)]
        subprocess.run(["curl", "-sf", "-X", method, *data, "--unix-socket", self.lab.socket, "http://localhost/v1.41" + path], check=True, capture_output=True)

    def make_drift(self):
        """One container is gone, another one was made anew by hand, with a label that would like to be markup."""
        self.docker("DELETE", "/containers/job?force=1")
        inspected = self.lab.get("/containers/web/json")
        self.docker("DELETE", "/containers/web?force=1")
        config = dict(inspected["Config"], HostConfig=inspected["HostConfig"], NetworkingConfig={"EndpointsConfig": inspected["NetworkSettings"]["Networks"]})
        config["Labels"] = dict(config["Labels"], motto=HOSTILE)
        self.docker("POST", "/containers/create?name=web", config)
        self.docker("POST", "/containers/web/start")

    def page(self, *options, name="page.html"):
        done = self.stack.run("report", "--html", name, *options)
        return done, self.stack.read(name) if os.path.exists(self.stack.path(name)) else ""


class Reader(html.parser.HTMLParser):
    """What a page holds: elements, ids, link targets, text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.ids, self.targets, self.text, self.events = {}, [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements[tag] = self.elements.get(tag, 0) + 1
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "src", "action", "data", "xlink:href"):
                self.targets.append(value)
            elif name.startswith("on") or name == "style":
                self.events.append(f"{tag} {name}")

    def handle_data(self, data):
        self.text.append(data)


def files(tap, world):
    tap.section = "the file"
    stack = world.stack
    tap.equal(world.applied.status, 0, "there is something to report", world.applied.text)
    usage = stack.run("report")
    tap.equal(usage.status, 3, "without --html the usage is told", usage.text)
    tap.point("--html FILE" in usage.err and "hlrec status" in usage.err, "with what to do", usage.text)
    mask = os.umask(0)
    done, text = world.page()
    os.umask(mask)
    tap.equal((done.status, done.text), (0, ""), "is written without a word", done.text)
    tap.equal(stat.S_IMODE(os.stat(stack.path("page.html")).st_mode), 0o600, "a new one is its owner's alone, whatever the umask")
    os.chmod(stack.path("page.html"), 0o640)
    os.symlink("page.html", stack.path("link.html"))
    before = os.stat(stack.path("page.html")).st_ino
    done, _ = world.page(name="link.html")
    about = os.stat(stack.path("page.html"))
    tap.equal((done.status, stat.S_IMODE(about.st_mode), about.st_ino != before), (0, 0o640, True), "one that is there keeps its mode, and is replaced as a whole")
    tap.point(os.path.islink(stack.path("link.html")), "a link to it stays one")
    printed = stack.run("report", "--html", "-")
    tap.point(printed.status == 0 and printed.out.startswith("<!DOCTYPE html>") and printed.out.endswith("</html>\n"), "'-' prints it", printed.err)
    lost = stack.run("report", "--html", "no/such/folder/page.html")
    tap.point(lost.status == 1 and "writing the page" in lost.err, "a place that cannot be written is told", lost.text)
    tap.equal([name for name in os.listdir(stack.folder) if "tmp" in name], [], "nothing is left beside it")
    wrong = stack.run("report", "--html", "page.html", "--yes")
    tap.equal(wrong.status, 3, "it has no options that change anything", wrong.text)


def offline(tap, world):
    tap.section = "--no-refresh"
    before = len(world.lab.calls())
    done, text = world.page("--no-refresh", name="offline.html")
    tap.equal((done.status, len(world.lab.calls())), (0, before), "asks no system", done.text)
    tap.point("The systems were not asked" in text and "container.db" in text, "and says so")


def contents(tap, world):
    tap.section = "the page"
    stack = world.stack
    world.make_drift()
    stack.run("suspend", "--for", "2h", "disks " + HOSTILE)
    stack.write(SPEC.replace("busybox:1", "busybox:2").replace("  db: {", "  new: {image: 'redis:7', needs: [secret.LATER]}\n  db: {"))
    done, text = world.page()
    tap.equal(done.status, 0, "drift is no failure", done.text)
    reader = Reader(text)
    shown = "".join(reader.text)
    tap.equal((reader.elements.get("script"), reader.elements.get("img"), reader.events), (None, None, []), "has no script, picture or handler")
    tap.equal((text[:text.index("</head>")].count("<title>"), reader.elements["style"], reader.elements["h1"]), (1, 1, 1), "has one title, one style, one headline")
    outside = [target for target in reader.targets if not target.startswith("#") and not target.startswith("data:image/svg+xml,")]
    tap.equal(outside, [], "leads nowhere but within itself")
    tap.equal((len(reader.ids), sorted(target for target in reader.targets if target[0] == "#" and target[1:] not in reader.ids)), (len(set(reader.ids)), []),
              "each of its links has a target, once")
    tap.point("default-src 'none'" in text and "unsafe" not in text, "its policy allows nothing else")
    tap.point("<img src=x onerror=alert(1)>" in shown and "\\u{202e}" in shown, "what would like to be markup is text", shown[-3000:])
    tap.point("2 resources have drifted" in shown and "deleted outside hlrec" in shown, "tells the drift", shown[:600])
    tap.point("Suspended:" in shown and "disks" in shown, "tells that the stack is suspended")
    secrets = [stack.run("secret", "show", "TOKEN", "--reveal").out.strip(), NETBIRD_TOKEN]
    key = next(line for line in world.lab.get("/containers/web/json")["Config"]["Env"] if line.startswith("KEY="))[4:]
    tap.equal([value for value in (*secrets, key) if len(value) < 8 or value in text], [], "holds no secret")
    again = world.page()[1]
    strip = functools.partial(re.sub, r"\d+ \w+ ago|in \d+ \w+|<time.*?</time>|read in [0-9.]+ s", "")
    tap.equal(strip(again), strip(text), "is the same for the same stack")
    return reader


def unread(tap, world):
    tap.section = "a system that is not there"
    done = world.stack.run("report", "--html", "unread.html", environment={"HLREC_LAB_NETBIRD": "http://127.0.0.1:1"})
    text = world.stack.read("unread.html")
    tap.equal(done.status, 7, "the page is written, and the exit code is 7", done.text)
    tap.point("could not be read" in text and "provider netbird" in text, "it says what could not be read")
    world.stack.write("hlrec: 1\nstack: home\nnonsense: 1\n", "wrong.yaml")
    wrong = world.stack.run("report", "--file", "wrong.yaml", "--html", "wrong.html")
    tap.equal((wrong.status, os.path.exists(world.stack.path("wrong.html"))), (3, False), "of a wrong spec there is no page", wrong.text)


# ---- in a browser ----

WIDE = "document.documentElement.scrollWidth"
CONTRAST = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const parse = text => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1); return canvas.getImageData(0, 0, 1, 1).data; };
  const over = (top, ground) => [0, 1, 2].map(i => top[i] * top[3] / 255 + ground[i] * (1 - top[3] / 255));
  const light = c => { const [r, g, b] = c.map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const groundOf = element => element === null ? [255, 255, 255] : over(parse(getComputedStyle(element).backgroundColor), groundOf(element.parentElement));
  const low = [];
  for (const element of document.querySelectorAll('body *')) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()) || element.closest('title')) continue;
    const style = getComputedStyle(element), svg = element.closest('a.n');
    const ground = svg ? over(parse(getComputedStyle(svg.querySelector('.box')).fill), [255, 255, 255]) : groundOf(element);
    const ink = over(parse(svg ? style.fill : style.color), ground);
    const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) low.push(element.className + ' ' + element.textContent.slice(0, 20) + ' ' + ((a + .05) / (b + .05)).toFixed(2));
  }
  return [...new Set(low)].slice(0, 8);
})()"""
EDGES = "[...document.querySelectorAll('path.e title')].map(title => title.textContent)"
ROWS = "[...document.querySelectorAll('#resources ~ details')].flatMap(d => [...d.querySelectorAll('tbody th')].map(th => d.querySelector('h3').textContent + '.' + th.textContent))"
COLUMN = "[...document.querySelectorAll('section[aria-labelledby=%s] tbody tr th')].map(th => th.textContent)"


def addresses_and_edges(stack):
    """From another of hlrec's outputs: the graph in dot."""
    dot = stack.run("graph", "dot").out
    edges = {f"{to} needs {start}" for start, to in re.findall(r'"([^"]+)" -> "([^"]+)"', dot)}
    return set(re.findall(r'^  "([^"]+)";$', dot, re.MULTILINE)), edges


def serve(folder):
    class Handler(http.server.SimpleHTTPRequestHandler):
        asked = []

        def __init__(self, *arguments):
            super().__init__(*arguments, directory=folder)

        def log_message(self, *_):
            self.asked.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, Handler.asked


def looks(tap, browser, url, what):
    """Every width and scheme of one page."""
    grounds = set()
    for width in (360, 1280):
        for scheme in ("light", "dark"):
            browser.view(width, 800, scheme)
            browser.open(url)
            tap.equal((browser.ask(WIDE), browser.complaints, browser.requests), (width, [], [url]), f"{what}, {width} wide, {scheme}: fits, and nothing is asked for or complained of")
            grounds.add(browser.ask("getComputedStyle(document.body).backgroundColor"))
            browser.ask("document.querySelectorAll('details').forEach(each => each.open = true)")
            tap.equal((browser.ask(WIDE), browser.ask(CONTRAST)), (width, []), f"{what}, {width} wide, {scheme}: unfolded, it fits as well, and all can be read")
            if os.environ.get("HLREC_PICTURES"):
                browser.picture(os.path.join(os.environ["HLREC_PICTURES"], f"{what}-{width}-{scheme}.png".replace(" ", "-")))
    tap.equal(len(grounds), 2, f"{what}: light and dark differ")
    browser.ask("document.querySelector('.source').style.color = '#777'")
    tap.point("source" in str(browser.ask(CONTRAST)), "what could not be read would be found")


def small(tap, browser, world):
    tap.section = "in a browser"
    stack = world.stack
    server, asked = serve(stack.folder)
    looks(tap, browser, f"http://127.0.0.1:{server.server_address[1]}/page.html", "small")
    tap.equal(set(asked), {"/page.html"}, "the server is asked for the page alone")
    server.shutdown()
    server.server_close()
    addresses, edges = addresses_and_edges(stack)
    tap.equal((set(browser.ask(ROWS)), set(browser.ask(EDGES))), (addresses, edges), "every resource and every edge is there")
    runs = [str(run["run"]) for run in json.loads(stack.run("history", "--format", "json").out)["runs"]]
    tap.equal(browser.ask(COLUMN % "history"), runs, "every run is there")
    ends = {row["address"]: row["expires"] for row in json.loads(stack.run("status", "--format", "json").out)["resources"] if "expires" in row}
    tap.equal((browser.ask(COLUMN % "expiries"), len(ends)), (sorted(ends, key=ends.get), 2), "so is what ends, the next one first")
    browser.ask("document.querySelectorAll('details').forEach(each => each.open = false); location.hash = document.querySelector('a.n').getAttribute('href')")
    tap.point(browser.ask("document.querySelector('tr:target').closest('details').open"), "a box of the graph leads to its resource, also where that is folded")
    tap.equal(browser.ask("[...document.querySelectorAll('h1, h2, h3')].map(h => +h.tagName[1]).every((level, i, all) => level <= (all[i - 1] ?? 0) + 1)"), True,
              "no level of headings is left out")


def large(tap, browser, folder, world):
    tap.section = "a large stack"
    parts = [HEAD.split("  netbird:")[0].replace("home", "large"), "networks: {" + ", ".join(f"net{i}: {{}}" for i in range(10)) + "}\n", "containers:\n"]
    for i in range(LARGE - 10):
        needs = f", needs: [container.c{i // 7:03d}]" if i % 3 == 0 and i > 7 else ""
        parts.append(f"  c{i:03d}: {{image: 'nginx:1.{i}', networks: [net{i % 10}]{needs}}}\n")
    stack = Stack(folder, "large", "".join(parts), environment=world.lab.environment)
    done = stack.run("report", "--no-refresh", "--html", "page.html")
    tap.equal(done.status, 0, "its page is made", done.text)
    tap.point(os.path.getsize(stack.path("page.html")) < 2_000_000, "is of a size that a phone loads", os.path.getsize(stack.path("page.html")))
    url = "file://" + stack.path("page.html")
    browser.view(360)
    browser.open(url)
    tap.equal((browser.ask(WIDE), browser.complaints, browser.requests), (360, [], [url]), "fits on a phone")
    addresses, edges = addresses_and_edges(stack)
    shown = browser.ask(EDGES)
    tap.equal((set(browser.ask(ROWS)), edges - set(shown)), (addresses, set()), "every resource and every edge is there")
    tap.point(0 < browser.ask("document.querySelector('svg.graph').querySelectorAll('a.n').length") < 30, "the graph that is shown first has few boxes")
    tap.equal(browser.ask("[...document.querySelectorAll('#resources ~ details, details.whole')].some(each => each.open)"), False, "the rest is folded")
    if os.environ.get("HLREC_PICTURES"):
        browser.view(1280)
        browser.picture(os.path.join(os.environ["HLREC_PICTURES"], "large-1280-light.png"))


def main():
    tap = Tap()
    stop_on_signals()
    folder = private_folder()
    world = browser = None
    try:
        world = World(folder)
        files(tap, world)
        offline(tap, world)
        contents(tap, world)
        unread(tap, world)
        if missing():
            tap.section = "in a browser"
            tap.point(True, f"# SKIP {missing()}")
        else:
            browser = Browser(os.path.join(folder, "profile"))
            small(tap, browser, world)
            large(tap, browser, folder, world)
    finally:
        if browser is not None:
            browser.stop()
        if world is not None:
            world.lab.stop()
        shutil.rmtree(folder, ignore_errors=True)
    tap.end()


if __name__ == "__main__":
    main()
