# The annotation reduced to the paper's 17 landmarks before training (Section 7.1).
landmarks_part = dict(scheme='paper17')
