"""Lambda function `record`: the last step of the workflow on every path.

Writes the one final state of the task, then publishes its final event.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.parser import BaseModel, event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from hyperframes_render.functions.support.adapters import finisher, settings
from hyperframes_render.functions.support.errors import report_to_workflow
from hyperframes_render.functions.support.observability import logger, metrics, traced
from hyperframes_render.functions.support.settings import RecordSettings
from hyperframes_render.tasks.finish import Outcome
from hyperframes_render.tasks.model import TaskStatus


class RecordEvent(BaseModel):
    """The task and how its workflow ended. `error` is the error that the workflow caught: {"Error", "Cause"}."""

    task_id: str
    outcome: Outcome
    error: dict[str, Any] | None = None


@logger.inject_lambda_context(clear_state=True)
@traced
@metrics.log_metrics
@report_to_workflow
@event_parser(model=RecordEvent)
def handler(event: RecordEvent, context: LambdaContext) -> dict[str, Any]:
    """End the task. Returns its id and final status."""
    logger.append_keys(task_id=event.task_id)
    task = finisher(settings(RecordSettings)).finish(event.task_id, event.outcome, event.error)
    name = "deleted" if task is None else task.status.text
    metrics.add_metric(name=f"Tasks{name.capitalize()}", unit=MetricUnit.Count, value=1)
    if task is None:  # Deleted during the render: reported to the workflow as cancelled.
        return {"task_id": event.task_id, "status": int(TaskStatus.CANCELLED)}
    return {"task_id": task.id, "status": int(task.status)}
