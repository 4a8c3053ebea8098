"""What a process imports that pays for one video, or waits for one."""

from __future__ import annotations

import os
import subprocess
import sys


def test_a_process_for_one_video_imports_neither_the_batch_nor_what_only_requests_need():
    code = (
        "import sys, airflow_provider_kling.operators, airflow_provider_kling.sensors\n"
        "print(*[name for name in sys.modules if name.startswith('airflow_provider_kling.')])\n"
        "print(*{'PIL', 'requests', 'jwt'} & set(sys.modules))\n"
        "print(airflow_provider_kling.operators.KlingImageToVideoBatchOperator.__name__)\n"
        "print(airflow_provider_kling.operators.KlingVideoItem.__name__)"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    ours, heavy, *later = done.stdout.splitlines()[-4:]
    assert not [name for name in ours.split() if ".batch" in name or name.endswith((".hooks", ".prepare"))]
    assert not {"PIL", "requests"} & set(heavy.split())
    assert later == ["KlingImageToVideoBatchOperator", "KlingVideoItem"]


#: What a process does not import that pays for one video with an id, without a cap, of a picture on this machine.
NOT_FOR_ONE_VIDEO = (
    *("batch", "models.account", "operators.batch", "operators.cap", "operators.reservations", "operators.session"),
    *("operators.stored_submission", "operators.unnamed", "preparation.sounds", "results.storage", "results.targets"),
    *("submission.budget", "submission.unnamed", "transfers", "utils._airflow.object_storage", "waiting.shared_poller"),
    *("api.billing", "api.download", "api.listing", "api.read_plan", "api.selection", "api.solutions", "api.v2"),
    *("products.rules.faces", "products.rules.omni", "products.rules.references"),
)


def test_a_process_that_pays_for_one_video_imports_no_second_protocol_no_caps_and_no_storage(kling):
    code = (
        "import sys\n"
        "from support import PHOTOGRAPH, FakeTaskInstance\n"
        "from airflow_provider_kling.operators import KlingImageToVideoOperator\n"
        "picture = str(PHOTOGRAPH)\n"
        "operator = KlingImageToVideoOperator(task_id='a', image=picture, prompt='x', wait_for_completion=True)\n"
        "try:\n"
        "    operator.execute({'ti': FakeTaskInstance()})\n"
        "except BaseException as end:\n"
        "    print(type(end).__name__)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    end, modules = done.stdout.splitlines()[-2:]
    assert end == "TaskDeferred"
    assert len(kling.tasks()) == 1
    known = set(modules.split())
    assert {"airflow_provider_kling.submission.protocol", "airflow_provider_kling.triggers.task"} <= known
    assert not {name for name in NOT_FOR_ONE_VIDEO if f"airflow_provider_kling.{name}" in known}
    # Not aiohttp: Airflow 3.0 imports it itself.
    assert not known & {"PIL", "av"}


def test_a_process_that_waits_with_a_sensor_imports_nothing_of_the_wire_before_it_reads():
    code = "import sys, airflow_provider_kling.sensors; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    wire = "airflow_provider_kling.api."
    ours = {name.removeprefix(wire) for name in done.stdout.splitlines()[-1].split() if name.startswith(wire)}
    assert ours == {"task_ref"}
