# The annotation reduced to 300W's 68 landmarks before training (Section 7.1).
landmarks_part = dict(scheme='300w')
