"""restore --task inpaint: masks as editors save them, holes filled, and nothing else touched."""

import io
import json

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageColor, ImageDraw
from scipy import ndimage

import gan_lib
from gan_lib import __main__ as command_line
from gan_lib import datasets, images, restoring, weights
from gan_lib.networks.inpainter import inpainter
from gan_lib.restoring import HoleFiller, MaskError, MaskSource, SettingsError, holes, masks

SMALL = {"widths": [8, 8, 8], "dilations": [1]}
ADOBE = imagecodecs.cms_profile("adobergb")


def release(folder, name, seed):
    """A small inpainter whose weights change a fill visibly, and its card."""
    model = inpainter(**SMALL)
    random = np.random.default_rng(seed)
    model.set_weights([random.normal(0, 0.05, weight.shape) for weight in model.get_weights()])
    card = {field: "said here" for field in weights.CARD_FIELDS if field not in ("name", "parameters")}
    card |= {
        "builder": {"function": "inpainter.inpainter", "arguments": SMALL},
        "trained_side": 128,
        "trained_hole": 64,
    }
    return weights.save_released(model, name, card, folder)


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    release(folder, "inpainter", 1)
    release(folder, "inpainter_sharp", 2)
    return folder


@pytest.fixture(autouse=True)
def _our_weights(released, monkeypatch):
    monkeypatch.setattr(weights, "FOLDER", released)


@pytest.fixture(scope="module")
def filler(released):
    return HoleFiller(weights_file=released / "inpainter.weights.h5")


def picture(height=90, width=120, channels=3, dtype=np.uint8, seed=0):
    """Soft waves with a little noise, in the dtype asked for."""
    rows, columns = np.mgrid[:height, :width]
    waves = np.stack(
        [0.5 + 0.4 * np.sin(rows / 9 + shift) * np.cos(columns / 11) for shift in range(channels)], axis=-1
    )
    values = np.clip(waves + np.random.default_rng(seed).normal(0, 0.01, waves.shape), 0, 1)
    return np.uint8(np.rint(values * 255)) if dtype == np.uint8 else values.astype(np.float32)


def scratch(height=90, width=120):
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).line((10, 5, width - 15, height - 8), fill=255, width=5)
    return np.asarray(image) > 0


# --- filling ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_known_pixels_stay_bit_by_bit(filler, dtype, channels):
    before, missing = picture(channels=channels, dtype=dtype), scratch()
    after = filler(before, missing)
    assert after.dtype == before.dtype and after.shape == before.shape
    assert np.array_equal(after[~missing], before[~missing])
    assert (after[missing] != before[missing]).mean() > 0.5
    assert np.abs(after[missing].astype(float) - before[missing]).mean() < (40 if dtype == np.uint8 else 0.16)


def test_what_stands_in_the_hole_makes_no_difference(filler):
    before, missing = picture(), scratch()
    white = np.where(missing[..., None], np.uint8(255), before)
    assert np.array_equal(filler(before, missing), filler(white, missing))


def test_so_it_is_with_a_wide_hole_that_is_worked_on_in_a_smaller_copy(filler):
    before, missing = picture(400, 480), np.zeros((400, 480), bool)
    missing[100:300, 120:330] = True
    assert holes._present(filler._levels(missing)) == [2]
    white = np.where(missing[..., None], np.uint8(255), before)
    after = filler(before, missing)
    assert np.array_equal(after, filler(white, missing)) and np.array_equal(after[~missing], before[~missing])
    assert "wider than the 64 pixels" in filler.notes(missing)[0] and "4 times smaller" in filler.notes(missing)[0]
    assert filler.notes(scratch()) == []


def test_holes_are_worked_on_at_the_scale_that_suits_their_width(filler):
    missing = np.zeros((500, 700), bool)
    missing[20:23, :600] = True  # long and thin
    missing[100:160, 100:160] = True  # as in training
    missing[200:400, 300:500] = True  # wide
    levels = filler._levels(missing)
    assert {int(levels[21, 300]), int(levels[130, 130])} == {0} and levels[300, 400] == 2
    assert (levels[~missing] == -1).all() and (levels[missing] >= 0).all()


@pytest.mark.parametrize("factor", [1, 4])
def test_a_scratch_that_runs_into_a_wide_hole_is_still_a_scratch(filler, factor):
    """The larger of the two pictures is looked at in a smaller copy."""
    missing = np.zeros((500 * factor, 700 * factor), bool)
    missing[200 * factor : 400 * factor, 300 * factor : 500 * factor] = True
    alone = filler._levels(missing)
    deepest = {1: 2, 4: 4}[factor]
    assert (alone[missing] == deepest).all()  # up to the corners
    missing[300 * factor : 300 * factor + 3] = True
    levels = filler._levels(missing)
    assert (levels[alone >= 0] == deepest).all()
    assert levels[300 * factor + 1, 100 * factor] == 0 == levels[300 * factor + 1, 690 * factor]
    assert (levels[:, : 200 * factor] <= 0).all()


