"""A real browser, driven through a pipe, so that nothing else has to be installed for it."""

import itertools
import json
import os
import subprocess
import sys
import threading
import time

# The browser reads its messages from descriptor 3 and answers on 4.
AS_3_AND_4 = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)


class Browser:
    """Chromium without a window, driven by DevTools messages through a pipe."""

    def __init__(self, program: str, profile: str):
        child_reads, self._write = os.pipe()
        self._read, child_writes = os.pipe()
        options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        start = [sys.executable, "-c", AS_3_AND_4, str(child_reads), str(child_writes), program]
        self._process = subprocess.Popen(
            [*start, *options, "--remote-debugging-pipe", "about:blank"],
            pass_fds=(child_reads, child_writes),
            stderr=subprocess.DEVNULL,
        )
        os.close(child_reads)
        os.close(child_writes)
        self._numbers = itertools.count(1)
        self._rest = b""
        self.events: list[dict] = []
        # A browser that hangs fails the test instead of stopping all of them.
        self._timer = threading.Timer(120, self._process.kill)
        self._timer.daemon = True
        self._timer.start()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    _session = None

    def call(self, method: str, **parameters):
        """Send a message and return its result; keep the events that come before it."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def open(self, url: str, width: int = 1200, height: int = 900, scheme: str = "light") -> None:
        """Go to `url` in a window of a size, and wait until it is loaded."""
        self.resize(width, height)
        scheme = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.events.clear()
        # From another page, so that an address that differs by its anchor alone is loaded too.
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.until("document.readyState == 'complete' && location.href != 'about:blank'")

    def resize(self, width: int, height: int = 900) -> None:
        """Make the window so large, in CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def evaluate(self, expression: str):
        """Return the value of JavaScript."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until JavaScript is true."""
        for _ in range(500):
            if self.evaluate(expression):
                return
            time.sleep(0.01)
        raise AssertionError(f"never: {expression}")

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key and let it go."""
        own = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        if text:
            own["text"] = text
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **own)
        self.call("Input.dispatchKeyEvent", type="keyUp", **own)

    def quit(self) -> None:
        """End the browser."""
        self._timer.cancel()
        self._process.kill()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def _next(self) -> dict:
        while b"\0" not in self._rest:
            part = os.read(self._read, 1 << 16)
            assert part, "the browser ended"
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)
