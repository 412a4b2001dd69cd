"""The demo: a classifier of real images, trained in plain NumPy with any loss of the library.

`run` does everything and reports; `train`, `load_dataset` and `MultilayerPerceptron` are its parts. Needs
scikit-learn for its digits and matplotlib for its plot: ``pip install "numbaloss[demo]"``.
"""

from numbaloss.demo.data import (
    Dataset,
    load_dataset,
    load_digits_dataset,
    load_idx,
    read_idx,
    stratified_split,
)
from numbaloss.demo.model import SGD, Adam, MultilayerPerceptron, Optimizer
from numbaloss.demo.report import run
from numbaloss.demo.training import Criterion, Result, evaluate, train

__all__ = [
    "SGD",
    "Adam",
    "Criterion",
    "Dataset",
    "MultilayerPerceptron",
    "Optimizer",
    "Result",
    "evaluate",
    "load_dataset",
    "load_digits_dataset",
    "load_idx",
    "read_idx",
    "run",
    "stratified_split",
    "train",
]
