"""Centre-heatmap network: areal densities at half resolution in, one map of piece centres at quarter resolution out.

A small U-Net of residual blocks (quarter to 1/32 resolution), about 1.3 million parameters. Needs PyTorch: the extra
``train``. The lane runs the exported form (``vision.propose``) and never imports this module.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional

WIDTHS = (16, 48, 96, 128)
"""Channels at quarter, 1/8, 1/16 and 1/32 resolution."""
SIDE_MULTIPLE = 16
"""Lines and columns of an input must be multiples of this (half-resolution pixels)."""
START_LOGIT = -4.0
"""Centres are rare: the map starts near 2 %."""
NEAR_MISS_POWER, EASY_POWER = 4.0, 2.0
"""Exponents of the focal loss (Zhou et al. 2019, Objects as Points, equation 1)."""


class Block(nn.Module):  # type: ignore[misc]
    """Two 3 x 3 convolutions with a way around them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, maps: Any) -> Any:
        """Same shape out as in."""
        return functional.relu(maps + self.second(functional.relu(self.first(maps))))


class CentreNetwork(nn.Module):  # type: ignore[misc]
    """float32 (batch, 2, lines, columns) to logits (batch, 1, lines / 2, columns / 2)."""

    def __init__(self) -> None:
        super().__init__()
        fine, eighth, coarse, coarsest = WIDTHS
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), _layer(8, fine), _layer(fine, fine))
        self.down = nn.ModuleList(
            [
                nn.Sequential(_layer(fine, eighth, 2), Block(eighth), Block(eighth)),
                nn.Sequential(_layer(eighth, coarse, 2), Block(coarse), Block(coarse)),
                nn.Sequential(_layer(coarse, coarsest, 2), Block(coarsest), Block(coarsest)),
            ]
        )
        self.narrow = nn.ModuleList(
            [nn.Conv2d(coarsest, coarse, 1), nn.Conv2d(coarse, eighth, 1), nn.Conv2d(eighth, fine, 1)]
        )
        self.up = nn.ModuleList([Block(coarse), Block(eighth), _layer(fine, fine)])
        self.head = nn.Conv2d(fine, 1, 3, padding=1)
        nn.init.constant_(self.head.bias, START_LOGIT)

    def forward(self, planes: Any) -> Any:
        """Logits of "a piece's centre is here"."""
        levels = [self.stem(planes)]
        for down in self.down:
            levels.append(down(levels[-1]))
        maps = levels.pop()
        for narrow, up in zip(self.narrow, self.up, strict=True):
            maps = up(levels.pop() + functional.interpolate(narrow(maps), scale_factor=2.0, mode="nearest"))
        return self.head(maps)


def _layer(inward: int, outward: int, stride: int = 1) -> Any:
    return nn.Sequential(
        nn.Conv2d(inward, outward, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outward), nn.ReLU()
    )


def focal_loss(logits: Any, wanted: Any, valid: Any) -> Any:
    """Penalty-reduced focal loss per piece. ``wanted``: 1 at centres, a bell around them; ``valid``: 0 on padding."""
    centre = (wanted >= 1.0).float()
    sure = torch.sigmoid(logits)
    hit = centre * (1 - sure) ** EASY_POWER * functional.logsigmoid(logits)
    miss = (1 - centre) * (1 - wanted) ** NEAR_MISS_POWER * sure**EASY_POWER * functional.logsigmoid(-logits)
    return -((hit + miss) * valid).sum() / centre.sum().clamp(min=1.0)
