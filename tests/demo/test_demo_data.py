"""Data sets arrive whole, scaled and split the same way each time; files that are wrong are named."""

import gzip
import struct

import numpy as np
import pytest

from numbaloss.demo import data as data_module
from numbaloss.demo import load_dataset, load_digits_dataset, load_idx, read_idx, stratified_split


def idx(array):
    return (
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.astype(np.uint8).tobytes()
    )


def write_part(folder, part, count, *, packed=True, side=4, classes=10, dotted=False):
    rng = np.random.default_rng(count)
    images, labels = rng.integers(0, 256, (count, side, side)), np.arange(count) % classes
    for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
        name = f"{part}-{kind.replace('-idx', '.idx') if dotted else kind}-ubyte"
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
        else:
            (folder / name).write_bytes(idx(array))
    return images, labels


def check(dataset):
    for images, labels in (
        (dataset.train_images, dataset.train_labels),
        (dataset.valid_images, dataset.valid_labels),
    ):
        assert images.dtype == np.float32
        assert labels.dtype == np.int64
        assert images.shape == (len(labels), dataset.pixels)
        assert images.min() >= 0.0
        assert images.max() <= 1.0
        assert set(labels) == set(range(dataset.classes))


def test_digits_are_all_there_scaled_and_split():
    dataset = load_digits_dataset()
    check(dataset)
    assert len(dataset.train_labels) + len(dataset.valid_labels) == 1797
    assert dataset.pixels == 64
    assert dataset.classes == 10
    assert dataset.train_images.max() == 1.0


def test_the_split_depends_on_the_seed_alone():
    one, same, other = (load_digits_dataset(seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(one.valid_images, same.valid_images)
    assert np.array_equal(one.train_labels, same.train_labels)
    assert not np.array_equal(one.valid_images, other.valid_images)


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.9])
def test_a_split_is_a_partition_with_the_same_part_of_every_class(fraction):
    labels = np.repeat([0, 1, 7], [100, 40, 20])
    train, valid = stratified_split(labels, fraction, seed=0)
    assert sorted(np.concatenate([train, valid])) == list(range(160))
    for label, count in ((0, 100), (1, 40), (7, 20)):
        assert np.count_nonzero(labels[valid] == label) == round(fraction * count)


def test_small_classes_stand_on_both_sides_and_senseless_fractions_are_refused():
    train, valid = stratified_split(np.array([0, 0, 1, 1]), 0.01, seed=0)
    assert len(train) == len(valid) == 2
    with pytest.raises(ValueError, match="valid_fraction must lie between 0 and 1"):
        stratified_split(np.array([0, 0]), 1.0, seed=0)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("dotted", [True, False])
def test_idx_folders_are_read_with_t10k_as_validation(tmp_path, packed, dotted):
    images, labels = write_part(tmp_path, "train", 50, packed=packed, dotted=dotted)
    valid_images, _ = write_part(tmp_path, "t10k", 20, packed=packed, dotted=dotted)
    dataset = load_idx(tmp_path)
    check(dataset)
    np.testing.assert_allclose(dataset.train_images, images.reshape(50, 16) / 255, rtol=1e-6)
    np.testing.assert_array_equal(dataset.train_labels, labels)
    np.testing.assert_allclose(dataset.valid_images, valid_images.reshape(20, 16) / 255, rtol=1e-6)


def test_without_t10k_a_part_of_the_training_images_is_set_aside(tmp_path):
    write_part(tmp_path, "train", 60)
    dataset = load_idx(tmp_path)
    check(dataset)
    assert len(dataset.train_labels) == 50
    assert len(dataset.valid_labels) == 10


def test_fashion_mnist_is_found_in_the_systems_folder_and_knows_its_class_names(tmp_path, monkeypatch):
    folder = tmp_path / "fashion-mnist"
    monkeypatch.setattr(data_module, "FASHION_MNIST_FOLDER", folder)
    monkeypatch.chdir(tmp_path / "..")
    with pytest.raises(FileNotFoundError, match="apt install dataset-fashion-mnist"):
        load_dataset("fashion-mnist")
    folder.mkdir()
    write_part(folder, "train", 60)
    assert load_dataset("fashion-mnist").class_names[9] == "ankle boot"


def test_missing_folders_and_files_are_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="no data set named 'mnst', and no such folder; known: digits"
    ):
        load_dataset("mnst")
    with pytest.raises(FileNotFoundError, match="holds no train-images-idx3-ubyte"):
        load_idx(tmp_path)
    write_part(tmp_path, "train", 20)
    write_part(tmp_path, "t10k", 20)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError, match="holds no t10k-labels-idx1-ubyte"):
        load_idx(tmp_path)


GOOD = idx(np.zeros((3, 2, 2)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file of unsigned bytes: it starts with nothing"),
        (b"\x00\x00", "not an IDX file of unsigned bytes: it starts with 00 00"),
        (b"\x89PNG1234", "not an IDX file of unsigned bytes: it starts with 89 50 4e 47"),
        (b"\x00\x00\x0d\x01\x00\x00\x00\x00", "not an IDX file of unsigned bytes"),
        (GOOD[:9], "cut short within its header"),
        (GOOD[:-1], r"cut short or too long: 27 bytes, 28 for shape \(3, 2, 2\)"),
        (GOOD + b"\x00", "cut short or too long: 29 bytes, 28"),
    ],
)
def test_files_that_are_not_whole_idx_files_are_refused(tmp_path, content, message):
    path = tmp_path / "some-ubyte"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(path)


@pytest.mark.parametrize(
    "content",
    [b"not gzip at all", gzip.compress(GOOD)[:-6], gzip.compress(GOOD)[:12] + b"\xff" * 30],
    ids=["no gzip", "cut short", "damaged"],
)
def test_broken_gzip_files_are_refused(tmp_path, content):
    path = tmp_path / "some-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not a whole gzip file"):
        read_idx(path)


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    write_part(tmp_path, "train", 20)
    write_part(tmp_path, "t10k", 20, side=5)
    with pytest.raises(ValueError, match="training images are 4 x 4, the t10k images 5 x 5 pixels"):
        load_idx(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.zeros(7))))
    with pytest.raises(ValueError, match="20 train images, but 7 labels"):
        load_idx(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(GOOD))
    with pytest.raises(ValueError, match="holds an array of 3 dimensions, 1 expected"):
        load_idx(tmp_path)
