"""A local Kling that behaves like the real one: same bodies, same refusals, same pace, real videos.

It serves the operations of both generations of Kling's API: videos, images, sounds, voices, elements, the unified
``/tasks`` and the reports of the account; ``data/operations.yaml`` lists them. Use it from a shell (``python -m
airflow_provider_kling.simulator``), as a context manager (:class:`KlingSimulator`) or through the pytest fixture
``kling_simulator``.

What it does not reproduce:

* pictures: a result is the submitted image with a slow zoom, not generated motion; cameras, masks, voices, elements,
  shots and prompts are checked but not drawn (a result without an image shows its prompt), and a sound is a tone;
* sizes and lengths of videos and sounds that are sent in are not checked, only whether they can be played; a face, an
  object and a head are found in everything, and the area of a mark is a disc around it;
* packaged scenarios: ``/solutions`` takes every name and every field and makes what the page of the scenario says, or a
  video; it costs nothing, because no source says what it costs;
* what only Kling may serve answers 501 "not simulated", which Kling never sends; what Kling does not know either is its
  framework's 404;
* content moderation: it fails a task only on a magic word (see :mod:`.media`) or on a fault;
* the network: no latency, no regional hosts, no rate limit unless a setting or a fault asks for one;
* account details: one account, one pack of units, or money, that pays for every product (images can have their own),
  no 12 h lag of the balance;
* texts that nobody published: refusals marked "not observed" in :mod:`.validation` and :mod:`.auth` follow the style
  of the known ones, so match on ``code``;
* undetermined behaviour, which is a setting (:class:`.settings.Settings`) with the most careful default.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.settings import Settings
    from airflow_provider_kling.simulator.simulator import KlingSimulator

__all__ = ["KlingSimulator", "Settings"]


def __getattr__(name: str) -> Any:
    # pytest imports this package at every start of every test run: aiohttp must not load before it is used.
    if name == "KlingSimulator":
        from airflow_provider_kling.simulator.simulator import KlingSimulator

        return KlingSimulator
    if name == "Settings":
        from airflow_provider_kling.simulator.settings import Settings

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
