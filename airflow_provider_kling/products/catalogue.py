"""Every product that this package speaks, by its endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling.exceptions import KlingConfigurationError
from airflow_provider_kling.products import asset, audio, clip, face, image, solution, video
from airflow_provider_kling.products.wording import did_you_mean
from airflow_provider_kling.utils.foreign import foreign_text

if TYPE_CHECKING:
    from airflow_provider_kling.products.product import Product

PRODUCTS: dict[str, Product] = {
    product.endpoint: product
    for product in (
        *(video.IMAGE2VIDEO, video.TEXT2VIDEO),
        *(
            clip.OMNI_VIDEO,
            clip.VIDEO_EXTENSION,
            clip.AVATAR,
            clip.MOTION_CONTROL,
            clip.EFFECTS,
            clip.MULTI_IMAGE2VIDEO,
            clip.MULTI_ELEMENTS,
        ),
        *(face.IDENTIFY_FACE, face.LIP_SYNC, face.ONE_CALL_LIP_SYNC),
        *(image.IMAGE_GENERATION, image.OMNI_IMAGE, image.MULTI_IMAGE2IMAGE, image.IMAGE_EXPANSION),
        *(image.VIRTUAL_TRY_ON, audio.TEXT_TO_SPEECH, audio.TEXT_TO_AUDIO, audio.VIDEO_TO_AUDIO),
        *(image.IMAGE_RECOGNITION, asset.CUSTOM_VOICE, asset.CUSTOM_ELEMENT, asset.AI_MULTI_SHOT),
        solution.SOLUTION,
    )
}

#: The same products in the second generation: where their tasks are made and read. Asked for are the classic ones.
NEW_GENERATION: dict[str, Product] = {
    product.endpoint: product
    for product in (
        *(video.IMAGE_TO_VIDEO, video.TEXT_TO_VIDEO),
        *(clip.OMNI_VIDEO_BY_MODEL, clip.MOTION_CONTROL_BY_MODEL),
    )
}


def product_of(endpoint: str) -> Product:
    """
    Return the product with this name.

    :raises KlingConfigurationError: when there is none.
    """
    try:
        return PRODUCTS[endpoint] if endpoint in PRODUCTS else NEW_GENERATION[endpoint]
    except (KeyError, TypeError):
        known = ", ".join(sorted(PRODUCTS))
        raise KlingConfigurationError(
            f"Use an endpoint that exists{did_you_mean(endpoint, PRODUCTS)}. {foreign_text(endpoint, 80)!r} does not; "
            f"use one of: {known}."
        ) from None
