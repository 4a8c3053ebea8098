"""Apache Airflow provider for Kling AI: images and prompts become videos, each paid once."""

__all__ = ["__version__"]

__version__ = "0.1.0"
