"""From images of any size to a network's inputs, using only Pillow; evaluation gives the same numbers as torchvision.

[Szegedy2015] C. Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, Section 6: random crops of 8 to 100 % of the area
and an aspect ratio of 3/4 to 4/3.

Differs from the paper in: bilinear interpolation always, no photometric distortions; one central crop for evaluation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

MEAN = (0.485, 0.456, 0.406)  # of ImageNet's training images in 0..1, red, green, blue: torchvision's numbers
STD = (0.229, 0.224, 0.225)
NORMALISATION = {"mean": [*MEAN], "std": [*STD]}
LARGEST_RATIO = 4 / 3  # of a random crop's width to its height, and of its height to its width
N_TRIES = 10  # random crops that may not fit into the image, before a central one is taken


@dataclass(frozen=True)
class Preprocessing:
    """How images ``(width, height)`` are cropped and resized.

    Attributes:
        resolution: Pixels along a side, unless a network needs another size.
        crop_ratio: Side of the central crop, as a share of the shorter side of the resized image.
        min_scale: Least area of a random crop, as a share of the image's area.
    """

    resolution: int = 224
    crop_ratio: float = 0.875
    min_scale: float = 0.08

    def for_evaluation(self, image: Image.Image, height: int, width: int) -> Image.Image:
        """The central crop of the resized image."""
        shorter, scale = math.ceil(max(height, width) / self.crop_ratio), min(image.size)
        size = tuple(int(shorter * side / scale) for side in image.size)
        left, top = round((size[0] - width) / 2), round((size[1] - height) / 2)
        return image.resize((size[0], size[1]), Image.Resampling.BILINEAR).crop((left, top, left + width, top + height))

    def for_training(self, image: Image.Image, draws: np.ndarray, flip: bool) -> Image.Image:
        """A random crop, resized to a square, mirrored or not; ``draws`` ``(n_tries, 4)`` are uniform in 0..1."""
        crop = random_crop(*image.size, self.min_scale, draws)
        resized = image.resize((self.resolution, self.resolution), Image.Resampling.BILINEAR, box=crop)
        return resized.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else resized


IMAGENET = Preprocessing(resolution=224, crop_ratio=0.875, min_scale=0.08)
CIFAR = Preprocessing(resolution=32, crop_ratio=1.0, min_scale=0.5)


def random_crop(width: int, height: int, min_scale: float, draws: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the first crop that fits into the image, else of its central square; see [Szegedy2015]."""
    for area, ratio, x, y in draws.tolist():
        pixels, aspect = width * height * (min_scale + area * (1 - min_scale)), LARGEST_RATIO ** (2 * ratio - 1)
        w, h = round(math.sqrt(pixels * aspect)), round(math.sqrt(pixels / aspect))
        if 0 < w <= width and 0 < h <= height:
            left, top = int(x * (width - w + 1)), int(y * (height - h + 1))
            return left, top, left + w, top + h
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def normalise(pixels: Sequence[np.ndarray]) -> torch.Tensor:
    """Images ``(height, width, 3)`` in 0..255 to standardised ones ``(n, 3, height, width)``, ``channels_last`` in memory."""
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float().div_(255)
    return images.sub_(torch.tensor(MEAN)[:, None, None]).div_(torch.tensor(STD)[:, None, None])
