"""A trained network as ONNX, in 32-bit floats and in 8-bit integers. Needs PyTorch and onnx: the extra ``train``."""

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sim.learning.pictures import Picture
from vision.propose import prepared

OPSET = 17
AXES = {0: "pictures", 2: "lines", 3: "columns"}
EXAMPLE = (1, 2, 160, 128)
CALIBRATION_PICTURES = 64
"""Pictures that fix the ranges of the 8-bit form."""


def exported(network: Any) -> bytes:
    """ONNX file of a network in evaluation mode, batch normalisation folded into the convolutions."""
    network.eval().cpu()
    file = BytesIO()
    with warnings.catch_warnings():
        # The exporter by tracing is the one that needs no further package; it says that it is the older one.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network.to(memory_format=torch.contiguous_format), torch.zeros(EXAMPLE), file, dynamo=False,
            opset_version=OPSET, input_names=["planes"], output_names=["logits"],
            dynamic_axes={"planes": AXES, "logits": AXES},
        )  # fmt: skip
    return file.getvalue()


def in_eight_bits(model: bytes, pictures: Sequence[Picture]) -> bytes:
    """The same network with 8-bit weights and activations, ranges fixed on ``pictures``."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Hands the pictures out one by one."""

        def __init__(self) -> None:
            self._rows: Iterator[dict[str, Any]] = iter(
                [{"planes": prepared(*picture.planes.astype(np.float32))[None]} for picture in pictures]
            )

        def get_next(self) -> dict[str, Any] | None:
            return next(self._rows, None)

    with tempfile.TemporaryDirectory() as folder:
        plain, ready, small = (Path(folder) / name for name in ("plain.onnx", "ready.onnx", "small.onnx"))
        plain.write_bytes(model)
        quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
        quantize_static(
            str(ready), str(small), Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
            weight_type=QuantType.QInt8, activation_type=QuantType.QUInt8,
        )  # fmt: skip
        return small.read_bytes()
