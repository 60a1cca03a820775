# Barycentre of the whole map (the paper's GET_BC).
sampling = dict(sampling='barycenter')
