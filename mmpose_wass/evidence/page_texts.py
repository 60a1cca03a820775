"""What ``docs/results.md`` compares, and its words; its numbers come from records alone."""
from __future__ import annotations

from .statistics import System

TEST_TITLES = dict(
    clean='clean', occlusion_medium='occlusion medium', occlusion_large='occlusion large',
    blur_medium='blur medium', blur_large='blur large', imm73='imm73', video='video',
    video_blur_medium='video, blur medium', video_blur_large='video, blur large',
    rendered_wflw='rendered WFLW', rendered_aflw='rendered AFLW')
REQUIRED_TESTS = ('clean', 'occlusion_medium', 'occlusion_large', 'blur_medium', 'blur_large',
                  'imm73')
READING_TITLES = dict(max='MAX', bc='BC', local='local BC', shape='BC, shape prior',
                      local_shape='local BC, shape prior', own='own')

#: The rows that the paper's comparison is about.
MAIN = (System('l2_s1', 'max'), System('l2_s3', 'max'), System('w_s1', 'bc'),
        System('w_s3', 'bc'))
#: What did best, clean or under occlusion: W and JS, with the shape prior, with augmentation.
BEST = (System('w_s15', 'bc'), System('w_s15', 'shape'), System('w_s15_augmented', 'shape'),
        System('js', 'bc'), System('js', 'shape'), System('js_augmented', 'shape'))
BASELINES = (System('l2_s1', 'local'), System('l2_s1', 'local_shape'), System('l2_s15', 'max'),
             System('awing', 'max'), System('awing', 'local'), System('dark', 'own'),
             System('wkl_s15', 'bc'), System('kl_s15', 'bc'),
             System('softargmax', 'bc'), System('l2_s1_augmented', 'max'),
             System('l2_s1_augmented', 'local'), System('l2_s1_augmented', 'local_shape'),
             System('w_s15_augmented', 'bc'), System('js_augmented', 'bc'))
#: Rows of the README's table.
README = (System('l2_s1', 'max'), System('l2_s1', 'local_shape'), System('w_s1', 'bc'),
          System('w_s15', 'bc'), System('w_s15', 'shape'), System('js', 'bc'),
          System('js_augmented', 'shape'))
#: Ours against a baseline that has the same augmentation, and the same tricks where it can.
BEST_BASELINES = (
    (System('w_s15', 'bc'), System('l2_s1', 'max')),
    (System('w_s15', 'bc'), System('l2_s1', 'local')),
    (System('w_s15', 'bc'), System('awing', 'max')),
    (System('w_s15', 'bc'), System('dark', 'own')),
    (System('w_s15', 'shape'), System('l2_s1', 'max')),
    (System('w_s15', 'shape'), System('l2_s1', 'local')),
    (System('w_s15', 'shape'), System('l2_s1', 'local_shape')),
    (System('w_s15_augmented', 'bc'), System('l2_s1_augmented', 'max')),
    (System('w_s15_augmented', 'bc'), System('l2_s1_augmented', 'local')),
    (System('w_s15_augmented', 'shape'), System('l2_s1_augmented', 'max')),
    (System('w_s15_augmented', 'shape'), System('l2_s1_augmented', 'local_shape')),
    (System('js', 'bc'), System('l2_s1', 'local')),
    (System('js', 'shape'), System('l2_s1', 'local_shape')),
    (System('js_augmented', 'bc'), System('l2_s1_augmented', 'max')),
    (System('js_augmented', 'bc'), System('l2_s1_augmented', 'local')),
    (System('js_augmented', 'shape'), System('l2_s1_augmented', 'max')),
    (System('js_augmented', 'shape'), System('l2_s1_augmented', 'local_shape')),
)
#: Factor, from, to.
ABLATION = (
    ('W + KL for W', System('w_s15', 'bc'), System('wkl_s15', 'bc')),
    ('KL alone for W + KL', System('wkl_s15', 'bc'), System('kl_s15', 'bc')),
    ('σ 1 → 1.5', System('w_s1', 'bc'), System('w_s15', 'bc')),
    ('σ 1 → 3', System('w_s1', 'bc'), System('w_s3', 'bc')),
    ('σ annealed 3 → 1', System('wkl_s15', 'bc'), System('wkl_annealed', 'bc')),
    ('mixture gradient', System('w_s15', 'bc'), System('w_s15_mixture', 'bc')),
    ('BC → local BC, W', System('w_s1', 'bc'), System('w_s1', 'local')),
    ('BC → local BC, W + KL', System('wkl_s15', 'bc'), System('wkl_s15', 'local')),
    ('MAX → local BC, L2', System('l2_s1', 'max'), System('l2_s1', 'local')),
    ('JS for W + KL', System('wkl_s15', 'bc'), System('js', 'bc')),
    ('JS for W', System('w_s1', 'bc'), System('js', 'bc')),
    ('occlusion and blur augmentation, JS', System('js', 'bc'), System('js_augmented', 'bc')),
    ('shape prior, JS', System('js', 'bc'), System('js', 'shape')),
    ('CoordConv', System('w_s1', 'bc'), System('w_s1_coordconv', 'bc')),
    ('learning rate 2e-3, L2', System('l2_s1', 'max'), System('l2_s1_rate2', 'max')),
    ('learning rate 2e-3, W', System('w_s15', 'bc'), System('w_s15_rate2', 'bc')),
    ('occlusion and blur augmentation', System('w_s15', 'bc'),
     System('w_s15_augmented', 'bc')),
    ('shape prior, W', System('w_s15', 'bc'), System('w_s15', 'shape')),
    ('shape prior, L2', System('l2_s1', 'local'), System('l2_s1', 'local_shape')),
    ('occlusion and blur augmentation, L2', System('l2_s1', 'max'),
     System('l2_s1_augmented', 'max')),
)
CONFIDENCE_SIGNALS = dict(
    score='codec score', peak="map's peak (MMPose)", probability_peak='peak of p',
    deviation='− spread', entropy='− entropy', far_mass='− far mass')

