"""A publisher that knows its readers by their certificates."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from citysec.errors import FeedRefused, FeedUnreachable
from citysec.feeds.auth import Auth, Scheme
from citysec.feeds.credentials import credentials
from citysec.feeds.fetch import Client, Limits, Request
from citysec.guard import Guard

pytest.importorskip("cryptography")
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def pem(name: str) -> bytes:
    """Return a key and a certificate signed by itself, good for 127.0.0.1."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    built = built.add_extension(address, critical=False)
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return secret + built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


async def test_a_certificate_opens_the_door(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("server", "reader"):
        (tmp_path / f"{name}.pem").write_bytes(pem(name))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    door = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "reader.pem"))
    door.load_cert_chain(tmp_path / "server.pem")
    door.verify_mode = ssl.CERT_REQUIRED
    app = web.Application()
    app.router.add_get("/", _hello)
    server = TestServer(app, host="127.0.0.1", scheme="https")
    await server.start_server(ssl=door)
    try:
        request = Request(URL(f"https://127.0.0.1:{server.port}/"), Limits(100, 2, 5), Guard.of("127.0.0.1"))
        with pytest.raises(FeedUnreachable):
            await client.get(request)
        known = credentials(Auth(scheme=Scheme.CERTIFICATE, file=tmp_path / "reader.pem"), {})
        with (await client.get(replace(request, credentials=known))).body as body:
            assert body.read() == b"hello"
    finally:
        await server.close()


async def _hello(_: web.Request) -> web.Response:
    return web.Response(body=b"hello")


def test_a_file_without_certificate_is_named(tmp_path: Path):
    (tmp_path / "x.pem").write_text("nothing")
    for name in ("x.pem", "y.pem"):
        with pytest.raises(FeedRefused, match=name):
            credentials(Auth(scheme=Scheme.CERTIFICATE, file=tmp_path / name), {})
