import errno
import subprocess
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import cdsapi
import numpy as np
import pytest
from fake_snakemake import run_script
from standin_archive import KEY, Plan, StandInArchive, truth

from atmodist.core.errors import InputError
from atmodist.core.periods import Period
from atmodist.core.retry import RetryPolicy
from atmodist.data import climate_data_store, grib
from atmodist.data.arrival import Request, check
from atmodist.data.climate_data_store import mars_request, retrieve
from atmodist.data.packed import truncated

DATASET = "reanalysis-era5-complete"
KEYWORDS = {
    "class": "ea",
    "expver": "1",
    "stream": "oper",
    "type": "an",
    "levtype": "ml",
    "data_format": "grib",
}
VARIABLES = ["divergence", "vorticity"]
TIMES = Period.parse("1979-01-30_1979-01-31").times(3)
REQUEST = mars_request(TIMES, VARIABLES, 120, KEYWORDS)


def accepting(**changes):
    """What lets the answer pass to the request, or to one with changes."""
    question = {
        "times": TIMES, "variables": VARIABLES, "level": 120, "truncation": 21, "archive_truncation": 21,
        "bounds": dict.fromkeys(VARIABLES, (1e-6, 1e-3)),
    }  # fmt: skip
    return partial(check, request=Request(**question | changes))


ACCEPT = accepting()
FAST = {"attempts": 3, "first_wait": 0.001, "longest_wait": 0.01, "timeout": 5}
HASTE = RetryPolicy(
    attempts=3, first_wait=0.001, longest_wait=0.01, timeout=20
)  # a busy machine answers late
IMPATIENCE = replace(HASTE, timeout=1.5)  # less than an archive is silent that stalls


@pytest.fixture
def server(monkeypatch, tmp_path):
    with StandInArchive() as server:
        monkeypatch.setenv("CDSAPI_URL", server.url)
        monkeypatch.setenv("CDSAPI_KEY", KEY)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        yield server


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spectral" / "1979-01-30_1979-01-31.grib"


def fetch(path, request=REQUEST, accept=ACCEPT, policy=HASTE, dataset=DATASET):
    retrieve(dataset, request, path, accept, policy)


def left(path):
    return sorted(file.name for file in path.parent.glob(".*") if "partial" not in file.name)


def right(path):
    return path.read_bytes() == truth(REQUEST) and not left(path)


def test_the_request_asks_in_mars_syntax_for_native_spectral_fields():
    assert REQUEST == {
        **KEYWORDS,
        "param": "155/138",
        "levelist": "120",
        "date": "1979-01-30/to/1979-01-31",
        "time": "00/03/06/09/12/15/18/21",
    }
    daily = mars_request(Period.parse("1979-01-01_1979-12-31").times(24), ["log_surface_pressure"], 1, {})
    days = np.array(["1979-01-01T12", "1985-06-30T12"], "datetime64[h]")
    assert mars_request(days, ["vorticity"], 120, {})["date"] == "1979-01-01/1985-06-30"
    assert daily == {"param": "152", "levelist": "1", "date": "1979-01-01/to/1979-12-31", "time": "00"}


def test_an_archive_without_faults_serves_the_file(server, path):
    fetch(path)
    assert right(path)
    assert server.count("POST", "/execution") == 1


@pytest.mark.parametrize(
    "faults",
    [
        {"process": ["busy", "unavailable"]},
        {"submit": ["error", "drop"]},
        {"status": ["queued", "busy", "queued", "drop", "error", "queued"]},
        {"results": ["unavailable", "drop"]},
        {"file": ["cut", "error", "drop", "cut", "busy", "short", "cut"]},
        {"file": ["cut", "ignores range"]},
        {"file": ["stall", "stall"]},
    ],
)
def test_what_passes_is_waited_for(server, path, faults):
    server.misbehave = Plan(faults)
    fetch(path, policy=IMPATIENCE if "stall" in faults.get("file", ()) else HASTE)
    assert right(path)
    assert not any(faults.values())


def test_a_broken_download_is_resumed_where_it_broke_off(server, path):
    server.misbehave = Plan({"file": ["cut", "short", "cut"]})
    fetch(path)
    begins = [ranges for _, name, ranges in server.requests if name.startswith("/cache")]
    size = len(truth(REQUEST))
    assert begins == [f"bytes={size - size // 2**n}-" for n in range(4)]
    assert right(path)


