"""Prints the digest of every function of the CPU's kernels and primitives."""

import importlib
import json
import pkgutil
import types

from numbaloss.compile import primitives_cpu
from numbaloss.compile.digest import digest
from numbaloss.kernels import cpu

digests = {}
for package in (primitives_cpu, cpu):
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        for name, value in vars(importlib.import_module(found.name)).items():
            if isinstance(getattr(value, "_defn", value), types.FunctionType):
                digests[f"{found.name}.{name}"] = digest(value)
print(json.dumps(digests))
