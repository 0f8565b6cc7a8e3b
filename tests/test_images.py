"""Tests of gan_lib.images: what goes in comes out, whatever the file holds, and bad files end in one sentence."""

import errno
import io
import os
import struct
import time
import zlib

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image, ImageCms, JpegImagePlugin

from gan_lib import images
from gan_lib.images import PictureError, load_image, save_image


@pytest.fixture
def picture():
    """A small smooth colour picture that survives JPEG well: uint8 (24, 36, 3)."""
    rows, columns = np.mgrid[0:24, 0:36]
    return np.stack([rows * 10, columns * 7, 255 - rows * 5 - columns], axis=-1).astype(np.uint8)


@pytest.fixture
def deep():
    """Every second of the 65,536 steps that 16 bit have, as float32 (128, 256, 1) in [0, 1]."""
    return (np.arange(0, 65536, 2).reshape(128, 256, 1) / 65535).astype(np.float32)


# --- ranges -----------------------------------------------------------------------------------------------------


def test_to_network_maps_the_ends_and_the_middle():
    np.testing.assert_array_equal(images.to_network(np.array([0, 255], np.uint8)), np.float32([-1, 1]))
    np.testing.assert_array_equal(images.to_network(np.array([0, 0.5, 1])), np.float32([-1, 0, 1]))
    assert images.to_network(np.zeros(3)).dtype == np.float32


def test_every_8_bit_value_survives_the_way_through_the_network_range():
    values = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(images.to_uint8(images.from_network(images.to_network(values))), values)


def test_arrays_and_tensors_agree_to_the_last_bit():
    values = np.arange(256, dtype=np.uint8)
    for value in (values, (values / 255).astype(np.float32)):
        np.testing.assert_array_equal(images.to_network(value), images.to_network(tf.constant(value)).numpy())
    signed = np.linspace(-1.5, 1.5, 301, dtype=np.float32)
    np.testing.assert_array_equal(images.from_network(signed), images.from_network(tf.constant(signed)).numpy())
    unit = np.linspace(0, 1, 301, dtype=np.float32)
    np.testing.assert_array_equal(images.to_uint8(unit), images.to_uint8(tf.constant(unit)).numpy())


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_converters_work_inside_tf_data(dtype):
    batch = np.ones((4, 2, 2, 1), dtype)
    dataset = tf.data.Dataset.from_tensor_slices(batch).map(images.to_network).map(images.from_network)
    dataset = dataset.map(images.to_uint8)
    expected = 1 if dtype == np.uint8 else 255
    assert {int(value) for element in dataset for value in element.numpy().ravel()} == {expected}


def test_mixed_precision_output_comes_back_as_float32():
    for dtype in (tf.float16, tf.bfloat16):
        tensor = tf.constant([-1.0, 0.0, 1.0], dtype)
        assert images.from_network(tensor).dtype == tf.float32
        np.testing.assert_array_equal(images.from_network(tensor.numpy()), np.float32([0, 0.5, 1]))


def test_to_uint8_rounds_to_the_nearest_step():
    np.testing.assert_array_equal(images.to_uint8(np.array([0.499, 0.501]) / 255), [0, 1])


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ([0.0, 200.0], "divide by 255"),
        ([0.0, 40000.0], "divide by 65535"),
        ([-1.0, 1.0], "from_network"),
        ([0.0, 1.4], "np.clip"),
        ([0.0, np.nan], "NaN"),
    ],
)
def test_wrong_ranges_are_named_with_the_usual_mistake(values, hint):
    for function in (images.to_network, images.to_uint8):
        for value in (np.array(values, np.float32), tf.constant(values)):
            with pytest.raises(ValueError, match=hint):
                function(value)


def test_a_hair_of_rounding_is_clipped_not_refused():
    np.testing.assert_array_equal(images.to_network(np.float32([-1e-5, 1.00001])), np.float32([-1, 1]))


