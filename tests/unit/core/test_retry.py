from itertools import islice

import pytest

from atmodist.core.errors import InputError
from atmodist.core.retry import RetryPolicy


def test_waits_grow_to_their_limit():
    assert list(islice(RetryPolicy(first_wait=2, longest_wait=30).waits(), 6)) == [2, 4, 8, 16, 30, 30]


def test_waits_that_cannot_grow_are_refused():
    with pytest.raises(InputError, match="first_wait, 300 s, must be less than its longest_wait, 10 s"):
        RetryPolicy(first_wait=300, longest_wait=10)
