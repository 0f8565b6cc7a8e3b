"""images.metadata and images.colour: what lies beside the pixels goes in and out of files; colours there and back."""

import io
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from gan_lib import images
from gan_lib.images import Metadata, load_image, read_metadata, save_image
from gan_lib.images.metadata import _upright

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ADOBE = imagecodecs.cms_profile("adobergb")
GREY = imagecodecs.cms_profile("gray", gamma=1.0)
MAKE, MODEL, ARTIST, ORIENTATION = 0x010F, 0x0110, 0x013B, 0x0112
EXIF, GPS, DATE, NOTE, WIDTH, HEIGHT = 0x8769, 0x8825, 0x9003, 0x927C, 0xA002, 0xA003


def exif(orientation=6):
    """EXIF as a camera writes it, with a maker's note, a place and an orientation."""
    tags = Image.Exif()
    tags[MAKE], tags[MODEL], tags[ARTIST], tags[ORIENTATION] = "Lichtwerk", "L1", "Ånd", orientation
    tags[EXIF] = {DATE: "2024:05:06 07:08:09", NOTE: bytes(range(256)), WIDTH: 36, HEIGHT: 24, 0x829A: 0.004}
    tags[GPS] = {1: "N", 2: (52.0, 31.0, 12.5)}
    return tags


def told(data):
    tags = Image.Exif()
    tags.load(data)
    return tags


def picture(bits=8):
    values = np.random.default_rng(3).random((24, 36, 3)).astype(np.float32)
    return images.to_uint8(values) if bits == 8 else values


@pytest.fixture
def camera_file(tmp_path):
    """Writes what a camera would: the picture with all its metadata, in a format of one's choice."""

    def write(name, orientation=6, profile=ADOBE):
        path = tmp_path / name
        Image.fromarray(picture()).save(path, exif=exif(orientation).tobytes(), icc_profile=profile, dpi=(300, 200))
        return path

    return write


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
def test_metadata_are_read_from_every_format(camera_file, name):
    found = read_metadata(camera_file(name))
    tags = told(found.exif)
    assert (tags[MAKE], tags[MODEL], tags[ORIENTATION]) == ("Lichtwerk", "L1", 1)
    assert tags.get_ifd(EXIF)[DATE] == "2024:05:06 07:08:09"
    assert tags.get_ifd(EXIF)[NOTE] == bytes(range(256))
    assert tags.get_ifd(GPS)[2] == (52.0, 31.0, 12.5)
    assert found.profile == ADOBE
    if name != "a.webp":  # has no place for it outside of EXIF
        assert found.dpi == pytest.approx((300, 200), abs=0.02)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", ["b.png", "b.tif", "b.jpg", "b.webp"])
def test_metadata_go_from_file_to_file(camera_file, tmp_path, name, bits):
    if bits == 16 and name in ("b.jpg", "b.webp"):
        return
    before = read_metadata(camera_file("a.jpg"))
    path = save_image(tmp_path / name, picture(bits), bits=bits, quality=100, metadata=before)
    after = read_metadata(path)
    assert after.profile == ADOBE
    for tag in (MAKE, MODEL, ORIENTATION):
        assert told(after.exif).get(tag, 1) == told(before.exif)[tag]
    for folder in (EXIF, GPS):
        assert dict(told(after.exif).get_ifd(folder)) == dict(told(before.exif).get_ifd(folder))
    if name != "b.webp":
        assert after.dpi == pytest.approx((300, 200), abs=0.02)
    # Nothing of it disturbs the pixels, nor other readers.
    if name != "b.jpg":
        expected = picture(bits) if bits == 8 else np.rint(picture(bits) * 65535) / 65535
        np.testing.assert_allclose(images.load_image(path), expected, atol=1.01 / 65535)
    with Image.open(path) as opened:
        opened.load()
        assert opened.getexif()[MAKE] == "Lichtwerk"
        assert opened.info["icc_profile"] == ADOBE