@pytest.mark.parametrize(
    ("faults", "sentence"),
    [
        ({"submit": ["credentials"]}, "refuses the credentials .*how-to-api"),
        (
            {"submit": ["licence"]},
            "licence of reanalysis-era5-complete has not been accepted: accept it at http",
        ),
        ({"submit": ["too large"]}, "finds the request too large .* shorter periods"),
        ({"submit": ["invalid"]}, "cannot serve the request .*valid combination.*data.download.request"),
        ({"submit": ["unavailable"] * 3}, "does not answer as it should .* run again later"),
        ({"submit": ["drop"] * 3}, "does not answer as it should"),
        ({"process": ["nonsense"]}, "does not answer as it should"),
        ({"status": ["failed"]}, "cannot serve the request .*MARS has returned an error"),
        ({"status": ["rejected"]}, "cannot serve the request .*MARS has returned an error"),
        ({"status": ["dismissed"]}, "cannot serve the request .*dismissed"),
        ({"file": ["drop"] * 3}, "does not answer as it should"),
        ({"file": ["gone"]}, "cannot serve the request"),
        ({"content": ["truncated"]}, "cut or damaged"),
        ({"content": ["missing"]}, "1 fields are missing"),
        ({"content": ["twice"]}, "1 fields are there more than once"),
        ({"content": ["other level"]}, "on level 121, not on level 120"),
        ({"content": ["other truncation"]}, "truncation T22, not T21"),
        ({"content": ["other parameter"]}, "root mean square|missing"),
        ({"content": ["other day"]}, "16 fields are missing"),
        ({"content": ["on a grid"]}, "gridType reduced_gg; expected sh, spectral"),
        ({"content": ["no GRIB"]}, "not GRIB"),
        ({"content": ["too strong"]}, "root mean square of 30, outside"),
        ({"content": ["trailing bytes"]}, "last 5 bytes are not GRIB"),
        ({"content": ["longer than announced"]}, "bytes came instead of"),
    ],
)
def test_what_does_not_pass_is_told_in_a_sentence_and_no_file_appears(server, path, faults, sentence):
    server.misbehave = Plan(faults)
    with pytest.raises(InputError, match=sentence) as error:
        fetch(path)
    assert "\n" not in str(error.value)
    assert KEY not in str(error.value)
    assert not path.exists()
    fetch(path)  # all is well with the archive now
    assert right(path)


def test_an_unknown_dataset_is_told(server, path):
    with pytest.raises(InputError, match=r"cannot serve the request .*process not found"):
        fetch(path, dataset="reanalysis-era5-incomplete")


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (None, "no credentials .* ~/.cdsapirc"),
        ("12345:0a1b2c", "old kind"),
        ("wrong", "refuses the credentials"),
    ],
)
def test_credentials_that_do_not_work_are_told(server, path, monkeypatch, key, sentence):
    monkeypatch.delenv("CDSAPI_KEY")
    if key:
        monkeypatch.setenv("CDSAPI_KEY", key)
    with pytest.raises(InputError, match=sentence) as error:
        fetch(path)
    assert not key or key not in str(error.value)


@pytest.mark.parametrize(
    "content", [b"url=https://x\nkey=abc-secret\n", b"key: abc-secret\n", b"", b"\xff", b"url: x"]
)
def test_a_malformed_file_of_credentials_is_named(server, path, monkeypatch, tmp_path, content):
    monkeypatch.delenv("CDSAPI_URL")
    monkeypatch.delenv("CDSAPI_KEY")
    monkeypatch.setenv("CDSAPI_RC", str(tmp_path / "cdsapirc"))
    (tmp_path / "cdsapirc").write_bytes(content)
    with pytest.raises(InputError, match=r"cdsapirc cannot be used .* url: … and key: …") as error:
        fetch(path)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("url", ["https://me:secret@host/api", "https://host/api?key=secret", "secret"])
