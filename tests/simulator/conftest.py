import pytest

from airflow_provider_kling.simulator import KlingSimulator

from .support import Client


@pytest.fixture
def start():
    """Start simulators with settings of the test's own; an hour of processing unless it says otherwise."""
    running = []

    def begin(**settings):
        simulator = KlingSimulator(**({"seconds": 3600, "video_size": "small"} | settings))
        simulator.start()
        running.append(simulator)
        return Client(simulator)

    yield begin
    for simulator in running:
        simulator.stop()


@pytest.fixture
def kling(start):
    return start()
