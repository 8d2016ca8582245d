"""Physics-informed neural reconstruction for X-ray ptychography.

Importing the package imports neither torch nor Lightning; each public module
says what it needs.
"""

__version__ = "0.1.0"
