"""A made-up morning in a real city: its bodies, and one of them in detail."""

from __future__ import annotations

from typing import Final

from citysec.tlp import TLP
from citysec.web.views import AssetRow, Body, ConstituentView, ContactRow, Named, Sector, SightingRow, Tile
from tests.web import sample_incident
from tests.web.sample_names import BRENT, ISLINGTON

_GRID: Final = """
enf 4 0 Enfield|hrw 2 1 Harrow|brn 3 1 Barnet|hgy 4 1 Haringey|wth 5 1 Waltham Forest|hdn 0 2 Hillingdon|elg 1 2 Ealing
brt 2 2 Brent|cmd 3 2 Camden|isl 4 2 Islington|hck 5 2 Hackney|rdb 6 2 Redbridge|hvg 7 2 Havering|hns 0 3 Hounslow
hms 1 3 Hammersmith and Fulham|kns 2 3 Kensington and Chelsea|wst 3 3 Westminster|cty 4 3 City of London
tow 5 3 Tower Hamlets|nwm 6 3 Newham|bar 7 3 Barking and Dagenham|rch 1 4 Richmond upon Thames|wns 2 4 Wandsworth
lam 3 4 Lambeth|swr 4 4 Southwark|lsh 5 4 Lewisham|grn 6 4 Greenwich|bxl 7 4 Bexley|kng 2 5 Kingston upon Thames
mrt 3 5 Merton|crd 4 5 Croydon|brm 5 5 Bromley|stn 3 6 Sutton
"""
_TROUBLE: Final = {
    "cmd": (2, "high"),
    "isl": (1, "critical"),
    "brt": (1, "high"),
    "hck": (12, "medium"),
    "swr": (1, "low"),
}
_SECTORS: Final = {
    "health": ("Barts Health NHS Trust", "Guy's and St Thomas' NHS Foundation Trust", "London Ambulance Service"),
    "transport": ("Transport for London", "Heathrow Airport", "Port of London Authority"),
    "emergency-services": ("Metropolitan Police Service", "London Fire Brigade"),
}


def tiles(*, calm: bool = False) -> tuple[Tile, ...]:
    """Return the 33 local authorities, some in trouble unless the day is calm."""
    cells = [cell.split(" ", 3) for line in _GRID.split("\n") for cell in line.split("|") if cell]
    trouble = {} if calm else _TROUBLE
    return tuple(
        Tile(
            slug=name.lower().replace(" ", "-"),
            name=name,
            abbreviation=short,
            col=int(col),
            row=int(row),
            open_incidents=trouble.get(short, (0, None))[0],
            worst=trouble.get(short, (0, None))[1],
        )
        for short, col, row, name in cells
    )


def sectors() -> tuple[Sector, ...]:
    """Return the bodies outside the grid; the first of health and transport are in trouble."""
    return tuple(Sector(name=sector, bodies=tuple(map(body, names))) for sector, names in _SECTORS.items())


def body(name: str) -> Body:
    """Return one body, in trouble if it is one of two."""
    worst = {"Barts Health NHS Trust": "high", "Transport for London": "medium"}.get(name)
    return Body(slug=name.lower().replace(" ", "-"), name=name, open_incidents=1 if worst else 0, worst=worst)


def constituent() -> ConstituentView:
    """Return Camden's own page."""
    rows = sample_incident.advisories()
    mine = (rows[0], rows[1])
    return ConstituentView(
        slug="camden",
        name="Camden",
        kind="borough",
        sector="local-government",
        clearance=TLP.AMBER,
        incidents=sample_incident.children()[:1],
        advisories=mine,
        assets=(
            asset("ipv4", "198.18.7.9", "Council tax payments", 4),
            asset("cidr", "198.18.64.0/20", "Shared IT service", 5, BRENT, ISLINGTON),
            asset("domain", "camden.gov.uk", "Web site", 3),
            asset("mail-domain", "camden.gov.uk", "", 4),
            asset("ipv6", "2001:db8:4:7:52:ff:fe00:19af", "Planning applications", 2),
        ),
        contacts=(
            ContactRow(name="J. Marsh", role="security", channel="email", address="security@camden.example"),
            ContactRow(name="Duty desk", role="on call", channel="webhook", address="https://soc.camden.example/in"),
            ContactRow(
                name="Former desk", role="security", channel="email", address="old@camden.example", active=False
            ),
        ),
        sightings=(
            SightingRow(
                day="2026-06-01",
                value="login[.]evil[.]example",
                seen="3 times, from 1 June 2026 at 09:00 UTC to 1 June 2026 at 11:30 UTC",
                tlp=TLP.AMBER_STRICT,
                why="/explain?indicator=x&constituent=camden",
                note="On a laptop of the contact centre.",
            ),
        ),
        assets_total=212,
    )


def asset(kind: str, value: str, service: str, criticality: int, *also: Named) -> AssetRow:
    """Return a registered asset; names cover what is below them."""
    scope = "tree" if kind == "domain" else "exact"
    return AssetRow(kind=kind, value=value, scope=scope, service=service, criticality=criticality, also_of=also)