@pytest.mark.parametrize("dtype", [np.int32, np.uint16, bool])
def test_other_dtypes_are_refused(dtype):
    for function in (images.to_network, images.to_uint8, images.from_network):
        for value in (np.ones(3, dtype), tf.ones(3, tf.as_dtype(dtype))):
            with pytest.raises(TypeError, match="got (u?int|bool)"):
                function(value)
    with pytest.raises(TypeError, match="no need of from_network"):
        images.from_network(np.zeros(3, np.uint8))


# --- files: what goes in comes out ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.TIFF", "deep/er/a.PNG"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_lossless_files_come_back_exactly(tmp_path, picture, name, channels):
    picture = np.concatenate([picture, picture[..., :1]], axis=-1)[..., :channels]
    path = save_image(tmp_path / name, picture)
    np.testing.assert_array_equal(load_image(path, mode="as-is"), picture)


def test_webp_is_lossless_at_quality_100(tmp_path, picture):
    for channels in (3, 4):
        whole = np.concatenate([picture, picture[..., :1]], axis=-1)[..., :channels]
        np.testing.assert_array_equal(
            load_image(save_image(tmp_path / "a.webp", whole, quality=100), mode="as-is"), whole
        )


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.webp"])
def test_lossy_files_come_back_nearly(tmp_path, picture, name):
    difference = load_image(save_image(tmp_path / name, picture)).astype(int) - picture
    assert 0 < np.abs(difference).max() <= 12
    assert np.abs(difference).mean() < 2


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_keeps_every_step(tmp_path, deep, name, channels):
    whole = np.concatenate([deep, deep[::-1], deep[:, ::-1], np.ones_like(deep)], axis=-1)[..., :channels]
    path = save_image(tmp_path / name, whole, bits=16)
    back = load_image(path, mode="as-is")
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, whole)
    assert images.read_header(path).bits == 16


def test_8_bit_would_have_shown_bands(tmp_path, deep):
    back = load_image(save_image(tmp_path / "a.png", deep, bits=8), mode="as-is")
    assert back.dtype == np.uint8
    assert len(np.unique(back)) == 256 < len(np.unique(deep))


def test_uint8_saved_with_16_bits_keeps_its_values(tmp_path, picture):
    back = load_image(save_image(tmp_path / "a.png", picture, bits=16))
    np.testing.assert_array_equal(images.to_uint8(back), picture)


@pytest.mark.parametrize("options", [{"planarconfig": "separate"}, {"byteorder": ">"}, {"compression": "zlib"}])
def test_16_bit_tiff_of_other_programs(tmp_path, options):
    rng = np.random.default_rng(0)
    whole = rng.integers(0, 65536, (20, 30, 3), dtype=np.uint16)
    stored = np.moveaxis(whole, -1, 0) if "planarconfig" in options else whole
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", **options)
    np.testing.assert_allclose(load_image(tmp_path / "a.tif"), whole / 65535, atol=1e-7)


def test_tiff_with_white_as_zero_and_float_tiff(tmp_path):
    whole = np.linspace(0, 65535, 600).reshape(20, 30).astype(np.uint16)
    tifffile.imwrite(tmp_path / "w.tif", whole, photometric="miniswhite")
    np.testing.assert_allclose(load_image(tmp_path / "w.tif", mode="grey")[..., 0], 1 - whole / 65535, atol=1e-6)
    tifffile.imwrite(tmp_path / "f.tif", (whole / 65535).astype(np.float32))
    np.testing.assert_allclose(load_image(tmp_path / "f.tif", mode="grey")[..., 0], whole / 65535, atol=1e-6)
    tifffile.imwrite(tmp_path / "g.tif", whole.astype(np.float32))
    with pytest.raises(PictureError, match="expected 0 to 1"):
        load_image(tmp_path / "g.tif")


def test_tensors_and_grey_without_channel_axis_are_saved(tmp_path, picture):
    np.testing.assert_array_equal(load_image(save_image(tmp_path / "a.png", tf.constant(picture))), picture)
    grey = load_image(save_image(tmp_path / "b.png", picture[..., 0]), mode="as-is")
    np.testing.assert_array_equal(grey, picture[..., :1])


