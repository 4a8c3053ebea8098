"""Which field was probably meant by a name that there is not. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling.products.formatting import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Names that other clients give to Kling's fields; such a field is refused with a question.
OTHER_NAMES = {
    "model": "model_name",
    "first_frame": "image",
    "last_frame": "image_tail",
    "start_frame": "image",
    "end_frame": "image_tail",
    "start_image_url": "image",
    "end_image_url": "image_tail",
    "image_url": "image",
    "generate_audio": "sound",
    "audio": "sound",
}


def suggest_field(name: str, known: Iterable[str]) -> str:
    """
    Suggest the field that was probably meant, as the end of a sentence; empty when no name is near.

    :param name: what the Dag author wrote.
    :param known: the fields that there are.
    """
    known = list(known)
    other = OTHER_NAMES.get(name.strip().lower())
    return f" (did you mean {other!r}?)" if other in known else did_you_mean(name, known)
