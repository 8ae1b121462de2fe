"""``python -m xai_utils explain IMAGES``: see `xai_utils.report.command`."""

import sys

from xai_utils.report.command import main

sys.exit(main())
