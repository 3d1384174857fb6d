"""DynamoDB, S3, SQS, Step Functions and Secrets Manager; the only importer of botocore."""
