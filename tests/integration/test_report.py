"""The report is built without a network, and a browser shows every figure in it."""

import base64
import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from snakemake_runs import ROOT, TINY, snakemake

pytestmark = pytest.mark.timeout(1800)
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
NOWHERE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
# Show each figure as a click on its eye does, and write down how wide it is drawn.
LOOK = """
<script>
window.addEventListener("load", async () => {
    const wait = () => new Promise(done => setTimeout(done, 20));
    while (!app) await wait();
    const widths = {};
    for (const [path, result] of Object.entries(results)) {
        if (!result.mime_type.startsWith("image/")) continue;
        app.setView({content: "img", contentPath: result.data_uri, resultPath: path});
        for (let patience = 50; patience && !widths[path]; patience--) {
            await wait();
            const image = [...document.images].find(each => each.src === result.data_uri);
            widths[path] = image ? image.naturalWidth : 0;
        }
    }
    const seen = document.createElement("pre");
    seen.id = "seen";
    seen.textContent = JSON.stringify({widths, shown: document.querySelector("#app").innerText});
    document.body.append(seen);
});
</script>
"""


@pytest.fixture(scope="module")
def report(finished, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    run = snakemake(finished, *TINY, "--report", str(path), **NOWHERE)
    assert run.returncode == 0, run.stdout
    return path


def results(report):
    """What the report holds: name of a file → its caption and more."""
    return json.loads(re.search(r"var results = (\{.*\});", report.read_text())[1])


def test_every_figure_has_a_caption_of_its_own(report, finished):
    """The pages of one figure share theirs, as do the two forms of the summary."""
    held = results(report)
    figures = {str(path.relative_to(finished)) for path in finished.glob("results/tiny/figures/*.png")}
    assert held.keys() == figures | {"results/tiny/summary.csv", "results/tiny/summary.html"}
    captions = {path: result["caption"] for path, result in held.items()}
    shared = re.compile(r"summary|(moment_maps|maps|uncertainty)_")
    alone = [caption for path, caption in captions.items() if not shared.search(path)]
    assert len(set(alone)) == len(alone)
    for path, caption in captions.items():
        assert caption.startswith("<p>"), path
        assert not re.search(r"{[{%]|[}%]}|system-message", caption), f"{path}: the template is not filled in"
    assert "2001-02-03T12:00 UTC" in captions["results/tiny/figures/maps_northern_storm_track.png"]
    assert (
        "a lag of 48 h in windows that slide by 8 pixels"
        in captions["results/tiny/figures/uncertainty_lags-23.png"]
    )


def test_the_front_page_has_the_days(report):
    assert "trained on 2001-01-01 to 2001-01-16, epochs chosen on 2001-02-12" in report.read_text()


@pytest.mark.skipif(
    BROWSER is None and os.environ.get("CI") != "true",
    reason="no Chromium or Chrome is installed: install one to see whether the report shows",
)
def test_a_browser_shows_every_figure(report, tmp_path):
    assert BROWSER, "no Chromium or Chrome is installed"
    page = tmp_path / "page.html"
    page.write_text(report.read_text() + LOOK)
    quiet = "--disable-gpu --disable-quic --no-first-run --disable-background-networking"
    quiet += " --disable-component-update --disable-sync --proxy-server=127.0.0.1:9"
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        *quiet.split(),
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    command += ["--virtual-time-budget=60000", "--dump-dom", page.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    seen = json.loads(html.unescape(re.search(r'<pre id="seen">(.*?)</pre>', dom)[1]))
    assert seen["widths"].keys() == {path for path in results(report) if path.endswith(".png")}
    assert all(width > 100 for width in seen["widths"].values()), seen["widths"]
    for category in ("AtmoDist", "Data", "Local distributions", "Numbers", "Super-resolution"):
        assert category in seen["shown"]


def test_nothing_of_the_users_machine_is_in_it(report, finished):
    """Whoever gets the report does not learn where it was made."""
    text = report.read_text()
    embedded = re.findall(r";base64,([A-Za-z0-9+/=]+)", text)
    assert len(embedded) >= len(results(report))
    parts = [text.encode(), *map(base64.b64decode, embedded)]
    for secret in (str(finished), str(ROOT), str(Path.home()) + "/"):
        assert not any(secret.encode() in part for part in parts), secret
