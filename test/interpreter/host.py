"""Serves LocalStack's Step Functions alone, without the rest of LocalStack: its API and its interpreter, as published but
for what the class below says.

What it calls (Lambda, STS, EventBridge) is at AWS_ENDPOINT_URL. Prints its own endpoint, and goes on until it is killed.
"""

import os
import sys
from unittest.mock import MagicMock

# Statistics of use, which would be sent away.
os.environ["DISABLE_EVENTS"] = "1"
# What only JSONata (a JVM) and AWS Batch need, and the state machine uses neither.
for absent in ("jpype", "jpype.imports", "moto", "moto.batch", "moto.batch.utils"):
    sys.modules[absent] = MagicMock(name=absent)

from localstack.aws import connect
from localstack.aws.api import RequestContext
from localstack.aws.api.stepfunctions import ExecutionStatus, TaskTimedOut
from localstack.aws.skeleton import create_skeleton
from localstack.aws.spec import load_service
from localstack.services.stepfunctions.backend.execution import BaseExecutionWorkerCommunication
from localstack.services.stepfunctions.provider import StepFunctionsProvider
from werkzeug import Request
from werkzeug.serving import WSGIRequestHandler, make_server


class StepFunctions(StepFunctionsProvider):
    """LocalStack's, where a stopped execution would run until its task is over, and its token could still be answered."""

    def stop_execution(self, context, execution_arn, error=None, cause=None, **others):
        execution = self._get_execution(context, execution_arn)
        ran = execution.exec_status == ExecutionStatus.RUNNING
        answer = super().stop_execution(context, execution_arn, error, cause, **others)
        if ran:
            execution.exec_status = ExecutionStatus.ABORTED
            execution.stop_date, execution.error, execution.cause = answer["stopDate"], error, cause
        return answer

    def send_task_failure(self, context, task_token, **others):
        running = self._get_executions(context, ExecutionStatus.RUNNING)
        if not any(execution.exec_worker.env.callback_pool_manager.get(task_token) for execution in running):
            raise TaskTimedOut("Task Timed Out: 'Provided task does not exist anymore'")
        return super().send_task_failure(context, task_token, **others)

    def _get_executions(self, context, execution_status=None):
        """Without those whose interpreter is still being made: the callers look into it."""
        return [
            execution
            for execution in super()._get_executions(context, execution_status)
            if execution.exec_worker and execution.exec_worker.env
        ]


def terminated(communication):
    """What has ended stays as it ended, whatever its last task comes to."""
    if communication.execution.exec_status == ExecutionStatus.RUNNING:
        original_terminated(communication)


original_terminated = BaseExecutionWorkerCommunication.terminated
BaseExecutionWorkerCommunication.terminated = terminated
connect.get_service_endpoint = lambda: os.environ["AWS_ENDPOINT_URL"]

service = load_service("stepfunctions")
step_functions = create_skeleton(service, StepFunctions())


def application(environ, start_response):
    context = RequestContext(Request(environ))
    context.service, context.protocol = service, "json"
    context.account_id, context.region = os.environ["AWS_ACCOUNT_ID"], os.environ["AWS_REGION"]
    return step_functions.invoke(context)(environ, start_response)


class KeepAlive(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        pass


server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=KeepAlive)
print(f"http://127.0.0.1:{server.port}", flush=True)
server.serve_forever()
