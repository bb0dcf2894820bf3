"""Conditions: what is one, and when it holds."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.playbooks.compare import ConditionError
from citysec.playbooks.condition import holds, parse
from citysec.playbooks.variables import Variable, VariableFault

KNOWN = {
    "__count__": Variable("integer", "10"),
    "__share__": Variable("float", "0.5"),
    "__name__": Variable("string", "two words"),
    "__empty__": Variable("string", ""),
    "__nothing__": Variable("string"),
    "__ip__": Variable("ipv4-addr", "198.51.100.7"),
    "__six__": Variable("ipv6-addr", "2001:DB8::1"),
    "__flag__": Variable("bool", "True"),
    "__mac__": Variable("mac-addr", "AA-BB-CC-00-11-22"),
    "__hash__": Variable("md5-hash", "D41D8CD98F00B204E9800998ECF8427E"),
}


@pytest.mark.parametrize(
    "text",
    [
        "__count__:value = 10",
        "__count__:value = '10.0'",
        "__count__:value > 9.5 AND __count__:value <= 10",
        "10 = __count__:value",
        "__share__:value < 1",
        "__name__:value = 'two words'",
        "__name__:value != 'it\\'s'",
        "__name__:value LIKE 'two%'",
        "__name__:value LIKE 'two_words'",
        "__name__:value NOT LIKE 'two'",
        "__name__:value MATCHES 'w.rds$'",
        "__count__:value IN (1, 2, '10')",
        "__count__:value NOT IN (1, 2)",
        "__flag__:value = true",
        "__flag__:value = 'TRUE'",
        "__ip__:value ISSUBSET '198.51.100.0/24'",
        "__ip__:value NOT ISSUBSET '2001:db8::/32'",
        "__six__:value = '2001:db8:0:0::1'",
        "__mac__:value = 'aa:bb:cc:00:11:22'",
        "__hash__:value = 'd41d8cd98f00b204e9800998ecf8427e'",
        "__empty__:value = ''",
        "__count__:value != ''",
        "__nothing__:value != 'x'",
        "NOT __nothing__:value = ''",
        "NOT (__count__:value = 1 OR __count__:value = 2)",
        "__count__:value = 10 OR __count__:value = 1 AND __count__:value = 2",
        "(((__count__:value = 10)))",
        "'a' < 'b'",
    ],
)
def test_what_holds(text: str):
    assert holds(parse(text), KNOWN.get)


@pytest.mark.parametrize(
    "text",
    [
        "__nothing__:value = ''",
        "__nothing__:value < 'x'",
        "__count__:value < '9'",
        "(__count__:value = 10 OR __count__:value = 1) AND __count__:value = 2",
        "__name__:value = ' two words'",
        "__name__:value LIKE 'wor%'",
    ],
)
def test_what_does_not_hold(text: str):
    assert not holds(parse(text), KNOWN.get)


@pytest.mark.parametrize(
    "text",
    ["", "__count__:value", "__count__:value =", "= 1", "(__count__:value = 1", "__count__:value = 1)", "NOT",
     "__count__:value = 1 2", "__count__:value IN 1", "__count__:value IN (1", "__name__:value MATCHES '(?=a)'",
     "__name__:value LIKE 5", "__name__:value = 'open", "x = 1 AND", "\x00"],
)  # fmt: skip
def test_what_is_no_condition(text: str):
    with pytest.raises(ConditionError):
        parse(text)


@pytest.mark.parametrize("text", ["__count__:value = 'many'", "__flag__:value < true", "__ip__:value = 'localhost'"])
def test_what_cannot_be_compared_is_an_error_and_never_false(text: str):
    with pytest.raises(ConditionError):
        holds(parse(text), KNOWN.get)


def test_a_name_that_nobody_declared_is_an_error():
    with pytest.raises(VariableFault) as caught:
        holds(parse("__gone__:value = 1"), KNOWN.get)
    assert caught.value.kind == "undefined_variable"


def test_a_text_without_quotes_is_read_with_a_warning():
    condition = parse("__name__:value = yes")
    assert condition.lenient
    assert list(condition.variables()) == ["__name__"]


def test_a_value_never_becomes_part_of_the_condition():
    hostile = {"__name__": Variable("string", "x' OR '1' = '1")}
    assert not holds(parse("__name__:value = 'x'"), hostile.get)


def test_depth_costs_memory_and_no_recursion():
    assert holds(parse("(" * 5_000 + "1 = 1" + ")" * 5_000), KNOWN.get)


@given(st.text(alphabet="(_a)' =<>NOTANDRI1,:value\\", max_size=60))
def test_every_text_is_a_condition_or_an_error(text: str):
    with suppress(ConditionError):
        assert parse(text).postfix


@given(st.text(max_size=30).filter(lambda text: "\x00" not in text))
def test_a_quoted_text_equals_itself(text: str):
    quoted = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    assert holds(parse(f"__v__:value = {quoted}"), {"__v__": Variable("string", text)}.get)
