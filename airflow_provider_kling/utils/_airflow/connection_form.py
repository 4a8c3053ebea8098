"""The connection form of Airflow 3.0 and 3.1, which ask the hook for it; later ones read the provider info."""

from __future__ import annotations

from typing import Any

from airflow_provider_kling.get_provider_info import CONNECTION_FIELDS, FIELD_BEHAVIOUR


class ConnectionForm:
    """Returns the form of the provider info through the methods that these versions call."""

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the labels of the connection form, for Airflow 3.0 and 3.1; later ones read the provider info."""
        return {key.replace("-", "_"): value for key, value in FIELD_BEHAVIOUR.items()}

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the extra fields of the connection form, for Airflow 3.0 and 3.1."""
        from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
        from wtforms import StringField

        return {
            name: StringField(str(field["label"]), widget=BS3TextFieldWidget())
            for name, field in CONNECTION_FIELDS.items()
        }
