"""A local simulator of Kling's API: the same bodies, errors and processing times, and playable videos.

It serves the operations of both generations of Kling's API: videos, images, sounds, voices, elements,
``/tasks`` and the reports of the account; ``data/operations.yaml`` lists them. Use it from a shell (``python -m
airflow_provider_kling.simulator``), as a context manager (:class:`KlingSimulator`) or through the pytest fixture
``kling_simulator``.

What it does not reproduce:

* generated content: a video is the submitted image with a slow zoom; cameras, masks, voices, elements, shots and
  prompts are validated but not rendered (a result without an image shows its prompt), and a sound is a tone;
* sizes and lengths of submitted videos and sounds: they only have to be playable; a face, an object and a head are
  found in every input, and a marked area is a disc around each point;
* packaged scenarios: ``/solutions`` accepts every name and every field and returns the kinds of results that the page
  of the scenario documents, or a video; it costs nothing, because no source gives a price;
* other paths of Kling: they return 501 "not simulated", which Kling never sends; a path that Kling does not have
  returns the 404 of Kling's web framework;
* content moderation: a task fails only if its prompt contains ``simulate-risk-control`` or
  ``simulate-internal-error``, or on a fault;
* the network: no latency, no regional hosts, no rate limit unless a setting or a fault adds one;
* account details: one account whose one pack of units, or money, pays for every product (images can have a separate
  pack); the balance has no lag of 12 h;
* unpublished error texts: those marked "not observed" in :mod:`.validation` and :mod:`.auth` follow the style of the
  known ones, so match on ``code``;
* undocumented behaviour: it is a setting (:class:`.settings.Settings`) with the most cautious default.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.settings import Settings
    from airflow_provider_kling.simulator.simulator import KlingSimulator

__all__ = ["KlingSimulator", "Settings"]


def __getattr__(name: str) -> Any:
    # Lazy: pytest imports this package in every test run of every project that has it installed.
    if name == "KlingSimulator":
        from airflow_provider_kling.simulator.simulator import KlingSimulator

        return KlingSimulator
    if name == "Settings":
        from airflow_provider_kling.simulator.settings import Settings

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
