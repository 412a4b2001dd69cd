"""Real images for the demo: scikit-learn's digits, or a folder of MNIST-style IDX files."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
Labels = NDArray[np.int64]

# Where Debian's package dataset-fashion-mnist puts the images.
FASHION_MNIST_FOLDER = Path("/usr/share/datasets/fashion-mnist")
FASHION_NAMES = (
    "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip


@dataclass(frozen=True)
class Dataset:
    """Images and labels, for training and for validation.

    Images are float32 of shape (n, pixels) in [0, 1], labels int64 of shape (n,) in 0 … classes - 1. `source`
    says in words where they come from.
    """

    train_images: Images
    train_labels: Labels
    valid_images: Images
    valid_labels: Labels
    class_names: tuple[str, ...]
    source: str

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def pixels(self) -> int:
        """Number of values in an image."""
        return int(self.train_images.shape[1])


def load_dataset(data: str = "digits", *, seed: int = 0) -> Dataset:
    """A data set by name: ``"digits"``, ``"fashion-mnist"`` (if installed), or a folder of IDX files."""
    if data == "digits":
        return load_digits_dataset(seed=seed)
    if data == "fashion-mnist" and not Path(data).is_dir():
        if not FASHION_MNIST_FOLDER.is_dir():
            raise FileNotFoundError(
                f"Fashion-MNIST is not in {FASHION_MNIST_FOLDER}; install it with "
                "`apt install dataset-fashion-mnist` (Debian, Ubuntu) or name a folder of its IDX files"
            )
        return load_idx(FASHION_MNIST_FOLDER, seed=seed)
    return load_idx(data, seed=seed)


def load_digits_dataset(*, valid_fraction: float = 0.2, seed: int = 0) -> Dataset:
    """scikit-learn's bundled digits: 1797 images of 8 x 8 pixels, scaled from 0 … 16 to [0, 1]."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError('the digits come with scikit-learn: pip install "numbaloss[demo]"') from error
    images, labels = load_digits(return_X_y=True)
    train, valid = stratified_split(labels, valid_fraction, seed)
    scaled = (images / 16.0).astype(np.float32)
    labels = labels.astype(np.int64)
    names = tuple(str(digit) for digit in range(10))
    return Dataset(
        scaled[train],
        labels[train],
        scaled[valid],
        labels[valid],
        names,
        "scikit-learn's handwritten digits, 8 x 8",
    )


def load_idx(folder: str | os.PathLike[str], *, valid_fraction: float = 1 / 6, seed: int = 0) -> Dataset:
    """MNIST-style IDX files, plain or gzipped, in `folder`.

    ``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte`` are needed. Validation uses the pair
    ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``; where that is missing, a stratified
    `valid_fraction` of the training images is set aside, drawn by `seed`. Pixels are scaled from 0 … 255 to
    [0, 1].

    Raises FileNotFoundError for a missing folder or file and ValueError for one that is not what it should
    be.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"no data set named {str(folder)!r}, and no such folder; known: digits, fashion-mnist"
        )
    images, labels = _read_pair(folder, "train")
    if _find(folder, "t10k", "images-idx3") or _find(folder, "t10k", "labels-idx1"):
        valid_images, valid_labels = _read_pair(folder, "t10k")
        if valid_images.shape[1:] != images.shape[1:]:
            raise ValueError(
                f"{folder}: training images are {_size(images)}, the t10k images {_size(valid_images)} pixels"
            )
    else:
        train, valid = stratified_split(labels, valid_fraction, seed)
        valid_images, valid_labels = images[valid], labels[valid]
        images, labels = images[train], labels[train]
    classes = int(max(labels.max(initial=0), valid_labels.max(initial=0))) + 1
    fashion = "fashion" in folder.resolve().name.lower() and classes == len(FASHION_NAMES)
    names = FASHION_NAMES if fashion else tuple(str(label) for label in range(classes))
    return Dataset(
        _scale(images), labels, _scale(valid_images), valid_labels, names, f"{folder}, {_size(images)}"
    )


def stratified_split(
    labels: NDArray[np.integer], valid_fraction: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices for training and validation, shuffled, with `valid_fraction` of every class in the second.

    The same `seed` gives the same split. A class with two or more members has at least one on either side.
    """
    if not 0.0 < valid_fraction < 1.0:
        raise ValueError(f"valid_fraction must lie between 0 and 1, got {valid_fraction}")
    rng = np.random.default_rng(seed)
    train, valid = [], []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        count = min(max(round(valid_fraction * len(members)), 1), len(members) - 1)
        valid.append(members[:count])
        train.append(members[count:])
    return rng.permutation(np.concatenate(train)), rng.permutation(np.concatenate(valid))


def read_idx(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """One IDX file of unsigned bytes: two zeros, an 8, number of dimensions, big-endian sizes, data."""
    path = Path(path)
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is not a whole gzip file: {error}") from error
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(
            f"{path} is not an IDX file of unsigned bytes: it starts with {content[:4].hex(' ') or 'nothing'}"
        )
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise ValueError(f"{path} is cut short within its header: {len(content)} bytes")
    shape = struct.unpack(f">{content[3]}I", content[4:start])
    wanted = start + math.prod(shape)
    if len(content) != wanted:
        raise ValueError(f"{path} is cut short or too long: {len(content)} bytes, {wanted} for shape {shape}")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def _read_pair(folder: Path, part: str) -> tuple[NDArray[np.uint8], Labels]:
    """The images (n, height, width) and labels (n,) of one part, ``train`` or ``t10k``."""
    arrays = []
    for kind, ndim in (("images-idx3", 3), ("labels-idx1", 1)):
        path = _find(folder, part, kind)
        if path is None:
            raise FileNotFoundError(f"{folder} holds no {part}-{kind}-ubyte (nor {part}-{kind}-ubyte.gz)")
        array = read_idx(path)
        if array.ndim != ndim:
            raise ValueError(f"{path} holds an array of {array.ndim} dimensions, {ndim} expected")
        arrays.append(array)
    images, labels = arrays
    if len(images) != len(labels) or not len(images):
        raise ValueError(f"{folder}: {len(images)} {part} images, but {len(labels)} labels")
    return images, labels.astype(np.int64)


def _find(folder: Path, part: str, kind: str) -> Path | None:
    # Some archives unpack to names with a dot: train-images.idx3-ubyte.
    stems = (f"{part}-{kind}-ubyte", f"{part}-{kind.replace('-idx', '.idx')}-ubyte")
    candidates = (folder / f"{stem}{suffix}" for stem in stems for suffix in ("", ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def _scale(images: NDArray[np.uint8]) -> Images:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def _size(images: NDArray[np.uint8]) -> str:
    return f"{images.shape[1]} x {images.shape[2]}"
