"""Which pools of slots the items of a batch need, and which of Kling's lists show their tasks. Pure."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.products.generations import list_endpoint, serving_product

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Pools of one batch at most; the models of a batch with more share the last one.
MAX_POOLS = 32


class Kind(NamedTuple):
    """
    Product and model of an item.

    :param endpoint: the product.
    :param model_name: Kling's name of the model; empty where there is no choice.
    """

    endpoint: str
    model_name: str = ""


class Pool(NamedTuple):
    """
    Items that share slots: those of one model and one group of products.

    :param group: see :attr:`~airflow_provider_kling.products.product.Product.group`.
    :param model_name: of the items.
    """

    group: str
    model_name: str


def pools_of(kinds: Iterable[Kind]) -> tuple[list[Pool], list[int]]:
    """
    Return the pools of a batch, and the number of each kind's pool.

    :param kinds: of its items, in their order.
    """
    numbers: dict[Pool, int] = {}
    places = []
    for kind in kinds:
        pool = Pool(product_of(kind.endpoint).group, kind.model_name)
        if len(numbers) < MAX_POOLS:
            numbers.setdefault(pool, len(numbers))
        places.append(numbers.get(pool, MAX_POOLS - 1))
    return list(numbers), places


def lists_of(counts: Mapping[Kind, int]) -> dict[str, int]:
    """
    Return the products whose lists show tasks of a batch, and how many of its items each list may show.

    :param counts: how many items there are of each kind.
    """
    lists: collections.Counter[str] = collections.Counter()
    for kind, count in counts.items():
        product = serving_product(product_of(kind.endpoint), {"model_name": kind.model_name})
        lists[list_endpoint(product)] += count
    return dict(lists)


def items_by_pool(places: Sequence[int], count: int) -> list[list[int]]:
    """
    Return the indexes of the items of each pool, in their order.

    :param places: the pool of each item.
    :param count: how many pools there are.
    """
    found: list[list[int]] = [[] for _ in range(count)]
    for item, pool in enumerate(places):
        found[pool].append(item)
    return found
