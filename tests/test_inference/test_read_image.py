"""Pictures of all kinds, good and damaged."""
import io

import cv2
import numpy as np
import pytest
from PIL import Image

from mmpose_wass.inference.images import ImageError, as_image, read_image


@pytest.fixture(scope='module')
def rgb():
    """Smooth, so that JPEG keeps it within a few grey levels; no two corners alike."""
    y, x = np.mgrid[:40, :60]
    return np.stack([4 * x, 6 * y, 255 - 3 * x], axis=-1).astype(np.uint8)


def save(path, image, **options):
    Image.fromarray(image).save(path, **options)
    return path


def test_colour(rgb, tmp_path):
    for name, tolerance in (('a.png', 0), ('a.bmp', 0), ('a.tif', 0), ('a.jpg', 12)):
        path = save(tmp_path / name, rgb, **(dict(quality=95) if name == 'a.jpg' else {}))
        loaded = read_image(path)
        assert loaded.note == ''
        assert np.abs(loaded.pixels[..., ::-1].astype(int) - rgb).max() <= tolerance
    assert loaded.pixels.flags.c_contiguous and loaded.pixels.dtype == np.uint8


@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_orientation(rgb, tmp_path, orientation):
    """However the camera was held: the picture comes out upright, as OpenCV turns it too."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(rgb).save(tmp_path / 'a.jpg', quality=95, exif=exif)
    found = read_image(tmp_path / 'a.jpg').pixels
    assert found.shape == ((40, 60, 3) if orientation < 5 else (60, 40, 3))
    expected = cv2.imread(str(tmp_path / 'a.jpg'))
    assert np.abs(found.astype(int) - expected).max() <= 4  # of two JPEG decoders


def test_grey_sixteen_bits_and_palette(rgb, tmp_path):
    grey = rgb[..., 0]
    assert (read_image(save(tmp_path / 'g.png', grey)).pixels == grey[..., None]).all()
    cv2.imwrite(str(tmp_path / 'g16.png'), grey.astype(np.uint16) * 257)
    assert (read_image(tmp_path / 'g16.png').pixels == grey[..., None]).all()
    for name in ('c16.png', 'c16.tiff'):
        cv2.imwrite(str(tmp_path / name), rgb[..., ::-1].astype(np.uint16) * 257)
        assert np.abs(read_image(tmp_path / name).pixels[..., ::-1].astype(int) - rgb).max() <= 1
    Image.fromarray(rgb).quantize(256).save(tmp_path / 'p.png')
    assert np.abs(read_image(tmp_path / 'p.png').pixels[..., ::-1].astype(int) - rgb).max() < 32
    Image.fromarray(grey > 100).save(tmp_path / 'bits.png')
    assert set(np.unique(read_image(tmp_path / 'bits.png').pixels)) == {0, 255}


def test_transparency_lies_on_white(rgb, tmp_path):
    alpha = np.zeros((40, 60, 1), np.uint8)
    alpha[:, 30:] = 255
    path = save(tmp_path / 'a.png', np.concatenate([rgb, alpha], axis=2))
    found = read_image(path).pixels[..., ::-1]
    assert (found[:, :30] == 255).all() and (found[:, 30:] == rgb[:, 30:]).all()


def test_cmyk(rgb, tmp_path):
    Image.fromarray(rgb).convert('CMYK').save(tmp_path / 'a.jpg', quality=95)
    found = read_image(tmp_path / 'a.jpg').pixels[..., ::-1].astype(int)
    assert np.abs(found - rgb).mean() < 8


def test_first_of_several_pages(rgb, tmp_path):
    Image.fromarray(rgb).save(tmp_path / 'a.tif', save_all=True,
                              append_images=[Image.fromarray(255 - rgb)])
    loaded = read_image(tmp_path / 'a.tif')
    assert (loaded.pixels[..., ::-1] == rgb).all()
    assert loaded.note == 'has 2 pages; the first was taken'


def test_one_pixel(tmp_path):
    path = save(tmp_path / 'a.png', np.full((1, 1, 3), 7, np.uint8))
    assert read_image(path).pixels.shape == (1, 1, 3)


def test_names_of_any_language(rgb, tmp_path):
    assert read_image(save(tmp_path / 'gesicht_ä_脸.png', rgb)).pixels.shape == rgb.shape


def damaged(rgb, kind):
    buffer = io.BytesIO()
    Image.fromarray(np.tile(rgb, (8, 8, 1))).save(buffer, 'PNG' if 'png' in kind else 'JPEG')
    content = buffer.getvalue()
    return dict(
        empty=b'', text=b'this is no picture', png_cut=content[:len(content) // 2],
        jpg_cut=content[:len(content) // 2], png_header=content[:20], jpg_header=content[:30],
        png_bits=content[:60] + bytes(200) + content[260:])[kind]


@pytest.mark.parametrize('kind', ['empty', 'text', 'png_cut', 'jpg_cut', 'png_header', 'jpg_header',
                                  'png_bits'])
def test_damaged_files(rgb, tmp_path, kind):
    """One message each, with the name of the file; OpenCV would fill a cut-off JPEG with grey."""
    path = tmp_path / f'{kind}.jpg'
    path.write_bytes(damaged(rgb, kind))
    with pytest.raises(ImageError) as error:
        read_image(path)
    text = str(error.value)
    assert text.startswith(f'{path}: ') and '\n' not in text
    assert 'copy it again' in text or 'damaged' in text


def test_other_errors(rgb, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match='no such file'):
        read_image(tmp_path / 'missing.jpg')
    with pytest.raises(ImageError, match='is a folder'):
        read_image(tmp_path)
    Image.fromarray(rgb[..., 0].astype(np.float32)).save(tmp_path / 'f.tif')
    with pytest.raises(ImageError, match='8 or 16 bits'):
        read_image(tmp_path / 'f.tif')
    Image.fromarray(rgb[..., 0].astype(np.int32) * 10**6).save(tmp_path / 'i.tif')
    with pytest.raises(ImageError, match='32 bits a pixel'):
        read_image(tmp_path / 'i.tif')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)
    with pytest.raises(ImageError, match='too large to be read safely'):
        read_image(save(tmp_path / 'large.png', rgb))


def test_arrays(rgb):
    assert as_image(rgb) is rgb
    assert as_image(rgb[..., 0]).shape == rgb.shape
