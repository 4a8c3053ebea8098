"""
What a task reads and writes, for a plugin that collects it, as Airflow's OpenLineage provider does.

``airflow.sdk.lineage`` has these names since Airflow 3.2, ``airflow.lineage.hook`` had them before.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from airflow_provider_kling.utils._airflow.object_storage import Place

log = logging.getLogger(__name__)


def report_input(place: Place, context: Any) -> None:
    """
    Say that a file was read.

    :param place: the file.
    :param context: the hook or path that read it.
    """
    _report("add_input_asset", place, context)


def report_output(place: Place, context: Any) -> None:
    """
    Say that a file was written.

    :param place: the file.
    :param context: the hook that wrote it.
    """
    _report("add_output_asset", place, context)


def _report(method: str, place: Place, context: Any) -> None:
    try:
        if _has_readers():
            getattr(_collector(), method)(context=context, uri=place.asset_uri)
    except Exception as error:  # noqa: BLE001 - a plugin's code; what was paid is not lost by it
        log.warning("Lineage does not know of %s: %s", place.shown, reason(error))


def _has_readers() -> bool:
    """
    Whether a plugin reads lineage.

    Without one Airflow makes a collector that does nothing, and imports the asset handlers of all providers for it:
    0.4 s of CPU and 450 modules in each task process (Airflow 3.3.2).
    """
    try:
        from airflow.sdk.plugins_manager import get_hook_lineage_readers_plugins
    except ImportError:  # before 3.2
        from airflow import plugins_manager

        plugins_manager.initialize_hook_lineage_readers_plugins()  # type: ignore[attr-defined]
        return bool(plugins_manager.hook_lineage_reader_classes)  # type: ignore[attr-defined]
    return bool(get_hook_lineage_readers_plugins())


def _collector() -> Any:
    try:
        from airflow.sdk.lineage import get_hook_lineage_collector
    except ImportError:  # before 3.2
        from airflow.lineage.hook import get_hook_lineage_collector  # type: ignore[no-redef]
    return get_hook_lineage_collector()