def test_an_array_for_a_mask_is_the_only_way_to_say_what_is_missing():
    for more in ({"mask_colour": "magenta"}, {"mask_alpha": True}):
        with pytest.raises(SettingsError, match="A mask came as an array, and mask_colour or mask_alpha besides"):
            gan_lib.restore(picture(), task="inpaint", mask=scratch(), **more)


def test_thin_damage_all_over_a_large_picture_is_no_wide_hole(filler):
    """The picture is looked at in blocks of pixels, and there is some damage in each."""
    lines, specks = np.zeros((2000, 2400), bool), np.random.default_rng(0).uniform(size=(2000, 2400)) < 0.05
    lines[::3] = True
    for missing in (lines, specks):
        assert holes._present(filler._levels(missing)) == [0] and filler.notes(missing) == []


def test_only_tiles_with_missing_pixels_are_worked_on(filler):
    missing = np.zeros((2000, 3000), bool)
    missing[1000, 1000:1100] = True
    assert filler.work(missing) == 320**2


@pytest.mark.parametrize("side", [6, 70])
def test_a_grey_picture_saved_in_colour_stays_grey(filler, side):
    grey = picture(channels=1).repeat(3, axis=-1)
    missing = np.zeros(grey.shape[:2], bool)
    missing[10 : 10 + side, 20 : 20 + side] = True
    grey[missing] = (255, 0, 255)  # painted over
    filled = filler(grey, missing)
    assert np.array_equal(filled[..., 0], filled[..., 1]) and np.array_equal(filled[..., 1], filled[..., 2])
    tinted = grey.copy()
    tinted[0, 0] = (9, 5, 5)  # one pixel of colour, and it is a colour picture
    assert not np.array_equal(*np.moveaxis(filler(tinted, missing), -1, 0)[:2])


def test_an_alpha_channel_stays_and_is_opaque_where_a_pixel_was_filled(filler):
    before = np.concatenate([picture(), np.full((90, 120, 1), 200, np.uint8)], axis=-1)
    missing = scratch()
    after = filler(before, missing)
    assert (after[..., 3][missing] == 255).all() and (after[..., 3][~missing] == 200).all()


def test_a_colour_profile_is_filled_in_its_own_colours(filler):
    profile, missing = images.ColourProfile(ADOBE), scratch()
    before = picture(dtype=np.float32)
    after = filler(before, missing, profile=profile)
    assert np.array_equal(after[~missing], before[~missing])
    assert np.abs(after[missing] - before[missing]).mean() < 0.16
    assert not np.array_equal(after, filler(before, missing))


@pytest.mark.parametrize("side", [3, 70])
def test_grey_is_filled_as_srgb_shows_it_whatever_its_curve(filler, side):
    """At full size, and in a smaller copy."""
    linear = images.ColourProfile(imagecodecs.cms_profile("gray", gamma=1.0), 1)
    shown, missing = picture(200, 220, 1, np.float32) * 0.4 + 0.3, np.zeros((200, 220), bool)
    missing[50 : 50 + side, 60 : 60 + side] = True
    expected, stored = filler(shown, missing), linear.from_srgb(shown)
    filled = filler(stored, missing, profile=linear)
    assert np.array_equal(filled[~missing], stored[~missing])
    # In the smaller copy pixels are averaged as they are stored, so there the two differ a little.
    np.testing.assert_allclose(linear.to_srgb(filled)[missing], expected[missing], atol=2e-3 if side == 3 else 0.03)
    assert np.abs(filler(stored, missing) - filled)[missing].max() > 0.02  # what ignoring it would give


@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (2, 2), (7, 300)])
def test_tiny_and_thin_pictures_are_filled_too(filler, shape):
    before, missing = picture(*shape), np.zeros(shape, bool)
    missing[0, 0] = True
    assert np.array_equal(filler(before, missing)[~missing], before[~missing])


def test_a_region_comes_out_as_in_the_whole(filler):
    before, missing = picture(500, 700), np.zeros((500, 700), bool)
    missing[180:420, 250:480] = True  # worked on in a smaller copy
    missing[430:434, 100:600] = True  # sees that as known
    missing[10:15] = True
    whole = filler(before, missing)
    regions = {"a corner": (0, 0, 40, 50), "beside": (425, 110, 20, 100), "in the hole": (200, 300, 60, 60)}
    for name, region in regions.items():
        expected = whole[holes.slices_of(restoring.Region(*region))]
        assert np.array_equal(filler(before, missing, region=restoring.Region(*region)), expected), name
    assert missing[200:260, 300:360].all()  # of this part nothing is known, but around it
    levels = filler._levels(missing)
    counts = {name: len(holes._work(levels, restoring.Region(*region))) for name, region in regions.items()}
    assert counts == {"a corner": 2, "beside": 3, "in the hole": 1}
    assert holes._work(levels, restoring.Region(470, 0, 30, 30)) == []
    assert filler.notes(missing, restoring.Region(0, 0, 40, 50)) == []
    assert "smaller" in filler.notes(missing, restoring.Region(200, 300, 60, 60))[0]


def test_a_picture_too_small_for_its_hole_says_what_to_do(filler):
    missing = np.zeros((1, 500), bool)
    missing[0, 100:400] = True
    with pytest.raises(images.PictureError, match=r"500 x 1 pixels is too small.* at least 8 pixels.* Mark less as"):
        filler(picture(1, 500), missing)


