"""What the asset events of a task say about what Kling made: for Dags that are scheduled by them, and for lineage."""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow.sdk import BaseOperator, Context

log = logging.getLogger(__name__)

#: What an event repeats of a manifest. Not the links of Kling, which are signed and end after 30 days: Airflow keeps
#: events for longer, and shows them to whoever may read assets.
OF_TASK = ("task_id", "external_task_id", "endpoint", "model_name", "units", "cash", "files")

#: What it repeats of a batch's summary; the files of all items stand in the manifest.
OF_BATCH = ("batch_id", "manifest_uri", "items", "done", "failed", "stopped", "units", "cash")


def describe_outlets(operator: BaseOperator, context: Context, result: Mapping[str, Any] | None) -> None:
    """
    Fill in the events of a task's outlets; call it on the worker, before the task succeeds.

    The event of an ``Asset`` gets the task's ids, cost and files as ``extra``, beside what is there already. An
    ``AssetAlias`` gets an event for each stored file, or for a batch's manifest, as an asset with its URI.

    :param operator: whose outlets they are.
    :param context: Airflow's context.
    :param result: a manifest, or a batch's summary.
    """
    if not operator.outlets or not isinstance(result, dict):
        return
    from airflow.sdk import Asset, AssetAlias

    for outlet in operator.outlets:
        try:
            if isinstance(outlet, AssetAlias):
                for uri, extra in stored(result):
                    context["outlet_events"][outlet].add(Asset(uri), extra=extra)
            else:
                event = context["outlet_events"][outlet]
                event.extra = {**extra_of(result), **event.extra}
        except Exception as error:  # noqa: BLE001 - the video is paid and stored; its event only lacks a description
            log.warning("The event of outlet %s does not say what was made: %s", outlet, reason(error))


def extra_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the ``extra`` of an asset event.

    :param result: a manifest, or a batch's summary.
    """
    names = OF_BATCH if "batch_id" in result else OF_TASK
    return {name: copy.deepcopy(result[name]) for name in names if result.get(name) not in (None, "")}


def stored(result: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """
    Yield the assets that a task made, each with the ``extra`` of its event.

    :param result: a manifest, or a batch's summary.
    """
    # Every task imports this module, and few have stored files to tell of: 1 ms of CPU less for the others.
    from airflow_provider_kling.utils._airflow.object_storage import place_of

    extra = extra_of(result)
    if "manifest_uri" in extra:
        yield place_of(extra["manifest_uri"]).asset_uri, extra
    for file in extra.pop("files", ()):
        yield place_of(file["uri"]).asset_uri, {**extra, **file}
