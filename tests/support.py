"""Shared by many tests: an image, a connection to a simulator, a fake task instance."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from airflow_provider_kling.simulator.simulator import KlingSimulator

#: How many times more random examples than usual: ``STEPS=200`` makes millions of steps.
STEPS = int(os.environ.get("STEPS", "1"))

PHOTOGRAPH = Path(__file__).parent.parent / "example_dags" / "images" / "rocket.jpg"


def limit(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Give all hooks other bounds than the package's."""
    from airflow_provider_kling.hooks import KlingHook

    monkeypatch.setattr(KlingHook, "limits", KlingHook.limits._replace(**changes))


def set_pace(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Look for slots, and try, at another pace than the package's."""
    from airflow_provider_kling.waiting.slot_queue import AccountSlots

    monkeypatch.setattr(AccountSlots, "pace", dataclasses.replace(AccountSlots.pace, **changes))


def connect(
    monkeypatch: pytest.MonkeyPatch, simulator: KlingSimulator, *, api_key: bool = False, **fields: Any
) -> None:
    """Point ``kling_default`` at a simulator, with a key pair or with an API key."""
    connection = {
        "conn_type": "kling",
        "host": simulator.url,
        "login": "" if api_key else simulator.access_key,
        "password": simulator.api_key if api_key else simulator.secret_key,
        "extra": {"allow_private_urls": True, "timeout_seconds": 5},
    }
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", json.dumps({**connection, **fields}))


@dataclass
class FakeTaskInstance:
    """What an operator sees of its task instance; the end-to-end tests have the real one."""

    dag_id: str = "dag"
    run_id: str = "run"
    task_id: str = "animate"
    map_index: int = -1
    try_number: int = 1
    max_tries: int = 0
    xcoms: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        json.dumps(value)
        self.xcoms[key] = value

    def xcom_pull(self, task_ids: str, key: str, map_indexes: int) -> Any:
        assert (task_ids, map_indexes) == (self.task_id, self.map_index)
        return self.xcoms.get(key)


def again(ti: FakeTaskInstance, **changes: Any) -> Any:
    """The same Airflow task on its next try, with its XComs cleared as Airflow does."""
    return dataclasses.replace(ti, try_number=ti.try_number + 1, xcoms={}, **changes)


class StateStore(dict[str, Any]):
    """Airflow's task state store, which outlives the XComs of a try."""

    def set(self, key: str, value: Any) -> None:
        self[key] = json.loads(json.dumps(value))
        assert self[key] == value, "Airflow takes what is JSON as it is: no tuples"

    def delete(self, key: str) -> None:
        self.pop(key, None)


def certificate(directory: Path, name: str, *, prefix: str = "") -> tuple[Path, Path]:
    """Make a certificate for a host name, signed by itself; returns the file to trust and the file to serve with."""
    import datetime as dt

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    trusted, served = directory / f"{prefix}ca.pem", directory / f"{prefix}chain.pem"
    trusted.write_bytes(public)
    served.write_bytes(private + public)
    return trusted, served


#: Airflow's log shows about 77 characters of a line, and a problem begins with "- ".
ADVICE = re.compile(r"(?s)[A-Z].{1,72}?[:.;](?:[ \n]|$).*")


def advice_first(sentence: str) -> str:
    """The sentence, which begins with what to do, complete before a log cuts the line."""
    assert ADVICE.fullmatch(sentence), sentence
    assert len(re.split(r"[:.;](?=[ \n]|$)", sentence, maxsplit=1)[0]) < 73, sentence
    assert sentence.endswith("."), sentence
    return sentence
