"""A folder of pictures in, a report out."""

from xai_utils.report.run import Report, explain_folder

__all__ = ["Report", "explain_folder"]
