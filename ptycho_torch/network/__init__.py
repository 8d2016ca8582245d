"""The neural network that maps diffraction amplitude to object patches."""