# --- reading masks ----------------------------------------------------------------------------------------------


def saved_masks(folder):
    """The same mask as editors and tools save it: name -> path."""
    grey = np.uint8(scratch()) * 255
    rgb, nothing = np.repeat(grey[..., None], 3, axis=-1), np.zeros((90, 120, 3), np.uint8)
    made = {
        "grey.png": Image.fromarray(grey),
        "bool.png": Image.fromarray(scratch()),
        "ones.png": Image.fromarray(np.uint8(scratch())),
        "rgb.png": Image.fromarray(rgb),
        "opaque.png": Image.fromarray(np.dstack([rgb, np.full_like(grey, 255)])),
        "white_on_nothing.png": Image.fromarray(np.dstack([np.full_like(rgb, 255), grey])),
        "black_on_nothing.png": Image.fromarray(np.dstack([nothing, grey])),
        "red.png": Image.fromarray(np.dstack([grey, nothing[..., 0], nothing[..., 0]])),
        "palette.png": Image.fromarray(rgb).convert("P"),
        "sixteen.png": Image.fromarray(np.uint16(grey) * 257),
        "sixteen_ones.png": Image.fromarray(np.uint16(scratch())),
        "dark_on_nothing.png": Image.fromarray(np.dstack([nothing + 20, grey])),
        "dark_on_white_nothing.png": Image.fromarray(np.dstack([np.where(rgb > 0, np.uint8(20), np.uint8(255)), grey])),
    }
    for name, image in made.items():
        image.save(folder / name)
    turned = Image.fromarray(np.rot90(grey))
    exif = turned.getexif()
    exif[0x0112] = 6  # shown turned by a quarter clockwise
    turned.save(folder / "turned.png", exif=exif)
    return sorted(folder.iterdir())


def test_every_way_to_save_a_mask_is_the_same_mask(tmp_path):
    for path in saved_masks(tmp_path):
        found = masks.find_missing(MaskSource(file=path), picture(), tmp_path / "picture.png")
        assert np.array_equal(found.pixels, scratch()), path.name
        assert found.notes == [], path.name


def test_soft_edges_and_jpeg_take_a_little_more_and_say_so(tmp_path):
    soft = Image.fromarray(np.uint8(scratch()) * 255).resize((60, 45), Image.Resampling.BILINEAR).resize((120, 90))
    soft.save(tmp_path / "soft.png")
    Image.fromarray(np.uint8(scratch()) * 255).save(tmp_path / "mask.jpg", quality=70)
    for name in ("soft.png", "mask.jpg"):
        found = masks.find_missing(MaskSource(file=tmp_path / name), picture(), tmp_path / "picture.png")
        assert found.pixels[scratch()].all() and found.pixels.sum() < 3.5 * scratch().sum()
        assert "soft edges" in found.notes[0]


def test_a_mask_of_the_same_proportions_is_enlarged_with_a_note(tmp_path):
    Image.fromarray(np.uint8(scratch(45, 60)) * 255).save(tmp_path / "small.png")
    found = masks.find_missing(MaskSource(file=tmp_path / "small.png"), picture(), tmp_path / "picture.png")
    assert np.array_equal(found.pixels, scratch(45, 60).repeat(2, axis=0).repeat(2, axis=1))
    assert "made 120 x 90 pixels large, from 60 x 45" in found.notes[0]


@pytest.mark.parametrize("factor", [2, 2.5, 7, 20])
def test_a_mask_that_is_made_smaller_keeps_the_thinnest_scratch(tmp_path, factor):
    large = np.zeros((round(90 * factor), round(120 * factor)), bool)
    large[5:-5, round(50 * factor) + 1] = True  # a pixel wide
    Image.fromarray(large).save(tmp_path / "large.png")
    found = masks.find_missing(MaskSource(file=tmp_path / "large.png"), picture(), tmp_path / "picture.png")
    rows, columns = np.nonzero(found.pixels)
    assert len(set(rows)) >= 80 and set(columns) == {50}
    assert f"from {large.shape[1]} x {large.shape[0]}" in found.notes[0]
    # The same, where it is known what is black in the file.
    Image.fromarray(~large).save(tmp_path / "black.png")
    source = MaskSource(file=tmp_path / "black.png", invert=True)
    assert np.array_equal(masks.find_missing(source, picture(), tmp_path / "picture.png").pixels, found.pixels)


def test_the_cap_is_that_of_the_mask_as_well(tmp_path):
    source = MaskSource(file=tmp_path / "mask.png")
    Image.fromarray(scratch().repeat(2, axis=0).repeat(2, axis=1)).save(source.file)  # 43,200 pixels
    images.save_image(tmp_path / "picture.png", picture())
    with pytest.raises(images.PictureError, match=r"mask.png has 240 x 180 pixels.*--max-pixels 43200"):
        masks.find_missing(source, picture(), tmp_path / "picture.png", max_pixels=43_199)
    assert run(tmp_path / "picture.png", "--mask", source.file, "--max-pixels", 43_199, "--estimate") == 1
    with pytest.raises(images.PictureError, match="mask.png has 240 x 180 pixels"):
        gan_lib.restore(tmp_path / "picture.png", task="inpaint", mask=source.file, max_pixels=43_199)
    assert run(tmp_path / "picture.png", "--mask", source.file, "--max-pixels", 43_199) == 1
    assert run(tmp_path / "picture.png", "--mask", source.file, "--max-pixels", 43_200) == 0


