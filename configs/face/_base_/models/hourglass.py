# Stacked Hourglass of eight stacks, which makes its maps itself; each stack has its loss.
model_part = dict(
    backbone=dict(type='StackedHourglass', num_stacks=8),
    head=dict(type='CPMHead', num_stages=8, final_layer=None),
    # Besides the head's out_channels.
    landmark_channels=['backbone.out_channels', 'head.in_channels'])
