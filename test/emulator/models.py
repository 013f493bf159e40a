"""
What botocore knows of AWS, as JSON: the models of the APIs, who is asked where, and what a request and its signature look like.
Its argument is JSON: the regions that are asked for, and requests to sign.
"""

import json
import sys

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

asked = json.loads(sys.argv[1])
session = botocore.session.get_session()


def client_of(service, region):
    return session.create_client(service, region_name=region, aws_access_key_id="a", aws_secret_access_key="b")


def place(service, operation, region):
    """Where it is asked, and for which region it is signed."""
    client = client_of(service, region)
    resolver = client._ruleset_resolver
    endpoint = resolver.construct_endpoint(client.meta.service_model.operation_model(operation), {}, None)
    schemes = endpoint.properties.get("authSchemes", [{}])
    return [endpoint.url, schemes[0].get("signingRegion", region)]


def model_of(service):
    return session.get_service_model(service)


def serialized(service, operation):
    """The request as botocore writes it."""
    model = model_of(service)
    written = create_serializer(model.metadata["protocol"]).serialize_to_request({}, model.operation_model(operation))
    return {key: written[key] for key in ("url_path", "method", "headers", "body")}


def signed(request):
    """The header `Authorization`, for the time that the request names."""
    made = AWSRequest(method="POST", url=request["url"], headers=request["headers"], data=request["body"])
    made.context["timestamp"] = request["headers"]["x-amz-date"]
    auth = SigV4Auth(Credentials(request["key"], request["secret"], request.get("token")), request["service"], request["region"])
    canonical = auth.canonical_request(made)
    string = auth.string_to_sign(made, canonical)
    names = auth.signed_headers(auth.headers_to_sign(made))
    return f"AWS4-HMAC-SHA256 Credential={auth.scope(made)}, SignedHeaders={names}, Signature={auth.signature(string, made)}"


def parsed(service, operation, body):
    """What botocore reads in an answer."""
    model = model_of(service).operation_model(operation)
    parser = create_parser(model_of(service).metadata["protocol"])
    return parser.parse({"status_code": 200, "headers": {}, "body": body.encode()}, model.output_shape)


lambda_model = model_of("lambda")
shape = lambda_model.shape_for
states = model_of("stepfunctions")
answer = {
    "invokeErrors": {
        error.name: error.documentation for error in lambda_model.operation_model("Invoke").error_shapes
    },
    "memory": shape("MemorySize").metadata,
    "executionStatus": states.shape_for("ExecutionStatus").enum,
    "tagKey": model_of("iam").shape_for("tagKeyType").metadata,
    "tagValue": model_of("iam").shape_for("tagValueType").metadata,
    "accountLimit": list(shape("AccountLimit").members),
    "summaryKeys": model_of("iam").shape_for("summaryKeyType").enum,
    "places": {
        region: {
            "iam": place("iam", "GetAccountSummary", region),
            "sts": place("sts", "GetCallerIdentity", region),
        }
        for region in asked["regions"]
    },
    "requests": {
        "iam": serialized("iam", "GetAccountSummary"),
        "sts": serialized("sts", "GetCallerIdentity"),
        "lambda": serialized("lambda", "GetAccountSettings"),
    },
    "signatures": [signed(request) for request in asked["sign"]],
    "parsed": [parsed(*each) for each in asked["parse"]],
}
print(json.dumps(answer, default=str))
