"""AtmoDist as a distance for your own model: one frozen network, in the manner of ``lpips.LPIPS``."""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path

import torch
from torch import Tensor, nn

from atmodist import model_folder
from atmodist.core.errors import InputError
from atmodist.learning.networks import Encoder, SiameseNetwork
from atmodist.learning.sizes import LAYERS, stride
from atmodist.model_folder import ModelConfig


class AtmoDist(nn.Module):
    """Distance of atmospheric fields as a trained encoder sees them (Hoffmann & Lessig 2023, section 3).

    d(x, y) = Σ over ``layers`` of weight · scale · mean over channels and space of (E(x) − E(y))²; the scales
    are those that bring each layer's distance to the size of the mean squared error of normalised fields.
    The network is frozen and stays in evaluation mode; gradients reach the inputs.

    Args:
        network: a trained encoder, alone or with its classifier of lags.
        config: what it was trained on.
        layers: names of layers, "stage1" … "stage4", or weights by name. The last one by default, as in the
            paper. One layer that is not calibrated has scale 1; several must all be.
        check_magnitude: whether to refuse input of wrong units. It costs a wait for the device; switch it
            off in the innermost loop of a training run whose input you know.
    """

    def __init__(
        self,
        network: SiameseNetwork | Encoder,
        config: ModelConfig,
        layers: str | Sequence[str] | Mapping[str, float] | None = None,
        check_magnitude: bool = True,
    ):
        super().__init__()
        self.network = network.requires_grad_(False)
        self.config = config
        self.check_magnitude = check_magnitude
        self.layers = self._choose(layers)
        self.eval()

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        layers: str | Sequence[str] | Mapping[str, float] | None = None,
        check_magnitude: bool = True,
    ) -> "AtmoDist":
        """The distance of a model folder, e.g. ``results/era5/models/atmodist/lags-23``, else ``InputError``.

        No pickle is read: the folder holds safetensors and JSON.
        """
        network, config = model_folder.load(folder)
        if config.kind == "generator":
            raise InputError(
                f"{folder} holds the generator {config.name}; expected an AtmoDist model or an encoder "
                "(a generator is for atmodist.super_resolve)."
            )
        return cls(network, config, layers, check_magnitude)

    @property
    def encoder(self) -> Encoder:
        """The representation network."""
        return self.network.encoder if isinstance(self.network, SiameseNetwork) else self.network

    def channels(self, layer: str) -> int:
        """Number of channels of a layer."""
        self._check_layers([layer])
        return self.encoder.channels[LAYERS.index(layer)]

    def train(self, mode: bool = True) -> "AtmoDist":
        """Stay in evaluation mode: batch statistics would make the distance depend on its neighbours."""
        return super().train(False)

    def forward(self, x: Tensor, y: Tensor, normalize: bool = True, spatial: bool = False) -> Tensor:
        """Distance of fields B×C×H×W: B values or, if ``spatial``, maps B×H×W.

        Args:
            x: fields in the units of the config (s⁻¹) or, without ``normalize``, normalised ones.
            y: the fields to compare them with, alike.
            normalize: whether to normalise the input with the moments of the training data.
            spatial: whether to give the distance at each pixel: that of the pixel of each layer that covers
                it. Where the strides of the layers divide H and W, the mean of a map is the distance.

        ``InputError`` if channels or shapes do not fit or magnitudes are those of other units.
        """
        if x.shape != y.shape:
            raise InputError(
                f"the fields have shapes {tuple(x.shape)} and {tuple(y.shape)}; expected equal ones."
            )
        x, y = self._prepare((x, y), normalize)
        outputs = self._outputs(torch.cat((x, y)), self.layers)
        total = 0.0
        for layer, weight in self.layers.items():
            output = outputs[layer]
            first, second = output.to(torch.promote_types(output.dtype, torch.float32)).chunk(2)
            difference = (first - second).square().mean(1)
            if spatial:
                step = stride(layer)
                difference = difference.repeat_interleave(step, -2).repeat_interleave(step, -1)
                difference = difference[..., : x.shape[-2], : x.shape[-1]]
            else:
                difference = difference.mean((-2, -1))
            total = total + weight * self.config.scales.get(layer, 1.0) * difference
        return total

    def features(self, x: Tensor, layer: str = "stage4", normalize: bool = True) -> Tensor:
        """Output of a layer for fields B×C×H×W: B×D×⌈H/s⌉×⌈W/s⌉ with its channels D and stride s."""
        self._check_layers([layer])
        (x,) = self._prepare((x,), normalize)
        return self._outputs(x, [layer])[layer]

    def lag_logits(self, x: Tensor, y: Tensor, normalize: bool = True) -> Tensor:
        """Logits B×K of the lags 1 … K time steps between patches B×C×P×P, P being that of the training."""
        if not isinstance(self.network, SiameseNetwork):
            raise InputError(f"model {self.config.name} is an encoder without a classifier of lags.")
        patch = self.config.network["patch"]
        if x.shape != y.shape or x.shape[-2:] != (patch, patch):
            raise InputError(
                f"the patches have shapes {tuple(x.shape)} and {tuple(y.shape)}; "
                f"model {self.config.name} predicts the lag of patches of {patch} × {patch} pixels."
            )
        return self.network(*self._prepare((x, y), normalize))

    def normalise(self, x: Tensor) -> Tensor:
        """Physical fields B×C×H×W → normalised ones."""
        return self.config.moments.forward(x, axis=1)

    def extra_repr(self) -> str:
        """The model's name and what the distance is of."""
        return f"{self.config.name}: {', '.join(self.config.variables)}; {dict(self.layers)}"

    def _choose(self, layers) -> dict[str, float]:
        if layers is None:
            layers = [self.encoder.layers[-1]]
        layers = [layers] if isinstance(layers, str) else layers
        weights = dict(layers) if isinstance(layers, Mapping) else dict.fromkeys(layers, 1.0)
        self._check_layers(weights)
        for layer, weight in weights.items():
            if not isinstance(weight, Real) or not 0 <= weight < math.inf:
                raise InputError(
                    f"the weight of {layer} is {weight!r}; expected a finite number, 0 at least."
                )
        missing = [layer for layer in weights if layer not in self.config.scales]
        if len(weights) > 1 and missing:
            raise InputError(
                f"model {self.config.name} has no scale of {', '.join(missing)}, so that a sum of layers "
                "would mix sizes; expected one layer, or calibrated ones: "
                f"{', '.join(self.config.scales) or 'there are none'}."
            )
        return weights

    def _check_layers(self, layers) -> None:
        known = self.encoder.layers
        unknown = [layer for layer in layers if layer not in known]
        if unknown or not layers:
            raise InputError(
                f"model {self.config.name} has no layer {', '.join(map(str, unknown)) or '(none given)'}; "
                f"expected some of {', '.join(known)}."
            )

    def _prepare(self, fields: Sequence[Tensor], normalize: bool) -> list[Tensor]:
        """Checked fields, normalised, in the network's dtype."""
        for x in fields:
            if not isinstance(x, Tensor):
                raise InputError(f"the input is a {type(x).__name__}; expected a tensor of PyTorch.")
            if x.ndim != 4 or not x.numel():
                raise InputError(
                    f"the input has shape {tuple(x.shape)}; expected batch × channel × row × column."
                )
            self.config.check_channels(x.shape[1])
        if self.check_magnitude:
            self._check_magnitude(fields, normalize)
        weight = next(self.network.parameters())
        if normalize:  # at least in float32: shorter formats would lose what they still hold
            fields = [self.normalise(x.to(torch.promote_types(x.dtype, torch.float32))) for x in fields]
        return [x.to(weight.dtype) for x in fields]

    @torch.no_grad()
    def _check_magnitude(self, fields: Sequence[Tensor], physical: bool) -> None:
        squares = torch.stack([x.double().square().mean((0, 2, 3)) for x in fields]).cpu()
        unit = torch.tensor(self.config.moments.std).double() if physical else 1.0
        for deviations in (squares.sqrt() / unit).tolist():
            self.config.check_magnitude(deviations, normalised=not physical)

    def _outputs(self, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Outputs of some layers in one pass."""
        outputs = self.encoder.features_until(x, max(layers, key=LAYERS.index))
        return {layer: outputs[layer] for layer in layers}
