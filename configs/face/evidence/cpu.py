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
l2, wass, js, kl = ('losses/l2.py', ), ('losses/wass.py', ), ('losses/js.py', ), ('losses/kl.py', )
s1, s15, s3 = (f'targets/sigma{sigma}.py' for sigma in ('1', '1.5', '3'))
wass_kl = ('losses/wass_kl.py', s15)
# In place of JS alone: a little of W for what is far off.
wass_js = {
    'model.head.loss': dict(
        _delete_=True,
        type='WeightedSumHeatmapLoss',
        losses=dict(
            wasserstein=dict(type='WassersteinHeatmapLoss', sigma=1., loss_weight=0.1),
            js=dict(type='JSHeatmapLoss')))
}
mixture = {'model.head.loss.logit_gradient': 'mixture'}
# Those of compact.py, to which experiments add.
hooks = [dict(type='SyncBuffersHook'), dict(type='ChannelsLastHook')]

# What is trained, by name.
systems = dict(
    l2_s1=dict(title='L2, σ 1', parts=(*l2, s1)),
    l2_s15=dict(title='L2, σ 1.5', parts=(*l2, s15)),
    l2_s3=dict(title='L2, σ 3', parts=(*l2, s3)),
    w_s1=dict(title='W, σ 1', parts=(*wass, s1)),
    w_s15=dict(title='W, σ 1.5', parts=(*wass, s15)),
    w_s3=dict(title='W, σ 3', parts=(*wass, s3)),
    js=dict(title='JS, σ 1', parts=(*js, s1)),
    wjs=dict(title='0.1 W + JS, σ 1', parts=(*js, s1), options=wass_js),
    awing=dict(title='AWing, σ 1', parts=('losses/awing.py', s1)),
    dark=dict(title='DARK, σ 1', parts=('losses/dark.py', s1)),
    kl_s15=dict(title='KL, σ 1.5', parts=(*kl, s15)),
    wkl_s15=dict(title='W + KL, σ 1.5', parts=wass_kl),
    softmax_mse=dict(title='L2 of softmaxed maps, σ 1', parts=('losses/softmax_mse.py', s1)),
    softargmax=dict(title='soft-arg-max, σ 1', parts=('losses/softargmax.py', s1)),
    w_s15_mixture=dict(title='W, σ 1.5, mixture gradient', parts=(*wass, s15), options=mixture),
    w_s1_coordconv=dict(title='W, σ 1, CoordConv', parts=(*wass, s1, 'coord_conv.py')),
    wkl_annealed=dict(
        title='W + KL, σ 3 → 1', parts=('losses/wass_kl.py', s1),
        options={
            'model.head.loss.losses.wasserstein.sigma': 3.0,
            'custom_hooks': [
                *hooks, dict(type='TargetSigmaHook', sigma_at_epoch={0: 3., 2: 2., 4: 1.})],
        }),
)
systems.update({
    f'{name}_augmented': dict(systems[name], augmented=True,
                              title=f'{systems[name]["title"]}, augmented')
    for name in ('l2_s1', 'l2_s15', 'w_s15', 'js', 'wjs')
})

experiments = dict(
    rendered=dict(
        title='W + KL on rendered faces (the start of all others)',
        parts=wass_kl,
        start=None, data='synthetic_300w', epochs=8, learning_rate=1.5e-3),
    # At the best learning rate: what the page compares, and calls by its name alone.
    **{
        f'{name}_rate8': dict(systems[name], learning_rate=8e-3, seeds=seeds)
        for seeds, names in (
            (three, ('l2_s1', 'l2_s15', 'l2_s3', 'w_s1', 'w_s15', 'w_s3', 'js', 'wjs',
                     'l2_s1_augmented', 'l2_s15_augmented', 'w_s15_augmented', 'js_augmented',
                     'wjs_augmented')),
            ((0, ), ('awing', 'dark', 'softmax_mse', 'wkl_annealed')),
        ) for name in names
    },
    # Three times as long.
    **{
        f'{name}_long_rate8': dict(systems[name], learning_rate=8e-3, epochs=24, seeds=three,
                                   title=f'{systems[name]["title"]}, 24 epochs')
        for name in ('l2_s15_augmented', 'js_augmented')
    },
    # Other learning rates, in thousandths.
    **{
        f'{name}_rate{rate}': dict(systems[name], learning_rate=rate / 1000, turn=3, title=(
            f'{systems[name]["title"]}, learning rate {rate}e-3'))
        for name in ('l2_s1', 'w_s15', 'js') for rate in (2, 4, 16)
    },
    # At a learning rate of 1e-3, from another training of the same start.
    **{
        name: dict(systems[name], title=f'{systems[name]["title"]}, learning rate 1e-3',
                   seeds=seeds, turn=3)
        for seeds, names in (
            (three, ('l2_s1', 'w_s1', 'l2_s3', 'w_s3', 'w_s15', 'js', 'l2_s1_augmented',
                     'w_s15_augmented', 'js_augmented')),
            ((0, ), ('wkl_s15', 'awing', 'w_s15_mixture', 'dark', 'l2_s15', 'kl_s15',
                     'softargmax', 'w_s1_coordconv')),
        ) for name in names
    },
    # From random weights (shorter: the question is who leaves the plateau); gradients are watched.
    **{
        f'scratch_{name}': dict(title=f'{title}, random weights', parts=parts, start=None, drop=(),
                                epochs=4, tests=('clean', ), options={**options, 'custom_hooks': [
                                    *hooks, dict(type='GradientSizeHook', radius=4.5)]})
        for name, title, parts, options in (
            ('w', 'W, σ 1.5', (*wass, s15), {}),
            ('w_mixture', 'W, mixture gradient', (*wass, s15), mixture),
            ('w_power', 'W, p^½ gradient', (*wass, s15), {
                'model.head.loss.logit_gradient': dict(power=0.5)}),
            ('wkl', 'W + KL', wass_kl, {}),
            ('kl', 'KL, σ 1.5', (*kl, s15), {}),
            ('js', 'JS, σ 1', (*js, s1), {}),
            ('l2', 'L2, σ 1', (*l2, s1), {}),
        )
    },
)
del three, l2, wass, js, kl, s1, s15, s3, wass_kl, wass_js, mixture, hooks, systems
