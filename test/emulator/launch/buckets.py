"""
CloudFormation's buckets: their tags, by which CDK's function knows which one to empty; a full one is not deleted, and a policy
is not put over another one.
"""

from ministack.services import s3
from ministack.services.cloudformation import provisioners

handler = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
policies = provisioners._RESOURCE_HANDLERS["AWS::S3::BucketPolicy"]


def tagged(result, props):
    s3._bucket_tags[result[0]] = {tag["Key"]: tag["Value"] for tag in props.get("Tags", [])}
    return result


def create(logical_id, props, stack_name):
    return tagged(original_create(logical_id, props, stack_name), props)


def update(physical_id, old_props, new_props, stack_name):
    return tagged(original_update(physical_id, old_props, new_props, stack_name), new_props)


def delete(physical_id, props):
    bucket = s3._buckets.get(physical_id)
    if bucket and (bucket["objects"] or s3._bucket_has_versions(physical_id)):
        raise ValueError("The bucket you tried to delete is not empty. You must delete all versions in the bucket.")
    original_delete(physical_id, props)


def create_policy(logical_id, props, stack_name):
    if props["Bucket"] in s3._bucket_policies:
        raise ValueError(f"The bucket policy already exists on bucket {props['Bucket']}.")
    return original_create_policy(logical_id, props, stack_name)


original_create, handler["create"] = handler["create"], create
original_update, handler["update"] = handler["update"], update
original_delete, handler["delete"] = handler["delete"], delete
original_create_policy, policies["create"] = policies["create"], create_policy
