"""The embedded stack and the `prowless` command. Never shipped to Lambda."""
