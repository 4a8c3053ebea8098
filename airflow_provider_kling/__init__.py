"""Apache Airflow provider for Kling AI: images and prompts become videos, each paid once."""

from airflow_provider_kling.provider_info import get_provider_info

__all__ = ["__version__", "get_provider_info"]

__version__ = "0.1.0"
