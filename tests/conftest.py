"""What all tests share: one cache of compiled kernels, kept between runs unless NUMBALOSS_CACHE_DIR says where."""

from __future__ import annotations

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--skip-slow", action="store_true", help="leave out the tests marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--skip-slow"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("slow")])
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


def pytest_report_header() -> str:
    return f"numbaloss kernels: {os.environ.get('NUMBALOSS_CACHE_DIR') or 'the cache of this user'}"
