"""The arguments of a batch's trigger: strings and numbers, as Airflow's database stores them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from airflow_provider_kling import polling
from airflow_provider_kling.batch.actions import DEFAULT_THREADS, Pace, Policy
from airflow_provider_kling.get_provider_info import DEFAULT_CONN_NAME
from airflow_provider_kling.products.product import DEFAULT_ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class BatchArguments:
    """
    The arguments of a planned batch.

    :param plan_uri: the items, see ``airflow_provider_kling.batch.plan``.
    :param manifest_uri: where the results are described.
    :param output_uri: folder of the videos.
    :param output_conn_id: Airflow connection of all three; empty for none.
    :param kling_conn_id: the Kling connection, resolved in the triggerer.
    :param endpoint: the product.
    :param batch_id: names the batch.
    :param concurrency: tasks at Kling at once, at most.
    :param submit_concurrency: submissions under way at once.
    :param store_concurrency: results that are copied at once.
    :param item_retries: further attempts for an item that Kling reported failed.
    :param max_units: 0 for no limit.
    :param units_per_item: 0 when not known.
    :param on_item_failure: ``continue`` or ``fail``.
    :param started_at: epoch seconds of the deferral.
    :param end_time: deadline, epoch seconds; wall clock, so that a restart does not reset it.
    :param poll_interval: seconds between two status checks, give or take a fifth.
    :param ends_task: whether a success may end the Airflow task in the triggerer, without a worker; needs Airflow 3.2.
    :param account: the account that the Kling connection named when the batch was planned; not the key.
    :param token_uri: see ``airflow_provider_kling.batch.fence``.
    :param token: of this deferral.
    :param items: how many the plan has; 0 when not known.
    """

    end_time: float
    plan_uri: str = ""
    manifest_uri: str = ""
    output_uri: str = ""
    output_conn_id: str = ""
    kling_conn_id: str = DEFAULT_CONN_NAME
    endpoint: str = DEFAULT_ENDPOINT
    batch_id: str = ""
    concurrency: int = 1
    submit_concurrency: int = DEFAULT_THREADS
    store_concurrency: int = DEFAULT_THREADS
    item_retries: int = 1
    max_units: float = 0.0
    units_per_item: float = 0.0
    on_item_failure: str = "continue"
    started_at: float = 0.0
    poll_interval: float = polling.DEFAULT_POLL_INTERVAL
    ends_task: bool = False
    account: str = ""
    token_uri: str = ""
    token: str = ""
    items: int = 0

    @classmethod
    def read(cls, arguments: Mapping[str, Any], now: float) -> BatchArguments:
        """
        Read a trigger's arguments, perhaps of another version of the package.

        :param arguments: those that are not known are left out, and those that are missing have their defaults.
        :param now: epoch seconds, from which a batch without a deadline counts.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        given = {name: value for name, value in arguments.items() if name in known}
        if given.get("end_time") is None:
            given["end_time"] = now + polling.DEFAULT_TIMEOUT
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`read` reads."""
        return dataclasses.asdict(self)

    @property
    def stops_on_failure(self) -> bool:
        """Whether the first failed item ends all further submissions."""
        return self.on_item_failure == "fail"

    def policy(self, pace: Pace) -> Policy:
        """
        Return the limits of the batch.

        :param pace: pauses and bounds.
        """
        return Policy(
            concurrency=self.concurrency,
            submit_concurrency=self.submit_concurrency,
            store_concurrency=self.store_concurrency,
            started_at=self.started_at,
            end_time=self.end_time,
            item_retries=self.item_retries,
            max_units=self.max_units or None,
            units_per_item=self.units_per_item or None,
            stop_on_failure=self.stops_on_failure,
            pace=pace,
        )
