"""What an e-mail says: its subject and the texts of its parts, as lines with their places.

Addresses of senders and the stations a mail passed are not read: in a report that is forwarded they are friends.

Source:
    RFC 5322 (header), RFC 2045-2047 (MIME parts, encodings, encoded words).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from typing import BinaryIO, Final

from citysec.errors import InvalidInput
from citysec.feeds.formats.markup import addresses, text_of
from citysec.feeds.formats.refusal import in_memory

MAX_BYTES: Final = 32 << 20
_MOST_LINES: Final = 600_000
_MOST_MARKS: Final = 10_000
"""Most lines that may separate parts: each part takes some kilobytes of memory."""
_HEAD: Final = 16 << 10
_FIELDS: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:From \S.*\r?\n)?(?:[\x21-\x39\x3b-\x7e]+:.*\r?\n(?:[ \t].*\r?\n)*){2,}"
)
_SURE: Final = re.compile(rb"(?im)^(?:received|return-path|mime-version|message-id|delivered-to):")
_LIKELY: Final = (re.compile(rb"(?im)^from:"), re.compile(rb"(?im)^(?:to|date|subject):"))
_BROKEN: Final = (MessageError, ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)
"""What the standard library's parser may raise on mails that nobody wrote by the rules."""
_MOST_PARTS: Final = 1000


def is_mail(file: BinaryIO) -> bool:
    """Return whether `file` begins with the header of a mail; reading begins anew then."""
    file.seek(0)
    fields = _FIELDS.match(file.read(_HEAD))
    file.seek(0)
    if fields is None:
        return False
    return _SURE.search(fields[0]) is not None or all(field.search(fields[0]) for field in _LIKELY)


def lines(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """Yield the subjects of a mail and of those in it, and the lines of all texts; of HTML what people see, then links.

    Raises:
        InvalidInput: the mail is broken beyond reading, or too large.
    """
    body = in_memory(file, MAX_BYTES)
    if body.count(b"\n") > _MOST_LINES or body.count(b"\n--") > _MOST_MARKS:
        raise InvalidInput.at("", f"this mail has more than {_MOST_LINES:,} lines, or {_MOST_MARKS:,} parts")
    try:
        mail: Message = BytesParser().parsebytes(body)
        parts = [part for part in mail.walk() if part.get_content_maintype() == "text"]
        subjects = [_subject(part) for part in mail.walk() if part is mail or "Subject" in part]
    except _BROKEN as err:
        raise InvalidInput.at("", f"this mail cannot be read: {err}") from err
    for number, subject in enumerate(subjects[:_MOST_PARTS], 1):
        yield "subject" if number == 1 else f"subject {number}", subject
    for number, part in enumerate(parts[:_MOST_PARTS], 1):
        yield from _of_part(part, f"part {number}")


def _of_part(part: Message, at: str) -> Iterator[tuple[str, str]]:
    text = _text(part)
    if part.get_content_subtype() == "html":
        seen, links = text_of(text), enumerate(addresses(text), 1)
        yield from ((f"{at}, line {number}", line) for number, line in enumerate(seen.splitlines(), 1))
        yield from ((f"{at}, link {number}", link) for number, link in links)
    else:
        yield from ((f"{at}, line {number}", line) for number, line in enumerate(text.splitlines(), 1))


def _text(part: Message) -> str:
    """Return the text of a part, as well as it can be decoded."""
    try:
        payload = part.get_payload(decode=True)
        charset = part.get_content_charset() or "utf-8"
        return _whole(payload.decode(charset, "replace")) if isinstance(payload, bytes) else ""
    except _BROKEN:
        payload = part.get_payload()
        return _whole(payload) if isinstance(payload, str) else ""


def _subject(mail: Message) -> str:
    written = str(mail.get("Subject", ""))
    try:
        return _whole(" ".join(_word(text, charset) for text, charset in decode_header(written)))
    except _BROKEN:
        return _whole(written)


def _word(text: str | bytes, charset: str | None) -> str:
    return text if isinstance(text, str) else text.decode(charset or "latin-1", "replace")


def _whole(text: str) -> str:
    """Return `text` without halves of characters, which some encodings have and no database takes."""
    return text.encode("utf-8", "replace").decode()
