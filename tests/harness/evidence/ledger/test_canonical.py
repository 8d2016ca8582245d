"""Canonical JSON against the examples of RFC 8785 and a property of ECMAScript's numbers."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.ledger import canonical

# Appendix B of RFC 8785: the bits of a double and how it is written.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_numbers_are_written_as_the_standard_lists_them(bits: str, text: str) -> None:
    """Each number of appendix B has its one spelling."""
    (value,) = struct.unpack(">d", bytes.fromhex(bits))

    assert canonical.number(value) == text


@pytest.mark.parametrize("bits", ["7fffffffffffffff", "7ff0000000000000", "fff0000000000000"])
def test_what_is_not_finite_is_refused(bits: str) -> None:
    """NaN and the infinities have no JSON."""
    (value,) = struct.unpack(">d", bytes.fromhex(bits))

    with pytest.raises(canonical.CanonicalError):
        canonical.dumps([value])


def test_keys_are_sorted_by_utf_16_code_units() -> None:
    """The example of section 3.2.3, where code points and code units order differently."""
    value = {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\x80": 6, "ö": 7}

    keys = list(json.loads(canonical.dumps(value)))

    assert keys == ["\r", "1", "\x80", "ö", "€", "😀", "\ufb33"]


def test_strings_have_the_shortest_escapes() -> None:
    """Section 3.2.2.2: short escapes, lower-case hexadecimal, nothing else escaped."""
    assert (
        canonical.dumps('€$\x0f\nA\'B"\\"/\x7f') == '"€$\\u000f\\nA\'B\\"\\\\\\"/\x7f"'.encode()
    )


@pytest.mark.parametrize(
    "value", [2**53 + 1, -(2**53) - 1, 10**400, "\ud800", {1: 2}, b"x", {"a": {"b": set()}}]
)
def test_values_without_a_canonical_form_are_refused(value: object) -> None:
    """Large integers, lone surrogates, foreign keys and types."""
    with pytest.raises(canonical.CanonicalError):
        canonical.dumps(value)


@pytest.mark.parametrize(
    "text",
    [
        b"NaN",
        b"Infinity",
        b"1e999",
        b'{"a":1,"a":2}',
        b"[" * 100_000,
        b"\xff",
        b"",
        b"[1,]",
        b"9" * 5000,
        b'{"a":1} x',
    ],
)
def test_loose_json_is_refused(text: bytes) -> None:
    """Whatever strict JSON does not know ends in one kind of error."""
    with pytest.raises(canonical.CanonicalError):
        canonical.loads(text)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-1e15, 1e15)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_reading_what_was_written_gives_the_value_and_the_same_bytes(value: object) -> None:
    """Writing is injective, and writing again changes nothing."""
    content = canonical.dumps(value)

    assert canonical.loads(content) == value
    assert canonical.dumps(canonical.loads(content)) == content


@given(
    st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: text.encode(errors="surrogatepass"))
)
def test_reading_anything_raises_one_kind_of_error(content: bytes) -> None:
    """No input makes another exception."""
    try:
        canonical.loads(content)
    except canonical.CanonicalError:
        return


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_value_and_its_spelling(value: float) -> None:
    """What is written is read as the same double, and written the same again."""
    text = canonical.number(value)

    assert float(text) == value
    assert canonical.dumps(canonical.loads(text.encode())) == text.encode()
