"""Watching a training run: its history on disk, a verdict on its curves, and a picture of them.

Needs the standard library only; `plot_curves` needs matplotlib (``pip install "numbaloss[demo]"``).
"""

from numbaloss.monitor.criteria import generalization_loss, progress_quotient, training_progress
from numbaloss.monitor.diagnosis import Diagnosis, Verdict, diagnose
from numbaloss.monitor.history import History
from numbaloss.monitor.plot import plot_curves

__all__ = [
    "Diagnosis",
    "History",
    "Verdict",
    "diagnose",
    "generalization_loss",
    "plot_curves",
    "progress_quotient",
    "training_progress",
]
