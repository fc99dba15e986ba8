"""The one exception that means: the input is wrong, and the message says how."""


class InputError(ValueError):
    """Bad input, told in one sentence that names the file or key, what was found and what was expected."""
