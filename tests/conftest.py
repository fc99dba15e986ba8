"""What all tests share."""

import signal

import hypothesis

# A shell's background jobs ignore Ctrl-C, and what they start inherits that: here it must reach who is meant.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is slow, and no test is about time.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