def test_png_chunks_stand_where_they_must_and_are_whole(tmp_path):
    path = save_image(tmp_path / "a.png", picture(), metadata=Metadata(exif(1).tobytes()[6:], SRGB, (72, 72)))
    data, place, kinds = path.read_bytes(), 8, []
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        content = data[place + 4 : place + 8 + length]
        assert struct.unpack(">I", data[place + 8 + length : place + 12 + length])[0] == zlib.crc32(content)
        kinds.append(content[:4])
        place += 12 + length
    assert kinds[:4] == [b"IHDR", b"iCCP", b"pHYs", b"eXIf"]
    assert kinds[-1] == b"IEND"


def test_without_metadata_files_are_as_before(tmp_path):
    for name in ("a.png", "a.tif", "a.jpg"):
        found = read_metadata(save_image(tmp_path / name, picture()))
        assert (found.exif, found.profile, found.dpi) == (b"", b"", None)


def test_exif_keeps_every_byte_but_those_that_no_longer_hold(tmp_path):
    raw = exif(6).tobytes()[6:]
    raw = raw + b"thumbnail"
    start = struct.unpack(">I" if raw[:2] == b"MM" else "<I", raw[4:8])[0]
    order = ">" if raw[:2] == b"MM" else "<"
    end = start + 2 + 12 * struct.unpack_from(order + "H", raw, start)[0]
    raw = raw[:end] + struct.pack(order + "I", len(raw) - 9) + raw[end + 4 :]  # points to a thumbnail
    new = _upright(raw)
    assert len(new) == len(raw)
    assert sum(a != b for a, b in zip(raw, new, strict=True)) <= 1 + 4 + 2 * 4
    assert told(new)[ORIENTATION] == 1
    assert (told(new).get_ifd(EXIF)[WIDTH], told(new).get_ifd(EXIF)[HEIGHT]) == (24, 36)  # turned by a quarter
    (thumbnail,), (gone,) = struct.unpack_from(order + "I", raw, end), struct.unpack_from(order + "I", new, end)
    assert thumbnail and not gone
    upright = told(_upright(exif(3).tobytes()[6:]))
    assert (upright[ORIENTATION], upright.get_ifd(EXIF)[WIDTH]) == (1, 36)


@pytest.mark.parametrize(
    "damage", [b"", b"II*\0", b"nonsense nonsense", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\0\x07"]
)
def test_damaged_exif_is_left_out(damage, tmp_path):
    assert _upright(damage) == b""
    Image.fromarray(picture()).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + damage)
    assert read_metadata(tmp_path / "a.jpg").exif == b""


@pytest.mark.parametrize("middle", ["a.png", "a.tif", "a.webp"])
def test_texts_keep_the_bytes_that_they_were_read_with(tmp_path, middle):
    texts = {0x8298: "© 2024 Jörg Müller", ARTIST: "Ånd 写真"}
    tags = Image.Exif()
    for tag, text in texts.items():
        tags[tag] = text.encode()
    tags[EXIF] = {DATE: "2024:05:06 07:08:09", 0xA434: "Objektiv"}
    raw = tags.tobytes()[6:].replace(b"Objektiv", "Objektü".encode())
    Image.fromarray(picture()).save(tmp_path / "camera.jpg", exif=b"Exif\0\0" + raw)
    last = tmp_path / "camera.jpg"
    for name in (middle, "b.tif", "c.png"):
        last = save_image(tmp_path / name, picture(), metadata=read_metadata(last))
        found = told(read_metadata(last).exif)
        for tag, text in texts.items():
            assert found[tag].encode("latin-1").decode() == text
        assert found.get_ifd(EXIF)[0xA434].encode("latin-1").decode().startswith("Objektü")


