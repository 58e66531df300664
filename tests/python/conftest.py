"""Every trace of the tests holds its shape rules against PyTorch's meta kernels."""

import os

from tracejet._trace import CHECK_RULES

os.environ[CHECK_RULES] = "1"
