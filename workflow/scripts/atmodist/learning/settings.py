"""Settings of networks and training runs, as the config has them: each class is one mapping, key by key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Pretraining:
    """Epochs on the first ``batches`` batches alone; None is all of them."""

    epochs: int
    batches: int | None


@dataclass(frozen=True)
class LearningRateSchedule:
    """The learning rate falls by ``factor`` after ``patience`` epochs without progress, down to ``floor``.

    Progress is a loss that is lower than the least before by more than ``threshold``.
    """

    factor: float
    patience: int
    threshold: float
    floor: float


@dataclass(frozen=True)
class AtmoDistSettings:
    """An AtmoDist model: sizes of its network, and how it is trained with SGD.

    ``classes`` lags are told apart; ``stages`` are the channels of the encoder's stages of ``blocks``
    residual blocks; ``weight_penalty`` is λ of λ·Σw²; ``gradient_norm`` clips each parameter's gradient;
    ``batches`` limits an epoch after the pre-training; each ``seed_index`` has random seeds of its own.
    ``weights`` is the model folder or the file that takes the place of the training run, if there is one.
    """

    classes: int
    stages: Sequence[int]
    blocks: int
    batch_size: int
    learning_rate: float
    momentum: float
    weight_penalty: float
    gradient_norm: float
    pretraining: Pretraining
    epochs: int
    batches: int | None
    learning_rate_schedule: LearningRateSchedule
    seed_index: int = 0
    weights: str | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Settings of a mapping with these keys."""
        parts = {
            "pretraining": Pretraining(**settings["pretraining"]),
            "learning_rate_schedule": LearningRateSchedule(**settings["learning_rate_schedule"]),
        }
        return cls(**{**settings, **parts})


@dataclass(frozen=True)
class AutoencoderSettings:
    """An autoencoder: sizes of its encoder, which its decoder mirrors, and how it is trained with SGD.

    ``batch_size`` counts patches, two of each pair; the rest is as in `AtmoDistSettings`.
    """

    stages: Sequence[int]
    blocks: int
    batch_size: int
    learning_rate: float
    momentum: float
    weight_penalty: float
    gradient_norm: float
    epochs: int
    batches: int | None
    learning_rate_schedule: LearningRateSchedule
    seed_index: int = 0

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Settings of a mapping with these keys."""
        parts = {
            "learning_rate_schedule": LearningRateSchedule(**settings["learning_rate_schedule"]),
        }
        return cls(**{**settings, **parts})


@dataclass(frozen=True)
class InpaintingSettings:
    """The same network as an autoencoder's, trained with Adam to fill a square of its input.

    ``content`` is what `content.content_loss` makes its loss of.
    """

    stages: Sequence[int]
    blocks: int
    batch_size: int
    learning_rate: float
    weight_penalty: float
    gradient_norm: float
    epochs: int
    batches: int | None
    seed_index: int = 0
    content: str | Mapping[str, str] = "mse"


@dataclass(frozen=True)
class GeneratorSettings:
    """Sizes of a generator: channels of its convolutions, residual blocks."""

    channels: int
    blocks: int


@dataclass(frozen=True)
class GeneratorTraining:
    """How a generator is trained alone, with Adam; ``batches`` limits an epoch."""

    epochs: int
    learning_rate: float
    batches: int | None
    batch_size: int


@dataclass(frozen=True)
class DiscriminatorSettings:
    """Sizes of a discriminator, and its losses beyond which the generator or itself takes a further step."""

    channels: int
    dense: int
    extra_generator_below: float
    extra_discriminator_above: float


@dataclass(frozen=True)
class Phase:
    """Epochs with one learning rate of Adam."""

    epochs: int
    learning_rate: float


@dataclass(frozen=True)
class SRGANSettings:
    """How a generator is trained against a discriminator; ``batches`` limits an epoch.

    ``content`` is what `content.content_loss` makes its content loss of.
    """

    batch_size: int
    adversarial_weight: float
    phases: tuple[Phase, ...]
    batches: int | None
    discriminator: DiscriminatorSettings
    seed_index: int = 0
    content: str | Mapping[str, str] = "mse"

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Settings of a mapping with these keys."""
        parts = {
            "phases": tuple(Phase(**phase) for phase in settings["phases"]),
            "discriminator": DiscriminatorSettings(**settings["discriminator"]),
        }
        return cls(**{**settings, **parts})
