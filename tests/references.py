"""Every built-in loss as its source states it, at any precision: a second opinion, written without looking at ours.

Formulas are those of torch's documentation or of the paper that the loss's docstring cites, for one element or one
row, in mpmath. They are naive on purpose; precision makes up for it.
"""

from __future__ import annotations

from numbaloss.testing.precise import mp


def _log(x):
    return -mp.inf if x == 0 else mp.log(x)


def _softplus(x):
    return mp.log1p(mp.exp(x))


def _logistic(x):
    """The probabilities of yes and of no."""
    return 1 / (1 + mp.exp(-x)), 1 / (1 + mp.exp(x))


def _entropy(x, t):
    """Cross-entropy of a logit with a soft label; a label of 0 or 1 has one term only."""
    return (t * _softplus(-x) if t != 0 else 0) + ((1 - t) * _softplus(x) if t != 1 else 0)


# ---- elements -----------------------------------------------------------------------------------------------------


def l1_loss(x, t):
    return abs(x - t)


def mse_loss(x, t):
    return (x - t) ** 2


def smooth_l1_loss(x, t, beta=1.0):
    error = abs(x - t)
    return error**2 / (2 * beta) if error < beta else error - beta / mp.mpf(2)


def huber_loss(x, t, delta=1.0):
    error = abs(x - t)
    return error**2 / 2 if error <= delta else delta * (error - delta / mp.mpf(2))


def log_cosh_loss(x, t):
    return mp.log(mp.cosh(x - t))


def pseudo_huber_loss(x, t, delta=1.0):
    return delta**2 * (mp.sqrt(1 + ((x - t) / delta) ** 2) - 1)


def fair_loss(x, t, c=1.0):
    return c**2 * (abs(x - t) / c - mp.log1p(abs(x - t) / c))


def wing_loss(x, t, width=10.0, curvature=2.0):
    error = abs(x - t)
    constant = width - width * mp.log1p(width / mp.mpf(curvature))
    return width * mp.log1p(error / curvature) if error < width else error - constant


def quantile_loss(x, t, quantile=0.5):
    return max(quantile * (t - x), (quantile - 1) * (t - x))


def expectile_loss(x, t, expectile=0.5):
    return abs(expectile - (1 if t < x else 0)) * (t - x) ** 2


def msle_loss(x, t):
    return (mp.log1p(x) - mp.log1p(t)) ** 2


def mape_loss(x, t):
    return abs(x - t) / max(abs(t), mp.mpf("1e-7"))


def poisson_nll_loss(x, t, log_input=True, full=False, eps=1e-8):
    rate = mp.exp(x) - t * x if log_input else x - (t * _log(x + eps) if t != 0 else 0)
    return rate + (t * mp.log(t) - t + mp.log(2 * mp.pi * t) / 2 if full and t > 1 else 0)


def gaussian_nll_loss(x, t, var, full=False, eps=1e-6):
    variance = max(var, eps)
    return (mp.log(variance) + (x - t) ** 2 / variance) / 2 + (mp.log(2 * mp.pi) / 2 if full else 0)


def binary_cross_entropy(x, t):
    return -(t * max(_log(x), -100) + (1 - t) * max(_log(1 - x), -100))


def binary_cross_entropy_with_logits(x, t, pos_weight=1.0, label_smoothing=0.0):
    yes = t * (1 - label_smoothing) + label_smoothing / mp.mpf(2)
    return (pos_weight * yes * _softplus(-x) if yes != 0 else 0) + ((1 - yes) * _softplus(x) if yes != 1 else 0)


def multilabel_soft_margin_loss(x, t):
    return _entropy(x, t)


def sigmoid_focal_loss(x, t, alpha=0.25, gamma=2.0):
    yes, no = _logistic(x)
    miss = t * no + (1 - t) * yes
    balance = alpha * t + (1 - alpha) * (1 - t) if alpha >= 0 else 1
    return balance * mp.power(miss, gamma) * _entropy(x, t)


def hinge_loss(x, t):
    return max(0, 1 - t * x)


