"""Property tests try PROWLESS_EXAMPLES examples (100), and without a deadline: a slow machine breaks no rule."""

import os

from hypothesis import settings

settings.register_profile(
    "prowless", settings(), max_examples=int(os.environ.get("PROWLESS_EXAMPLES", "100")), deadline=None
)
settings.load_profile("prowless")
