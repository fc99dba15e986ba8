"""What all tests share."""

import signal

import hypothesis

# A shell's background jobs ignore Ctrl-C, and what they start inherits that: here it must reach who is meant.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is slow, and no test is about time.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_collection_modifyitems(items):
    """First what waits longest, for a Slurm: of two files at a time, it is not to be the one that is left.

    Then what does not wait for the run that it starts from, and the small files last.
    """
    waiting = {item.path for item in items if "finished" in item.fixturenames}
    items.sort(
        key=lambda item: (
            item.path.name != "test_slurm.py",
            "unit" in item.path.parts,
            item.path in waiting,
        )
    )
