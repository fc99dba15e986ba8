"""What all tests share."""

import signal

# A shell's background jobs ignore Ctrl-C, and what they start inherits that: here it must reach who is meant.
signal.signal(signal.SIGINT, signal.default_int_handler)
