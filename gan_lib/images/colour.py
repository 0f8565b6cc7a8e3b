"""The colours of an ICC profile -> sRGB, and back, without losing what sRGB cannot show; and whether there are any.

Never in here: files, 8-bit rounding, CMYK profiles.

Networks are trained on sRGB. Cameras and phones also store Adobe RGB and Display P3, whose strongest colours lie
outside of sRGB: they become values below 0 or above 1 here, so that the way back finds them again. A profile for grey
is a curve, such as that of dot gain in print, and leads to the grey of sRGB. LittleCMS does the arithmetic, through
imagecodecs: Pillow's door to it knows 8 bit only.
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
    """An RGB profile, or one for grey, there and back.

    Args:
        profile: the bytes of an ICC profile.
        channels: of the picture that it lies beside; of 2 and 4 the last is alpha, which has no profile.

    Attributes:
        colours: how many channels the pictures of `to_srgb` and `from_srgb` have: 3, or 1 of grey.
        is_srgb: whether it means the same as sRGB, within one step of 8 bit, so that nothing needs to be converted.

    Raises:
        ProfileError: if the profile is damaged, not for so many channels, or works in one direction only, as a
            scanner's may.

    Example:
        >>> from gan_lib import images
        >>> profile = ColourProfile(images.read_metadata("holiday.jpg").profile)
        >>> shown = profile.to_srgb(images.load_image("holiday.jpg") / 255)
    """

    def __init__(self, profile: bytes, channels: int = 3):
        if not profile_fits(profile, channels):
            kind = profile[16:20].decode("latin-1").strip("\0 ")
            expected = "RGB" if channels > 2 else "grey"
            raise ProfileError(f"the profile is for {kind or 'nothing'}; one for {expected} was expected")
        self._profile = profile
        self.colours = 3 if channels > 2 else 1
        steps = np.linspace(0, 1, 9 if self.colours == 3 else 256, dtype=np.float32)
        if self.colours == 3:
            colours = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(27, 27, 3)
        else:
            colours = steps.reshape(16, 16, 1)
        there = self.to_srgb(colours)
        self.from_srgb(there)
        self.is_srgb = bool(np.abs(there - colours).max() < 1 / 255)

    def to_srgb(self, picture: np.ndarray) -> np.ndarray:
        """float in [0, 1] of (height, width, colours) -> float32, where colours outside of sRGB leave [0, 1]."""
        linear = _transform(picture, self._profile, _linear(self.colours))
        size = np.abs(linear)
        curved = np.where(size <= 0.0031308, 12.92 * size, 1.055 * size ** np.float32(1 / 2.4) - 0.055)
        # A mirrored curve: LittleCMS goes on below 0 in a straight line 13 times as steep, noise and all.
        return np.copysign(curved, linear).astype(np.float32)

    def from_srgb(self, picture: np.ndarray) -> np.ndarray:
        """The way back: float32 (height, width, colours), clipped to [0, 1]."""
        # All grey is within sRGB, and a curve may end at 0 and 1.
        picture = picture if self.colours == 3 else np.clip(picture, 0, 1)
        size = np.abs(picture)
        linear = np.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** np.float32(2.4))
        linear = np.copysign(linear, picture).astype(np.float32)
        return np.clip(_transform(linear, _linear(self.colours), self._profile), 0, 1)


def is_grey(picture: np.ndarray) -> bool:
    """Whether a picture is grey, though it may be stored in colour, as scans of grey photographs often are.

    Args:
        picture: (height, width, 1 to 4), any dtype; of 2 and 4 channels the last is alpha, which does not count.

    Returns:
        Whether red, green and blue are the same, to the last bit, in all pixels.
    """
    if picture.shape[-1] < 3:
        return True
    # Row by row: it ends in the first row with a colour, and takes no memory.
    return all(bool((row[:, :1] == row[:, 1:3]).all()) for row in picture)


def profile_fits(profile: bytes, channels: int) -> bool:
    """Whether a profile is for pictures of so many channels, 1 to 4; of 2 and 4 the last is alpha."""
    return profile[16:20] == (b"RGB " if channels > 2 else b"GRAY")


def _transform(picture: np.ndarray, profile: bytes, out_profile: bytes) -> np.ndarray:
    import imagecodecs

    space = "rgb" if picture.shape[-1] == 3 else "gray"
    try:
        return imagecodecs.cms_transform(
            np.ascontiguousarray(picture, np.float32),
            profile,
            out_profile,
            colorspace=space,
            outcolorspace=space,
            intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
        )
    except imagecodecs.CmsError as error:
        raise ProfileError("the profile is damaged or leads in one direction only") from error


@functools.cache
def _linear(colours: int) -> bytes:
    """The profile of linear sRGB, or of linear grey."""
    import imagecodecs

    if colours == 1:
        return imagecodecs.cms_profile("gray", gamma=1.0)
    return imagecodecs.cms_profile("rgb", whitepoint=_WHITE, primaries=_PRIMARIES, gamma=1.0)
