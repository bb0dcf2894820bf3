"""Hashes of passwords."""

from __future__ import annotations

import pytest
from argon2 import extract_parameters
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import verify_secret

from citysec.access.passwords import decoy, hashed


async def test_checking_the_decoy_takes_the_effort_of_a_real_hash():
    assert extract_parameters(decoy()) == extract_parameters(await hashed("a long password"))
    with pytest.raises(VerifyMismatchError):  # after the whole computation; a malformed hash is refused before it
        verify_secret(decoy().encode(), b"", extract_parameters(decoy()).type)


def test_no_two_decoys_are_the_same():
    assert decoy() != decoy()