HEAD = """
# Results

This page is written by `make results` from the files in `results/evidence/`: every number can be
computed again from them, and no number stands here that was not run. The setting is small on
purpose, for CPUs: it compares losses on equal terms, it does not compete with published models.
"""

SECTIONS = dict(
    settings=('Setting', """
A ResNet-18 of 7/16 of its width (2.2 million parameters), 128×128 → 32×32, on the 2012 faces of
300W that were at hand (of 3148), tested on the whole common set (554). No ImageNet weights: all
runs start from one model that was trained on rendered faces with W + KL, without its last layer;
where that start is said to be random, from random weights. Adam, batch 16, cosine schedule,
bfloat16; the same order of data and the same augmentation (flip, rotation ±30°, scale ±25 %) for
equal seeds. σ is in pixels of the 32×32 map: relative to the face, σ 1.5 here is σ 3 of the usual
64×64 maps. The recipe is `configs/face/evidence/compact.py`, the experiments stand in `cpu.py`
beside it, the tests in `tests.py`.

*BC*: barycentre of the whole map (GET_BC). *MAX*: arg max and a quarter pixel (GET_MAX). *local
BC*: barycentre within 3σ of the mode. *Blur* on 300W's still faces has a random direction; the
paper's protocol, along the motion, is *video, blur*. Intervals (95 %) combine a bootstrap over
test faces with Student's t over seeds; with one seed they say nothing of other seeds. Three LFPW
faces stand in both the training and the common set (docs/datasets.md).
"""),
    main=('Losses on equal terms', ''),
    claims=("The paper's claims, one by one", """
*Holds*: every difference has the claimed sign and its interval leaves out 0. *Partly*: some have.
*Not seen*: no interval leaves out 0. *Contradicted*: none has the claimed sign for certain, some
have the opposite one.
"""),
    best=('Better than the baseline?', """
The line that we had set: clean NME no worse than the baseline's interval, and at least 20 % fewer
failing landmarks (FR^L at 0.10) under large occlusion, the baseline with the same augmentation,
schedule and reading. The shape prior is described in docs/shape_prior.md; rows that give it to both
sides are the strict reading of that line.
"""),
    ablation=('One factor at a time', """
Differences in percentage points [95 % interval], bold where the interval leaves out 0; below 0 is
better.
"""),
    scratch=('From random weights', """
The gradient of W with respect to the logits is p ∘ (f − ⟨p, f⟩): a pixel where p is tiny gets none
of it, the right one included. `WassersteinHeatmapLoss(logit_gradient='mixture')` takes the
softmax's Jacobian at (p + q) / 2 instead, which also draws mass to where the target is: the value
of the loss is the same, and training leaves the plateau without a second loss. NME (%) on common
while training from random weights, four epochs.
"""),
    confidence=('Does the model know when it is wrong?', """
Area under the ROC curve for finding landmarks whose error is above 0.1 by their confidence; 0.5 is
chance. The codec's score is the probability mass within 3σ of the decoded point.
"""),
    activation=('Spurious activations (Figure 6)', """
Share of the normalised map's mass that lies farther than 3/16 of its width from the mode. L2 maps
are cut at 0 and divided by their sum.
"""),
    runs=('Every run', ''),
    missing=('What was not run', ''),
)

PICTURES = """
## Pictures

Rendered faces, clean, under large occlusion and under large blur (`tools/evidence.py samples`):

![Predictions of three models on three rendered faces](figures/results/samples.jpg)

![Precision against robustness: clean NME and failures under large
occlusion](figures/results/tradeoff.png)

![NME and failures over the levels of occlusion and blur](figures/results/levels.png)

![Cumulative errors, clean faces](figures/results/cumulative_clean.png)

![Cumulative errors under large occlusion](figures/results/cumulative_occlusion_large.png)

![NME while training from random weights](figures/results/training.png)

Where the gradient with respect to the logits goes, and free logits that follow it:

![The gradient over the map, by loss and prediction](figures/results/gradient_over_map.png)

![Free logits that follow each gradient](figures/results/gradient_descent.png)
"""

NOTES = """
## Run it again

```bash
python tools/prepare_data.py synthetic data/synthetic --datasets 300w wflw aflw --train 4000
python tools/evidence.py run --data 300w=/data/300w 300vw=/data/300vw imm73=/data/imm73 \\
    synthetic_300w=data/synthetic/300w synthetic_wflw=data/synthetic/wflw \\
    synthetic_aflw=data/synthetic/aflw
make results
```

The queue goes on where it was cut. A run takes four to six minutes on one core of the machine
above.
"""