def test_a_mask_above_the_readers_own_cap_is_read_if_told_so(tmp_path, monkeypatch):
    Image.fromarray(scratch()).save(tmp_path / "mask.png")
    monkeypatch.setitem(images.load_image.__kwdefaults__, "max_megapixels", 0.001)
    found = masks.find_missing(MaskSource(file=tmp_path / "mask.png"), picture(), tmp_path / "picture.png")
    assert np.array_equal(found.pixels, scratch())


def test_an_inverted_mask_is_suspected_and_can_be_inverted(tmp_path):
    Image.fromarray(np.uint8(~scratch()) * 255).save(tmp_path / "theirs.png")
    source = MaskSource(file=tmp_path / "theirs.png")
    with pytest.raises(MaskError, match="at most 75% can be filled. White is missing; .* add --invert-mask") as raised:
        masks.find_missing(source, picture(), tmp_path / "picture.png")
    assert raised.value.reading.shape == (90, 120, 3)
    found = masks.find_missing(source._replace(invert=True), picture(), tmp_path / "picture.png")
    assert np.array_equal(found.pixels, scratch())


def test_a_mask_that_was_inverted_once_too_often_is_not_to_be_inverted(tmp_path):
    Image.fromarray(scratch()).save(tmp_path / "mask.png")
    source = MaskSource(file=tmp_path / "mask.png", invert=True)
    with pytest.raises(MaskError, match=r"Black is missing.*; if white is missing in it, leave out --invert-mask\.$"):
        masks.find_missing(source, picture(), tmp_path / "picture.png")
    with pytest.raises(MaskError, match=r"leave out invert_mask=True\.$"):
        masks.of_array(scratch(), True, (90, 120))
    with pytest.raises(MaskError, match=r"White is missing.* pass invert_mask=True\.$"):
        masks.of_array(~scratch(), False, (90, 120))


@pytest.mark.parametrize("values", [(0, 0), (0, 1, 2), (3, 4)])
def test_a_mask_that_is_almost_black_stays_empty(values):
    dark = np.resize(np.uint8(values), (90, 120))
    assert not masks.of_array(dark, False, (90, 120)).pixels.any()


def test_half_a_picture_is_filled_with_a_warning():
    missing = np.zeros((90, 120), bool)
    missing[:60] = True
    assert "67% of the pixels are missing, more than half" in masks.of_array(missing, False, (90, 120)).notes[0]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.full((90, 120), 255, np.uint8), "All pixels are missing"),
        (picture(channels=1), "does not look like a mask: .* neither black nor white"),
        (np.zeros((120, 90), np.uint8), "has 90 x 120 pixels and the picture 120 x 90"),
    ],
)
def test_what_is_no_mask_is_refused(values, words):
    with pytest.raises(MaskError, match=words):
        masks.of_array(values, False, (90, 120))


def test_paint_of_a_colour_is_found_with_its_soft_rim():
    before = picture()
    painted = Image.fromarray(before).resize((480, 360))
    ImageDraw.Draw(painted).ellipse((100, 100, 200, 180), fill="magenta")
    painted = np.asarray(painted.resize((120, 90), Image.Resampling.BOX))  # a soft rim, as editors paint
    found = masks.find_missing(MaskSource(colour="magenta"), painted, masks.Path("x.png")).pixels
    exact = np.abs(painted.astype(int) - before).max(axis=-1) > 40
    assert found[exact].all() and found.sum() < 2 * exact.sum()
    hexadecimal = masks.find_missing(MaskSource(colour="#ff00ff"), painted, masks.Path("x.png"))
    assert np.array_equal(hexadecimal.pixels, found)


