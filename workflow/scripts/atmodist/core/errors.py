"""The one exception that means: the input is wrong, and the message says how."""


class InputError(ValueError):
    """Bad input; one sentence names the file or key, what was found and what was expected."""
