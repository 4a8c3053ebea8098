"""What a product of Kling's API is: one row, from which operator, checks, request and reading follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_kling.products.fields import Field

#: The product that is meant where none is named.
DEFAULT_ENDPOINT = "image2video"

#: What is checked of every product: each of them says nothing where it does not apply.
COMMON_RULES = (
    *("scalars.required", "scalars.either", "scalars.shapes", "scalars.callback_url", "scalars.lengths"),
    *("scalars.notice", "frames.contents"),
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
    :param typical_seconds: how long a task usually takes; when the first status check is worth making. 0 when nobody
        has measured it.
    :param required: fields without which Kling refuses the request.
    :param either: fields of which exactly one must be given.
    :param notice: what to say to everybody who asks for it, because Kling has retired it or may have.
    :param answers: ``task`` when Kling makes it later, ``at once`` when the answer to the POST holds the result, and
        ``result`` when it holds nothing else: there is no task then.
    :param unsent: fields that clients of relays write and Kling does not have, with the reason to leave them out.
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
    generation: Literal["classic", "new"] = "classic"
    counterpart: str = ""

    @property
    def is_made_for_another(self) -> bool:
        """Whether a Dag asks for another product, the classic one, of which this is the second generation."""
        return self.generation == "new" and bool(self.counterpart)

    @property
    def group(self) -> str:
        """Kling's word in the path, such as ``videos``: products of one group take slots of the same resource packs."""
        return "videos" if self.generation == "new" else self.path.split("/")[2]

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """The fields by their names."""
        return {row.name: row for row in self.fields}

    @property
    def has_external_id(self) -> bool:
        """Whether a request can carry an id by which it is found again."""
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

        :param place: as :meth:`slots` names it.
        """
        from airflow_provider_kling.products.fields import field_of

        media = self.by_name[field_of(place)].media
        if media and place.rpartition(".")[2] in media.sounds:
            return "sound"
        return media.kind if media else ""

    def slots(self, body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
        """
        Yield each place of a body that holds a file: its name, the object that it stands in, and the key there.

        :param body: a request body.
        """
        for row in self.fields:
            yield from row.slots(body)