def stored(pixels, kind, quality):
    """Pixels after they were stored with loss, as they are read."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, quality=quality)
    return np.asarray(Image.open(stream).convert("RGB"))


def photograph():
    return datasets.bundled_photographs("held-out")["chelsea"][20:260, 80:380]


def strokes(width):
    """Lines in several directions, and a disc if they are wide."""
    image = Image.new("L", (300, 240))
    draw = ImageDraw.Draw(image)
    draw.line([(0, 30), (150, 100), (300, 60)], fill=255, width=width)
    draw.line([(50, 240), (60, 120)], fill=255, width=width)
    draw.line([(100, 201), (280, 201), (280, 110)], fill=255, width=width)
    if width > 4:
        draw.ellipse((200, 150, 240, 190), fill=255)
    return np.asarray(image) > 0


@pytest.mark.parametrize("colour", ["magenta", "#00ff00"])
@pytest.mark.parametrize(
    ("kind", "quality", "width", "tinted"),
    [
        ("JPEG", 50, 6, 0),
        ("JPEG", 75, 6, 0),
        ("JPEG", 90, 6, 0),
        ("WEBP", 80, 6, 0),
        ("JPEG", 50, 3, 0),
        ("JPEG", 85, 2, 0),
        ("JPEG", 85, 1, 5),
        ("WEBP", 80, 1, 5),
    ],
)
def test_paint_in_a_picture_stored_with_loss_is_found_whatever_its_ending(kind, quality, width, tinted, colour):
    painted = photograph().copy()
    painted[strokes(width)] = ImageColor.getrgb(colour)
    before, painted = stored(photograph(), kind, quality), stored(painted, kind, quality)
    found = masks.find_missing(MaskSource(colour=colour), painted, masks.Path("picture.png"))
    kept_tint = np.abs(painted.astype(int) - before).max(axis=-1)[~found.pixels]
    assert (kept_tint > 60).sum() <= tinted and found.notes == []
    distance = ndimage.distance_transform_edt(~strokes(width))[found.pixels]
    assert (distance > 6).mean() < 0.02 and distance.max() < 16
    none = masks.find_missing(MaskSource(colour=colour), before, masks.Path("picture.png"))
    assert not none.pixels.any() and f"No pixel has the colour {colour}" in none.notes[0]


@pytest.mark.parametrize(("quality", "width"), [(50, 3), (85, 1)])
def test_white_paint_has_no_hue_and_is_found_as_well(quality, width):
    painted = photograph().copy()
    painted[strokes(width)] = 255
    before, painted = stored(photograph(), "JPEG", quality), stored(painted, "JPEG", quality)
    found = masks.find_missing(MaskSource(colour="white"), painted, masks.Path("picture.png"))
    kept = np.abs(painted.astype(int) - before).max(axis=-1)[~found.pixels]
    assert (kept > 60).sum() <= 5 and found.notes == []
    assert (ndimage.distance_transform_edt(~strokes(width))[found.pixels] < 7).mean() > 0.95


@pytest.mark.parametrize("object_colour", [(200, 40, 60), (190, 40, 190)])
def test_exact_paint_does_not_spread_over_what_looks_like_it(object_colour):
    before = photograph().copy()
    before[60:200, 100:250] = object_colour
    before[strokes(6)] = (255, 0, 255)
    found = masks.find_missing(MaskSource(colour="magenta"), before, masks.Path("x.png")).pixels
    assert np.array_equal(found, ndimage.binary_dilation(strokes(6), iterations=2))
    found = masks.find_missing(MaskSource(colour="magenta"), stored(before, "JPEG", 90), masks.Path("x.png")).pixels
    assert (ndimage.distance_transform_edt(~strokes(6))[found] < 12).all()


def test_paint_that_was_kept_is_told():
    soft = ndimage.gaussian_filter(np.float32(strokes(6)), 12)[..., None]  # far wider than is looked for
    soft = np.clip(soft * 2, 0, 1)
    painted = np.uint8(np.rint((1 - soft) * photograph() + soft * np.float32([255, 0, 255])))
    found = masks.find_missing(MaskSource(colour="magenta"), painted, masks.Path("x.png"))
    assert found.pixels.any() and "pixels look a little like magenta and were kept." in found.notes[0]


@pytest.mark.parametrize("channels", [1, 2])
def test_paint_on_a_grey_picture(channels):
    painted = np.uint8(picture(channels=1) // 2).repeat(channels, axis=-1)
    painted[20:30, 20:60, 0] = 255
    found = masks.find_missing(MaskSource(colour="white"), painted, masks.Path("x.png"))
    expected = np.zeros((90, 120), bool)
    expected[20:30, 20:60] = True
    assert np.array_equal(found.pixels, ndimage.binary_dilation(expected, iterations=2)) and found.notes == []


def test_paint_is_found_the_same_however_high_the_picture_is(monkeypatch):
    painted = photograph().copy()
    painted[strokes(2)] = (255, 0, 255)
    painted = stored(painted, "JPEG", 85)
    whole = masks.find_missing(MaskSource(colour="magenta"), painted, masks.Path("x.jpg")).pixels
    monkeypatch.setattr(masks, "_BAND", 52)
    bands = masks.find_missing(MaskSource(colour="magenta"), painted, masks.Path("x.jpg")).pixels
    assert whole.any() and np.array_equal(whole, bands)


def test_transparent_pixels_are_missing_even_if_only_a_little():
    before = np.concatenate([picture(), np.full((90, 120, 1), 255, np.uint8)], axis=-1)
    before[10:20, 10:20, 3], before[20, 10:20, 3] = 0, 250
    found = masks.find_missing(MaskSource(alpha=True), before, masks.Path("x.png")).pixels
    assert found.sum() == 110
    with pytest.raises(images.PictureError, match="has no alpha"):
        masks.find_missing(MaskSource(alpha=True), picture(), masks.Path("x.png"))


# --- from Python ------------------------------------------------------------------------------------------------


def test_restore_fills_arrays_and_files_alike(tmp_path, filler):
    before, missing = picture(), scratch()
    expected = filler(before, missing)
    told = []
    assert np.array_equal(gan_lib.restore(before, task="inpaint", mask=np.uint8(missing), tell=told.append), expected)
    assert told == []
    Image.fromarray(before).save(tmp_path / "picture.png")
    Image.fromarray(missing).save(tmp_path / "mask.png")
    assert np.array_equal(
        gan_lib.restore(tmp_path / "picture.png", task="inpaint", mask=tmp_path / "mask.png"), expected
    )
    empty = gan_lib.restore(before, task="inpaint", mask=np.zeros((90, 120), np.uint8), tell=told.append)
    assert np.array_equal(empty, before) and "No pixel is missing" in told[0]
    sharp = gan_lib.restore(before, task="inpaint", mask=np.uint8(missing), sharp=True)
    assert not np.array_equal(sharp, expected)


def test_arguments_of_another_task_are_refused():
    with pytest.raises(SettingsError, match="not for the task inpaint"):
        gan_lib.restore(picture(), task="inpaint", mask=np.uint8(scratch()), sigma=10.0)
    with pytest.raises(SettingsError, match="not for the task denoise"):
        gan_lib.restore(picture(), sigma=10.0, mask=np.uint8(scratch()))
    with pytest.raises(ValueError, match="Which pixels are missing"):
        gan_lib.restore(picture(), task="inpaint")


# --- from the command line ----------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    images.save_image(tmp_path / "scan.png", picture())
    Image.fromarray(scratch()).save(tmp_path / "mask.png")
    return tmp_path


def run(*arguments):
    return command_line.main(["restore", "--task", "inpaint", *map(str, arguments)])


def test_a_file_gets_its_filled_picture_a_note_and_a_sheet(files, capsys, filler):
    assert run(files / "scan.png", "--mask", files / "mask.png", "--compare") == 0
    after = images.load_image(files / "scan_restored.png")
    assert np.array_equal(after, filler(picture(), scratch()))
    note = json.loads((files / "scan_restored.json").read_text())
    assert note["task"] == "inpaint" and note["parameters"]["missing_pixels"] == int(scratch().sum())
    assert f"invented {int(scratch().sum()):,} pixels" in note["generated"] and note["weights"]["name"] == "inpainter"
    sheet = images.load_image(files / "scan_compare.png")
    assert (sheet == np.uint8(masks.PAINT)).all(axis=-1).sum() == scratch().sum()  # the mask as it was read
    assert "scan_compare.png" in capsys.readouterr().out


def test_sixteen_bits_stay_and_known_ones_are_the_same(files):
    deep = picture(dtype=np.float32)
    images.save_image(files / "deep.tif", deep, bits=16)
    assert run(files / "deep.tif", "--mask", files / "mask.png", "-o", files / "out.tif") == 0
    before, after = images.load_image(files / "deep.tif"), images.load_image(files / "out.tif")
    assert after.dtype == np.float32 and np.array_equal(after[~scratch()], before[~scratch()])


@pytest.mark.parametrize(
    ("deep", "target", "note"),
    [
        (False, "out.png", None),
        (True, "out.png", "32 bit became 16"),
        (True, "out.jpg", "32 bit became 8: .jpg holds no more"),
        (False, "out.jpg", ".jpg stores with loss, so other pixels change a little too; take .png."),
        (False, "out.jpeg", ".jpeg stores with loss"),
        (False, "out.webp", ".webp stores with loss"),
    ],
)
def test_what_a_format_cannot_keep_is_not_promised(files, capsys, deep, target, note):
    if deep:
        tifffile.imwrite(files / "scan.tif", picture(dtype=np.float32), photometric="rgb")
    source = files / ("scan.tif" if deep else "scan.png")
    assert run(source, "--mask", files / "mask.png", "-o", files / target) == 0
    told = json.loads((files / "out.json").read_text())
    assert told["generated"].startswith(f"A neural network invented {int(scratch().sum()):,} pixels of {target}.")
    assert ("All others are those of the original." in told["generated"]) == (note is None)
    assert any(line.startswith(note) for line in told["notes"]) if note else told["notes"] == []
    assert (note or "") in capsys.readouterr().out
    before, after = images.load_image(source), images.load_image(files / target)
    same = after.dtype == before.dtype and np.array_equal(after[~scratch()], before[~scratch()])
    assert same == (note is None)


def test_a_large_picture_gets_a_sheet_with_a_part_at_full_size(files):
    images.save_image(files / "large.png", picture(700, 900))
    Image.fromarray(scratch(700, 900)).save(files / "large_mask.png")
    assert run(files / "large.png", "--mask", files / "large_mask.png", "--compare") == 0
    assert images.load_image(files / "large_compare.png").shape[0] > 800


def test_a_mask_that_is_refused_leaves_a_picture_of_how_it_was_read(files, capsys):
    Image.fromarray(~scratch()).save(files / "theirs.png")
    assert run(files / "scan.png", "--mask", files / "theirs.png") == 1
    assert "scan_restored_mask_as_read.png" in capsys.readouterr().out
    reading = images.load_image(files / "scan_restored_mask_as_read.png")
    assert np.array_equal(reading[..., 0] > 0, ~scratch())
    assert not (files / "scan_restored.png").exists()


def test_a_picture_of_how_a_mask_was_read_replaces_nothing(files, capsys):
    Image.fromarray(~scratch()).save(files / "theirs.png")
    theirs = files / "scan_restored_mask_as_read.png"
    images.save_image(theirs, picture(seed=3))
    arguments = [files / "scan.png", "--mask", files / "theirs.png"]
    assert run(*arguments) == 1
    assert "How it was read: " + str(files / "scan_restored_2_mask_as_read.png") in capsys.readouterr().out
    assert np.array_equal(images.load_image(theirs), picture(seed=3))
    assert np.array_equal(images.load_image(files / "scan_restored_2_mask_as_read.png")[..., 0] > 0, ~scratch())
    assert run(*arguments, "--overwrite") == 1
    assert np.array_equal(images.load_image(theirs)[..., 0] > 0, ~scratch())
    # It is the mask itself now, which stays.
    before = theirs.read_bytes()
    assert run(files / "scan.png", "--mask", theirs, "--overwrite") == 1
    assert theirs.read_bytes() == before


def test_in_a_folder_of_masks_only_pictures_count_and_never_the_picture_itself(files, capsys):
    their_masks = files / "masks"
    their_masks.mkdir()
    Image.fromarray(scratch()).save(their_masks / "scan.png")
    (their_masks / "scan.json").write_text("{}")
    (their_masks / "scan.PNG.txt").write_text("")
    assert run(files / "scan.png", "--mask", their_masks) == 0
    assert json.loads((files / "scan_restored.json").read_text())["parameters"]["mask"] == "file scan.png"
    capsys.readouterr()
    assert run(files / "scan.png", "--mask", files, "--overwrite") == 1
    out = capsys.readouterr().out
    assert f"{files} holds no mask for scan.png" in out and "The picture itself is not its mask" in out
    assert MaskSource(file=their_masks).of(their_masks / "scan.jpg") == their_masks / "scan.png"


def test_a_colour_that_was_painted_nowhere_is_named(files, capsys):
    assert run(files / "scan.png", "--mask-colour", "#12fe34") == 0
    assert "No pixel has the colour #12fe34, so the picture is as it was." in capsys.readouterr().out


def test_a_folder_takes_the_masks_of_the_same_names(files, capsys):
    folder, their_masks = files / "scans", files / "masks"
    for name in ("a", "b", "c"):
        images.save_image(folder / f"{name}.png", picture(seed=ord(name)))
    their_masks.mkdir()
    for name in ("a", "b"):
        Image.fromarray(scratch()).save(their_masks / f"{name}.png")
    assert run(folder, "--mask", their_masks, "-o", files / "out") == 1
    out = capsys.readouterr().out
    assert "holds no mask for c.png" in out and "2 restored, 0 skipped, 1 failed" in out
    assert sorted(path.name for path in (files / "out").glob("*.png")) == ["a_restored.png", "b_restored.png"]


def test_paint_and_alpha_from_the_command_line(files):
    painted = picture()
    painted[20:30, 20:60] = (255, 0, 255)
    images.save_image(files / "painted.png", painted)
    assert run(files / "painted.png", "--mask-colour", "magenta") == 0
    after = images.load_image(files / "painted_restored.png")
    assert not (after == np.uint8([255, 0, 255])).all(axis=-1).any()
    erased = np.concatenate([picture(), np.full((90, 120, 1), 255, np.uint8)], axis=-1)
    erased[20:30, 20:60] = 0
    images.save_image(files / "erased.png", erased)
    assert run(files / "erased.png", "--mask-alpha") == 0
    after = images.load_image(files / "erased_restored.png", mode="as-is")
    assert (after[..., 3] == 255).all() and after[20:30, 20:60, :3].mean() > 40


def test_a_part_only_and_an_estimate(files, capsys):
    assert run(files / "scan.png", "--mask", files / "mask.png", "--crop", "10,5,40,30") == 0
    after = images.load_image(files / "scan_crop_restored.png")
    part, missing = picture()[5:35, 10:50], scratch()[5:35, 10:50]
    assert after.shape == (30, 40, 3) and np.array_equal(after[~missing], part[~missing])
    capsys.readouterr()
    assert run(files / "scan.png", "--mask", files / "mask.png", "--estimate") == 0
    assert "1 picture, 0.0 megapixels: about" in capsys.readouterr().out


def test_a_part_comes_out_as_in_the_whole_picture(files, filler):
    assert run(files / "scan.png", "--mask", files / "mask.png", "--crop", "10,5,40,30") == 0
    whole = filler(picture(), scratch())
    assert np.array_equal(images.load_image(files / "scan_crop_restored.png"), whole[5:35, 10:50])


def test_a_part_of_which_nothing_is_known_is_filled_from_around_it(files):
    Image.fromarray(np.pad(np.ones((20, 20), bool), ((30, 40), (40, 60)))).save(files / "block.png")
    hole = [files / "scan.png", "--mask", files / "block.png", "--crop", "45,35,10,10"]
    assert run(*hole, "--overwrite", "--compare") == 0
    assert json.loads((files / "scan_crop_restored.json").read_text())["parameters"]["missing_share"] == 1
    assert run(*hole, "--estimate") == 0


def test_an_estimate_of_a_part_counts_the_holes_in_it(filler, files, monkeypatch):
    images.save_image(files / "large.png", picture(450, 600))
    Image.fromarray(scratch(450, 600)).save(files / "large_mask.png")
    monkeypatch.setattr(restoring.costs, "_seconds_a_filled_pixel", lambda filler: 1.0)

    def estimate(crop):
        source = MaskSource(file=files / "large_mask.png")
        return restoring.estimate_filling(filler, source, [files / "large.png"], max_pixels=2_000_000, crop=crop)

    whole, part = estimate(None), estimate(restoring.Region(0, 0, 100, 200))
    assert whole.seconds == pytest.approx(filler.work(scratch(450, 600)), abs=2)
    assert part.seconds == pytest.approx(filler.work(scratch(450, 600)[:100, :200]), abs=2)
    assert (part.megapixels, part.refused) == (pytest.approx(0.02), ()) and 0 < part.seconds < whole.seconds
    (refused,) = estimate(restoring.Region(0, 590, 100, 200)).refused
    assert refused.startswith(f"{files / 'large.png'}: The part 590,0,200,100")


@pytest.fixture
def rolls(files):
    """Two folders of scans with the same names; gives the folder above them."""
    for roll in ("roll1", "roll2"):
        images.save_image(files / "scans" / roll / "001.png", picture(seed=int(roll[-1])))
    return files / "scans"


def test_a_folder_of_masks_may_be_built_as_that_of_the_pictures(rolls, files, capsys):
    for roll, mask in (("roll1", scratch()), ("roll2", scratch().T[:, ::-1].T)):
        (files / "masks" / roll).mkdir(parents=True)
        Image.fromarray(mask).save(files / "masks" / roll / "001.png")
    assert run(rolls, "--mask", files / "masks") == 0
    for roll, mask in (("roll1", scratch()), ("roll2", scratch().T[:, ::-1].T)):
        changed = images.load_image(rolls / roll / "001_restored.png") != images.load_image(rolls / roll / "001.png")
        assert changed.any() and not (changed.any(axis=-1) & ~mask).any()


def test_one_mask_for_pictures_of_two_folders_is_refused(rolls, files, capsys):
    (files / "masks").mkdir()
    Image.fromarray(scratch()).save(files / "masks" / "001.png")
    assert run(rolls, "--mask", files / "masks") == 2
    error = capsys.readouterr().err
    assert "would both get the mask" in error and str(files / "masks" / "roll2" / "001.png") in error
    assert not list(rolls.rglob("*_restored.png"))


def test_masks_among_the_pictures_are_no_pictures(rolls, files, capsys):
    Image.fromarray(scratch()).save(rolls / "mask.png")
    assert run(rolls, "--mask", rolls / "mask.png") == 0
    assert f"skipped: {rolls / 'mask.png'}: it is a mask" in capsys.readouterr().out
    (rolls / "mask.png").unlink()
    for roll in ("roll1", "roll2"):
        (rolls / "masks" / roll).mkdir(parents=True)
        Image.fromarray(scratch()).save(rolls / "masks" / roll / "001.png")
    assert run(rolls, "--mask", rolls / "masks", "--overwrite") == 0
    out = capsys.readouterr().out
    assert out.count("it is a mask") == 2 and "2 restored, " in out and "0 failed." in out


def test_without_a_picture_a_bundled_one_gets_scratches(tmp_path, capsys):
    assert run("-o", tmp_path) == 0
    assert "PSNR in the hole" in capsys.readouterr().out
    assert {"chelsea_scratched.png", "chelsea_mask.png", "chelsea_scratched_restored.png"} <= {
        path.name for path in tmp_path.iterdir()
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Which pixels are missing"),
        (["--mask", "m.png", "--mask-alpha"], "more than one came"),
        (["--mask-colour", "blurple"], "'blurple' is no colour"),
        (["--mask-alpha", "--invert-mask"], "Inverting is for a mask file"),
        (["--mask", "m.png", "--sigma", "5"], "--sigma came, which is not for the task inpaint"),
        (["--mask", "m.png", "--tile", "64"], "--tile came, which is not for the task inpaint"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(files, capsys, arguments, words):
    assert run(files / "scan.png", *arguments) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_a_mask_for_the_other_task_is_refused(files, capsys):
    assert command_line.main(["restore", str(files / "scan.png"), "--mask", "m.png"]) == 2
    assert "--mask came, which is not for the task denoise" in capsys.readouterr().err


def test_a_mask_file_that_cannot_be_read_fails_that_picture(files, capsys):
    (files / "text.png").write_text("no picture")
    assert run(files / "scan.png", "--mask", files / "text.png") == 1
    assert "1 failed" in capsys.readouterr().out
    assert not (files / "scan_restored.png").exists()


def test_a_card_without_the_trained_hole_is_refused(tmp_path, released):
    path = release(tmp_path, "odd", 3)
    card = json.loads((tmp_path / "odd.json").read_text())
    del card["trained_hole"]
    (tmp_path / "odd.json").write_text(json.dumps(card))
    with pytest.raises(weights.WeightsError, match='lacks "trained_hole"'):
        HoleFiller(weights_file=path)


def test_inpainting_is_not_for_the_restorer_of_whole_pictures():
    with pytest.raises(SettingsError, match="needs to know which pixels are missing"):
        restoring.Restorer("inpaint")
