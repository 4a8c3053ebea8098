"""A self-signed certificate, to test clients with TLS."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

VALID_DAYS: Final = 365


@dataclass(frozen=True)
class Certificate:
    """Two PEM files.

    :param public: the certificate, which clients have to trust.
    :param private: its private key.
    """

    public: Path
    private: Path

    @classmethod
    def in_directory(cls, directory: Path, hosts: tuple[str, ...]) -> Certificate:
        """The certificate of ``directory``; created for ``hosts`` only if missing, so that restarts keep it."""
        made = cls(directory / "certificate.pem", directory / "key.pem")
        if not made.public.exists():
            directory.mkdir(parents=True, exist_ok=True)
            _make(made, hosts)
        return made

    def server_context(self) -> ssl.SSLContext:
        """The TLS context of a server."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.public, self.private)
        return context

    def client_context(self) -> ssl.SSLContext:
        """The TLS context of a client that trusts this certificate besides the usual ones."""
        context = ssl.create_default_context()
        context.load_verify_locations(self.public)
        return context


def _make(files: Certificate, hosts: tuple[str, ...]) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Kling simulator")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A clock that is off by less than a day must not make the certificate invalid.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([_name(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    unencrypted = serialization.NoEncryption()
    pem, key_format = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    files.private.touch(mode=0o600)
    files.private.write_bytes(key.private_bytes(pem, key_format, unencrypted))
    files.public.write_bytes(certificate.public_bytes(pem))


def _name(host: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
