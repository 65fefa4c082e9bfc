"""ganpipe: trains, evaluates and compares every GAN of the classic lectures and papers."""

__version__ = "0.1.0"
