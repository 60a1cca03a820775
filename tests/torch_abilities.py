"""What the oldest torch that is supported, 2.1, cannot do. What fails there is told to users in
docs/compatibility.md; tests of it are skipped with these marks."""
from __future__ import annotations

import pytest
import torch
from packaging.version import Version

#: Without it there are no dynamic shapes.
HAS_TORCH_EXPORT = hasattr(torch.export, 'Dim')
try:
    torch.nn.functional.conv2d(*torch.zeros(2, 1, 1, 1, 1, dtype=torch.float16))
    HAS_HALF_ON_CPU = True
except RuntimeError:
    HAS_HALF_ON_CPU = False

needs_dynamo_exporter = pytest.mark.skipif(
    Version(torch.__version__) < Version('2.5'), reason="ONNX exporter 'dynamo' needs torch 2.5")
needs_torch_export = pytest.mark.skipif(
    not HAS_TORCH_EXPORT, reason='this torch.export knows no dynamic shapes')
needs_half_on_cpu = pytest.mark.skipif(
    not HAS_HALF_ON_CPU, reason='this torch has no half precision on the CPU')
needs_compiler = pytest.mark.skipif(
    Version(torch.__version__) < Version('2.4'),
    reason="torch 2.1's compiler gives up on it, those before 2.4 were not tried")