def test_a_key_in_the_address_is_refused_and_not_repeated(path, monkeypatch, capfd, caplog, url):
    monkeypatch.setenv("CDSAPI_URL", url)
    monkeypatch.setenv("CDSAPI_KEY", "key")
    with pytest.raises(InputError, match="the key apart from it") as error:
        fetch(path)
    assert "secret" not in str(error.value) + "".join(capfd.readouterr()) + caplog.text


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"{}"])
def test_a_garbled_ticket_is_sent_again(server, path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(f".{path.name}.ticket.json").write_bytes(content)
    fetch(path)
    assert right(path)
    assert server.count("POST", "/execution") == 1


def test_credentials_of_the_file_are_used_and_written_nowhere(
    server, path, monkeypatch, tmp_path, capfd, caplog
):
    monkeypatch.delenv("CDSAPI_URL")
    monkeypatch.delenv("CDSAPI_KEY")
    monkeypatch.setenv("CDSAPI_RC", str(tmp_path / "cdsapirc"))
    (tmp_path / "cdsapirc").write_text(f"url: {server.url}\nkey: {KEY}\n")
    server.misbehave = Plan({"file": ["cut"], "submit": ["busy"]})

    def refuse(part):
        for file in [*path.parent.glob("*"), *path.parent.glob(".*")]:
            assert KEY.encode() not in file.read_bytes()
        ACCEPT(part)

    fetch(path, accept=refuse)
    assert right(path)
    assert KEY not in "".join(capfd.readouterr()) + caplog.text


def interrupt(*_):
    raise KeyboardInterrupt


def test_an_interrupted_call_picks_up_its_request_and_its_part(server, path, monkeypatch):
    server.misbehave = Plan({"file": ["cut"], "status": ["queued"]})
    monkeypatch.setattr(climate_data_store.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):  # while it waits in the queue
        fetch(path)
    with pytest.raises(KeyboardInterrupt):  # while it downloads
        fetch(path)
    assert left(path) == [f".{path.name}.download", f".{path.name}.ticket.json"]
    begun = path.with_name(f".{path.name}.download").stat().st_size
    fetch(path)
    assert right(path)
    assert server.count("POST", "/execution") == 1
    assert server.requests[-1][2] == f"bytes={begun}-"


def test_another_request_does_not_take_over_the_part_of_an_interrupted_one(server, path, monkeypatch):
    server.misbehave = Plan({"file": ["cut"]})
    with monkeypatch.context() as patch:
        patch.setattr(climate_data_store.time, "sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch(path, request=mars_request(TIMES, VARIABLES, 119, KEYWORDS))
    fetch(path)
    assert right(path)
    assert server.count("POST", "/execution") == 2


@pytest.mark.parametrize("faults", [{"status": ["gone"]}, {"status": ["failed"]}, {"file": ["gone"]}])
def test_a_queued_request_that_was_lost_is_asked_anew(server, path, monkeypatch, faults):
    server.misbehave = Plan({"file": ["cut"]})
    with monkeypatch.context() as patch:
        patch.setattr(climate_data_store.time, "sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch(path)
    server.misbehave = Plan(faults)
    fetch(path)
    assert right(path)
    assert server.count("POST", "/execution") == 2


def test_a_download_that_goes_on_is_given_more_attempts_than_one_that_does_not(server, path):
    server.misbehave = Plan({"file": ["cut"] * (HASTE.attempts + 3)})
    fetch(path)
    assert right(path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux' /dev/full")
def test_a_full_disk_is_told_and_the_request_kept(server, path):
    path.parent.mkdir(parents=True)

    def fill(part):
        raise AssertionError("nothing to accept")

    original = climate_data_store.write_json

    def write_ticket(ticket, content):
        original(ticket, content)
        path.with_name(f".{path.name}.download").symlink_to("/dev/full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(climate_data_store, "write_json", write_ticket)
        with pytest.raises(InputError, match="cannot be written: no space is left on its disk; make room"):
            fetch(path, accept=fill)
    path.with_name(f".{path.name}.download").unlink()
    fetch(path)
    assert right(path)
    assert server.count("POST", "/execution") == 1


def test_a_disk_that_is_too_small_is_told_before_the_download(server, path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(InputError, match="bytes are to come, but the disk has only 1000 free"):
        fetch(path)
    assert not server.count("GET", ".grib")


def test_the_stand_in_serves_cdsapi_as_it_comes(server, tmp_path):
    server.misbehave = Plan({"status": ["queued"]})
    cdsapi.Client(quiet=True, progress=False).retrieve(DATASET, REQUEST, str(tmp_path / "era5.grib"))
    assert (tmp_path / "era5.grib").read_bytes() == truth(REQUEST)


def test_the_stand_in_serves_what_is_asked(server, path):
    """The archive of the tests reads the request on its own: another level, other days, other hours."""
    times = Period.parse("2000-02-28_2000-03-01").times(6)
    request = mars_request(times, ["vorticity"], 60, KEYWORDS)
    fetch(path, request, accepting(times=times, variables=["vorticity"], level=60))
    assert [field.time for field in grib.read_fields(path)] == list(times)
    assert np.unique([field.level for field in grib.read_fields(path)]) == [60]


def run(script, folder, policy=None, **params):
    """Run a script as Snakemake would."""
    run_script(
        script,
        folder / "job.log",
        rule=script,
        config={"data": {"download": {"retry": policy or {}}}},
        outputs={"grib": str(folder / "period.grib"), "checksum": str(folder / "period.grib.sha256")},
        params={
            "period": "1979-01-30_1979-01-31", "step_hours": 3,
            "variables": VARIABLES, "level": 120, "truncation": 21, "archive_truncation": 21,
        } | params,
    )  # fmt: skip


def the_next_run_asks_for_nothing(server, folder, params):
    """It makes the right file, and leaves nothing else."""
    sent = len(server.requests)
    run("download_era5", folder, **params)
    assert len(server.requests) == sent
    assert {field.truncation for field in grib.read_fields(folder / "period.grib")} == {21}
    assert checksum_holds(folder)
    assert {path.name for path in folder.iterdir()} == {"period.grib", "period.grib.sha256", "job.log"}


def checksum_holds(folder):
    return subprocess.run(["sha256sum", "--check", "period.grib.sha256"], cwd=folder).returncode == 0


def test_the_script_downloads_and_logs_request_and_identifier(server, tmp_path):
    server.misbehave = Plan({"file": ["cut"]})
    run("download_era5", tmp_path, dataset=DATASET, request=KEYWORDS, policy=FAST)
    assert (tmp_path / "period.grib").read_bytes() == truth(REQUEST)
    assert checksum_holds(tmp_path)
    log = (tmp_path / "job.log").read_text()
    assert str(REQUEST) in log
    assert next(iter(server.jobs)) in log
    assert "broke off" in log
    assert "32 fields accepted" in log
    assert KEY not in log


def test_the_script_ends_with_one_sentence_where_the_archive_refuses(server, tmp_path, capsys):
    server.misbehave = Plan({"submit": ["licence"]})
    with pytest.raises(SystemExit) as end:
        run("download_era5", tmp_path, dataset=DATASET, request=KEYWORDS, policy={})
    assert end.value.code == 1
    terminal = capsys.readouterr().err
    assert terminal.startswith("download_era5 1979-01-30_1979-01-31: error: the licence of")
    assert terminal.count("\n") == 1


def test_the_script_truncates_what_the_archive_serves(server, tmp_path):
    server.truncation = 31
    params = {"dataset": DATASET, "request": KEYWORDS, "archive_truncation": 31}
    run("download_era5", tmp_path, policy=FAST, **params)
    fields = list(grib.read_fields(tmp_path / "period.grib"))
    assert {field.truncation for field in fields} == {21}
    (tmp_path / "whole.grib").write_bytes(truth(REQUEST, truncation=31))
    for found, whole in zip(fields, grib.read_fields(tmp_path / "whole.grib"), strict=True):
        right = truncated(whole.coefficients, 21)
        assert np.linalg.norm(found.coefficients - right) < 5e-7 * np.linalg.norm(right)
    assert checksum_holds(tmp_path)
    assert not list(tmp_path.glob("*.whole")) + list(tmp_path.glob(".*.whole*"))


@pytest.mark.parametrize("truncation", [21, 31])
def test_a_stop_while_it_hashes_costs_no_second_download(server, tmp_path, monkeypatch, truncation):
    server.truncation = truncation
    params = {"dataset": DATASET, "request": KEYWORDS, "archive_truncation": truncation, "policy": FAST}
    with monkeypatch.context() as patch:
        patch.setattr("atmodist.core.files.sha256", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run("download_era5", tmp_path, **params)
    for output in ("period.grib", "period.grib.sha256"):  # as Snakemake does after a job that failed
        (tmp_path / output).unlink(missing_ok=True)
    the_next_run_asks_for_nothing(server, tmp_path, params)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device")])
def test_a_stop_while_it_truncates_costs_no_second_download(server, tmp_path, monkeypatch, stop):
    def write(*_):
        raise stop

    server.truncation = 31
    params = {"dataset": DATASET, "request": KEYWORDS, "archive_truncation": 31, "policy": FAST}
    with monkeypatch.context() as patch:
        patch.setattr("atmodist.data.arrival.write_fields", write)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            run("download_era5", tmp_path, **params)
    the_next_run_asks_for_nothing(server, tmp_path, params)


def test_what_another_request_has_brought_is_not_taken_for_the_answer(server, path):
    with pytest.raises(KeyboardInterrupt):
        retrieve(DATASET, {**REQUEST, "expver": "5"}, path, ACCEPT, HASTE, interrupt)
    fetch(path)
    assert right(path)
    assert server.count("POST", "/execution") == 2


def test_what_was_refused_is_accepted_within_wider_limits_without_a_download(server, path):
    with pytest.raises(InputError, match="outside of"):
        fetch(path, accept=accepting(bounds={"vorticity": (1e-6, 4e-5)}))
    sent = len(server.requests)
    fetch(path)
    assert right(path)
    assert len(server.requests) == sent


def test_what_is_refused_twice_is_asked_anew(server, path):
    strict = accepting(bounds={"vorticity": (1e-6, 4e-5)})
    for requests in (1, 2, 3):
        with pytest.raises(InputError, match="outside of"):
            fetch(path, accept=strict)
        assert server.count("POST", "/execution") == requests
    fetch(path)
    assert right(path)
    assert server.count("POST", "/execution") == 3


def test_while_one_process_downloads_another_leaves_its_files_alone(server, path, monkeypatch):
    """As the job of a killed Snakemake does, which runs on."""
    waits, going_on = threading.Event(), threading.Event()

    def wait(_):
        waits.set()
        assert going_on.wait(60)

    server.misbehave = Plan({"status": ["queued"], "file": ["cut"]})
    monkeypatch.setattr(climate_data_store.time, "sleep", wait)
    orphan = threading.Thread(target=fetch, args=(path,))
    orphan.start()
    assert waits.wait(60)
    with pytest.raises(
        InputError, match=f"{path} is being downloaded by another process; wait for it or end"
    ):
        fetch(path)
    going_on.set()
    orphan.join()
    assert right(path)
    assert server.count("POST", "/execution") == 1


def test_a_whole_that_has_changed_since_is_brought_again(server, path):
    with pytest.raises(KeyboardInterrupt):
        retrieve(DATASET, REQUEST, path, ACCEPT, HASTE, interrupt)
    part = path.with_name(f".{path.name}.download")
    part.write_bytes(part.read_bytes()[:-500])
    fetch(path)
    assert right(path)
    assert server.requests[-1][2] == f"bytes={len(truth(REQUEST)) - 500}-"


def test_the_script_links_a_file_of_the_user(tmp_path):
    mine = tmp_path / "mine" / "1979" / "jan.grib"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(truth(REQUEST))
    run("link_files", tmp_path, pattern=f"{tmp_path}/mine/{{year}}/*.grib")
    assert (tmp_path / "period.grib").readlink() == mine
    assert checksum_holds(tmp_path)


@pytest.mark.parametrize(
    "fault", ["truncated", "other level", "missing", "other day", "no GRIB", "too strong"]
)
def test_a_file_of_the_user_passes_the_same_checks(tmp_path, fault):
    (tmp_path / "mine.grib").write_bytes(truth(REQUEST, fault))
    with pytest.raises(SystemExit):
        run("link_files", tmp_path, pattern=f"{tmp_path}/mine.grib")
    assert "error: " in (tmp_path / "job.log").read_text()
    assert not (tmp_path / "period.grib").is_symlink()
