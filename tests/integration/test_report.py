"""The report is built without a network, and a browser shows every figure in it."""

import html
import json
import os
import re
import shutil
import subprocess

import pytest
from snakemake_runs import TINY, snakemake

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
    const told = document.createElement("pre");
    told.id = "told";
    told.textContent = JSON.stringify({widths, shown: document.querySelector("#app").innerText});
    document.body.append(told);
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


def test_everything_has_a_caption_that_tells_of_the_shorter_data(report, finished):
    held = results(report)
    figures = {str(path.relative_to(finished)) for path in finished.glob("results/tiny/figures/*.png")}
    assert held.keys() == figures | {"results/tiny/summary.csv", "results/tiny/summary.html"}
    assert all(len(result["caption"]) > 60 for result in held.values())
    assert "the paper has six years" in held["results/tiny/figures/semivariogram.png"]["caption"]
    assert "the paper has twenty years" in held["results/tiny/figures/training_curves.png"]["caption"]


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
    told = json.loads(html.unescape(re.search(r'<pre id="told">(.*?)</pre>', dom)[1]))
    assert told["widths"].keys() == {path for path in results(report) if path.endswith(".png")}
    assert all(width > 100 for width in told["widths"].values()), told["widths"]
    for category in ("AtmoDist", "Data", "Local distributions", "Numbers", "Super-resolution"):
        assert category in told["shown"]
