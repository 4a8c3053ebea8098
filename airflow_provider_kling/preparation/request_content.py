"""The content of a request for its fingerprint: fields with digests of files, and links without signatures. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from airflow_provider_kling.utils.untrusted import begins_as_web_link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.products.media import LoadedFile

#: Query parameters that sign a link and do not choose what it links to: S3, Google, Alibaba, Tencent. Compiled when a
#: request holds a link, most hold none.
_SIGNING = (
    r"(?i)x-amz-.*|x-goog-.*|signature|expires|sig|awsaccesskeyid|googleaccessid|key-pair-id|ossaccesskeyid|security-token|"
    r"x-oss-(?:signature.*|credential|date|expires|additional-headers|security-token)|q-(?:sign|ak|key|header|url).*"
)
#: Parameters that sign a link only together with another one: CloudFront's policy, Azure's shared access signature.
_BESIDE_SIGNATURE = {
    "key-pair-id": {"policy", "hash-algorithm"},
    "sig": {
        *("sv", "ss", "srt", "sp", "st", "se", "sr", "spr", "sip", "si", "sdd", "ses"),
        *("skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid", "scid"),
    },
}


def content_of(body: Mapping[str, Any], images: Mapping[str, LoadedFile]) -> dict[str, Any]:
    """
    Return the content of a request: equal for two requests exactly when they ask for the same.

    :param body: the canonical body.
    :param images: its files, which are replaced by their digests.
    """
    digests = {loaded.payload: loaded.identity for loaded in images.values() if loaded.identity}
    kept = {name: value for name, value in body.items() if name not in ("external_task_id", "callback_url")}
    content: dict[str, Any] = _without_content(kept, digests)
    return content


def _without_content(value: Any, digests: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _without_content(item, digests) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_content(item, digests) for item in value]
    return digests.get(value) or without_signature(value) if isinstance(value, str) else value


def holds_signature(value: Any) -> bool:
    """
    Whether a signed link is anywhere in a value: who has it may open the file.

    :param value: JSON.
    """
    return bool(_without_content(value, {}) != value)


def without_signature(text: str) -> str:
    """
    Return a link without the parameters that sign it, so that a file has the same link after it is signed again.

    >>> without_signature("https://bucket.example/cat.png?versionId=7&X-Amz-Signature=abc")
    'https://bucket.example/cat.png?versionId=7'

    :param text: a URL; any other text is returned as it is.
    """
    if not begins_as_web_link(text) or "?" not in text:
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    pairs = [(pair.partition("=")[0].lower(), pair) for pair in parts.query.split("&")]
    names = {name for name, _ in pairs}
    beside = {other for name, others in _BESIDE_SIGNATURE.items() if name in names for other in others}
    kept = [pair for name, pair in pairs if name not in beside and not re.fullmatch(_SIGNING, name)]
    return urlunsplit(parts._replace(query="&".join(kept)))
