"""Operators that hold the content of images and show a summary of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_kling.images import conceal

if TYPE_CHECKING:
    from collections.abc import Iterable

    import jinja2
    from airflow.sdk import Context


class ConcealsImages(BaseOperator):
    """An operator whose images show in rendered fields and logs only as a summary."""

    #: The fields that may hold the content of an image.
    image_fields: ClassVar[tuple[str, ...]] = ()

    def _do_render_template_fields(
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: jinja2.Environment,
        seen_oids: set[int],
    ) -> None:
        """Render, then wrap what a template brought in; the constructors wrap what the Dag author wrote."""
        super()._do_render_template_fields(parent, template_fields, context, jinja_env, seen_oids)
        if parent is self:
            for name in (*self.image_fields, "extra_body"):
                setattr(self, name, conceal(getattr(self, name)))
