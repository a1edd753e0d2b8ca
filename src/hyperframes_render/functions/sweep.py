"""Lambda function `sweep`: handles stuck tasks every minute.

It handles tasks that were accepted and never started, tasks that stopped without a final state, and final states that
were not published.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from hyperframes_render.aws.expiring_store import DynamoExpiringStore
from hyperframes_render.aws.workflow import StateMachine
from hyperframes_render.functions.support.adapters import finisher, settings
from hyperframes_render.functions.support.observability import logger, metrics, traced
from hyperframes_render.functions.support.settings import SweepSettings
from hyperframes_render.tasks.sweep import Sweeper


@logger.inject_lambda_context(clear_state=True)
@traced
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Handle all tasks that are due. Returns the number of tasks by action."""
    config = settings(SweepSettings)
    done = Sweeper(
        finisher(config), StateMachine(config.state_machine_arn), DynamoExpiringStore(config.task_table)
    ).sweep()
    for action, count in done.items():
        metrics.add_metric(name=f"Sweep{action.capitalize()}", unit=MetricUnit.Count, value=count)
    if done:
        logger.info("sweep: %s", dict(done))
        metrics.flush_metrics()
    return dict(done)
