# The experiments behind docs/results.md, for one CPU core: each is a recipe and its parts, files of
# ../_base_ that the zoo is made of too. `python tools/evidence.py --help` says how to run them.
#
# An experiment holds
#   recipe      the config that it changes
#   parts       parts of ../_base_, in their order
#   title       what tables call it
#   start       weights to start from: the name of an experiment, or None for random ones
#   drop        weights that the start does not hand over
#   seeds       one run for each
#   epochs, learning_rate, augmented (perturbations of the training images), data, options (of
#   tools/train.py's --cfg-options kind)
#   turn        in which turn of the queue its first seed is run
#   tests       what it is measured on (tests.py); empty: everything
plan = dict(
    recipe='evidence/compact.py',
    start='rendered',
    # The last layer belongs to the loss of the pretraining: maps of logits or of values.
    drop=('head.final_layer.', ),
    seeds=(0, ),
    epochs=8,
    learning_rate=1e-3,
    augmented=False,
    data='300w',
    options=dict(),
    tests=(),
    turn=0)

three = (0, 1, 2)
l2 = ('losses/l2.py', 'targets/sigma1.py')
wass = ('losses/wass.py', 'targets/sigma1.5.py')
js = ('losses/js.py', 'targets/sigma1.py')
wass_kl = ('losses/wass_kl.py', 'targets/sigma1.5.py')
# In place of JS alone: a little of W for what is far off.
wass_js = {
    'model.head.loss': dict(
        _delete_=True,
        type='WeightedSumHeatmapLoss',
        losses=dict(
            wasserstein=dict(type='WassersteinHeatmapLoss', sigma=1., loss_weight=0.1),
            js=dict(type='JSHeatmapLoss')))
}
# Those of compact.py, to which experiments add.
hooks = [dict(type='SyncBuffersHook'), dict(type='ChannelsLastHook')]

