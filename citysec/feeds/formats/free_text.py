"""Free text, web pages and e-mails: the indicators in them.

Source:
    `prose.py` says what is an indicator; RFC 5322 for mails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from citysec.errors import InvalidInput
from citysec.feeds.formats import mail, markup
from citysec.feeds.formats.documents import excerpt
from citysec.feeds.formats.draft import Entry, Item, Reject, Subject
from citysec.feeds.formats.format import Format
from citysec.feeds.formats.prose import Found, Plain, counted, extracted
from citysec.feeds.formats.refusal import in_memory
from citysec.feeds.formats.text import MAX_LINE
from citysec.feeds.formats.text import lines as text_lines
from citysec.observable import Kind

MAX_PAGE_BYTES: Final = 8 << 20
_HEAD: Final = 4096
_PAGE: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_MARKED: Final = (b"\xff\xfe", b"\xfe\xff")


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a feed's definition may say.

    Args:
        ignore: names (with all below them), addresses, blocks, mail addresses and URLs that are no news.
        plain: whether what is not defanged counts, too: `auto`, `always` or `never`.
        threat: whom or what the texts are about; for every entry.
    """

    ignore: tuple[str, ...] = ()
    plain: Plain = Plain.AUTO
    threat: str | None = None


def read(file: BinaryIO, options: Options) -> Iterator[Item]:
    """Yield an entry for each indicator, and a reject for each line that is too long.

    Raises:
        InvalidInput: the file holds no text.
    """
    rejects: list[Reject] = []
    found = extracted(_bounded(_lines(file), rejects), options.ignore)
    yield from rejects
    for one in counted(found, options.plain):
        yield _entry(one, options)


def _lines(file: BinaryIO) -> Iterator[tuple[str, str]]:
    head = file.read(_HEAD)
    file.seek(0)
    if b"\0" in head and not head.startswith(_MARKED):
        raise InvalidInput.at("", "this is no text")
    if _PAGE.match(head):
        page = in_memory(file, MAX_PAGE_BYTES).decode(errors="replace")
        yield from ((f"line {number}", line) for number, line in enumerate(markup.text_of(page).splitlines(), 1))
        yield from ((f"link {number}", link) for number, link in enumerate(markup.addresses(page), 1))
    elif mail.is_mail(file):
        yield from mail.lines(file)
    else:
        yield from ((f"line {number}", line) for number, line in text_lines(file))


def _bounded(lines: Iterator[tuple[str, str]], rejects: list[Reject]) -> Iterator[tuple[str, str]]:
    """Yield the lines that are not too long; the others become rejects."""
    for at, line in lines:
        if len(line) > MAX_LINE:
            rejects.append(Reject(at, f"longer than {MAX_LINE} characters", excerpt(line)))
        else:
            yield at, line


def _entry(found: Found, options: Options) -> Entry:
    about = found.value.observable
    is_vulnerability = about.kind is Kind.CVE
    facts = {"defanged": found.defanged or None, "port": found.value.port}
    return Entry(
        at=f"{found.at}, column {found.column}",
        subject=Subject.VULNERABILITY if is_vulnerability else Subject.INDICATOR,
        key=about.value if is_vulnerability else found.value.pattern,
        name=options.threat,
        description=found.sentence.replace("\0", "\N{REPLACEMENT CHARACTER}") or None,
        facts={name: said for name, said in facts.items() if said is not None},
        observables=found.value.observables,
    )


FORMAT: Final = Format("Free text, web pages and e-mails, with defanged indicators", read, Options)
