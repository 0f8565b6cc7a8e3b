"""The colours of an embedded ICC profile -> sRGB, and back, without losing what sRGB cannot show.

Never in here: files, 8-bit rounding, grey or CMYK profiles.

Networks are trained on sRGB. Cameras and phones also store Adobe RGB and Display P3, whose strongest colours lie
outside of sRGB: they become values below 0 or above 1 here, so that the way back finds them again. LittleCMS does the
arithmetic, through imagecodecs: Pillow's door to it knows 8 bit only.
"""

from __future__ import annotations

import functools

import numpy as np

# The white and the three primaries of sRGB as x, y, Y.
_WHITE = (0.3127, 0.3290, 1.0)
_PRIMARIES = (0.64, 0.33, 1.0, 0.30, 0.60, 1.0, 0.15, 0.06, 1.0)


class ProfileError(ValueError):
    """A colour profile that cannot be used; the message says why."""


class ColourProfile:
    """An RGB profile, there and back.

    Args:
        profile: the bytes of an ICC profile for RGB.

    Attributes:
        is_srgb: whether it means the same as sRGB, within one step of 8 bit, so that nothing needs to be converted.

    Raises:
        ProfileError: if the profile is damaged, not for RGB, or works in one direction only, as a scanner's may.

    Example:
        >>> profile = ColourProfile(images.read_metadata("holiday.jpg").profile)
        >>> shown = profile.to_srgb(images.load_image("holiday.jpg") / 255)
    """

    def __init__(self, profile: bytes):
        kind = profile[16:20].decode("latin-1").strip()
        if kind != "RGB":
            raise ProfileError(f"the profile is for {kind or 'nothing'}; RGB was expected")
        self._profile = profile
        steps = np.linspace(0, 1, 9, dtype=np.float32)
        colours = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(27, 27, 3)
        there = self.to_srgb(colours)
        self.from_srgb(there)
        self.is_srgb = bool(np.abs(there - colours).max() < 1 / 255)

    def to_srgb(self, picture: np.ndarray) -> np.ndarray:
        """float in [0, 1] of (height, width, 3) -> float32, where colours outside of sRGB leave [0, 1]."""
        linear = _transform(picture, self._profile, _linear_srgb())
        size = np.abs(linear)
        curved = np.where(size <= 0.0031308, 12.92 * size, 1.055 * size ** np.float32(1 / 2.4) - 0.055)
        # A mirrored curve: LittleCMS goes on below 0 in a straight line 13 times as steep, noise and all.
        return np.copysign(curved, linear).astype(np.float32)

    def from_srgb(self, picture: np.ndarray) -> np.ndarray:
        """The way back: float32 (height, width, 3), clipped to [0, 1]."""
        size = np.abs(picture)
        linear = np.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** np.float32(2.4))
        linear = np.copysign(linear, picture).astype(np.float32)
        return np.clip(_transform(linear, _linear_srgb(), self._profile), 0, 1)


def _transform(picture: np.ndarray, profile: bytes, out_profile: bytes) -> np.ndarray:
    import imagecodecs

    try:
        return imagecodecs.cms_transform(
            np.ascontiguousarray(picture, np.float32),
            profile,
            out_profile,
            colorspace="rgb",
            outcolorspace="rgb",
            intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
        )
    except imagecodecs.CmsError as error:
        raise ProfileError("the profile is damaged or leads in one direction only") from error


@functools.cache
def _linear_srgb() -> bytes:
    import imagecodecs

    return imagecodecs.cms_profile("rgb", whitepoint=_WHITE, primaries=_PRIMARIES, gamma=1.0)
