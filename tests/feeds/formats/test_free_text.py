"""Reports as text, web page or mail: an entry for each indicator."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citysec.errors import InvalidInput
from citysec.feeds.formats import Reject, Subject
from tests.feeds.formats.mutations import damaged, entries, parse, survives


def mail(html: str = "<p>Pay at <a href='https://evil.com/pay'>our site</a> (evil<b>.com</b>)</p>") -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "Friend <friend@partner.com>", "desk@city.example"
    message["Subject"] = "Fwd: fines – hxxp://first[.]example"
    message.set_content("Received from 8.8.8.8 – it’s urgent\n", cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="base64")
    message.add_attachment(b"MZ 9.9.9.9", maintype="application", subtype="octet-stream", filename="evil.exe")
    return message.as_bytes()


def keys(body: bytes, **options: object) -> dict[str, str]:
    return {entry.key: entry.at.partition(", column")[0] for entry in entries("text", body, **options)}


def test_an_entry_says_where_and_in_which_words():
    (found,) = entries("text", b"Hello\nC2: evil[.]example:443 since May\n", threat="LockSmith")
    assert (found.at, found.key) == ("line 2, column 5", "[domain-name:value = 'evil.example']")
    assert (found.name, found.description) == ("LockSmith", "C2: evil[.]example:443 since May")
    assert found.facts == {"defanged": True, "port": 443}


def test_a_cve_id_is_a_vulnerability():
    (found,) = entries("text", b"They use CVE-2024-0001.")
    assert (found.subject, found.key) == (Subject.VULNERABILITY, "CVE-2024-0001")


def test_a_mail_is_read_part_by_part_however_it_is_encoded():
    assert keys(mail(), plain="always") == {
        "[url:value = 'http://first.example/']": "subject",
        "[ipv4-addr:value = '8.8.8.8']": "part 1, line 1",
        "[domain-name:value = 'evil.com']": "part 2, line 1",
        "[url:value = 'https://evil.com/pay']": "part 2, link 1",
    }


def test_the_subject_of_a_mail_in_a_mail_is_read():
    inner, outer = EmailMessage(), EmailMessage()
    inner["Subject"], outer["Subject"], outer["From"] = "See evil[.]example", "Fwd", "a@b.example"
    inner.set_content("Hello")
    outer.add_attachment(inner)
    assert keys(outer.as_bytes()) == {"[domain-name:value = 'evil.example']": "subject 2"}


def test_a_web_page_is_read_as_people_see_it():
    page = b"<!DOCTYPE html><html><head><title>x</title></head><script>8.8.4.4</script><p>8.8.8.8<p>evil[.]example"
    assert keys(page) == {"[ipv4-addr:value = '8.8.8.8']": "line 1", "[domain-name:value = 'evil.example']": "line 2"}


def test_own_names_are_ignored_where_the_definition_says_so():
    assert keys(b"evil[.]example www.city[.]example", ignore=["city.example"]) == {
        "[domain-name:value = 'evil.example']": "line 1"
    }


def test_an_overlong_line_costs_itself():
    first, second = parse("text", b"x" * (2 << 20) + b"\n8.8.8.8\n")
    assert isinstance(first, Reject)
    assert not isinstance(second, Reject)


def test_text_of_other_encodings_is_read():
    assert list(keys("evil[.]example".encode("utf-16"))) == ["[domain-name:value = 'evil.example']"]
    assert list(keys(b"caf\xe9 evil[.]example")) == ["[domain-name:value = 'evil.example']"]


@pytest.mark.parametrize("body", [b"PK\x03\x04xx", b"%PDF-1.7", b"\x1f\x8b\x08", b"MZ\x90\0\x03\0"])
def test_what_is_no_text_is_refused_as_a_whole(body: bytes):
    with pytest.raises(InvalidInput):
        parse("text", body)


@pytest.mark.parametrize(
    "broken",
    [
        b"Content-Type: text/plain; charset=no-such\n\n8.8.8.8",
        b"Content-Transfer-Encoding: base64\n\n!!!! 8.8.8.8",
        b"Content-Type: text/plain; charset*=\"x'y\n\n8.8.8.8",
        b"Content-Type: text/plain; charset=unicode_escape\n\nevil[.]example \\ud800",
        b"Content-Type: text/plain; charset=utf-7\n\nevil[.]example +2AA-",
        b"Content-Type: text/plain; charset=\xff\n\nevil[.]example \xff",
        b"Subject: =?utf-8?b?abcde?=\n\n8.8.8.8",
        b"Subject: =?utf-8?b?!?= =?no-such?q?a?=\n\n8.8.8.8",
        b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\nContent-Type: multipart/mixed; boundary=a\n\n" * 2000,
    ],
)
def test_a_mail_that_breaks_the_rules_is_read_or_refused(broken: bytes):
    survives("text", b"From: a@b.example\nDate: now\n" + broken)


@given(damaged(mail()) | st.binary() | st.text().map(str.encode))
def test_whatever_comes_is_taken_or_refused(body: bytes):
    survives("text", body)


def test_real_reports_give_what_a_person_reads_out_of_them(shared_data: Path):
    folder = shared_data / "reports-text"
    gate = keys((folder / "2024-05-14-IOCs-for-DarkGate-activity.txt").read_bytes())
    assert {key for key in gate if not key.startswith("[file:")} == {
        "[url:value = 'https://www.rockcreekdds.com/wp-content/1.hta']",
        "[url:value = 'http://flexiblemaria.com/iinkqrwu']",
        "[ipv4-addr:value = '104.154.143.100']",
        "[ipv4-addr:value = '91.222.173.186']",
        "[domain-name:value = 'www.rockcreekdds.com']",
        "[domain-name:value = 'flexiblemaria.com']",
    }
    assert sum(key.startswith("[file:hashes.'SHA-256'") for key in gate) == 17
    lumma = keys((folder / "2025-08-15-IOCs-for-Lumma-Stealer-infection-with-Sectop-RAT.txt").read_bytes())
    kinds = [key.split(" ")[0] for key in lumma]
    counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    assert counts == {
        "[file:hashes.'SHA-256'": 8, "[domain-name:value": 14, "[url:value": 18, "[ipv4-addr:value": 1,
    }  # fmt: skip
