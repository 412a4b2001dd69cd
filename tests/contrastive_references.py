"""Contrastive losses as in the papers, in float64 NumPy on the whole matrix of pairs: values of rows, divisors."""

from __future__ import annotations

import numpy as np


def unit(x):
    x = np.asarray(x, np.float64)
    length = np.sqrt((x * x).sum(axis=1, keepdims=True))
    return np.divide(x, length, out=np.zeros_like(x), where=length > 0)


def log_sum_exp(scores, mask):
    """Over the entries of each row that `mask` allows; minus infinity where there is none."""
    found = np.full(len(scores), -np.inf)
    for i, (row, allowed) in enumerate(zip(scores, mask, strict=True)):
        if allowed.any():
            top = row[allowed].max()
            found[i] = top + np.log(np.exp(row[allowed] - top).sum())
    return found


def relations(labels):
    """Which pairs are of one label, nobody with itself; and which of two."""
    same = labels[:, None] == labels[None, :]
    return same & ~np.eye(len(labels), dtype=bool), ~same


def nt_xent_loss(embeddings, labels, temperature=0.07):
    scores = unit(embeddings) @ unit(embeddings).T / temperature
    partners, rivals = relations(labels)
    others = log_sum_exp(scores, rivals)
    pairs = np.logaddexp(others[:, None], scores) - scores  # -log(e^s / (e^s + sum))
    return np.where(partners, pairs, 0.0).sum(axis=1), partners.sum(axis=1).astype(float)


def sup_con_loss(embeddings, labels, temperature=0.1):
    scores = unit(embeddings) @ unit(embeddings).T / temperature
    partners, _ = relations(labels)
    everyone = log_sum_exp(scores, ~np.eye(len(labels), dtype=bool))
    counts = partners.sum(axis=1)
    sums = np.where(partners, everyone[:, None] - scores, 0.0).sum(axis=1)
    return sums / np.maximum(counts, 1), (counts > 0).astype(float)


def clip_loss(image, text, logit_scale):
    scores = logit_scale * unit(image) @ unit(text).T
    everyone = np.ones(scores.shape, bool)
    right = np.diagonal(scores)
    return 0.5 * (log_sum_exp(scores, everyone) + log_sum_exp(scores.T, everyone)) - right, np.ones(len(right))


def siglip_loss(image, text, logit_scale, logit_bias):
    scores = logit_scale * unit(image) @ unit(text).T + logit_bias
    signs = 2.0 * np.eye(len(scores)) - 1.0
    return np.logaddexp(0.0, -signs * scores).sum(axis=1), np.ones(len(scores))


def distances(embeddings):
    x = np.asarray(embeddings, np.float64)
    return np.sqrt(((x[:, None, :] - x[None, :, :]) ** 2).sum(axis=-1))


def batch_hard_triplet_loss(embeddings, labels, margin=1.0):
    apart, (partners, rivals) = distances(embeddings), relations(labels)
    values, found = np.zeros(len(labels)), np.zeros(len(labels))
    for i in range(len(labels)):
        if partners[i].any() and rivals[i].any():
            values[i] = max(0.0, margin + apart[i, partners[i]].max() - apart[i, rivals[i]].min())
            found[i] = 1.0
    return values, found


def batch_all_triplet_loss(embeddings, labels, margin=1.0):
    apart, (partners, rivals) = distances(embeddings), relations(labels)
    values, active = np.zeros(len(labels)), np.zeros(len(labels))
    for i in range(len(labels)):
        costs = np.maximum(0.0, margin + apart[i][partners[i]][:, None] - apart[i][rivals[i]][None, :])
        values[i], active[i] = costs.sum(), (costs > 0.0).sum()
    return values, active


REFERENCES = {
    reference.__name__: reference
    for reference in (
        nt_xent_loss, sup_con_loss, clip_loss, siglip_loss, batch_hard_triplet_loss, batch_all_triplet_loss,
    )
}  # fmt: skip
