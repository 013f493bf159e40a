"""Starts MiniStack 1.5.33, brought closer to AWS in the points that the scenarios depend on.

Each wraps functions of MiniStack from outside, or calls them; requirements.txt pins the version, and a name that is gone stops
the start with an AttributeError.
"""

import buckets  # noqa: F401
import policies  # noqa: F401
import step_functions  # noqa: F401
import workers  # noqa: F401

from ministack import app

app.main()
