"""Small archives in the layouts in which the official data sets come."""
from __future__ import annotations

import io
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT = 64, 48


def picture(seed: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A smooth random picture: no two of them correlate."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 6, 3)).astype(np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def encoded(image: np.ndarray, ending: str = '.jpg') -> bytes:
    done, code = cv2.imencode(ending, image)
    assert done
    return code.tobytes()


def landmarks(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(1000 + seed)
    return np.round(rng.uniform((8, 6), (WIDTH - 8, HEIGHT - 6), (count, 2)), 3)


def pts_text(points: np.ndarray) -> str:
    lines = '\n'.join(f'{x:.6f} {y:.6f}' for x, y in points)
    return f'version: 1\nn_points:  {len(points)}\n{{\n{lines}\n}}'


def write_zip(path: Path, members: dict) -> Path:
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def write_tar(path: Path, members: dict) -> Path:
    with tarfile.open(path, 'w:gz') as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


def split_file(path: Path, parts: int) -> list:
    """Cut a file as the 300W test set is cut: name.001, name.002 …"""
    content = path.read_bytes()
    path.unlink()
    size = -(-len(content) // parts)
    written = []
    for k in range(parts):
        part = path.with_name(f'{path.name}.{k + 1:03d}')
        part.write_bytes(content[k * size:(k + 1) * size])
        written.append(part)
    return written


# ---------------------------------------------------------------------------------------- 300W
PARTS_300W = {  # archive: (folder in it, names, ending)
    'afw.zip': [('afw', ('1051618982_1', '111076519_1', '111076519_2'), '.jpg')],
    'helen.zip': [('helen/trainset', ('100032540_1', '100040721_1'), '.jpg'),
                  ('helen/testset', ('296814969_3', ), '.jpg')],
    'ibug.zip': [('ibug', ('image_003_1', 'image_092 _01'), '.jpg')],
    'lfpw.zip': [('lfpw/trainset', ('image_0001', ), '.png'),
                 ('lfpw/testset', ('image_0001', ), '.png')],
    '300w.zip': [('300W/01_Indoor', ('indoor_001', 'indoor_002'), '.png'),
                 ('300W/02_Outdoor', ('outdoor_001', ), '.png')],
}
COUNTS_300W = dict(train=6, valid=4, valid_common=2, valid_challenge=2, test=3)


def members_300w() -> dict:
    """From archive to its members; landmarks of the n-th sample are those of seed n."""
    archives, seed = {}, 0
    for archive, folders in PARTS_300W.items():
        members = archives.setdefault(archive, {})
        for folder, names, ending in folders:
            for name in names:
                members[f'{folder}/{name}{ending}'] = encoded(picture(seed), ending)
                members[f'{folder}/{name}.pts'] = pts_text(landmarks(68, seed)).encode()
                seed += 1
    return archives


def write_300w(folder: Path, archives=None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for archive, members in (archives or members_300w()).items():
        write_zip(folder / archive, members)
    split_file(folder / '300w.zip', 3)
    return folder


# ---------------------------------------------------------------------------------------- WFLW
ATTRIBUTES = ('pose', 'expression', 'illumination', 'make-up', 'occlusion', 'blur')
SUBSETS = ('largepose', 'expression', 'illumination', 'makeup', 'occlusion', 'blur')
WFLW_TRAIN = ('0--Parade/0_Parade_a_1_1.jpg', '0--Parade/0_Parade_a_1_2.jpg',
              '0--Parade/0_Parade_a_1_1.jpg')  # two faces in the first image
WFLW_TEST = tuple(f'7--Cheering/7_Cheering_b_7_{k}.jpg' for k in range(5))


def wflw_flags(index: int) -> list:
    """Test face k shows attributes k and k + 1."""
    return [int(column in (index, index + 1)) for column in range(len(ATTRIBUTES))]


def wflw_line(seed: int, name: str, flags, box_and_flags: bool = True) -> str:
    points = landmarks(98, seed)
    columns = [f'{value:.6f}' for value in points.reshape(-1)]
    if box_and_flags:
        low, high = points.min(axis=0).astype(int), points.max(axis=0).astype(int)
        columns += [str(value) for value in (*low, *high, *flags)]
    return ' '.join([*columns, name])


def members_wflw() -> tuple:
    """Members of the archive of images, and of that of annotations."""
    images = {f'WFLW_images/{name}': encoded(picture(200 + k))
              for k, name in enumerate(sorted({*WFLW_TRAIN, *WFLW_TEST}))}
    train = [wflw_line(20 + k, name, [0] * 6) for k, name in enumerate(WFLW_TRAIN)]
    test = [wflw_line(30 + k, name, wflw_flags(k)) for k, name in enumerate(WFLW_TEST)]
    folder = 'WFLW_annotations'
    lists = {f'{folder}/list_98pt_rect_attr_train_test/list_98pt_rect_attr_train.txt': train,
             f'{folder}/list_98pt_rect_attr_train_test/list_98pt_rect_attr_test.txt': test}
    for column, subset in enumerate(SUBSETS):
        lists[f'{folder}/list_98pt_test/list_98pt_test_{subset}.txt'] = [
            wflw_line(30 + k, name, (), box_and_flags=False)
            for k, name in enumerate(WFLW_TEST) if wflw_flags(k)[column]]
    return images, {name: ('\n'.join(lines) + '\n').encode() for name, lines in lists.items()}


def write_wflw(folder: Path, images=None, lists=None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    official_images, official_lists = members_wflw()
    write_tar(folder / 'WFLW_images.tar.gz', official_images if images is None else images)
    write_tar(folder / 'WFLW_annotations.tar.gz', official_lists if lists is None else lists)
    return folder


# ---------------------------------------------------------------------------------------- COFW
def cofw_tables(count: int, seed: int) -> tuple:
    """Images (the second one grey), landmarks as Matlab has them [N, 87], boxes [N, 4]."""
    rng = np.random.default_rng(seed)
    images = [cv2.cvtColor(picture(300 + seed + k), cv2.COLOR_BGR2RGB) for k in range(count)]
    if count > 1:
        images[1] = cv2.cvtColor(images[1], cv2.COLOR_RGB2GRAY)
    points = np.stack([landmarks(29, 300 + seed + k) for k in range(count)])  # counted from 1
    occluded = rng.integers(0, 2, (count, 29))
    table = np.concatenate([points[..., 0], points[..., 1], occluded], axis=1).astype(float)
    boxes = np.tile([5., 4, 50, 40], (count, 1))
    boxes[0, 0] = -3
    return images, table, boxes


def write_cofw(path: Path, suffix: str, count: int, seed: int, version: str = 'v5') -> Path:
    images, table, boxes = cofw_tables(count, seed)
    names = (f'Is{suffix}', f'phis{suffix}', f'bboxes{suffix}')
    if version == 'v5':
        from scipy.io import savemat
        cells = np.empty((count, 1), dtype=object)
        for k, image in enumerate(images):
            cells[k, 0] = image
        savemat(path, dict(zip(names, (cells, table, boxes))))
        return path
    import h5py
    # Matlab v7.3: HDF5 behind a header of 512 bytes; arrays lie transposed, cells are references.
    with h5py.File(path, 'w', userblock_size=512) as file:
        references = np.empty((1, count), dtype=h5py.ref_dtype)
        for k, image in enumerate(images):
            references[0, k] = file.create_dataset(f'#refs#/{k}', data=image.T).ref
        file.create_dataset(names[0], data=references, dtype=h5py.ref_dtype)
        file[names[1]], file[names[2]] = table.T, boxes.T
    with open(path, 'r+b') as file:
        file.write(b'MATLAB 7.3 MAT-file, Platform: test'.ljust(512))
    return path


# ---------------------------------------------------------------------------------------- AFLW
AFLW_NAMES = ('0/image00002.jpg', '2/image00004.jpg', '3/image00032.jpg', '3/image00032.jpg',
              '3/image00035.jpg')
AFLW_ORDER = (3, 1, 4, 2, 5)  # `ra`, counted from 1; the hidden face, 2, comes last but one


def aflw_tables() -> dict:
    count = len(AFLW_NAMES)
    points = np.stack([landmarks(19, 400 + k) for k in range(count)])
    names = np.empty((count, 1), dtype=object)
    for k, name in enumerate(AFLW_NAMES):
        names[k, 0] = name
    visible = np.ones((count, 19), dtype=np.uint8)
    visible[1, 3] = 0
    left, top, side = np.arange(count) + 2., np.arange(count) + 1., np.arange(count) + 40.
    boxes = np.stack([left, left + side, top, top + side], axis=1)
    return dict(nameList=names, data=np.concatenate([points[..., 0], points[..., 1]], axis=1),
                bbox=boxes, mask_new=visible, ra=np.array([AFLW_ORDER]))


def write_aflw(folder: Path, tables=None) -> Path:
    from scipy.io import savemat
    folder.mkdir(parents=True, exist_ok=True)
    for part in '023':
        write_tar(folder / f'aflw-images-{part}.tar.gz', {
            f'aflw/data/flickr/{name}': encoded(picture(400 + k))
            for k, name in enumerate(sorted(set(AFLW_NAMES))) if name.startswith(part)})
    savemat(folder / 'AFLWinfo_release.mat', aflw_tables() if tables is None else tables)
    return folder


def write_aflw_sqlite(path: Path) -> Path:
    tables = aflw_tables()
    with sqlite3.connect(path) as base:
        base.executescript("""
            CREATE TABLE FaceImages (image_id INTEGER PRIMARY KEY, db_id TEXT, file_id TEXT,
                                     filepath TEXT, bw INTEGER, width INTEGER, height INTEGER);
            CREATE TABLE Faces (face_id INTEGER PRIMARY KEY, file_id TEXT, db_id TEXT);
            CREATE TABLE FaceRect (face_id INTEGER, x INTEGER, y INTEGER, w INTEGER, h INTEGER,
                                   annot_type_id INTEGER);
            CREATE TABLE FeatureCoords (face_id INTEGER, feature_id INTEGER, x REAL, y REAL,
                                        annot_type_id INTEGER);
        """)
        for name in sorted(set(AFLW_NAMES)):
            base.execute('INSERT INTO FaceImages (db_id, file_id, filepath) VALUES (?, ?, ?)',
                         ('aflw', name.split('/')[1], name))
        for k, name in enumerate(AFLW_NAMES):
            face = 39341 + k
            left, right, top, bottom = tables['bbox'][k]
            base.execute('INSERT INTO Faces VALUES (?, ?, ?)', (face, name.split('/')[1], 'aflw'))
            if k != 4:  # the last face has no box
                base.execute('INSERT INTO FaceRect VALUES (?, ?, ?, ?, ?, 1)',
                             (face, left, top, right - left, bottom - top))
            points = tables['data'][k].reshape(2, 19).T
            features = [feature for feature in range(1, 22) if feature not in (13, 17)]
            for feature, (x, y) in zip(features, points.tolist()):
                if not (k == 1 and feature == 4):  # a hidden point is not annotated
                    base.execute('INSERT INTO FeatureCoords VALUES (?, ?, ?, ?, 1)',
                                 (face, feature, x, y))
            base.execute('INSERT INTO FeatureCoords VALUES (?, 13, 1, 1, 1)', (face, ))  # an ear
    base.close()
    return path


# --------------------------------------------------------------------------------------- 300VW
def write_film(path: Path, frames: int, seed: int = 0) -> Path:
    """A film whose frame k (counted from 1) has the mean brightness 10 * k."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 25, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for k in range(1, frames + 1):
        writer.write(np.full((HEIGHT, WIDTH, 3), 10 * k, np.uint8))
    writer.release()
    return path


def write_video(folder: Path, frames: int, seed: int, film_frames: int = 0) -> Path:
    """A folder of 300VW: a film and an annotation for each frame."""
    write_film(folder / 'vid.avi', film_frames or frames)
    (folder / 'annot').mkdir(exist_ok=True)
    for k in range(1, frames + 1):
        (folder / f'annot/{k:06d}.pts').write_text(pts_text(landmarks(68, 100 * seed + k)))
    return folder
