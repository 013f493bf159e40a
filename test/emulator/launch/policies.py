"""IAM: what MiniStack's evaluation of policies lacks, and the ledger's roles and bucket policy use."""

import re
from dataclasses import replace

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import iam, s3

from step_functions import UNKNOWN_TOKEN


def s3_context(iam_action, query_params, path="", headers=None):
    """Condition keys of PutObject: s3:if-none-match, s3:if-match, s3:ObjectCreationOperation."""
    context = original_s3_context(iam_action, query_params, path, headers)
    if iam_action == "s3:PutObject":
        # Starting a multipart upload and sending its parts create no object yet, and carry no precondition.
        creates = not {"uploads", "partNumber"} & set(query_params or {})
        context["s3:ObjectCreationOperation"] = str(creates).lower()
        for name in ("if-none-match", "if-match"):
            if (headers or {}).get(name):
                context[f"s3:{name}"] = headers[name]
    return context


def condition_key(key, ctx):
    """aws:PrincipalArn of a session is the ARN of its role."""
    if key.lower() == "aws:principalarn" and ctx.principal_type == "AssumedRole":
        name = iam_evaluator._role_name_from_assumed_arn(ctx.principal_arn)
        role = iam._roles.get_scoped(ctx.principal_account, None, name)
        if role:
            return role["Arn"]
    return original_condition_key(key, ctx)


def first_match(ctx, statements, effect):
    """Resources may hold variables, such as ${aws:PrincipalTag/name}; one without a value matches nothing."""

    def value(variable):
        found = condition_key(variable[1], ctx)
        return variable[0] if found is None else str(found)

    def filled(patterns):
        return [re.sub(r"\$\{([^}]+)\}", value, pattern) for pattern in patterns]

    return original_first_match(
        ctx,
        [replace(one, resources=filled(one.resources), not_resources=filled(one.not_resources)) for one in statements],
        effect,
    )


def enforce(access_key, action, service, region, resource_arn="*", service_context=None):
    """Whoever may not list a bucket is told 403, not 404, of a key that is not there."""
    if resource_arn == UNKNOWN_TOKEN:
        return None
    denied = original_enforce(
        access_key, action, service, region, resource_arn=resource_arn, service_context=service_context
    )
    if denied or action != "s3:GetObject":
        return denied
    bucket, _, key = resource_arn.removeprefix("arn:aws:s3:::").partition("/")
    if key in (s3._ensure_bucket(bucket) or {"objects": {key: None}})["objects"]:
        return None
    return original_enforce(access_key, "s3:ListBucket", service, region, resource_arn=f"arn:aws:s3:::{bucket}")


def pin_origin(address, _secure):
    """aws:SecureTransport, as with every call to AWS; else `enforceSSL` shuts everybody out of HTTP on 127.0.0.1."""
    original_pin_origin(address, True)


original_s3_context, iam_actions.s3_service_context = iam_actions.s3_service_context, s3_context
original_condition_key, iam_evaluator._resolve_condition_key = iam_evaluator._resolve_condition_key, condition_key
original_first_match, iam_evaluator._first_match = iam_evaluator._first_match, first_match
original_enforce, iam_evaluator.enforce = iam_evaluator.enforce, enforce
original_pin_origin, app.pin_request_origin = app.pin_request_origin, pin_origin
