"""Losses of the regions of an image: how well what is predicted covers what is there."""

from __future__ import annotations

from numbaloss.compile.primitives import maximum, power
from numbaloss.structures.regions import regions


@regions
def dice_loss(tp, fp, fn, jaccard=False, squared_pred=False, smooth_nr=1e-5, smooth_dr=1e-5):
    """x"""
    wrong = fp + fn
    if jaccard:
        wrong = 2.0 * wrong
    return overlap_loss(2.0 * tp, wrong, smooth_nr, smooth_dr, 2.0 if jaccard else 1.0)


def overlap_loss(right, wrong, smooth_nr, smooth_dr, share):
    """One minus ``(right + smooth_nr) / (right + wrong + smooth_dr)``, `right` twice the true positives; with slopes.

    `wrong` is `share` times the sum of the false ones.
    """
    whole = right + wrong + smooth_dr
    slope = share * (right + smooth_nr) / (whole * whole)
    value = (wrong + (smooth_dr - smooth_nr)) / whole
    return value, (-2.0 * value / whole, slope, slope)
