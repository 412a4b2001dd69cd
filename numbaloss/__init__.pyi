"""Loss functions as compiled kernels. Written by ``python -m numbaloss.stubs``; do not edit."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from numpy.typing import ArrayLike

from numbaloss.arrays.labels import check_labels as check_labels
from numbaloss.definition import Definition
from numbaloss.expression import from_expression as from_expression
from numbaloss.loss import Loss as Loss
from numbaloss.mix import Mix as Mix
from numbaloss.plugins.errors import PluginError as PluginError
from numbaloss.plugins.errors import PluginWarning as PluginWarning
from numbaloss.plugins.errors import UnknownLossError as UnknownLossError
from numbaloss.plugins.hookspecs import hookimpl as hookimpl
from numbaloss.plugins.registry import get as get
from numbaloss.plugins.registry import list_losses as list_losses
from numbaloss.plugins.registry import load_plugin_dir as load_plugin_dir
from numbaloss.plugins.registry import load_plugins as load_plugins
from numbaloss.structures.cosines import cosines as cosines
from numbaloss.structures.distributions import distributions as distributions
from numbaloss.structures.head import linear_softmax as linear_softmax
from numbaloss.structures.kernel import kernel as kernel
from numbaloss.structures.lovasz import lovasz as lovasz
from numbaloss.structures.margins import margins as margins
from numbaloss.structures.named import named_mix as named_mix
from numbaloss.structures.pairs import pairs as pairs
from numbaloss.structures.pairs import triplets as triplets
from numbaloss.structures.picks import picks as picks
from numbaloss.structures.pointwise import pointwise as pointwise
from numbaloss.structures.region_mix import fused_regions as fused_regions
from numbaloss.structures.regions import regions as regions
from numbaloss.structures.sequence import sequences as sequences
from numbaloss.structures.softmax import softmax as softmax
from numbaloss.structures.tile_triplets import batch_triplets as batch_triplets
from numbaloss.structures.tiles import batch_pairs as batch_pairs
from numbaloss.total import Total as Total

__version__: str

def arcface_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 0.5,
    easy_margin: bool = False,
    scale: float = 64.0,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Cross-entropy of cosines, with an angle added to that between each row and its class."""

