"""The search for the commit that made a suite, or one of its guards, red."""
