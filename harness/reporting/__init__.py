"""Ways of showing a hub; a renderer never judges."""
