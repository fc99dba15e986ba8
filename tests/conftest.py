"""What all tests share."""

import signal

import hypothesis

# A shell's background jobs ignore Ctrl-C, and what they start inherits that: here it must reach who is meant.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is slow, and no test is about time.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_collection_modifyitems(items):
    """First what waits longest, for a Slurm: of two files at a time, it is not to be the one that is left."""
    items.sort(key=lambda item: item.path.name != "test_slurm.py")