# --- files: what they may hold ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, ending, orientation):
    # A picture with four different corners: dark, mid, light, white.
    stored = np.kron(np.array([[0, 90], [170, 255]], np.uint8), np.ones((16, 24), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / f"a.{ending}", exif=exif)
    # Where the stored rows and columns go, by the EXIF 2.3 specification, section 4.6.4.
    upright = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.T,
        6: np.rot90(stored, -1),
        7: np.rot90(stored, 2).T,
        8: np.rot90(stored, 1),
    }[orientation]
    loaded = load_image(tmp_path / f"a.{ending}", mode="grey")[..., 0].astype(int)
    assert loaded.shape == upright.shape
    assert np.abs(loaded - upright).mean() < 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_of_16_bit_agrees_with_8_bit(tmp_path, orientation):
    stored = np.random.default_rng(0).integers(0, 256, (6, 9), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "8.png", exif=exif)
    Image.fromarray(stored.astype(np.uint16) * 257).save(tmp_path / "16.png", exif=exif)
    tifffile.imwrite(tmp_path / "16.tif", stored.astype(np.uint16) * 257, extratags=[(0x0112, 3, 1, orientation)])
    expected = load_image(tmp_path / "8.png", mode="as-is")
    for name in ("16.png", "16.tif"):
        np.testing.assert_array_equal(images.to_uint8(load_image(tmp_path / name, mode="as-is")), expected)


def test_alpha_is_laid_on_the_background(tmp_path):
    half = np.zeros((2, 2, 4), np.uint8)
    half[..., 0], half[..., 3] = 200, 128
    save_image(tmp_path / "a.png", half)
    np.testing.assert_array_equal(load_image(tmp_path / "a.png")[0, 0], [227, 127, 127])
    np.testing.assert_array_equal(load_image(tmp_path / "a.png", background=0)[0, 0], [100, 0, 0])
    assert load_image(tmp_path / "a.png", mode="grey").shape == (2, 2, 1)
    np.testing.assert_array_equal(load_image(tmp_path / "a.png", mode="as-is"), half)


def bmp_with_alpha(picture):
    """A BMP of 32 bit whose header says where alpha is; Pillow writes none. Four channels, uint8."""
    height, width = picture.shape[:2]
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHIIiiII", 108, width, height, 1, 32, 3, 4 * width * height, 0, 0, 0, 0) + masks
    header += b"BGRs" + bytes(48)
    pixels = np.ascontiguousarray(picture[::-1, :, [2, 1, 0, 3]]).tobytes()
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + pixels


def test_alpha_of_a_bmp_that_is_zero_everywhere_is_none(tmp_path, picture):
    four = np.dstack([picture, np.zeros(picture.shape[:2], np.uint8)])
    (tmp_path / "a.bmp").write_bytes(bmp_with_alpha(four))
    for mode in ("rgb", "as-is"):
        np.testing.assert_array_equal(load_image(tmp_path / "a.bmp", mode=mode), picture)
    four[5, 7, 3] = 1  # one pixel that shows a little, and the others are transparent indeed
    (tmp_path / "b.bmp").write_bytes(bmp_with_alpha(four))
    np.testing.assert_array_equal(load_image(tmp_path / "b.bmp", mode="as-is"), four)
    assert (load_image(tmp_path / "b.bmp")[0] == 255).all()


def test_alpha_of_16_bit_is_laid_on_the_background(tmp_path):
    half = np.full((2, 2, 4), 0.5, np.float32)
    save_image(tmp_path / "a.png", half, bits=16)
    np.testing.assert_allclose(load_image(tmp_path / "a.png"), 0.75, atol=1e-4)


def test_palette_bilevel_and_transparent_palette(tmp_path, picture):
    Image.fromarray(picture).quantize(255).save(tmp_path / "p.png")
    assert np.abs(load_image(tmp_path / "p.png").astype(int) - picture).mean() < 12
    Image.fromarray(picture[..., 0] > 100).save(tmp_path / "1.png")
    assert set(np.unique(load_image(tmp_path / "1.png", mode="as-is"))) == {0, 255}
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / "t.png", transparency=1)
    np.testing.assert_array_equal(load_image(tmp_path / "t.png")[0], [[255, 0, 0], [255, 255, 255]])
    assert load_image(tmp_path / "t.png", mode="as-is").shape == (1, 2, 4)


