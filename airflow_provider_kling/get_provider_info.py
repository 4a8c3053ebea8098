"""What Airflow's provider discovery reads. It runs in every component, so nothing heavy is imported here."""

from __future__ import annotations

from typing import Any

#: The connection that operators use unless the Dag names another.
DEFAULT_CONN_NAME = "kling_default"

#: Where a connection without a host goes: Kling's servers for accounts outside mainland China.
#: Source: quick-start page of https://kling.ai/document-api, read 2026-11.
DEFAULT_BASE_URL = "https://api-singapore.klingai.com"

#: Of our tasks in Airflow's pages.
UI_COLOR = "#e8f4d9"

#: The operators, each with the module of ``operators`` that it stands in.
OPERATORS = {
    "KlingAvatarOperator": "clip",
    "KlingCustomElementOperator": "asset",
    "KlingCustomVoiceOperator": "asset",
    "KlingEffectsOperator": "clip",
    "KlingIdentifyFaceOperator": "face",
    "KlingImageExpansionOperator": "image",
    "KlingImageGenerationOperator": "image",
    "KlingImageRecognitionOperator": "image",
    "KlingImageToVideoBatchOperator": "batch",
    "KlingImageToVideoOperator": "video",
    "KlingLipSyncOperator": "face",
    "KlingMotionControlOperator": "clip",
    "KlingMultiElementsOperator": "edit",
    "KlingMultiImageToImageOperator": "image",
    "KlingMultiImageToVideoOperator": "clip",
    "KlingMultiShotOperator": "asset",
    "KlingOmniImageOperator": "image",
    "KlingOmniVideoOperator": "clip",
    "KlingOneCallLipSyncOperator": "face",
    "KlingRunSummaryOperator": "run_summary",
    "KlingSolutionOperator": "solution",
    "KlingTextToAudioOperator": "audio",
    "KlingTextToSpeechOperator": "audio",
    "KlingTextToVideoOperator": "video",
    "KlingVideoExtensionOperator": "clip",
    "KlingVideoToAudioOperator": "audio",
    "KlingVirtualTryOnOperator": "image",
}

#: The connection form. Airflow 3.2 and later read it from here; below, from the hook's methods, which return the same.
CONNECTION_FIELDS: dict[str, dict[str, Any]] = {
    "timeout_seconds": {
        "label": "Request timeout (seconds)",
        "description": "How long one HTTP response may take; the wait for a video is the operator's timeout.",
        "schema": {"type": ["integer", "null"], "minimum": 1, "maximum": 600, "default": 30},
    },
    "verify": {
        "label": "Verify TLS",
        "description": "Empty for true; false, or the path of a CA bundle.",
        # A default of "true" would be stored, and Airflow warns of each short text that it cannot mask.
        "schema": {"type": ["string", "null"]},
    },
    "proxies": {
        "label": "Proxies (JSON)",
        "description": 'For example {"https": "http://proxy.example.com:3128"}.',
        "schema": {"type": ["object", "null"]},
    },
    "allow_private_urls": {
        "label": "Allow results from private addresses",
        "description": "Only for the simulator or a relay inside your network.",
        "schema": {"type": ["boolean", "null"], "default": False},
    },
    "external_ids": {
        "label": "Host keeps external_task_id",
        "description": "Off for a relay that drops it: a lost response is then looked for in the list of tasks.",
        "schema": {"type": ["boolean", "null"], "default": True},
    },
    "max_usd_per_day": {
        "label": "US dollars a day, at most",
        "description": "At list price, of all operators that use this connection; needs the folder below.",
        "schema": {"type": ["number", "null"], "exclusiveMinimum": 0},
    },
    "budget_uri": {
        "label": "Folder of the daily budget",
        "description": "Such as s3://aws_default@bucket/kling-budget; all workers must reach it.",
        "schema": {"type": ["string", "null"]},
    },
    "webhook_secret": {
        "label": "Webhook secret",
        "description": "Of Kling's console, where a receiver checks Kling's callbacks with this connection.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
}

FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["schema", "port"],
    "relabeling": {
        "host": "Base URL",
        "login": "AccessKey",
        "password": "API key or SecretKey",
    },
    "placeholders": {
        "host": DEFAULT_BASE_URL,
        "login": "empty for an API key",
        "password": "api-key-kling-...",
    },
}

#: Options of ``airflow.cfg``; environment variables are ``AIRFLOW__KLING__…``.
CONFIG: dict[str, Any] = {
    "kling": {
        "description": "What the provider for Kling shows in Airflow's pages, stores, and imports ahead.",
        "options": {
            "ui": {
                "description": "Whether the API server shows the tab Kling on a task instance (Airflow 3.1 and later).",
                "version_added": "0.1.0",
                "type": "boolean",
                "example": None,
                "default": "True",
            },
            "posters": {
                "description": "Whether a picture is stored beside each video (needs the extra posters).",
                "version_added": "0.1.0",
                "type": "boolean",
                "example": None,
                "default": "True",
            },
            "preload": {
                "description": "Whether the scheduler (with the LocalExecutor) and the Dag processor import at their "
                "start what Kling tasks need, so that no task has to.",
                "version_added": "0.1.0",
                "type": "boolean",
                "example": None,
                "default": "True",
            },
        },
    }
}


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, as ``airflow.provider_info.schema.json`` asks for it."""
    integration = "Kling AI"
    package = "airflow_provider_kling"
    return {
        "package-name": "airflow-provider-kling",
        "name": "Kling AI",
        "description": "Video generation with `Kling AI <https://kling.ai/>`__.",
        "integrations": [
            {
                "integration-name": integration,
                "external-doc-url": "https://kling.ai/document-api",
                "tags": ["service"],
            }
        ],
        "hooks": [{"integration-name": integration, "python-modules": [f"{package}.hooks"]}],
        "operators": [{"integration-name": integration, "python-modules": [f"{package}.operators"]}],
        "sensors": [{"integration-name": integration, "python-modules": [f"{package}.sensors"]}],
        "triggers": [
            {"integration-name": integration, "python-modules": [f"{package}.triggers", f"{package}.triggers.batch"]}
        ],
        "extra-links": [f"{package}.plugins.links.KlingResultLink", f"{package}.plugins.links.KlingBatchLink"],
        "config": CONFIG,
        "connection-types": [
            {
                "connection-type": "kling",
                "hook-class-name": f"{package}.hooks.KlingHook",
                "hook-name": "Kling AI",
                "ui-field-behaviour": FIELD_BEHAVIOUR,
                "conn-fields": CONNECTION_FIELDS,
            }
        ],
    }