# In the order in which they are run: first one seed of everything, then the others.
experiments = dict(
    rendered=dict(
        title='W + KL on rendered faces (the start of all others)',
        parts=wass_kl,
        start=None, data='synthetic_300w', epochs=8, learning_rate=1.5e-3),
    l2_s1=dict(title='L2, σ 1', parts=l2, seeds=three),
    w_s1=dict(title='W, σ 1', parts=('losses/wass.py', 'targets/sigma1.py'), seeds=three),
    l2_s3=dict(title='L2, σ 3', parts=('losses/l2.py', 'targets/sigma3.py'), seeds=three),
    w_s3=dict(title='W, σ 3', parts=('losses/wass.py', 'targets/sigma3.py'), seeds=three),
    wkl_s15=dict(title='W + KL, σ 1.5', parts=wass_kl),
    awing=dict(title='AWing, σ 1', parts=('losses/awing.py', 'targets/sigma1.py')),
    w_s15=dict(title='W, σ 1.5', parts=wass, seeds=three),
    l2_s1_augmented=dict(title='L2, σ 1, augmented', augmented=True, parts=l2, seeds=three),
    w_s15_augmented=dict(title='W, σ 1.5, augmented', augmented=True, parts=wass, seeds=three),
    w_s15_mixture=dict(title='W, σ 1.5, mixture gradient', parts=wass,
                       options={'model.head.loss.logit_gradient': 'mixture'}),
    dark=dict(title='DARK, σ 1', parts=('losses/dark.py', 'targets/sigma1.py')),
    l2_s15=dict(title='L2, σ 1.5', parts=('losses/l2.py', 'targets/sigma1.5.py'), turn=3),
    kl_s15=dict(title='KL, σ 1.5', parts=('losses/kl.py', 'targets/sigma1.5.py')),
    js=dict(title='JS, σ 1', parts=js, seeds=three),
    js_augmented=dict(title='JS, σ 1, augmented', augmented=True, parts=js, seeds=three, turn=1),
    softargmax=dict(title='soft-arg-max, σ 1',
                    parts=('losses/softargmax.py', 'targets/sigma1.py')),
    w_s1_coordconv=dict(title='W, σ 1, CoordConv',
                        parts=('losses/wass.py', 'targets/sigma1.py', 'coord_conv.py')),
    # Learning rates, in thousandths.
    **{
        f'{name}_rate{rate}': dict(title=f'{title}, learning rate {rate}e-3', parts=parts,
                                   learning_rate=rate / 1000, turn=3)
        for name, title, parts in (('l2_s1', 'L2, σ 1', l2), ('w_s15', 'W, σ 1.5', wass),
                                   ('js', 'JS, σ 1', js)) for rate in (2, 4, 16)
    },
    # At the best of them: what the page compares.
    **{
        f'{name}_rate8': dict(title=f'{title}, learning rate 8e-3', learning_rate=8e-3, turn=3,
                              seeds=seeds, **settings)
        for name, title, seeds, settings in (
            ('l2_s1', 'L2, σ 1', three, dict(parts=l2)),
            ('l2_s15', 'L2, σ 1.5', three, dict(parts=('losses/l2.py', 'targets/sigma1.5.py'))),
            ('l2_s3', 'L2, σ 3', three, dict(parts=('losses/l2.py', 'targets/sigma3.py'))),
            ('w_s1', 'W, σ 1', three, dict(parts=('losses/wass.py', 'targets/sigma1.py'))),
            ('w_s15', 'W, σ 1.5', three, dict(parts=wass)),
            ('w_s3', 'W, σ 3', three, dict(parts=('losses/wass.py', 'targets/sigma3.py'))),
            ('js', 'JS, σ 1', three, dict(parts=js)),
            ('wjs', '0.1 W + JS, σ 1', three, dict(parts=js, options=wass_js)),
            ('awing', 'AWing, σ 1', (0, ), dict(
                parts=('losses/awing.py', 'targets/sigma1.py'))),
            ('dark', 'DARK, σ 1', (0, ), dict(parts=('losses/dark.py', 'targets/sigma1.py'))),
            ('kl_s15', 'KL, σ 1.5', (0, ), dict(
                parts=('losses/kl.py', 'targets/sigma1.5.py'))),
            ('wkl_s15', 'W + KL, σ 1.5', (0, ), dict(parts=wass_kl)),
            ('softmax_mse', 'L2 of softmaxed maps, σ 1', (0, ), dict(
                parts=('losses/softmax_mse.py', 'targets/sigma1.py'))),
            ('softargmax', 'soft-arg-max, σ 1', (0, ), dict(
                parts=('losses/softargmax.py', 'targets/sigma1.py'))),
            ('w_s15_mixture', 'W, σ 1.5, mixture gradient', (0, ), dict(parts=wass, options={
                'model.head.loss.logit_gradient': 'mixture'})),
            ('l2_s1_augmented', 'L2, σ 1, augmented', three, dict(parts=l2, augmented=True)),
            ('l2_s15_augmented', 'L2, σ 1.5, augmented', three, dict(
                parts=('losses/l2.py', 'targets/sigma1.5.py'), augmented=True)),
            ('w_s15_augmented', 'W, σ 1.5, augmented', three, dict(parts=wass, augmented=True)),
            ('js_augmented', 'JS, σ 1, augmented', three, dict(parts=js, augmented=True)),
            ('wjs_augmented', '0.1 W + JS, σ 1, augmented', three, dict(
                parts=js, options=wass_js, augmented=True)),
        )
    },
    # From random weights (shorter: the question is who leaves the plateau); gradients are watched.
    **{
        f'scratch_{name}': dict(title=f'{title}, random weights', parts=parts, start=None, drop=(),
                                epochs=4, tests=('clean', ), options={**options, 'custom_hooks': [
                                    *hooks, dict(type='GradientSizeHook', radius=4.5)]})
        for name, title, parts, options in (
            ('w', 'W, σ 1.5', wass, {}),
            ('w_mixture', 'W, mixture gradient', wass, {
                'model.head.loss.logit_gradient': 'mixture'}),
            ('w_power', 'W, p^½ gradient', wass, {
                'model.head.loss.logit_gradient': dict(power=0.5)}),
            ('wkl', 'W + KL', wass_kl, {}),
            ('kl', 'KL', ('losses/kl.py', 'targets/sigma1.5.py'), {}),
            ('js', 'JS, σ 1', js, {}),
            ('l2', 'L2, σ 1', l2, {}),
        )
    },
    wkl_annealed=dict(
        title='W + KL, σ 3 → 1', parts=('losses/wass_kl.py', 'targets/sigma1.py'), turn=3,
        options={
            'model.head.loss.losses.wasserstein.sigma': 3.0,
            'custom_hooks': [
                *hooks, dict(type='TargetSigmaHook', sigma_at_epoch={0: 3., 2: 2., 4: 1.})],
        }),
)
del three, l2, wass, js, wass_kl, wass_js, hooks
