"""What a Dag author gives: any field, any value."""

from __future__ import annotations

from pathlib import Path

from adversary.fuzzing.fuzzer import fuzz, obeys, odd_json, odd_text
from hypothesis import strategies as st
from support import PHOTOGRAPH

from airflow_provider_kling.operators import KlingImageToVideoOperator, KlingTextToVideoOperator
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.catalogue import PRODUCTS

FIELDS = {
    "image2video": (*KlingImageToVideoOperator.product.arguments, "callback_url", "external_task_id", "promt"),
    "text2video": (*KlingTextToVideoOperator.product.arguments, "callback_url", "external_task_id", "image"),
}

#: What templates, XComs and careless hands put where JSON is expected.
python_values = st.one_of(
    odd_json,
    st.binary(max_size=50),
    st.sampled_from([Path("/nowhere"), PHOTOGRAPH, {1: 2}, {1, 2}, object(), ..., 1j, range(3), print]),
)


def _requests(product):
    names = st.sampled_from(FIELDS[product])
    return st.tuples(
        st.dictionaries(names, python_values, max_size=4),
        st.one_of(st.none(), python_values, st.dictionaries(odd_text, python_values, max_size=2)),
        st.sampled_from(["strict", "warn", "off"]),
    )


def _check(product, whole):
    def check(request):
        fields, extra, validate = request
        obeys(lambda: prepare(PRODUCTS[product], {**whole, **fields}, extra_body=extra, validate=validate))

    return check


def test_any_image_to_video_request():
    whole = {"image": PHOTOGRAPH, "prompt": "a rocket", "duration": 5}
    fuzz(_requests("image2video"), _check("image2video", whole))


def test_any_text_to_video_request():
    fuzz(_requests("text2video"), _check("text2video", {"prompt": "a rocket"}))