def test_grey_is_luma_and_grey_files_become_three_equal_channels(tmp_path, picture):
    save_image(tmp_path / "a.png", picture)
    pillow = np.asarray(Image.fromarray(picture).convert("L")).astype(int)
    assert np.abs(load_image(tmp_path / "a.png", mode="grey")[..., 0] - pillow).max() <= 1
    save_image(tmp_path / "g.png", picture[..., :1])
    np.testing.assert_array_equal(load_image(tmp_path / "g.png"), picture[..., :1].repeat(3, axis=-1))


def _adobe_jpeg(cmyk: Image.Image, **options) -> bytes:
    stream = io.BytesIO()
    cmyk.save(stream, "JPEG", quality=100, **options)
    return stream.getvalue()


def test_cmyk_jpeg_of_adobe_is_not_a_negative(tmp_path):
    # Pillow writes CMYK as Adobe does: inverted, with the APP14 marker.
    data = _adobe_jpeg(Image.new("CMYK", (16, 16), (0, 255, 255, 0)))
    assert b"Adobe" in data
    (tmp_path / "a.jpg").write_bytes(data)
    assert np.abs(load_image(tmp_path / "a.jpg").astype(int) - [255, 0, 0]).max() <= 4
    assert load_image(tmp_path / "a.jpg", mode="as-is").shape == (16, 16, 3)


def _cmyk_profile() -> bytes:
    """The smallest CMYK profile that works: a table of 2 x 2 x 2 x 2 points, in which ink of any kind makes grey."""
    lab = bytearray()
    for point in range(16):
        lab += bytes([255 if point == 0 else 128, 128, 128])  # paper white, everything else L = 50
    linear = bytes(range(256))
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + linear * 4 + bytes(lab) + linear * 3
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    tags, offset, blocks = b"", 128 + 4 + 2 * 12, b""
    for name, block in ((b"A2B0", table), (b"wtpt", white)):
        block += b"\0" * (-len(block) % 4)
        tags += name + struct.pack(">2I", offset, len(block))
        blocks, offset = blocks + block, offset + len(block)
    header = bytearray(128)
    header[0:4], header[8:12] = struct.pack(">I", offset), b"\x02\x10\0\0"
    header[12:24], header[36:40] = b"prtrCMYKLab ", b"acsp"
    header[68:80] = struct.pack(">3i", 63190, 65536, 54061)
    return bytes(header) + struct.pack(">I", 2) + tags + blocks


def test_cmyk_goes_through_its_profile(tmp_path):
    profile = _cmyk_profile()
    ImageCms.ImageCmsProfile(io.BytesIO(profile))  # is one
    (tmp_path / "a.jpg").write_bytes(_adobe_jpeg(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), icc_profile=profile))
    colour = load_image(tmp_path / "a.jpg")[8, 8].astype(int)
    # The plain formula would give pure red; this profile says that all ink is grey.
    assert np.ptp(colour) <= 3
    assert 60 < colour.mean() < 200
    (tmp_path / "b.jpg").write_bytes(
        _adobe_jpeg(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), icc_profile=b"no profile" * 30)
    )
    assert np.abs(load_image(tmp_path / "b.jpg").astype(int) - [255, 0, 0]).max() <= 4


