"""What later requests name: voices, elements, and the views that an element is made of."""

from __future__ import annotations

from typing import Any

from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.plugins.links import KlingResultLink
from airflow_provider_kling.products.asset import AI_MULTI_SHOT, CUSTOM_ELEMENT, CUSTOM_VOICE


class KlingCustomVoiceOperator(KlingTaskOperator):
    """
    Make a voice of a recording: ``POST /v1/general/custom-voices``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingCustomVoiceOperator`

    The manifest has ``voices``; their ``voice_id`` goes into ``voice_list`` of a later task.

    :param voice_name: at most 20 characters (templated).
    :param voice_url: a recording of 5 to 30 seconds: an https URL, or a URI in object storage; mp3, wav, mp4 or mov
        (templated).
    :param video_id: instead of it Kling's id of a video with a voice that it made (templated).
    """

    product = CUSTOM_VOICE
    operator_extra_links = (KlingResultLink("Kling voice"),)

    def __init__(
        self,
        *,
        voice_name: str | None = None,
        voice_url: Any = None,
        video_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.voice_name = voice_name
        self.voice_url = voice_url
        self.video_id = video_id


class KlingCustomElementOperator(KlingTaskOperator):
    """
    Make an element of images or of a video: ``POST /v1/general/advanced-custom-elements``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingCustomElementOperator`

    The manifest has ``elements``; their ``element_id`` goes into ``element_list`` of a later task.

    :param element_name: at most 20 characters (templated).
    :param element_description: at most 100 characters (templated).
    :param reference_type: ``image_refer`` or ``video_refer`` (templated).
    :param element_image_list: for ``image_refer`` ``{"frontal_image": image, "refer_images": [image, …]}`` with one to
        three more views, given as to :class:`~airflow_provider_kling.operators.KlingImageToVideoOperator` (templated).
    :param element_video_list: for ``video_refer`` one video of 3 to 8 seconds in 1080p: an https URL, or a URI in
        object storage (templated).
    :param element_voice_id: the voice of the element (templated).
    :param tag_list: Kling's tags, ``o_101`` to ``o_108`` (templated).
    """

    product = CUSTOM_ELEMENT
    operator_extra_links = (KlingResultLink("Kling element"),)

    def __init__(
        self,
        *,
        element_name: str | None = None,
        element_description: str | None = None,
        reference_type: str | None = None,
        element_image_list: dict[str, Any] | str | None = None,
        element_video_list: dict[str, Any] | list[Any] | str | None = None,
        element_voice_id: str | None = None,
        tag_list: list[Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.element_name = element_name
        self.element_description = element_description
        self.reference_type = reference_type
        self.element_image_list = element_image_list
        self.element_video_list = element_video_list
        self.element_voice_id = element_voice_id
        self.tag_list = tag_list


class KlingMultiShotOperator(KlingTaskOperator):
    """
    Make three sets of further views of a subject: ``POST /v1/general/ai-multi-shot``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingMultiShotOperator`

    Each set has three images; they are the ``refer_images`` of an element.

    :param element_frontal_image: the subject from the front, given as to
        :class:`~airflow_provider_kling.operators.KlingImageToVideoOperator` (templated).
    """

    product = AI_MULTI_SHOT
    operator_extra_links = (KlingResultLink("Kling image"),)

    def __init__(self, *, element_frontal_image: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.element_frontal_image = element_frontal_image