def squared_hinge_loss(x, t):
    return max(0, 1 - t * x) ** 2


def perceptron_loss(x, t):
    return max(0, -t * x)


def exponential_loss(x, t):
    return mp.exp(-t * x)


def soft_margin_loss(x, t):
    return _softplus(-t * x)


def hinge_embedding_loss(x, t, margin=1.0):
    return x if t == 1 else max(0, margin - x)


def margin_ranking_loss(x1, x2, t, margin=0.0):
    return max(0, -t * (x1 - x2) + margin)


def kl_div(x, t, log_target=False):
    if log_target:
        return mp.exp(t) * (t - x)
    return t * (mp.log(t) - x) if t != 0 else mp.zero


# ---- rows ---------------------------------------------------------------------------------------------------------


def _softmax(x):
    """For each class its log-probability and what is left to the others."""
    sizes = [mp.exp(logit - max(x)) for logit in x]
    total = mp.fsum(sizes)
    others = [mp.fsum(sizes[:k] + sizes[k + 1 :]) for k in range(len(x))]
    return [(-mp.log1p(other / size), other / total) for size, other in zip(sizes, others, strict=True)]


def cross_entropy(x, y, label_smoothing=0.0, z_loss=0.0, softcap=None):
    logits = [softcap * mp.tanh(logit / softcap) for logit in x] if softcap else x
    target = [mp.mpf(k == y) for k in range(len(x))] if isinstance(y, int) else y
    smooth = [(1 - label_smoothing) * t + label_smoothing / mp.mpf(len(x)) for t in target]
    entropy = -mp.fsum(t * log_prob for t, (log_prob, _) in zip(smooth, _softmax(logits), strict=True) if t != 0)
    normaliser = max(logits) + mp.log(mp.fsum(mp.exp(logit - max(logits)) for logit in logits))
    return entropy + z_loss * normaliser**2


def focal_loss(x, y, gamma=2.0):
    log_prob, rest = _softmax(x)[y]
    return -mp.power(rest, gamma) * log_prob


def poly_loss(x, y, epsilon=1.0):
    target = [mp.mpf(k == y) for k in range(len(x))] if isinstance(y, int) else y
    return mp.fsum(t * (epsilon * rest - log_prob) for t, (log_prob, rest) in zip(target, _softmax(x), strict=True))


def generalized_cross_entropy(x, y, q=0.7):
    return -mp.expm1(q * _softmax(x)[y][0]) / q


def _of_cosines(x, y, own, scale, label_smoothing):
    logits = [scale * (own if k == y else cosine) for k, cosine in enumerate(x)]
    return cross_entropy(logits, y, label_smoothing)


def arcface_loss(x, y, margin=0.5, easy_margin=False, scale=64.0, label_smoothing=0.0):
    theta = mp.acos(x[y])
    own = mp.cos(theta + margin)
    if easy_margin:
        own = own if theta < mp.pi / 2 else x[y]
    elif theta + margin >= mp.pi:
        own = x[y] - margin * mp.sin(margin)
    return _of_cosines(x, y, own, scale, label_smoothing)


def cosface_loss(x, y, margin=0.35, scale=64.0, label_smoothing=0.0):
    return _of_cosines(x, y, x[y] - margin, scale, label_smoothing)


def linear_cross_entropy(hidden, weight, y, bias, **keywords):
    """`weight` is a list of rows, one for each class."""
    products = [mp.fsum(w * h for w, h in zip(row, hidden, strict=True)) for row in weight]
    return cross_entropy([product + b for product, b in zip(products, bias, strict=True)], y, **keywords)


def nll_loss(x, y):
    return -x[y]


def multi_margin_loss(x, y, p=1, margin=1.0):
    return mp.fsum(max(0, margin - x[y] + x[c]) ** p for c in range(len(x)) if c != y) / len(x)


def categorical_hinge_loss(x, y):
    return max(0, 1 - x[y] + max(x[c] for c in range(len(x)) if c != y))


