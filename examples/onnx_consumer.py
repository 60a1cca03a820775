"""Landmarks of one face with onnxruntime, NumPy and OpenCV: no PyTorch, no MMPose."""
import argparse
import json
import sys

import cv2
import numpy as np
import onnxruntime

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument('model', metavar='MODEL.onnx', help='written by tools/export.py')
parser.add_argument('photo', metavar='PHOTO', help='picture with the face')
for name in ('X', 'Y', 'WIDTH', 'HEIGHT'):
    parser.add_argument(name, type=float, help="of the face's box, in pixels of the picture")
parser.add_argument('drawn', metavar='DRAWN.png', help='picture to write')
args = parser.parse_args()

session = onnxruntime.InferenceSession(args.model, providers=['CPUExecutionProvider'])
about = {name: json.loads(text)
         for name, text in session.get_modelmeta().custom_metadata_map.items()}
image = cv2.imread(args.photo)
if image is None:
    sys.exit(f'{args.photo}: OpenCV cannot read it')
x, y, width, height = args.X, args.Y, args.WIDTH, args.HEIGHT

# The crop: the box, enlarged, in the aspect of the model's input, and warped to its size.
size = np.array(about['input_size'], dtype=float)
crop = np.array([width, height]) * (about['crop']['padding'] or 1.25)
crop = np.maximum(crop, crop[::-1] * size / size[::-1])
corner = np.array([x + width / 2, y + height / 2]) - crop / 2
scale = (size - bool(about['crop']['use_udp'])) / crop
affine = np.array([[scale[0], 0, -scale[0] * corner[0]], [0, scale[1], -scale[1] * corner[1]]])
pixels = cv2.warpAffine(image, affine, tuple(about['input_size']), flags=cv2.INTER_LINEAR)
pixels = pixels if about['input']['channel_order'] == 'bgr' else pixels[..., ::-1]
batch = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]).astype(about['input']['type'])

landmarks, confidences = session.run(['landmarks', 'confidences'], {'images': batch})
points = landmarks[0] / size * crop + corner  # input pixels to image pixels
for index, ((x, y), confidence) in enumerate(zip(points, confidences[0])):
    print(f'{index} {x:.3f} {y:.3f} {confidence:.3f}')
    colour = (0, int(255 * confidence), int(255 * (1 - confidence)))
    cv2.circle(image, (round(x * 16), round(y * 16)), 32, colour, -1, cv2.LINE_AA, shift=4)
if not cv2.imwrite(args.drawn, image):
    sys.exit(f'{args.drawn}: OpenCV cannot write it')
