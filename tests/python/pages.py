"""Opens pages in headless Chromium and checks what people and programs do with them.

    python pages.py [--chromium PATH] [--pictures DIR] PAGE...

Needs Chromium and the package `websockets`. Each page is opened on a desktop, on a phone, in the dark, on paper and without a script. No
message in the console, no request, nothing wider than the window, text of a contrast of 4.5 (3 where it is large), a name for every
control. Where there are any: the slider moves row, profile and accuracy; figures answer to pointer and keyboard; tables sort; what is
downloaded has the numbers of the page, and those of gradient_spectrum.json beside a run's page.
"""

import argparse
import base64
import contextlib
import csv
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from websockets.sync.client import connect

MODES = {
    "desktop": {"width": 1280, "height": 900},
    "phone": {"width": 390, "height": 844, "mobile": True},
    "desktop-dark": {"width": 1280, "height": 900, "dark": True},
    "phone-dark": {"width": 390, "height": 844, "mobile": True, "dark": True},
    "print": {"width": 760, "height": 1075, "media": "print"},
    "no-script": {"width": 1280, "height": 900, "script": False},
}

# Text that is seen, its colour and what is behind it; contrast as WCAG 2 has it.
CONTRAST = """
(() => {
  const parse = text => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const light = ([r, g, b]) => { const f = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const behind = element => {
    const stack = [];
    for (let at = element; at; at = at.parentElement) { const c = parse(getComputedStyle(at).backgroundColor); stack.push(c); if (c[3] === 1) break; }
    return stack.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || element.closest("script,style,title") || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest("details:not([open])") && !element.closest("summary")) continue;
    const style = getComputedStyle(element), is_svg = !!element.closest("svg");
    const opacity = parseFloat(style.opacity);
    const back = behind(is_svg ? element.closest("svg").parentElement : element);
    const ink = parse(is_svg ? style.fill : style.color); ink[3] *= opacity;
    const [a, b] = [light(over(ink, back)), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05), size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    const needed = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
    if (ratio < needed) bad.push(`${ratio.toFixed(2)}: ${walker.currentNode.textContent.trim().slice(0, 40)}`);
  }
  return bad;
})()
"""

WIDE = """
[document.documentElement.scrollWidth, document.documentElement.clientWidth,
 [...document.querySelectorAll("main *")].filter(e => !e.closest(".wide, svg, .skip") && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
   .map(e => e.tagName + "." + e.className).slice(0, 5)]
"""

IDS = """
(() => {
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  const lost = [...document.querySelectorAll('a[href^="#"]')].map(a => a.getAttribute("href").slice(1)).filter(id => !document.getElementById(id));
  return [ids.filter((id, at) => ids.indexOf(id) !== at), lost, document.documentElement.lang];
})()
"""