class ArcFaceLoss(Loss):
    """Cross-entropy of cosines, with an angle added to that between each row and its class."""

    definition: ClassVar[Definition]
    margin: float
    easy_margin: bool
    scale: float
    label_smoothing: float
    ignore_index: int
    def __init__(
        self,
        *,
        margin: float = 0.5,
        easy_margin: bool = False,
        scale: float = 64.0,
        label_smoothing: float = 0.0,
        ignore_index: int = -100,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def batch_all_triplet_loss(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    margin: float = 1.0,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Margin between the distances of every pair of one label and every vector of another."""

class BatchAllTripletLoss(Loss):
    """Margin between the distances of every pair of one label and every vector of another."""

    definition: ClassVar[Definition]
    margin: float
    def __init__(
        self,
        *,
        margin: float = 1.0,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        embeddings: ArrayLike,
        labels: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        embeddings: ArrayLike,
        labels: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["embeddings"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        embeddings: ArrayLike,
        labels: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def batch_hard_triplet_loss(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    margin: float = 1.0,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Margin between the farthest vector of an anchor's label and the nearest of any other label."""

class BatchHardTripletLoss(Loss):
    """Margin between the farthest vector of an anchor's label and the nearest of any other label."""

    definition: ClassVar[Definition]
    margin: float
    def __init__(
        self,
        *,
        margin: float = 1.0,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        embeddings: ArrayLike,
        labels: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        embeddings: ArrayLike,
        labels: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["embeddings"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        embeddings: ArrayLike,
        labels: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def binary_cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Cross-entropy between a predicted probability and a target probability."""

class BCELoss(Loss):
    """Cross-entropy between a predicted probability and a target probability."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def binary_cross_entropy_with_logits(
    input: ArrayLike,
    target: ArrayLike,
    *,
    pos_weight: ArrayLike = 1.0,
    label_smoothing: float = 0.0,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Cross-entropy between the sigmoid of a logit and a target probability."""

class BCEWithLogitsLoss(Loss):
    """Cross-entropy between the sigmoid of a logit and a target probability."""

    definition: ClassVar[Definition]
    pos_weight: Any
    label_smoothing: float
    def __init__(
        self,
        *,
        pos_weight: ArrayLike = 1.0,
        label_smoothing: float = 0.0,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def categorical_hinge_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Hinge of how far the highest score of a wrong class comes up to that of the right one."""

class CategoricalHingeLoss(Loss):
    """Hinge of how far the highest score of a wrong class comes up to that of the right one."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def clip_loss(
    image: ArrayLike,
    text: ArrayLike,
    logit_scale: ArrayLike,
    *,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Each image has to find its text among all texts of the batch, and each text its image."""

class CLIPLoss(Loss):
    """Each image has to find its text among all texts of the batch, and each text its image."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        image: ArrayLike,
        text: ArrayLike,
        logit_scale: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        image: ArrayLike,
        text: ArrayLike,
        logit_scale: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["image", "text", "logit_scale"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        image: ArrayLike,
        text: ArrayLike,
        logit_scale: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def contrastive_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Draws similar pairs together, and pushes dissimilar ones apart until they are `margin` away from each other."""

class ContrastiveLoss(Loss):
    """Draws similar pairs together, and pushes dissimilar ones apart until they are `margin` away from each other."""

    definition: ClassVar[Definition]
    margin: float
    def __init__(
        self,
        *,
        margin: float = 1.0,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input1: ArrayLike,
        input2: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input1: ArrayLike,
        input2: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input1", "input2"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input1: ArrayLike,
        input2: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def cosface_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 0.35,
    scale: float = 64.0,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Cross-entropy of cosines, with a margin taken off that of each row's class."""

class CosFaceLoss(Loss):
    """Cross-entropy of cosines, with a margin taken off that of each row's class."""

    definition: ClassVar[Definition]
    margin: float
    scale: float
    label_smoothing: float
    ignore_index: int
    def __init__(
        self,
        *,
        margin: float = 0.35,
        scale: float = 64.0,
        label_smoothing: float = 0.0,
        ignore_index: int = -100,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def cosine_embedding_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 0.0,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Similar pairs should point the same way, dissimilar ones should not."""

class CosineEmbeddingLoss(Loss):
    """Similar pairs should point the same way, dissimilar ones should not."""

    definition: ClassVar[Definition]
    margin: float
    def __init__(
        self,
        *,
        margin: float = 0.0,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input1: ArrayLike,
        input2: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input1: ArrayLike,
        input2: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input1", "input2"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input1: ArrayLike,
        input2: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def cosine_similarity_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    eps: float = 1e-08,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """One minus the cosine of the angle between two vectors: 0 where they point the same way, 2 where opposite."""

class CosineSimilarityLoss(Loss):
    """One minus the cosine of the angle between two vectors: 0 where they point the same way, 2 where opposite."""

    definition: ClassVar[Definition]
    eps: float
    def __init__(
        self,
        *,
        eps: float = 1e-08,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    *,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Negative log-probability of the class, from logits."""

class CrossEntropyLoss(Loss):
    """Negative log-probability of the class, from logits."""

    definition: ClassVar[Definition]
    ignore_index: int
    label_smoothing: float
    z_loss: float
    softcap: float | None
    def __init__(
        self,
        *,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        z_loss: float = 0.0,
        softcap: float | None = None,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def ctc_loss(
    log_probs: ArrayLike,
    targets: ArrayLike,
    input_lengths: ArrayLike,
    target_lengths: ArrayLike,
    *,
    blank: int = 0,
    zero_infinity: bool = False,
    gradient_by: Literal["logits", "log_probs"] = "logits",
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Negative log-probability of a labelling, summed over all its alignments, from log-probabilities."""

class CTCLoss(Loss):
    """Negative log-probability of a labelling, summed over all its alignments, from log-probabilities."""

    definition: ClassVar[Definition]
    blank: int
    zero_infinity: bool
    gradient_by: Literal["logits", "log_probs"]
    def __init__(
        self,
        *,
        blank: int = 0,
        zero_infinity: bool = False,
        gradient_by: Literal["logits", "log_probs"] = "logits",
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        log_probs: ArrayLike,
        targets: ArrayLike,
        input_lengths: ArrayLike,
        target_lengths: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        log_probs: ArrayLike,
        targets: ArrayLike,
        input_lengths: ArrayLike,
        target_lengths: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["log_probs"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        log_probs: ArrayLike,
        targets: ArrayLike,
        input_lengths: ArrayLike,
        target_lengths: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def ctc_loss_with_logits(
    logits: ArrayLike,
    targets: ArrayLike,
    input_lengths: ArrayLike,
    target_lengths: ArrayLike,
    *,
    blank: int = 0,
    zero_infinity: bool = False,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Negative log-probability of a labelling, summed over all its alignments, from logits."""

class CTCWithLogitsLoss(Loss):
    """Negative log-probability of a labelling, summed over all its alignments, from logits."""

    definition: ClassVar[Definition]
    blank: int
    zero_infinity: bool
    def __init__(
        self,
        *,
        blank: int = 0,
        zero_infinity: bool = False,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        logits: ArrayLike,
        targets: ArrayLike,
        input_lengths: ArrayLike,
        target_lengths: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        logits: ArrayLike,
        targets: ArrayLike,
        input_lengths: ArrayLike,
        target_lengths: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["logits"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        logits: ArrayLike,
        targets: ArrayLike,
        input_lengths: ArrayLike,
        target_lengths: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def dice_ce_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    include_background: bool = True,
    batch: bool = False,
    ignore_index: int = -100,
    jaccard: bool = False,
    squared_pred: bool = False,
    smooth_nr: float = 1e-05,
    smooth_dr: float = 1e-05,
    lambda_dice: float = 1.0,
    lambda_ce: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Literal["mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Dice loss plus cross-entropy, from one softmax."""

class DiceCELoss(Loss):
    """Dice loss plus cross-entropy, from one softmax."""

    definition: ClassVar[Definition]
    include_background: bool
    batch: bool
    ignore_index: int
    jaccard: bool
    squared_pred: bool
    smooth_nr: float
    smooth_dr: float
    lambda_dice: float
    lambda_ce: float
    def __init__(
        self,
        *,
        include_background: bool = True,
        batch: bool = False,
        ignore_index: int = -100,
        jaccard: bool = False,
        squared_pred: bool = False,
        smooth_nr: float = 1e-05,
        smooth_dr: float = 1e-05,
        lambda_dice: float = 1.0,
        lambda_ce: float = 1.0,
        weight: ArrayLike | None = None,
        reduction: Literal["mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def dice_focal_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    include_background: bool = True,
    batch: bool = False,
    ignore_index: int = -100,
    jaccard: bool = False,
    squared_pred: bool = False,
    smooth_nr: float = 1e-05,
    smooth_dr: float = 1e-05,
    gamma: float = 2.0,
    lambda_dice: float = 1.0,
    lambda_focal: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Literal["mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Dice loss plus softmax focal loss, from one softmax."""

class DiceFocalLoss(Loss):
    """Dice loss plus softmax focal loss, from one softmax."""

    definition: ClassVar[Definition]
    include_background: bool
    batch: bool
    ignore_index: int
    jaccard: bool
    squared_pred: bool
    smooth_nr: float
    smooth_dr: float
    gamma: float
    lambda_dice: float
    lambda_focal: float
    def __init__(
        self,
        *,
        include_background: bool = True,
        batch: bool = False,
        ignore_index: int = -100,
        jaccard: bool = False,
        squared_pred: bool = False,
        smooth_nr: float = 1e-05,
        smooth_dr: float = 1e-05,
        gamma: float = 2.0,
        lambda_dice: float = 1.0,
        lambda_focal: float = 1.0,
        weight: ArrayLike | None = None,
        reduction: Literal["mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def dice_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    activation: Literal["softmax", "sigmoid", None] = "softmax",
    include_background: bool = True,
    batch: bool = False,
    ignore_index: int = -100,
    jaccard: bool = False,
    squared_pred: bool = False,
    smooth_nr: float = 1e-05,
    smooth_dr: float = 1e-05,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """One minus the Dice coefficient (F1 score) of each class in each image."""

class DiceLoss(Loss):
    """One minus the Dice coefficient (F1 score) of each class in each image."""

    definition: ClassVar[Definition]
    activation: Literal["softmax", "sigmoid", None]
    include_background: bool
    batch: bool
    ignore_index: int
    jaccard: bool
    squared_pred: bool
    smooth_nr: float
    smooth_dr: float
    def __init__(
        self,
        *,
        activation: Literal["softmax", "sigmoid", None] = "softmax",
        include_background: bool = True,
        batch: bool = False,
        ignore_index: int = -100,
        jaccard: bool = False,
        squared_pred: bool = False,
        smooth_nr: float = 1e-05,
        smooth_dr: float = 1e-05,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def expectile_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    expectile: ArrayLike = 0.5,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Asymmetric squared error: its minimiser is the `expectile` of the target's distribution."""

class ExpectileLoss(Loss):
    """Asymmetric squared error: its minimiser is the `expectile` of the target's distribution."""

    definition: ClassVar[Definition]
    expectile: Any
    def __init__(
        self,
        *,
        expectile: ArrayLike = 0.5,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def exponential_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Exponential of the margin, the loss that AdaBoost minimises."""

class ExponentialLoss(Loss):
    """Exponential of the margin, the loss that AdaBoost minimises."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def fair_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    c: float = 1.0,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Squared near the target, and ever closer to linear beyond `c`: smooth everywhere."""

class FairLoss(Loss):
    """Squared near the target, and ever closer to linear beyond `c`: smooth everywhere."""

    definition: ClassVar[Definition]
    c: float
    def __init__(
        self,
        *,
        c: float = 1.0,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def focal_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    ignore_index: int = -100,
    gamma: float = 2.0,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Cross-entropy that pays less attention to rows that are already right."""

class FocalLoss(Loss):
    """Cross-entropy that pays less attention to rows that are already right."""

    definition: ClassVar[Definition]
    ignore_index: int
    gamma: float
    def __init__(
        self,
        *,
        ignore_index: int = -100,
        gamma: float = 2.0,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def focal_tversky_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    activation: Literal["softmax", "sigmoid", None] = "softmax",
    include_background: bool = True,
    batch: bool = False,
    ignore_index: int = -100,
    gamma: float = 1.3333333333333333,
    alpha: float = 0.3,
    beta: float = 0.7,
    smooth_nr: float = 1e-05,
    smooth_dr: float = 1e-05,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """A power of the Tversky loss, which with `gamma` above 1 looks harder at regions that are nearly right."""

class FocalTverskyLoss(Loss):
    """A power of the Tversky loss, which with `gamma` above 1 looks harder at regions that are nearly right."""

    definition: ClassVar[Definition]
    activation: Literal["softmax", "sigmoid", None]
    include_background: bool
    batch: bool
    ignore_index: int
    gamma: float
    alpha: float
    beta: float
    smooth_nr: float
    smooth_dr: float
    def __init__(
        self,
        *,
        activation: Literal["softmax", "sigmoid", None] = "softmax",
        include_background: bool = True,
        batch: bool = False,
        ignore_index: int = -100,
        gamma: float = 1.3333333333333333,
        alpha: float = 0.3,
        beta: float = 0.7,
        smooth_nr: float = 1e-05,
        smooth_dr: float = 1e-05,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def gaussian_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    var: ArrayLike,
    *,
    full: bool = False,
    eps: float = 1e-06,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Negative log-likelihood under a normal distribution whose mean and variance are both predicted."""

class GaussianNLLLoss(Loss):
    """Negative log-likelihood under a normal distribution whose mean and variance are both predicted."""

    definition: ClassVar[Definition]
    full: bool
    eps: float
    def __init__(
        self,
        *,
        full: bool = False,
        eps: float = 1e-06,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        var: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        var: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target", "var"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        var: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        var: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def generalized_cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    *,
    ignore_index: int = -100,
    q: float = 0.7,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Between cross-entropy (`q` near 0) and the mean absolute error (`q` = 1): robust to wrong labels."""

class GeneralizedCrossEntropyLoss(Loss):
    """Between cross-entropy (`q` near 0) and the mean absolute error (`q` = 1): robust to wrong labels."""

    definition: ClassVar[Definition]
    ignore_index: int
    q: float
    def __init__(
        self,
        *,
        ignore_index: int = -100,
        q: float = 0.7,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def generalized_dice_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    activation: Literal["softmax", "sigmoid", None] = "softmax",
    include_background: bool = True,
    batch: bool = False,
    ignore_index: int = -100,
    w_type: Literal["square", "simple", "uniform"] = "square",
    smooth_nr: float = 1e-05,
    smooth_dr: float = 1e-05,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """One minus the Dice coefficient of all classes of an image together, small ones counting as much as large ones."""

class GeneralizedDiceLoss(Loss):
    """One minus the Dice coefficient of all classes of an image together, small ones counting as much as large ones."""

    definition: ClassVar[Definition]
    activation: Literal["softmax", "sigmoid", None]
    include_background: bool
    batch: bool
    ignore_index: int
    w_type: Literal["square", "simple", "uniform"]
    smooth_nr: float
    smooth_dr: float
    def __init__(
        self,
        *,
        activation: Literal["softmax", "sigmoid", None] = "softmax",
        include_background: bool = True,
        batch: bool = False,
        ignore_index: int = -100,
        w_type: Literal["square", "simple", "uniform"] = "square",
        smooth_nr: float = 1e-05,
        smooth_dr: float = 1e-05,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def hinge_embedding_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """A distance that should be small for similar pairs and beyond `margin` for others."""

class HingeEmbeddingLoss(Loss):
    """A distance that should be small for similar pairs and beyond `margin` for others."""

    definition: ClassVar[Definition]
    margin: float
    def __init__(
        self,
        *,
        margin: float = 1.0,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def hinge_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Hinge of the margin."""

class HingeLoss(Loss):
    """Hinge of the margin."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def huber_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    delta: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Half the squared error near the target, linear beyond `delta`."""

class HuberLoss(Loss):
    """Half the squared error near the target, linear beyond `delta`."""

    definition: ClassVar[Definition]
    delta: float
    def __init__(
        self,
        *,
        delta: float = 1.0,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def jaccard_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    activation: Literal["softmax", "sigmoid", None] = "softmax",
    include_background: bool = True,
    batch: bool = False,
    ignore_index: int = -100,
    squared_pred: bool = False,
    smooth_nr: float = 1e-05,
    smooth_dr: float = 1e-05,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """One minus the Jaccard index (intersection over union) of each class in each image."""

class JaccardLoss(Loss):
    """One minus the Jaccard index (intersection over union) of each class in each image."""

    definition: ClassVar[Definition]
    activation: Literal["softmax", "sigmoid", None]
    include_background: bool
    batch: bool
    ignore_index: int
    squared_pred: bool
    smooth_nr: float
    smooth_dr: float
    def __init__(
        self,
        *,
        activation: Literal["softmax", "sigmoid", None] = "softmax",
        include_background: bool = True,
        batch: bool = False,
        ignore_index: int = -100,
        squared_pred: bool = False,
        smooth_nr: float = 1e-05,
        smooth_dr: float = 1e-05,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def jsd_loss(
    student: ArrayLike,
    teacher: ArrayLike,
    *,
    beta: float = 0.5,
    temperature: float = 1.0,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Generalised Jensen-Shannon divergence between a student's and a teacher's softmax, from the logits of both."""

class JSDLoss(Loss):
    """Generalised Jensen-Shannon divergence between a student's and a teacher's softmax, from the logits of both."""

    definition: ClassVar[Definition]
    beta: float
    temperature: float
    def __init__(
        self,
        *,
        beta: float = 0.5,
        temperature: float = 1.0,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        student: ArrayLike,
        teacher: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        student: ArrayLike,
        teacher: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["student", "teacher"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        student: ArrayLike,
        teacher: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def kl_div(
    input: ArrayLike,
    target: ArrayLike,
    *,
    log_target: bool = False,
    reduction: Literal["none", "mean", "sum", "batchmean"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Kullback-Leibler divergence from a predicted log-probability to a target probability, element by element."""

class KLDivLoss(Loss):
    """Kullback-Leibler divergence from a predicted log-probability to a target probability, element by element."""

    definition: ClassVar[Definition]
    log_target: bool
    def __init__(
        self,
        *,
        log_target: bool = False,
        reduction: Literal["none", "mean", "sum", "batchmean"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def kl_div_with_logits(
    student: ArrayLike,
    teacher: ArrayLike,
    *,
    temperature: float = 1.0,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Kullback-Leibler divergence of a student's softmax from a teacher's, from the logits of both."""

class KLDivWithLogitsLoss(Loss):
    """Kullback-Leibler divergence of a student's softmax from a teacher's, from the logits of both."""

    definition: ClassVar[Definition]
    temperature: float
    def __init__(
        self,
        *,
        temperature: float = 1.0,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        student: ArrayLike,
        teacher: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        student: ArrayLike,
        teacher: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["student", "teacher"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        student: ArrayLike,
        teacher: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Absolute error."""

class L1Loss(Loss):
    """Absolute error."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def linear_cross_entropy(
    input: ArrayLike,
    linear_weight: ArrayLike,
    target: ArrayLike,
    linear_bias: ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
    chunk_bytes: int = 67108864,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Cross-entropy of a linear layer's logits, without holding them."""

class LinearCrossEntropyLoss(Loss):
    """Cross-entropy of a linear layer's logits, without holding them."""

    definition: ClassVar[Definition]
    ignore_index: int
    label_smoothing: float
    z_loss: float
    softcap: float | None
    chunk_bytes: int
    def __init__(
        self,
        *,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        z_loss: float = 0.0,
        softcap: float | None = None,
        chunk_bytes: int = 67108864,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        linear_weight: ArrayLike,
        target: ArrayLike,
        linear_bias: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        linear_weight: ArrayLike,
        target: ArrayLike,
        linear_bias: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "linear_weight", "linear_bias"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        linear_weight: ArrayLike,
        target: ArrayLike,
        linear_bias: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def log_cosh_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Logarithm of the hyperbolic cosine of the error: squared near the target, absolute far from it."""

class LogCoshLoss(Loss):
    """Logarithm of the hyperbolic cosine of the error: squared near the target, absolute far from it."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def lovasz_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    activation: Literal["softmax", "sigmoid", None, "hinge"] = "softmax",
    include_background: bool = True,
    batch: bool = False,
    ignore_index: int = -100,
    classes: Literal["present", "all"] = "present",
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """The Lovasz extension of the Jaccard loss: the intersection over union itself, made continuous."""

class LovaszLoss(Loss):
    """The Lovasz extension of the Jaccard loss: the intersection over union itself, made continuous."""

    definition: ClassVar[Definition]
    activation: Literal["softmax", "sigmoid", None, "hinge"]
    include_background: bool
    batch: bool
    ignore_index: int
    classes: Literal["present", "all"]
    def __init__(
        self,
        *,
        activation: Literal["softmax", "sigmoid", None, "hinge"] = "softmax",
        include_background: bool = True,
        batch: bool = False,
        ignore_index: int = -100,
        classes: Literal["present", "all"] = "present",
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def mape_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Absolute percentage error, as a fraction."""

class MAPELoss(Loss):
    """Absolute percentage error, as a fraction."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def margin_ranking_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 0.0,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Hinge of the distance by which two scores are in the wrong order."""

class MarginRankingLoss(Loss):
    """Hinge of the distance by which two scores are in the wrong order."""

    definition: ClassVar[Definition]
    margin: float
    def __init__(
        self,
        *,
        margin: float = 0.0,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input1: ArrayLike,
        input2: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input1: ArrayLike,
        input2: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input1", "input2", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input1: ArrayLike,
        input2: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input1: ArrayLike,
        input2: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def mcc_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    activation: Literal["softmax", "sigmoid", None] = "softmax",
    include_background: bool = True,
    batch: bool = False,
    ignore_index: int = -100,
    eps: float = 1e-05,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """One minus Matthews' correlation coefficient (phi) of each class in each image."""

class MCCLoss(Loss):
    """One minus Matthews' correlation coefficient (phi) of each class in each image."""

    definition: ClassVar[Definition]
    activation: Literal["softmax", "sigmoid", None]
    include_background: bool
    batch: bool
    ignore_index: int
    eps: float
    def __init__(
        self,
        *,
        activation: Literal["softmax", "sigmoid", None] = "softmax",
        include_background: bool = True,
        batch: bool = False,
        ignore_index: int = -100,
        eps: float = 1e-05,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def mse_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Squared error."""

class MSELoss(Loss):
    """Squared error."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def msle_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Squared logarithmic error."""

class MSLELoss(Loss):
    """Squared logarithmic error."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def multi_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    p: Literal[1, 2] = 1,
    margin: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Hinge of how far every other class's score comes up to that of the right class."""

class MultiMarginLoss(Loss):
    """Hinge of how far every other class's score comes up to that of the right class."""

    definition: ClassVar[Definition]
    p: Literal[1, 2]
    margin: float
    def __init__(
        self,
        *,
        p: Literal[1, 2] = 1,
        margin: float = 1.0,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def multilabel_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Hinge of how far every wrong class's score comes up to that of every right class."""

class MultiLabelMarginLoss(Loss):
    """Hinge of how far every wrong class's score comes up to that of every right class."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def multilabel_soft_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Binary cross-entropy with logits, averaged over the classes of each row."""

class MultiLabelSoftMarginLoss(Loss):
    """Binary cross-entropy with logits, averaged over the classes of each row."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Negative log-probability of the class, from log-probabilities."""

class NLLLoss(Loss):
    """Negative log-probability of the class, from log-probabilities."""

    definition: ClassVar[Definition]
    ignore_index: int
    def __init__(
        self,
        *,
        ignore_index: int = -100,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def nt_xent_loss(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    temperature: float = 0.07,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Cross-entropy of each pair of one label against the vectors of other labels."""

class NTXentLoss(Loss):
    """Cross-entropy of each pair of one label against the vectors of other labels."""

    definition: ClassVar[Definition]
    temperature: float
    def __init__(
        self,
        *,
        temperature: float = 0.07,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        embeddings: ArrayLike,
        labels: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        embeddings: ArrayLike,
        labels: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["embeddings"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        embeddings: ArrayLike,
        labels: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def perceptron_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """How far a score is on the wrong side."""

class PerceptronLoss(Loss):
    """How far a score is on the wrong side."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def poisson_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-08,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Negative log-likelihood of a count under a Poisson distribution, without the target's own constant."""

class PoissonNLLLoss(Loss):
    """Negative log-likelihood of a count under a Poisson distribution, without the target's own constant."""

    definition: ClassVar[Definition]
    log_input: bool
    full: bool
    eps: float
    def __init__(
        self,
        *,
        log_input: bool = True,
        full: bool = False,
        eps: float = 1e-08,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def poly_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    ignore_index: int = -100,
    epsilon: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Cross-entropy with the first term of its expansion in one minus the probability re-weighed."""

class PolyLoss(Loss):
    """Cross-entropy with the first term of its expansion in one minus the probability re-weighed."""

    definition: ClassVar[Definition]
    ignore_index: int
    epsilon: float
    def __init__(
        self,
        *,
        ignore_index: int = -100,
        epsilon: float = 1.0,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def pseudo_huber_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    delta: float = 1.0,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """A smooth Huber loss."""

class PseudoHuberLoss(Loss):
    """A smooth Huber loss."""

    definition: ClassVar[Definition]
    delta: float
    def __init__(
        self,
        *,
        delta: float = 1.0,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def quantile_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    quantile: ArrayLike = 0.5,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Pinball loss: its minimiser is the `quantile` of the target's distribution."""

class QuantileLoss(Loss):
    """Pinball loss: its minimiser is the `quantile` of the target's distribution."""

    definition: ClassVar[Definition]
    quantile: Any
    def __init__(
        self,
        *,
        quantile: ArrayLike = 0.5,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def siglip_loss(
    image: ArrayLike,
    text: ArrayLike,
    logit_scale: ArrayLike,
    logit_bias: ArrayLike,
    *,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Each image with each text is judged by itself: whether they belong together."""

class SigLIPLoss(Loss):
    """Each image with each text is judged by itself: whether they belong together."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        image: ArrayLike,
        text: ArrayLike,
        logit_scale: ArrayLike,
        logit_bias: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        image: ArrayLike,
        text: ArrayLike,
        logit_scale: ArrayLike,
        logit_bias: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["image", "text", "logit_scale", "logit_bias"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        image: ArrayLike,
        text: ArrayLike,
        logit_scale: ArrayLike,
        logit_bias: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def sigmoid_focal_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    alpha: float = 0.25,
    gamma: float = 2.0,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Binary cross-entropy that pays less attention to what is already right."""

class SigmoidFocalLoss(Loss):
    """Binary cross-entropy that pays less attention to what is already right."""

    definition: ClassVar[Definition]
    alpha: float
    gamma: float
    def __init__(
        self,
        *,
        alpha: float = 0.25,
        gamma: float = 2.0,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def smooth_l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    beta: float = 1.0,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Squared error over `beta` near the target, absolute error beyond."""

class SmoothL1Loss(Loss):
    """Squared error over `beta` near the target, absolute error beyond."""

    definition: ClassVar[Definition]
    beta: float
    def __init__(
        self,
        *,
        beta: float = 1.0,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def soft_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Logistic loss of the margin."""

class SoftMarginLoss(Loss):
    """Logistic loss of the margin."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def squared_hinge_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Square of the hinge of the margin."""

class SquaredHingeLoss(Loss):
    """Square of the hinge of the margin."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...

def sup_con_loss(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    temperature: float = 0.1,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Supervised contrast: each vector's pairs against all other vectors, those of its own label among them."""

class SupConLoss(Loss):
    """Supervised contrast: each vector's pairs against all other vectors, those of its own label among them."""

    definition: ClassVar[Definition]
    temperature: float
    def __init__(
        self,
        *,
        temperature: float = 0.1,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        embeddings: ArrayLike,
        labels: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        embeddings: ArrayLike,
        labels: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["embeddings"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        embeddings: ArrayLike,
        labels: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def triplet_margin_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-06,
    swap: bool = False,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """An anchor should be nearer to a positive than to a negative, by `margin`."""

class TripletMarginLoss(Loss):
    """An anchor should be nearer to a positive than to a negative, by `margin`."""

    definition: ClassVar[Definition]
    margin: float
    p: float
    eps: float
    swap: bool
    def __init__(
        self,
        *,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-06,
        swap: bool = False,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        anchor: ArrayLike,
        positive: ArrayLike,
        negative: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        anchor: ArrayLike,
        positive: ArrayLike,
        negative: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["anchor", "positive", "negative"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        anchor: ArrayLike,
        positive: ArrayLike,
        negative: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def triplet_margin_with_distance_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    distance_function: str | Callable[..., float] = "euclidean",
    margin: float = 1.0,
    swap: bool = False,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """An anchor should be nearer to a positive than to a negative, by `margin`, in a distance of your choice."""

class TripletMarginWithDistanceLoss(Loss):
    """An anchor should be nearer to a positive than to a negative, by `margin`, in a distance of your choice."""

    definition: ClassVar[Definition]
    distance_function: str | Callable[..., float]
    margin: float
    swap: bool
    def __init__(
        self,
        *,
        distance_function: str | Callable[..., float] = "euclidean",
        margin: float = 1.0,
        swap: bool = False,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        anchor: ArrayLike,
        positive: ArrayLike,
        negative: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        anchor: ArrayLike,
        positive: ArrayLike,
        negative: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["anchor", "positive", "negative"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        anchor: ArrayLike,
        positive: ArrayLike,
        negative: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def tvd_loss(
    student: ArrayLike,
    teacher: ArrayLike,
    *,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Total variation distance between a student's and a teacher's softmax, from the logits of both."""

class TVDLoss(Loss):
    """Total variation distance between a student's and a teacher's softmax, from the logits of both."""

    definition: ClassVar[Definition]
    def __init__(
        self,
        *,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        student: ArrayLike,
        teacher: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        student: ArrayLike,
        teacher: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["student", "teacher"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        student: ArrayLike,
        teacher: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def tversky_ce_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    include_background: bool = True,
    batch: bool = False,
    ignore_index: int = -100,
    alpha: float = 0.5,
    beta: float = 0.5,
    smooth_nr: float = 1e-05,
    smooth_dr: float = 1e-05,
    lambda_tversky: float = 1.0,
    lambda_ce: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Literal["mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Tversky loss plus cross-entropy, from one softmax."""

class TverskyCELoss(Loss):
    """Tversky loss plus cross-entropy, from one softmax."""

    definition: ClassVar[Definition]
    include_background: bool
    batch: bool
    ignore_index: int
    alpha: float
    beta: float
    smooth_nr: float
    smooth_dr: float
    lambda_tversky: float
    lambda_ce: float
    def __init__(
        self,
        *,
        include_background: bool = True,
        batch: bool = False,
        ignore_index: int = -100,
        alpha: float = 0.5,
        beta: float = 0.5,
        smooth_nr: float = 1e-05,
        smooth_dr: float = 1e-05,
        lambda_tversky: float = 1.0,
        lambda_ce: float = 1.0,
        weight: ArrayLike | None = None,
        reduction: Literal["mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def tversky_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    activation: Literal["softmax", "sigmoid", None] = "softmax",
    include_background: bool = True,
    batch: bool = False,
    ignore_index: int = -100,
    alpha: float = 0.5,
    beta: float = 0.5,
    smooth_nr: float = 1e-05,
    smooth_dr: float = 1e-05,
    weight: ArrayLike | None = None,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """One minus the Tversky index of each class in each image: false positives and false negatives weighed apart."""

class TverskyLoss(Loss):
    """One minus the Tversky index of each class in each image: false positives and false negatives weighed apart."""

    definition: ClassVar[Definition]
    activation: Literal["softmax", "sigmoid", None]
    include_background: bool
    batch: bool
    ignore_index: int
    alpha: float
    beta: float
    smooth_nr: float
    smooth_dr: float
    def __init__(
        self,
        *,
        activation: Literal["softmax", "sigmoid", None] = "softmax",
        include_background: bool = True,
        batch: bool = False,
        ignore_index: int = -100,
        alpha: float = 0.5,
        beta: float = 0.5,
        smooth_nr: float = 1e-05,
        smooth_dr: float = 1e-05,
        weight: ArrayLike | None = None,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...

def wing_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    width: float = 10.0,
    curvature: float = 2.0,
    reduction: Literal["none", "mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    on_empty: Literal["nan", "zero"] = "nan",
) -> Any:
    """Logarithmic within `width` of the target, so that small errors still pull, absolute beyond."""

class WingLoss(Loss):
    """Logarithmic within `width` of the target, so that small errors still pull, absolute beyond."""

    definition: ClassVar[Definition]
    width: float
    curvature: float
    def __init__(
        self,
        *,
        width: float = 10.0,
        curvature: float = 2.0,
        reduction: Literal["none", "mean", "sum"] = "mean",
        on_empty: Literal["nan", "zero"] = "nan",
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Any: ...
    def value_and_grad(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        wrt: Sequence[Literal["input", "target"]] | None = None,
    ) -> tuple[Any, Any]: ...
    def total(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Total: ...
    def grad_and_hess(  # type: ignore[override]
        self,
        input: ArrayLike,
        target: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...
