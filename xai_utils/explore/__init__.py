"""Controls for exploring one picture in a notebook."""

from xai_utils.explore.controls import Explorer

__all__ = ["Explorer"]
