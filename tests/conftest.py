"""What all tests share."""

import signal

import hypothesis

# A shell's background jobs ignore Ctrl-C, and what they start inherits that: here it must reach who is meant.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is slow, and no test is about time.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_collection_modifyitems(items):
    """First the chain on a Slurm, which takes longest, and the trainings there, which mostly wait.

    Then the files that need no finished run, those that do, and the small ones last.
    """
    waiting = {item.path for item in items if "finished" in item.fixturenames}
    items.sort(
        key=lambda item: (
            item.path.stem not in ("test_slurm_chain", "test_slurm_training"),
            "unit" in item.path.parts,
            item.path in waiting,
        )
    )