def test_first_frame_of_an_animation(tmp_path, picture):
    frames = [Image.fromarray(picture), Image.fromarray(255 - picture)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    np.testing.assert_array_equal(load_image(tmp_path / "a.webp"), picture)


def tiff_of_bits(values, bits):
    """A grey TIFF of any number of bits in a sample, packed one after another; values as integers."""
    height, width = values.shape
    single = values[..., None] >> np.arange(bits)[::-1] & 1
    data = np.packbits(single.reshape(height, -1), axis=1).astype(np.uint8).tobytes()
    entries = [
        (256, 4, width),
        (257, 4, height),
        (258, 3, bits),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8 + 2 + 9 * 12 + 4),
    ]
    entries += [(277, 3, 1), (278, 4, height), (279, 4, len(data))]
    directory = b"".join(struct.pack("<2H2I", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4) + data


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_tiffs_between_8_and_16_bit_are_not_too_dark(tmp_path, bits):
    values = np.random.default_rng(bits).integers(0, 2**bits, (20, 32))
    values[0, :2] = 0, 2**bits - 1
    (tmp_path / "a.tif").write_bytes(tiff_of_bits(values, bits))
    read = load_image(tmp_path / "a.tif", mode="as-is")
    np.testing.assert_allclose(read[..., 0], values / (2**bits - 1), atol=1e-6)
    assert images.read_header(tmp_path / "a.tif").bits == bits


@pytest.mark.parametrize("colours", [1, 3])
def test_alpha_that_tiffs_have_multiplied_already_is_not_multiplied_again(tmp_path, picture, colours):
    colour = picture[..., :colours] / 255
    alpha = np.linspace(0.2, 1, picture.shape[1])[None, :, None].repeat(len(picture), 0)
    alpha[:3] = 0
    stored = np.concatenate([colour * alpha, alpha], axis=-1)
    options = {"photometric": "rgb" if colours == 3 else "minisblack", "extrasamples": ["assocalpha"]}
    for kind, whole in ((np.uint16, 65535), (np.float32, 1)):
        pixels = np.rint(stored * whole) if whole > 1 else stored
        tifffile.imwrite(tmp_path / "a.tif", pixels.astype(kind), **options)
        read = load_image(tmp_path / "a.tif", mode="as-is")
        assert read.shape == stored.shape
        np.testing.assert_allclose(read[3:, :, :-1], colour[3:], atol=1e-4)
        np.testing.assert_allclose(read[..., -1:], alpha, atol=1e-4)
    np.testing.assert_array_equal(read[:3, :, :-1], 0)  # nothing is known of them
    np.testing.assert_allclose(load_image(tmp_path / "a.tif", background=0)[..., :1], stored[..., :1], atol=1e-4)


def test_where_white_is_zero_alpha_stays(tmp_path):
    stored = np.dstack([np.full((4, 5), 0.25), np.full((4, 5), 0.75)]).astype(np.float32)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="miniswhite", extrasamples=["unassalpha"])
    np.testing.assert_allclose(load_image(tmp_path / "a.tif", mode="as-is"), 0.75)


