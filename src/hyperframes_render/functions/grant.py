"""Lambda function `grant`: returns credentials that reach one task only.

A caller must present the access secret of the task. Only the task's workflow receives it. A renderer that was
compromised by a page can therefore reach its current task and no other.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from aws_lambda_powertools.utilities.parser import BaseModel, event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from hyperframes_render.aws.expiring_store import DynamoExpiringStore
from hyperframes_render.aws.grants import StsGrants
from hyperframes_render.functions.support.adapters import settings
from hyperframes_render.functions.support.errors import report_to_workflow
from hyperframes_render.functions.support.observability import logger, traced
from hyperframes_render.functions.support.settings import GrantSettings
from hyperframes_render.tasks.grants import grant_for


class GrantEvent(BaseModel):
    """The task's id, and the access secret that its workflow received at its start."""

    task_id: str
    access: str


@lru_cache(maxsize=1)
def _adapters(config: GrantSettings) -> tuple[DynamoExpiringStore, StsGrants]:
    return DynamoExpiringStore(config.task_table), StsGrants(config.render_task_role_arn, config.bucket)


@logger.inject_lambda_context(clear_state=True)
@traced
@report_to_workflow
@event_parser(model=GrantEvent)
def handler(event: GrantEvent, context: LambdaContext) -> dict[str, Any]:
    """Return {"credentials": {access_key, secret_key, token}}, or {"credentials": null} if the secret is wrong."""
    logger.append_keys(task_id=event.task_id)
    store, grants = _adapters(settings(GrantSettings))
    grant = grant_for(store, event.task_id, event.access)
    if grant is None:
        logger.warning("access was requested with a wrong secret")
        return {"credentials": None}
    return {"credentials": grants.credentials(grant)}
