"""Prints a digest of exp's results over each type's whole range."""

import hashlib
import json

import numba
import numpy as np

from numbaloss.compile.bind import LOOP_FLAGS, Specialiser
from numbaloss.compile.primitives import PRIMITIVES


def bits():
    digests = {}
    for dtype, low, high in ((np.float32, -110.0, 95.0), (np.float64, -760.0, 720.0)):
        exp = Specialiser(np.dtype(dtype), {}).compiled(PRIMITIVES["exp"])
        x = np.concatenate([np.linspace(low, high, 100_003), [-np.inf, np.inf, 0.0, -0.0, 1e30, -1e30]]).astype(dtype)
        out = np.empty_like(x)

        def loop(x, out):
            for i in range(x.size):
                out[i] = exp(x[i])  # noqa: B023  # compiled and called at once

        numba.njit(fastmath=LOOP_FLAGS, error_model="numpy")(loop)(x, out)
        digests[np.dtype(dtype).name] = hashlib.sha256(out.tobytes()).hexdigest()
    return digests


if __name__ == "__main__":
    print(json.dumps(bits()))