@pytest.mark.parametrize("colours", [1, 3])
def test_the_transparent_colour_of_a_16_bit_png_becomes_alpha(tmp_path, colours):
    values = np.random.default_rng(0).integers(0, 65536, (6, 9, colours), np.uint16)
    clear = values[2, 3].copy()
    values[4, 5] = clear
    values[0, 0], values[0, 0, -1] = clear, clear[-1] ^ 1  # nearly, but not quite
    plain = images.encode_image("a.png", (values / 65535).astype(np.float32), bits=16)
    content = b"tRNS" + clear.astype(">u2").tobytes()
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    (tmp_path / "a.png").write_bytes(plain[:33] + chunk + plain[33:])
    read = load_image(tmp_path / "a.png", mode="as-is")
    np.testing.assert_allclose(read[..., :-1], values / 65535, atol=1e-6)
    expected = np.ones((6, 9))
    expected[[2, 4], [3, 5]] = 0
    np.testing.assert_array_equal(read[..., -1], expected)
    assert read.shape[-1] == colours + 1


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_the_transparent_grey_of_a_shallow_png_becomes_alpha(tmp_path, bits):
    steps = 2**bits
    row = bytes([0, int("".join(f"{value % steps:0{bits}b}" for value in range(8 // bits)), 2)])  # no filter, a byte
    head = struct.pack(">IIBBBBB", 8 // bits, 1, bits, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"tRNS", struct.pack(">H", steps - 1)), (b"IDAT", zlib.compress(row)), (b"IEND", b"")]
    data = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    read = load_image(tmp_path / "a.png", mode="as-is")[0]
    values = np.arange(8 // bits) % steps
    np.testing.assert_array_equal(read[:, 0], values * 255 // (steps - 1))
    np.testing.assert_array_equal(read[:, 1], np.where(values == steps - 1, 0, 255))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_infrared_beside_the_colours_is_no_alpha(tmp_path, picture, dtype):
    stored = np.dstack([picture, 255 - picture[..., 0]]).astype(dtype) * (1 if dtype == np.uint8 else 257)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extrasamples=["unspecified"])
    read = load_image(tmp_path / "a.tif", mode="as-is")
    np.testing.assert_array_equal(images.to_uint8(read), picture)
    assert any("They were left out" in note for note in images.read_header(tmp_path / "a.tif").notes)


@pytest.mark.parametrize("behind", [False, True])
def test_long_texts_and_profiles_in_a_png_are_no_damage(tmp_path, picture, behind):
    text = b"zTXtlong\0\0" + zlib.compress(bytes(2_000_000))
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    plain = images.encode_image("a.png", picture)
    place = len(plain) - 12 if behind else 33
    (tmp_path / "a.png").write_bytes(plain[:place] + chunk + plain[place:])
    np.testing.assert_array_equal(load_image(tmp_path / "a.png"), picture)


def test_an_odd_entry_of_exif_does_not_keep_a_picture_from_being_turned(tmp_path, picture):
    # ResolutionUnit as a rational number and Make as a number: cameras have written worse.
    entries = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack("<HHII", 0x0128, 5, 1, 50)
    exif = b"II*\0" + struct.pack("<IH", 8, 3) + struct.pack("<HHII", 0x010F, 5, 1, 50) + entries + bytes(4)
    exif = exif.ljust(50, b"\0") + struct.pack("<II", 2, 1)
    Image.fromarray(picture).save(tmp_path / "a.jpg", quality=95, exif=b"Exif\0\0" + exif)
    turned = load_image(tmp_path / "a.jpg")
    assert turned.shape == (36, 24, 3)
    assert np.abs(turned.astype(int) - np.rot90(picture, -1)).mean() < 4


@pytest.mark.parametrize("white", [1023, 65535])
@pytest.mark.parametrize("kind", ["P2", "P3", "P5", "P6"])
def test_deep_pgm_and_ppm_keep_every_step(tmp_path, kind, white):
    values = np.random.default_rng(white).integers(0, white + 1, (6, 9, 3 if kind in ("P3", "P6") else 1))
    head = f"{kind}\n# of a microscope\n9 6\n{white}\n".encode()
    as_text = kind in ("P2", "P3")
    data = " ".join(map(str, values.ravel())).encode() if as_text else values.astype(">u2").tobytes()
    path = tmp_path / "a.pgm"
    path.write_bytes(head + data)
    read = load_image(path, mode="as-is")
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, values / white, atol=1e-7)
    assert images.read_header(path)[:3] == (6, 9, white.bit_length())
    path.write_bytes(head + data[: len(data) // 2])
    with pytest.raises(PictureError, match="cut short"):
        load_image(path)


def test_pgm_of_8_bit_stays_with_pillow(tmp_path, picture):
    Image.fromarray(picture[..., 0]).save(tmp_path / "a.pgm")
    np.testing.assert_array_equal(load_image(tmp_path / "a.pgm", mode="as-is"), picture[..., :1])
    assert images.read_header(tmp_path / "a.pgm")[2:] == (8, "pillow", ())


def test_the_header_names_what_is_left_behind(tmp_path, picture):
    frames = {"save_all": True, "append_images": [Image.fromarray(255 - picture)]}
    Image.fromarray(picture).convert("CMYK").save(tmp_path / "ink.jpg")
    Image.fromarray(picture).convert("CMYK").save(tmp_path / "ink.tif")
    for name in ("frames.gif", "frames.webp", "frames.png"):
        Image.fromarray(picture).save(tmp_path / name, **frames)
    tifffile.imwrite(tmp_path / "pages.tif", np.stack([picture] * 2), photometric="rgb")
    tifffile.imwrite(tmp_path / "deep_pages.tif", np.stack([picture] * 2).astype(np.uint16), photometric="rgb")
    says = {"ink": "CMYK became RGB", "pages": "Only the first page was read", "frames": "Only the first picture was"}
    for path in tmp_path.iterdir():
        (note,) = images.read_header(path).notes
        assert note.startswith(says[path.stem.removeprefix("deep_")]), path


def test_what_is_read_whole_has_no_notes(tmp_path, picture):
    for name in ("a.png", "a.jpg", "a.tif", "a.webp"):
        save_image(tmp_path / name, picture)
    Image.fromarray(picture).save(tmp_path / "a.gif")
    with tifffile.TiffWriter(tmp_path / "thumbnail.tif") as writer:
        writer.write(picture, photometric="rgb")
        writer.write(picture[::2, ::2], photometric="rgb", subfiletype=1)
    damaged = bytearray((tmp_path / "a.tif").read_bytes())
    (start,) = struct.unpack_from("<I", damaged, 4)
    (count,) = struct.unpack_from("<H", damaged, start)
    struct.pack_into("<I", damaged, start + 2 + 12 * count, len(damaged) - 1)  # a second page that is none
    (tmp_path / "damaged.tif").write_bytes(damaged)
    for path in tmp_path.iterdir():
        assert images.read_header(path).notes == (), path
    # A camera's second picture is a preview.
    Image.fromarray(picture).save(tmp_path / "b.jpg", "MPO", save_all=True, append_images=[Image.fromarray(picture)])
    with Image.open(tmp_path / "b.jpg") as opened:
        assert opened.format == "MPO" and opened.is_animated
    assert images.read_header(tmp_path / "b.jpg").notes == ()


# --- files: what goes wrong -------------------------------------------------------------------------------------


def _png_header(width: int, height: int) -> bytes:
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))


def _jpeg_header(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG")
    data = bytearray(stream.getvalue())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">2H", height, width)
    return bytes(data)


def _tiff_header(width: int, height: int) -> bytes:
    entries = [(256, 4, width), (257, 4, height), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 8), (279, 4, 9)]
    directory = b"".join(struct.pack("<2H2I", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4)


@pytest.mark.parametrize("make", [_png_header, _jpeg_header, _tiff_header])
def test_a_picture_of_60000_by_60000_is_refused_within_milliseconds(tmp_path, make):
    path = tmp_path / "huge.png"
    path.write_bytes(make(60000, 60000))
    load_first = make(8, 8)
    (tmp_path / "warm-up.png").write_bytes(load_first)
    images.read_header(tmp_path / "warm-up.png")  # imports the reader, so that the clock sees the reading alone
    start = time.process_time()
    with pytest.raises(PictureError) as caught:
        load_image(path)
    assert time.process_time() - start < 0.2
    message = str(caught.value)
    assert all(part in message for part in ("huge.png", "60,000 x 60,000", "3,600", "64", "max_megapixels=3601"))


def test_the_cap_can_be_raised_and_pillow_keeps_its_own_limit(tmp_path, picture):
    save_image(tmp_path / "a.png", picture)
    limit = Image.MAX_IMAGE_PIXELS
    with pytest.raises(PictureError, match="max_megapixels=1"):
        load_image(tmp_path / "a.png", max_megapixels=0.0005)
    assert load_image(tmp_path / "a.png", max_megapixels=1).shape == picture.shape
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    ("name", "bits"), [("a.png", 8), ("a.jpg", 8), ("a.webp", 8), ("a.tif", 8), ("a.png", 16), ("a.tif", 16)]
)
def test_truncated_files_end_in_one_sentence(tmp_path, name, bits):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save_image(tmp_path / name, noise, bits=bits)
    whole = path.read_bytes()
    for share in (0.3, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(PictureError, match=str(path)) as caught:
            load_image(path)
        assert "\n" not in str(caught.value)


def test_uncompressed_16_bit_tiff_cut_short(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((64, 64, 3), np.uint16), photometric="rgb")
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[:-1000])
    with pytest.raises(PictureError, match="cut short"):
        load_image(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"Dear diary, this is no picture.", "is no picture, whatever the ending '.jpg' says"),
        (b"\n<!DOCTYPE html><html>Quota exceeded</html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "Git-LFS pointer"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
        (b"", "0 bytes"),
        (b"II*\0" + b"\xff" * 30, "damaged"),
    ],
)
def test_files_that_are_no_pictures(tmp_path, content, says):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(PictureError, match=says):
        load_image(path)
    with pytest.raises(PictureError, match=r"a\.jpg"):
        images.read_header(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(PictureError, match=r"There is no file .*nowhere\.png"):
        load_image(tmp_path / "nowhere.png")
    with pytest.raises(PictureError, match="is a folder"):
        load_image(tmp_path)


@pytest.mark.parametrize("compression", ["lzw", "zlib", "zstd", "lzma"])
def test_compressed_16_bit_tiffs_are_read(tmp_path, compression):
    values = (np.arange(24 * 30 * 3).reshape(24, 30, 3) * 30).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", compression=compression, predictor=True)
    np.testing.assert_allclose(load_image(tmp_path / "a.tif"), values / 65535, atol=1e-7)


def test_a_missing_codec_is_named(tmp_path, monkeypatch):
    save_image(tmp_path / "a.tif", np.ones((4, 4, 3), np.float32), bits=16)

    def missing(path):
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr(images.reading, "_read_tiff16", missing)
    with pytest.raises(PictureError, match="pip install imagecodecs"):
        load_image(tmp_path / "a.tif")


def test_unknown_arguments(tmp_path, picture):
    with pytest.raises(ValueError, match="'as-is'"):
        load_image(tmp_path / "a.png", mode="gray")
    with pytest.raises(ValueError, match="background"):
        load_image(tmp_path / "a.png", background=255)
    for name, options, says in (
        ("a.xyz", {}, "ends in"),
        ("a.jpg", {"bits": 16}, "16 with"),
        ("a.png", {"bits": 12}, "12 bits"),
        ("a.jpg", {"quality": 0}, "quality"),
    ):
        with pytest.raises(ValueError, match=says):
            save_image(tmp_path / name, picture, **options)
    with pytest.raises(ValueError, match=r"picture\[0\]"):
        save_image(tmp_path / "a.png", picture[None])
    # Of use also on the command line, where there is no array.
    with pytest.raises(ValueError, match="cannot hold alpha; choose PNG, TIFF or WebP, or remove the alpha channel"):
        save_image(tmp_path / "a.jpg", np.ones((4, 4, 4), np.float32))
    with pytest.raises(ValueError, match="from_network"):
        save_image(tmp_path / "a.png", np.full((4, 4, 3), -1.0))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("code", "says"),
    [(errno.ENOSPC, "disk is full"), (errno.EROFS, "another folder"), (errno.EIO, "could not be written")],
)
def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, picture, monkeypatch, code, says):
    path = save_image(tmp_path / "a.png", picture)
    before = path.read_bytes()

    def fail(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(PictureError, match=says):
        save_image(path, 255 - picture)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_file_in_the_way_of_the_folder(tmp_path, picture):
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(PictureError, match="a file stands where a folder is needed"):
        save_image(tmp_path / "out" / "a.png", picture)
    assert (tmp_path / "out").read_text() == "in the way"


def test_too_wide_for_the_format(tmp_path):
    with pytest.raises(PictureError, match="take PNG"):
        save_image(tmp_path / "a.webp", np.zeros((1, 17000, 3), np.uint8))
    assert os.listdir(tmp_path) == []


def test_a_jpeg_keeps_colour_in_full_resolution_and_follows_the_quality(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    sizes = [save_image(tmp_path / f"{quality}.jpg", noise, quality=quality).stat().st_size for quality in (20, 95)]
    assert sizes[0] < sizes[1] / 2
    with Image.open(tmp_path / "95.jpg") as image:
        assert JpegImagePlugin.get_sampling(image) == 0
