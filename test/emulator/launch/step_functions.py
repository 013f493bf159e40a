"""Step Functions: callbacks, stops and starts as AWS has them, and the state machine's own role."""

from contextvars import ContextVar

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import stepfunctions as states

running = ContextVar("running")  # The execution that this thread works for.
waiting = ContextVar("waiting", default=None)  # The token of the callback that it starts.
UNKNOWN_TOKEN = "no state machine"
callbacks = {}  # Task token → execution, also after the answer.


def execute_task(state, raw_input, execution, ctx):
    running.set(execution)
    return original_execute_task(state, raw_input, execution, ctx)


def invoke_with_callback(resource, input_data, token, state):
    callbacks[token] = running.get()
    waiting.set(token)
    try:
        return original_invoke_with_callback(resource, input_data, token, state)
    finally:
        waiting.set(None)


def call_lambda(function, event):
    """A `.waitForTaskToken` task whose function fails has failed; MiniStack would wait for an answer for ever."""
    try:
        if app.AUTH:
            assert_may_invoke(function)
        return original_call_lambda(function, event)
    except states._ExecutionError as error:
        if "TooManyRequestsException" in str(error.cause) and error.error == "Lambda.Unknown":
            error.error = "Lambda.TooManyRequestsException"  # Proof that it did not start.
        info = states._task_tokens.get(waiting.get())
        if info is not None:
            info["error"] = {"Error": error.error, "Cause": error.cause}
            info["event"].set()
        raise


def assert_may_invoke(function):
    """MiniStack invokes functions for a state machine without asking what the machine's role allows."""
    account, region = get_account_id(), get_region()
    machine = running.get()["stateMachineArn"].split("/")[0]  # A child of a map has its label behind that.
    role = states._state_machines[machine]["roleArn"].rsplit("/", 1)[-1]
    arn = function if function.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{function}"
    caller = f"arn:aws:sts::{account}:assumed-role/{role}/states"
    question = iam_evaluator.EvalContext(
        principal_arn=caller,
        principal_type="AssumedRole",
        principal_account=account,
        action="lambda:InvokeFunction",
        resource_arn=arn,
        region=region,
    )
    answer = iam_evaluator.evaluate(question, iam_evaluator._gather_role_policies(role, account))
    if answer.decision != "Allow":
        message = f"User: {caller} is not authorized to perform: lambda:InvokeFunction on resource: {arn}"
        raise states._ExecutionError("Lambda.AWSLambdaException", message)


def run_distributed_map(state, raw_input, effective, iterator, execution, ctx):
    """As many children at once as the input says; MiniStack knows a number in the definition alone."""
    path = state.get("MaxConcurrencyPath")
    if path is not None:
        state = {**state, "MaxConcurrency": states._resolve_path_or_ctx(path, effective, ctx)}
    return original_run_distributed_map(state, raw_input, effective, iterator, execution, ctx)


def fail_execution(execution, error, cause):
    """A stopped execution stays ABORTED, whatever its last task comes to."""
    if execution["status"] == "RUNNING":
        original_fail_execution(execution, error, cause)


def answered(answer):
    """A token of a task that is closed answers TaskTimedOut, a string that never was a token InvalidToken."""

    def checked(data):
        token = data.get("taskToken")
        execution = callbacks.get(token)
        if execution is None:
            return error_response_json("InvalidToken", "Invalid Token: 'Invalid token'", 400)
        if execution["status"] != "RUNNING" or token not in states._task_tokens:
            return error_response_json("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'", 400)
        return answer(data)

    return checked


def resource_arn(service, method, path, headers, body, *others):
    """What SendTask* asks permission for is the state machine that waits, which the request names by its token only.

    What UpdateMapRun asks permission for is the map run; MiniStack takes it for everything.
    """
    if service == "states" and headers.get("x-amz-target", "").endswith(".UpdateMapRun"):
        return iam_actions._safe_json_field(body, "mapRunArn")
    if service == "states" and ".SendTask" in headers.get("x-amz-target", ""):
        execution = callbacks.get(iam_actions._safe_json_field(body, "taskToken"))
        # A token that nobody gave out is no machine's: it is answered InvalidToken, and permits nothing.
        return execution["stateMachineArn"] if execution else UNKNOWN_TOKEN
    return original_resource_arn(service, method, path, headers, body, *others)


def start_execution(data):
    """The same name with the same input while it runs is the same execution."""
    response = original_start_execution(data)
    if b"ExecutionAlreadyExists" in response[2]:
        wanted = (data.get("stateMachineArn"), data.get("name"), data.get("input", "{}"))
        for execution in states._executions.values():
            found = tuple(execution[key] for key in ("stateMachineArn", "name", "input"))
            if found == wanted and execution["status"] == "RUNNING":
                return json_response({key: execution[key] for key in ("executionArn", "startDate")})
    return response


original_execute_task, states._execute_task = states._execute_task, execute_task
original_invoke_with_callback, states._invoke_with_callback = states._invoke_with_callback, invoke_with_callback
original_call_lambda, states._call_lambda = states._call_lambda, call_lambda
original_run_distributed_map, states._run_distributed_map = states._run_distributed_map, run_distributed_map
original_fail_execution, states._fail_execution = states._fail_execution, fail_execution
original_start_execution, states._start_execution = states._start_execution, start_execution
original_resource_arn, iam_actions.extract_resource_arn = iam_actions.extract_resource_arn, resource_arn
states._send_task_success = answered(states._send_task_success)
states._send_task_failure = answered(states._send_task_failure)
states._send_task_heartbeat = answered(states._send_task_heartbeat)
