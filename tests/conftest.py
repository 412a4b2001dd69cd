"""What all tests share: one cache of compiled kernels, kept between runs unless NUMBALOSS_CACHE_DIR says where."""

from __future__ import annotations

import os


def pytest_report_header() -> str:
    return f"numbaloss kernels: {os.environ.get('NUMBALOSS_CACHE_DIR') or 'the cache of this user'}"
