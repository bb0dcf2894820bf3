"""Lines of a register, made up."""

from __future__ import annotations

from hypothesis import strategies as st

from citysec.constituency.lines import Line
from citysec.observable import AssetKind, Scope, registered

HEADER = "asset_id,organisation,sector,kind,value,scope,criticality"
ORGANISATIONS = ("London Borough of Camden", "London Borough of Islington", "Transport for London")
SECTORS = {ORGANISATIONS[0]: "local-government", ORGANISATIONS[1]: "local-government", ORGANISATIONS[2]: "transport"}


def line(
    ref: str = "A1",
    value: str = "camden.gov.uk",
    *,
    kind: str = "domain",
    scope: str = "exact",
    organisation: str = ORGANISATIONS[0],
    criticality: int = 3,
    service: str | None = "",
    verified: bool = True,
) -> Line:
    """A line that is Camden's domain unless it is said to be something else."""
    return Line(
        ref=ref,
        organisation=organisation,
        sector=SECTORS.get(organisation, ""),
        kind=AssetKind(kind),
        scope=Scope(scope),
        asset=registered(AssetKind(kind), value),
        criticality=criticality,
        service=service,
        exposed=None if service is None else False,
        verified=None if service is None else verified,
    )


_LABEL = st.text("abcxyz0189-_", min_size=1, max_size=5)
_NAMES = st.builds("{}.{}.example".format, _LABEL, _LABEL)
_VALUES = st.one_of(
    st.tuples(st.just("ipv4"), st.builds("198.18.{}.{}".format, st.integers(0, 3), st.integers(0, 255))),
    st.tuples(st.just("ipv6"), st.builds("2001:db8::{:x}".format, st.integers(0, 65535))),
    st.tuples(st.just("cidr"), st.builds("198.18.{}.0/{}".format, st.integers(0, 3), st.integers(15, 32))),
    st.tuples(st.just("domain"), _NAMES),
    st.tuples(st.just("host"), _NAMES),
    st.tuples(st.just("asn"), st.builds("AS{}".format, st.integers(0, 2**32 - 1))),
    st.tuples(st.just("certificate"), st.builds("sha-1:{:040x}".format, st.integers(0, 2**160 - 1))),
    st.tuples(st.just("certificate"), st.builds("serial:{:x}".format, st.integers(0, 2**160 - 1))),
    st.tuples(st.just("mail-domain"), _NAMES),
    st.tuples(st.just("email"), st.builds("{}@{}".format, st.text("abc=+é,'", min_size=1, max_size=4), _NAMES)),
    st.tuples(st.just("url"), st.builds("https://{}/{}".format, _NAMES, st.text("ab,;\"'", max_size=4))),
)


@st.composite
def registers(draw: st.DrawFn, services: tuple[str, ...] = ("", "tube", "bus")) -> list[Line]:
    """Registers without doubles, ordered by id."""
    found: dict[object, Line] = {}
    for number, (kind, value) in enumerate(draw(st.lists(_VALUES, max_size=12))):
        one = line(
            f"A{number:02}",
            value,
            kind=kind,
            scope=draw(st.sampled_from(("exact", "tree"))) if kind == "domain" else "exact",
            organisation=draw(st.sampled_from(ORGANISATIONS)),
            criticality=draw(st.integers(1, 5)),
            service=draw(st.sampled_from(services)),
            verified=draw(st.booleans()),
        )
        found.setdefault(one.identity, one)
    return list(found.values())
