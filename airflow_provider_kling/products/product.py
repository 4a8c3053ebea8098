"""A product of Kling's API as one row of data; operator, checks, requests and reading are derived from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_kling.products.fields import Field

#: The product where none is given.
DEFAULT_ENDPOINT = "image2video"

#: Rules for every product; a rule yields nothing where it does not apply.
COMMON_RULES = (
    *("scalars.required", "scalars.either", "scalars.shapes", "scalars.callback_url", "scalars.lengths"),
    *("scalars.templates", "scalars.notice", "frames.contents"),
)

#: Fields that every operator has, whatever its product.
COMMON_FIELDS = ("callback_url", "external_task_id")


@dataclass(frozen=True, eq=False)
class Product:
    """
    One product.

    :param endpoint: its name in Kling's path and in this package, for example ``image2video``.
    :param path: where tasks are created, and below which they are read.
    :param fields: in the order in which they are sent.
    :param rules: what is checked besides the shape of each field: functions of :mod:`.rules` by name, because the rules
        are imported when a request is checked and not with each Dag file.
    :param default_model: sent when the Dag names no model, because Kling's own defaults include retired models; empty
        when the product has no choice of models.
    :param typical_seconds: how long a task usually takes, which decides when its status is first read; 0 when nobody
        has measured it.
    :param required: fields without which Kling refuses the request.
    :param either: fields of which exactly one must be given.
    :param notice: a warning with each request, because Kling has retired the product or may have.
    :param answers: ``task`` when Kling makes the result later, ``at once`` when the response to the POST holds task and
        result, ``result`` when it holds the result and there is no task.
    :param unsent: fields that clients of relays send and Kling does not have, with the reason to leave them out.
    :param generation: of the API that serves its path.
    :param counterpart: the endpoint of the same product in the other generation; empty when it has none.
    """

    endpoint: str
    path: str
    fields: tuple[Field, ...]
    rules: tuple[str, ...]
    default_model: str
    typical_seconds: float
    required: tuple[str, ...] = ()
    either: tuple[str, ...] = ()
    notice: str = ""
    answers: Literal["task", "at once", "result"] = "task"
    unsent: Mapping[str, str] = field(default_factory=dict)
    generation: Literal["classic", "v2"] = "classic"
    counterpart: str = ""

    @property
    def is_made_for_another(self) -> bool:
        """Whether a Dag names the classic product, and this row is its second generation."""
        return self.generation == "v2" and bool(self.counterpart)

    @property
    def group(self) -> str:
        """Kling's word in the path, such as ``videos``: products of one group take slots of the same resource packs."""
        return "videos" if self.generation == "v2" else self.path.split("/")[2]

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """The fields by their names."""
        return {row.name: row for row in self.fields}

    @property
    def has_external_id(self) -> bool:
        """Whether a request can carry an ``external_task_id``, by which its task is found again."""
        return "external_task_id" in self.by_name

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of its operator that are fields of Kling; those that all operators have are not among them."""
        return (*(name for name in self.by_name if name not in COMMON_FIELDS), *self.unsent)

    @property
    def media_fields(self) -> tuple[str, ...]:
        """The fields that hold files."""
        return tuple(row.name for row in self.fields if row.media)

    def media_kind(self, place: str) -> str:
        """
        Return the kind of file at a place of a body: ``image``, ``video``, ``audio``, or ``sound`` for a sound that is
        sent as its content.

        :param place: as :meth:`file_places` names it.
        """
        from airflow_provider_kling.products.fields import field_of

        media = self.by_name[field_of(place)].media
        if media and place.rpartition(".")[2] in media.sounds:
            return "sound"
        return media.kind if media else ""

    def file_places(self, body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
        """
        Yield each place of a body that holds a file: its name, the object around it, and its key there.

        :param body: a request body.
        """
        for row in self.fields:
            yield from row.file_places(body)
