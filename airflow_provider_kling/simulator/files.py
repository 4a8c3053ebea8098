"""Renders the file of a result, by its format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.simulator.picture import make_image
from airflow_provider_kling.simulator.sound import make_sound
from airflow_provider_kling.simulator.subtitles import make_subtitles
from airflow_provider_kling.simulator.video import make_video

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.results import FileName


def make_file(recipe: dict[str, Any], inputs: dict[str, bytes], name: FileName, *, small: bool) -> bytes:
    """The content of one result.

    :param small: few pixels, so that tests do not wait for the encoder.
    """
    match name.form:
        case "mp4":
            return make_video(recipe, inputs, watermark=name.watermark, small=small)
        case "png":
            return make_image(recipe, inputs, index=name.index or 0, watermark=name.watermark, small=small)
        case "srt" | "ass" as form:
            return make_subtitles(form)
        case form:
            return make_sound(recipe, form=form)
