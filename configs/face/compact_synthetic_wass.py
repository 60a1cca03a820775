# The demo: a compact model on rendered faces, Wasserstein + KL loss, barycentre decoding.
# Data: python tools/prepare_data.py synthetic data/synthetic
_base_ = './_base_/compact_128x128.py'

data_root = 'data/synthetic/300w/'
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = val_dataloader

# Ends training after the last epoch that fits, should the machine be slow.
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='TimeBudgetHook', minutes=10)]
