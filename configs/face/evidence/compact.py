# The recipe of all experiments in cpu.py: a compact model (ResNet-18, 7/16 of its width; 4.4 MB in
# half precision) on the 300W faces, 128x128 -> 32x32, made for minutes on one CPU core.
_base_ = ['../_base_/compact_128x128.py', '../_base_/datasets/300w.py']

# Losses on values keep this head, those on distributions get the plugin's (face_recipe).
model = dict(
    backbone=dict(stem_channels=28, base_channels=28),
    head=dict(type='HeatmapHead', in_channels=28 * (1 + 2 + 4 + 8)),
    # Nothing is computed in a step that the loss does not need.
    train_cfg=dict(compute_acc=False, log_wasserstein=False))

train_dataloader = dict(num_workers=0, persistent_workers=False)
val_dataloader = dict(num_workers=0, persistent_workers=False)
test_dataloader = dict(num_workers=0, persistent_workers=False)

optim_wrapper = dict(type='AutocastOptimWrapper', optimizer=dict(type='Adam', lr=1e-3))
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='ChannelsLastHook')]
train_cfg = dict(max_epochs=8, val_interval=2)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=100, start_factor=0.01, by_epoch=False),
    dict(
        type='CosineAnnealingLR',
        begin=0,
        end=8,
        eta_min=1e-5,
        by_epoch=True,
        convert_to_iter_based=True)
]
default_hooks = dict(checkpoint=dict(interval=1, save_best=None, rule=None, max_keep_ckpts=1))
