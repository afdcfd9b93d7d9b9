"""CatNet Controller: GitOps for Cisco IOS, from a push on GitHub to the device and back."""

__version__ = "0.1.0"