def multilabel_margin_loss(x, listed):
    right = list(listed[: listed.index(-1)] if -1 in listed else listed)
    wrong = [c for c in range(len(x)) if c not in right]
    return mp.fsum(max(0, 1 - (x[j] - x[i])) for j in right for i in wrong) / len(x)


def kl_div_with_logits(student, teacher, temperature=1.0):
    p, q = (_softmax([logit / temperature for logit in logits]) for logits in (student, teacher))
    return temperature**2 * mp.fsum(mp.exp(b) * (b - a) for (a, _), (b, _) in zip(p, q, strict=True))


def tvd_loss(student, teacher):
    p, q = ([mp.exp(log_prob) for log_prob, _ in _softmax(logits)] for logits in (student, teacher))
    return mp.fsum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2


def jsd_loss(student, teacher, beta=0.5, temperature=1.0):
    p, q = (
        [mp.exp(log_prob) for log_prob, _ in _softmax([logit / temperature for logit in logits])]
        for logits in (student, teacher)
    )
    mixed = [beta * b + (1 - beta) * a for a, b in zip(p, q, strict=True)]
    terms = [beta * b * mp.log(b / m) + (1 - beta) * a * mp.log(a / m) for a, b, m in zip(p, q, mixed, strict=True)]
    return temperature**2 * mp.fsum(terms)


def _dot(x, y):
    return mp.fsum(a * b for a, b in zip(x, y, strict=True))


def _distance(x, y, p=2, eps=0):
    return mp.power(mp.fsum(mp.power(abs(a - b + eps), p) for a, b in zip(x, y, strict=True)), 1 / mp.mpf(p))


def cosine_embedding_loss(x, y, t, margin=0.0):
    eps = mp.mpf("1e-12")
    cosine = _dot(x, y) / mp.sqrt((_dot(x, x) + eps) * (_dot(y, y) + eps))
    return 1 - cosine if t == 1 else max(0, cosine - margin)


def cosine_similarity_loss(x, y, eps=1e-8):
    return 1 - _dot(x, y) / (max(mp.sqrt(_dot(x, x)), eps) * max(mp.sqrt(_dot(y, y)), eps))


def contrastive_loss(x, y, t, margin=1.0):
    return (_distance(x, y) if t == 1 else max(0, margin - _distance(x, y))) ** 2 / 2


def triplet_margin_loss(a, p_, n, margin=1.0, p=2.0, eps=1e-6, swap=False):
    far = min(_distance(a, n, p, eps), _distance(p_, n, p, eps)) if swap else _distance(a, n, p, eps)
    return max(0, _distance(a, p_, p, eps) - far + margin)


def triplet_margin_with_distance_loss(a, p, n, distance_function="euclidean", margin=1.0, swap=False):
    measures = {
        "euclidean": lambda x, y: _distance(x, y, 2, mp.mpf("1e-6")),
        "manhattan": lambda x, y: _distance(x, y, 1, mp.mpf("1e-6")),
        "chebyshev": lambda x, y: max(abs(a - b + mp.mpf("1e-6")) for a, b in zip(x, y, strict=True)),
        "squared_euclidean": lambda x, y: mp.fsum((a - b) ** 2 for a, b in zip(x, y, strict=True)),
        "cosine": cosine_similarity_loss,
    }
    measure = measures[distance_function]
    return max(0, measure(a, p) - (min(measure(a, n), measure(p, n)) if swap else measure(a, n)) + margin)


# ---- slopes that are not the derivative ---------------------------------------------------------------------------

SLOPES = {
    # torch bounds it, whatever the value's own bound of 100 does
    ("binary_cross_entropy", "input"): lambda x, t: (x - t) / max(x * (1 - x), mp.mpf("1e-12")),
    ("binary_cross_entropy", "target"): lambda x, t: _log(1 - x) - _log(x),
    # the floor of the variance is no wall to the gradient
    ("gaussian_nll_loss", "var"): lambda x, t, var, full=False, eps=1e-6: (
        (1 / max(var, eps) - ((x - t) / max(var, eps)) ** 2) / 2
    ),
}
"""What is documented as the gradient where that is not the derivative of the value, by loss and input."""
