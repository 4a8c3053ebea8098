"""Packaged scenarios, such as a talking agent or a film of a garment: one row for all of them."""

from __future__ import annotations

import re

from airflow_provider_kling.products import convert
from airflow_provider_kling.products.fields import FIELDS, Field, Shape, named_fields
from airflow_provider_kling.products.product import COMMON_FIELDS, COMMON_RULES, Product

#: What may stand in a path: a name, or a family of scenarios and a name.
_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}(/[A-Za-z0-9._-]{1,128})?")

# Path, options and lists: page of solutions of https://kling.ai/document-api, read 2026-11. What a scenario takes
# is on a page of its own, and is given with extra_body.
SOLUTION = Product(
    "solutions",
    "/solutions",
    fields=named_fields(
        *("solution", "watermark_info", *COMMON_FIELDS),
        solution=Field(
            "solution",
            convert.strip,
            Shape(
                lambda value: isinstance(value, str) and _NAME.fullmatch(value) is not None,
                "Give solution the name in the path of its page",
                "is no name",
            ),
        ),
        callback_url=FIELDS["callback_url"]._replace(max_length=1024),
    ),
    rules=COMMON_RULES,
    required=("solution",),
    default_model="",
    typical_seconds=0,
    generation="v2",
)

PRODUCTS = (SOLUTION,)