def test_entries_of_odd_kinds_are_left_out_and_the_picture_is_kept(tmp_path):
    entries = struct.pack("<HHII", 0x010F, 5, 1, 50) + struct.pack("<HHII", EXIF, 4, 1, 58)
    odd = (b"II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)).ljust(50, b"\0") + struct.pack("<II", 2, 1)
    odd += struct.pack("<H", 1) + struct.pack("<HHII", DATE, 5, 1, 50) + bytes(4)
    written = save_image(tmp_path / "a.tif", picture(), metadata=Metadata(exif=odd))
    np.testing.assert_array_equal(load_image(written), picture())
    tifffile.imwrite(tmp_path / "b.tif", picture(), photometric="rgb", extratags=[(0x8298, 12, 1, 1.5, True)])
    assert read_metadata(tmp_path / "b.tif").exif == b""


def test_exif_behind_the_pixels_and_as_text(tmp_path):
    plain = save_image(tmp_path / "a.png", picture()).read_bytes()
    content = b"eXIf" + exif(1).tobytes()[6:]
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    (tmp_path / "late.png").write_bytes(plain[:-12] + chunk + plain[-12:])
    assert told(read_metadata(tmp_path / "late.png").exif)[MAKE] == "Lichtwerk"
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    texts.add_text("Raw profile type exif", "\nexif\n  999\n" + exif(1).tobytes().hex(), zip=True)
    Image.fromarray(picture()).save(tmp_path / "text.png", pnginfo=texts)
    assert told(read_metadata(tmp_path / "text.png").exif)[MAKE] == "Lichtwerk"


def test_resolution_in_centimetres_and_impossible_ones(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", picture(), photometric="rgb", resolution=(100, 100), resolutionunit=3)
    assert read_metadata(tmp_path / "a.tif").dpi == pytest.approx((254, 254))
    tifffile.imwrite(tmp_path / "b.tif", picture(), photometric="rgb", resolution=(100, 100), resolutionunit=1)
    assert read_metadata(tmp_path / "b.tif").dpi is None
    stream = io.BytesIO()
    Image.fromarray(picture()).save(stream, "JPEG", dpi=(0, 0))
    (tmp_path / "c.jpg").write_bytes(stream.getvalue())
    assert read_metadata(tmp_path / "c.jpg").dpi is None


def test_deep_tiffs_that_pillow_cannot_open_have_metadata_too(tmp_path):
    values = (picture(16) * 65535).astype(np.uint16)
    extra = [(MAKE, "s", 0, "Lichtwerk", True)]
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", iccprofile=ADOBE, extratags=extra, bigtiff=True)
    found = read_metadata(tmp_path / "a.tif")
    assert found.profile == ADOBE
    assert told(found.exif)[MAKE] == "Lichtwerk"


def test_a_cmyk_profile_goes_when_its_pixels_have_become_rgb(tmp_path):
    cmyk = SRGB[:16] + b"CMYK" + SRGB[20:]
    Image.fromarray(picture()).convert("CMYK").save(tmp_path / "a.jpg", icc_profile=cmyk)
    assert read_metadata(tmp_path / "a.jpg").profile == b""


@pytest.mark.parametrize("name", ["a.png", "a16.png", "a.jpg", "a.tif", "a.webp"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_profile_goes_with_the_channels_that_it_is_for(tmp_path, name, channels):
    if (name == "a.jpg" and channels in (2, 4)) or (name == "a.webp" and channels < 3):
        return  # JPEG has no alpha, WebP no grey
    pixels = np.dstack([picture(16), picture(16)])[..., :channels]
    for profile in (SRGB, GREY):
        options = {"bits": 16 if "16" in name else 8, "metadata": Metadata(profile=profile)}
        found = read_metadata(save_image(tmp_path / name, pixels, **options))
        assert found.profile == (profile if (profile == SRGB) == (channels > 2) else b"")


def test_no_picture_is_one_sentence(tmp_path):
    (tmp_path / "a.jpg").write_text("no picture")
    with pytest.raises(images.PictureError, match="is no picture"):
        read_metadata(tmp_path / "a.jpg")


# --- colours ----------------------------------------------------------------------------------------------------


def test_colours_agree_with_pillow_where_srgb_can_show_them():
    values = images.to_uint8(np.random.default_rng(1).uniform(0.45, 0.65, (40, 50, 3)))
    ours = images.ColourProfile(ADOBE).to_srgb(values / 255)
    theirs = ImageCms.profileToProfile(
        Image.fromarray(values), ImageCms.ImageCmsProfile(io.BytesIO(ADOBE)), ImageCms.createProfile("sRGB")
    )
    assert np.abs(ours - values / 255).max() > 0.02  # it is not the identity
    np.testing.assert_allclose(ours * 255, np.asarray(theirs), atol=1)


def test_colours_outside_of_srgb_come_back():
    profile = images.ColourProfile(ADOBE)
    colours = np.random.default_rng(2).random((30, 40, 3)).astype(np.float32)
    colours[0, 0] = (0, 1, 0)
    there = profile.to_srgb(colours)
    assert there[0, 0, 0] < -0.5
    np.testing.assert_allclose(profile.from_srgb(there), colours, atol=0.2 / 255)


def test_the_mirrored_curve_is_no_steeper_outside():
    green = np.zeros((1, 2, 3), np.float32) + (0, 1, 0)
    green[0, 1, 0] = 0.1
    step = np.diff(images.ColourProfile(ADOBE).to_srgb(green)[0, :, 0])
    assert 0 < step[0] < 0.2  # LittleCMS' own straight line would make it 0.3


def test_srgb_is_recognised_by_what_it_does():
    assert images.ColourProfile(SRGB).is_srgb
    assert images.ColourProfile(imagecodecs.cms_profile("srgb")).is_srgb
    assert not images.ColourProfile(ADOBE).is_srgb


def srgb_curve(linear):
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("gamma", [1.0, 1.8])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_grey_profile_is_a_curve_there_and_back(gamma, channels):
    profile = images.ColourProfile(imagecodecs.cms_profile("gray", gamma=gamma), channels)
    assert (profile.colours, profile.is_srgb) == (1, False)
    values = np.linspace(0, 1, 1000, dtype=np.float32).reshape(20, 50, 1)
    there = profile.to_srgb(values)
    np.testing.assert_allclose(there, srgb_curve(values.astype(float) ** gamma), atol=1e-4)
    assert np.abs(there - values).max() > 0.01
    np.testing.assert_allclose(profile.from_srgb(there), values, atol=1e-4)
    np.testing.assert_array_equal(profile.from_srgb(np.float32([[[-0.3]], [[1.2]]])), [[[0]], [[1]]])


def test_a_grey_profile_with_the_curve_of_srgb_needs_no_conversion():
    steps = np.linspace(0, 1, 4096)
    curve = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)
    table = imagecodecs.cms_profile("gray", transferfunction=np.rint(curve * 65535).astype(np.uint16))
    assert images.ColourProfile(table, 1).is_srgb


def test_grey_in_colour_is_told_from_colour():
    grey = picture()[..., :1].repeat(3, axis=-1)
    for bits in (grey, (grey / 255).astype(np.float32)):
        assert images.is_grey(bits)
        assert images.is_grey(np.dstack([bits, picture()[..., 1]]))  # alpha does not count
    one = grey.copy()
    one[-1, -1, 2] ^= 1
    assert not images.is_grey(one)
    assert images.is_grey(picture()[..., :1]) and images.is_grey(picture()[..., :2])


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        (b"", "for nothing"),
        (imagecodecs.cms_profile("gray"), "for GRAY"),
        (ADOBE[:300], "damaged"),
        (SRGB[:200] + bytes(len(SRGB) - 200), "damaged"),
    ],
)
def test_profiles_that_cannot_be_used_say_why(profile, reason):
    with pytest.raises(images.ProfileError, match=reason):
        images.ColourProfile(profile)


@pytest.mark.parametrize(
    ("profile", "reason"), [(SRGB, "is for RGB; one for grey was expected"), (GREY[:200], "damaged")]
)
def test_profiles_that_cannot_be_used_for_grey_say_why(profile, reason):
    with pytest.raises(images.ProfileError, match=reason):
        images.ColourProfile(profile, 1)


def test_webp_gets_the_resolution_as_exif_where_there_is_none(tmp_path):
    path = save_image(tmp_path / "a.webp", picture(), metadata=Metadata(dpi=(300, 72.5)))
    assert read_metadata(path).dpi == pytest.approx((300, 72.5))
    assert read_metadata(save_image(tmp_path / "b.webp", picture())).exif == b""
