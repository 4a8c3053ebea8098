"""Which slots the items of a batch use, and which lists contain their tasks."""

from __future__ import annotations

from airflow_provider_kling.batch.kinds import MAX_POOLS, Kind, Pool, items_by_pool, lists_of, pools_of


def test_a_model_has_slots_of_its_own_in_each_group_whatever_the_product():
    kinds = [
        Kind("image2video", "kling-v3"),
        Kind("text2video", "kling-v3"),
        Kind("text2video", "kling-3.0-turbo"),
        Kind("images/generations", "kling-v3"),
        Kind("text-to-audio"),
    ]
    pools, places = pools_of(kinds)
    assert pools == [
        Pool("videos", "kling-v3"),
        Pool("videos", "kling-3.0-turbo"),
        Pool("images", "kling-v3"),
        Pool("audio", ""),
    ]
    assert places == [0, 0, 1, 2, 3]


def test_the_queues_of_a_batch_of_strange_models_are_few():
    pools, places = pools_of([Kind("text2video", f"model-{number}") for number in range(1000)])
    assert (len(pools), max(places)) == (MAX_POOLS, MAX_POOLS - 1)


def test_all_products_of_the_second_generation_are_in_one_list():
    counts = {
        Kind("image2video", "kling-v3"): 3,
        Kind("image2video", "kling-3.0"): 5,
        Kind("omni-video", "kling-o1"): 7,
        Kind("text-to-audio"): 2,
    }
    assert lists_of(counts) == {"image2video": 3, "image-to-video": 12, "text-to-audio": 2}


def test_the_members_of_each_pool_are_in_their_order():
    assert items_by_pool([0, 1, 0, 2, 1], 3) == [[0, 2], [1, 4], [3]]
