"""A real browser without a window: Debian's chromium-headless-shell (a third smaller than chromium, and nothing of a desktop with it), spoken to through a pipe by its own protocol (https://chromedevtools.github.io/devtools-protocol/).

One process serves all views of a test. It gets a profile of its own in the test's folder, no network but what the page asks for, and every request, console message
and violated policy is kept."""
import base64
import json
import os
import select
import shutil
import subprocess
import time

ANSWER_S = 60


def missing():
    return None if program() else "chromium-headless-shell is not installed"


def program():
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


class Browser:
    def __init__(self, folder):
        self.requests, self.complaints = [], []
        self.number, self.buffer = 0, b""
        to_browser, from_browser = os.pipe(), os.pipe()
        # It reads descriptor 3 and writes descriptor 4.
        shell = f"exec {program()} --headless --no-sandbox --disable-gpu --hide-scrollbars --disable-background-networking --no-first-run --no-pings " \
                f"--disable-component-update --disable-sync --disable-extensions --user-data-dir='{folder}' --remote-debugging-pipe about:blank " \
                f"3<&{to_browser[0]} 4>&{from_browser[1]} 2>/dev/null"
        self.process = subprocess.Popen(["/bin/bash", "-c", shell], pass_fds=(to_browser[0], from_browser[1]), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        os.close(to_browser[0])
        os.close(from_browser[1])
        self.input, self.output = to_browser[1], from_browser[0]
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(domain + ".enable")

    def read(self, deadline):
        while b"\0" not in self.buffer:
            if not select.select([self.output], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            chunk = os.read(self.output, 1 << 20)
            if not chunk:
                raise EOFError("the browser ended")
            self.buffer += chunk
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def keep(self, message):
        method, about = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(about["entry"]["text"])
        elif method == "Runtime.exceptionThrown" or method == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(about)[:300])

    def call(self, method, **arguments):
        self.number += 1
        message = {"id": self.number, "method": method, "params": arguments}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.input, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_S
        while True:
            answer = self.read(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.keep(answer)

    def view(self, width, height=800, scheme="light"):
        """As a device of this width shows it; below 600 it is a phone."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url):
        self.requests, self.complaints = [], []
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + ANSWER_S
        while self.ask("document.readyState") != "complete" or self.ask("location.href") == "about:blank":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{url} is not loaded")
            time.sleep(0.05)

    def ask(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:500])
        return answer["result"].get("value")

    def picture(self, path):
        """The whole page, as a PNG file."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        image = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                          clip={"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(image["data"]))

    def stop(self):
        try:
            self.session = None
            self.call("Browser.close")
        except (OSError, EOFError, TimeoutError, RuntimeError):
            pass
        os.close(self.input)
        os.close(self.output)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
