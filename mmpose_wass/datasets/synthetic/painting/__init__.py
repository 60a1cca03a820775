"""Drawing in two dimensions: the unrolled skin, the layers around the face, and the camera."""