class Chromium:
    """The browser, one page of it, and all that it says."""

    def __init__(self, program, folder):
        self.folder = Path(folder)
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--no-first-run"]
        command = [program, *flags, f"--user-data-dir={folder}/profile", "about:blank"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port = self.folder / "profile" / "DevToolsActivePort"
        until = time.time() + 30
        while not (port.exists() and len(port.read_text().split()) == 2):
            assert time.time() < until and self.process.poll() is None, "chromium did not start"
            time.sleep(0.05)
        number, path = port.read_text().split()
        self.open_socket = contextlib.ExitStack()
        self.socket = self.open_socket.enter_context(connect(f"ws://127.0.0.1:{number}{path}", max_size=None))
        self.count, self.events, self.session = itertools.count(1), [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"]:
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        number = next(self.count)
        message = {"id": number, "method": method, "params": parameters}
        if self.session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self.session
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.recv(timeout=60))
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer)
                return answer["result"]
            self.events.append(answer)

    def value(self, script):
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, (script, found)
        return found["result"].get("value")

    def open(self, page, width, height, mobile=False, dark=False, media="", script=True):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if mobile else 1, mobile=mobile)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.events.clear()
        self.call("Page.navigate", url=Path(page).resolve().as_uri())
        until = time.time() + 60
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            assert time.time() < until, f"{page} did not load"
            self.call("Page.getLayoutMetrics")
            time.sleep(0.02)

    def said(self):
        """Messages and errors of the page."""
        kinds = ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"]
        return [event for event in self.events if event.get("method") in kinds]

    def requests(self):
        urls = [event["params"]["request"]["url"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith(("data:", "blob:"))]

    def key(self, key):
        for kind in ["keyDown", "keyUp"]:
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode={"ArrowLeft": 37, "ArrowRight": 39, "ArrowUp": 38, "ArrowDown": 40, "Home": 36, "Tab": 9}[key])

    def picture(self, path):
        """Of the whole page."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        try:
            self.call("Browser.close")
            self.open_socket.close()
            self.process.wait(10)
        except Exception:  # It may be gone before it answers.
            self.process.kill()


def names(browser):
    """Roles of controls and pictures without a name."""
    roles = ["slider", "button", "link", "image", "img", "textbox", "region", "table"]
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    of_role = [node for node in nodes if not node.get("ignored") and node.get("role", {}).get("value") in roles]
    return [node["role"]["value"] for node in of_role if not node.get("name", {}).get("value", "").strip()], len(of_role)


def check_page(browser, page, mode, settings, pictures):
    browser.open(page, **settings)
    where = f"{page} ({mode})"
    assert browser.requests() == [Path(page).resolve().as_uri()], (where, browser.requests())
    wide, window, parts = browser.value(WIDE) if settings.get("script", True) else (0, 0, [])
    assert wide <= window and not parts, f"{where}: {wide} wide in a window of {window}: {parts}"
    if settings.get("script", True):
        bad = browser.value(CONTRAST)
        assert not bad, f"{where}: contrast {bad}"
        twice, lost, language = browser.value(IDS)
        assert not twice and not lost and language == "en", (where, twice, lost, language)
        nameless, count = names(browser)
        assert not nameless and count > 0, f"{where}: without a name: {nameless}"
    else:
        without_script(browser, where)
    if pictures:
        name = Path(page).resolve().parent.name if Path(page).stem == "report" else Path(page).stem
        browser.picture(pictures / f"{name}-{mode}.png")
    if mode == "print":
        pdf = base64.b64decode(browser.call("Page.printToPDF", printBackground=False)["data"])
        assert pdf.startswith(b"%PDF") and len(pdf) > 10_000, where
    assert not browser.said(), (where, browser.said())


def without_script(browser, where):
    """What is there is there without a script: read from the document itself."""
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = [node.get("role", {}).get("value") for node in nodes if not node.get("ignored")]
    assert roles.count("image") + roles.count("img") > 0, f"{where}: no figure"
    assert "slider" not in roles and "button" not in roles, f"{where}: controls that do nothing"


def check_slider(browser, page):
    browser.open(page, **MODES["desktop"])
    state = """(() => { const box = document.querySelector("[data-explorer]"); const charts = box.querySelectorAll("svg.chart");
      return [box.querySelector(".row").getAttribute("y"), charts[0].querySelector(".line").getAttribute("d") + charts[0].querySelector(".curve .line").getAttribute("d"),
        charts[1].querySelector(".cursor .line").getAttribute("transform"), box.querySelector(".reading").textContent, box.querySelector("output").textContent]; })()"""
    before = browser.value(state)
    browser.value('document.querySelector("[data-explorer] input").focus()')
    browser.key("ArrowLeft")
    after = browser.value(state)
    assert all(a != b for a, b in zip(before, after)), (page, before, after)
    data = browser.value('JSON.parse(document.getElementById("numbers").textContent)[document.querySelector("[data-explorer]").id]')
    at = len(data["epochs"]) - 2
    assert after[4] == str(data["epochs"][at]) and after[3] == data["readings"][at], (page, after)
    # A press on the map chooses the epoch, too: the lowest row is the first one.
    box = browser.value('(() => { const svg = document.querySelector("[data-explorer] svg.map"); svg.scrollIntoView({ block: "center" }); const b = svg.querySelector(".frame").getBoundingClientRect(); return [b.left + b.width / 2, b.bottom - b.height / %d / 2]; })()' % len(data["epochs"]))
    press(browser, box)
    assert browser.value(state)[4] == str(data["epochs"][0]), page
    return data


def press(browser, place):
    for kind in ["mouseMoved", "mousePressed", "mouseReleased"]:
        browser.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="none" if kind == "mouseMoved" else "left", clickCount=1)


def check_figures(browser, page):
    """Each figure answers to the pointer and to the keyboard."""
    browser.open(page, **MODES["desktop"])
    count = browser.value('document.querySelectorAll("svg.chart, svg.map").length')
    for at in range(count):
        find = f'[...document.querySelectorAll("svg.chart, svg.map")][{at}]'
        browser.value(f'document.querySelectorAll("details").forEach(d => d.open = true), {find}.scrollIntoView({{ block: "center" }})')
        box = browser.value(f'(() => {{ const b = {find}.querySelector(".frame").getBoundingClientRect(); return [b.left + b.width * 0.4, b.top + b.height * 0.6]; }})()')
        browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0], y=box[1])
        is_on, words = browser.value(f'[{find}.classList.contains("on"), {find}.getAttribute("aria-valuetext")]')
        assert is_on and words and "undefined" not in words and "NaN" not in words, (page, at, words)
        browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
        browser.value(f"{find}.focus({{ focusVisible: true }})")
        browser.key("Home")
        first = browser.value(f'[{find}.getAttribute("aria-valuenow"), {find}.getAttribute("aria-valuetext")]')
        browser.key("ArrowRight")
        second = browser.value(f'[{find}.getAttribute("aria-valuenow"), {find}.getAttribute("aria-valuetext")]')
        most = browser.value(f'{find}.getAttribute("aria-valuemax")')
        assert most == "0" or first != second, (page, at, first, second)
    return count


def check_tables(browser, page):
    browser.open(page, **MODES["desktop"])
    tables = browser.value('document.querySelectorAll("table.sortable").length')
    for at in range(tables):
        find = f'[...document.querySelectorAll("table.sortable")][{at}]'
        for direction in ["ascending", "descending"]:
            column, values, said = browser.value(f"""(() => {{ const t = {find}, heads = [...t.tHead.rows[0].cells];
              const column = heads.findIndex((_, c) => [...t.tBodies[0].rows].every(r => r.cells[c].dataset.v !== undefined));
              if (column < 0) return [column, [], ""];
              heads[column].querySelector("button").click();
              return [column, [...t.tBodies[0].rows].map(r => Number(r.cells[column].dataset.v)), heads[column].getAttribute("aria-sort")]; }})()""")
            if column >= 0:
                assert values == sorted(values, reverse=direction == "descending") and said == direction, (page, at, values, said)
    return tables


def check_downloads(browser, page, folder):
    browser.open(page, **MODES["desktop"])
    browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    numbers = browser.value('JSON.parse(document.getElementById("numbers").textContent)')
    for name, data in numbers.items():
        if not browser.value(f'!!document.querySelector(\'button.download[data-of="{name}"]\')'):
            continue
        browser.value(f'document.querySelector(\'button.download[data-of="{name}"]\').click()')
        path, until = folder / f"{name}.csv", time.time() + 20
        while not path.exists():
            assert time.time() < until, f"{page}: {name}.csv was not downloaded"
            time.sleep(0.05)
        time.sleep(0.1)
        rows = list(csv.reader(path.open(newline="")))[1:]
        expected = {
            "chart": lambda: [value for curve in data["curves"] for value in curve["values"]],
            "maps": lambda: [value for own in data["maps"] for value in own["values"]],
            "explorer": lambda: [value for row in data["mean"] for value in row],
        }[data["kind"]]()
        column = {"chart": 2, "maps": 3, "explorer": 2}[data["kind"]]
        found = [float(row[column]) if row[column] else None for row in rows]
        assert found == expected, (page, name)
        stored = Path(page).parent / "grad" / "gradient_spectrum.json"
        if name == "spectrum" and stored.exists():
            mean = json.loads(stored.read_text())["mean"]
            assert found == [value for row in mean for value in row], f"{page}: other numbers than {stored}"
        path.unlink()
    return len(numbers)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome") or "chromium")
    parser.add_argument("--pictures", type=Path, help="write a picture of each page in each mode into this folder")
    parser.add_argument("pages", nargs="+", type=Path)
    options = parser.parse_args()
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Chromium(options.chromium, folder)
        try:
            for page in options.pages:
                for mode, settings in MODES.items():
                    check_page(browser, page, mode, settings, options.pictures)
                has_slider = '<input id=' in page.read_text() and 'type="range"' in page.read_text()
                epochs = len(check_slider(browser, page)["epochs"]) if has_slider else 0
                figures, tables = check_figures(browser, page), check_tables(browser, page)
                downloads = check_downloads(browser, page, Path(folder))
                assert figures and tables and downloads, page
                size = page.stat().st_size / 1e6
                print(f"{page}: {len(MODES)} modes, {figures} figures, {tables} tables, {downloads} sets of numbers, {epochs} epochs, {size:.2f} MB")
                assert not browser.said(), (page, browser.said())
        finally:
            browser.close()


if __name__ == "__main__":
    sys.exit(main())
