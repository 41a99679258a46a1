"""LossKit's losses in PyTorch, through the C interface (include/losskit.h): no package needed but ctypes and torch.

    import losskit
    loss = losskit.loss("crossEntropy", logits=logits, targets=targets, labelSmoothing=0.1)
    loss.backward()

`swift build -c release --product LossKitC` makes the library; LOSSKIT_LIBRARY names it where it is not in .build.
"""
import ctypes
import json
import os
import pathlib
import sys

import torch
from torch.utils import dlpack


def _library():
    name = "libLossKitC.dylib" if sys.platform == "darwin" else "libLossKitC.so"
    build = pathlib.Path(__file__).resolve().parents[2] / ".build"
    places = [os.environ.get("LOSSKIT_LIBRARY"), build / "release" / name, build / "debug" / name]
    for place in places:
        if place and os.path.exists(place):
            return ctypes.CDLL(str(place))
    raise OSError(f"{name} is not there: swift build -c release --product LossKitC")


_c = _library()
_c.losskit_last_error.restype = ctypes.c_char_p
_c.losskit_loss_name.restype = ctypes.c_char_p
_c.losskit_loss_count.restype = ctypes.c_size_t
_c.losskit_tensor_free.argtypes = [ctypes.c_void_p]
_python = ctypes.pythonapi
_python.PyCapsule_GetPointer.restype = ctypes.c_void_p
_python.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_python.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]
_python.PyCapsule_New.restype = ctypes.py_object
_python.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_USED = b"used_dltensor"


def _check(status):
    if status == 2:
        raise ValueError(_c.losskit_last_error().decode())
    if status != 0:
        raise RuntimeError(_c.losskit_last_error().decode())


class _Tensor:
    """A losskit_tensor, freed with this object."""

    def __init__(self, handle=None):
        self.handle = ctypes.c_void_p(handle)

    def __del__(self):
        _c.losskit_tensor_free(self.handle)

    @classmethod
    def of(cls, tensor, device):
        """The memory of a PyTorch tensor, which is not copied where the device is the CPU."""
        result = cls()
        capsule = dlpack.to_dlpack(tensor.detach())
        managed = _python.PyCapsule_GetPointer(capsule, b"dltensor")
        _check(_c.losskit_tensor_from_dlpack(ctypes.c_void_p(managed), device, ctypes.byref(result.handle)))
        _python.PyCapsule_SetName(capsule, _USED)
        return result

    def torch(self):
        managed = ctypes.c_void_p()
        _check(_c.losskit_tensor_to_dlpack(self.handle, ctypes.byref(managed)))
        return dlpack.from_dlpack(_python.PyCapsule_New(managed, b"dltensor", None))


def _handles(tensors):
    return (ctypes.c_void_p * len(tensors))(*[tensor.handle for tensor in tensors])


def _texts(names):
    return (ctypes.c_char_p * len(names))(*[name.encode() for name in names])


class Loss(torch.autograd.Function):
    """A registered loss of named tensors; its gradients are those of LossKit."""

    @staticmethod
    def forward(ctx, name, names, options, device, *tensors):
        ctx.call = name.encode(), _texts(names), json.dumps(options).encode(), device.encode() if device else None
        ctx.names = names
        ctx.save_for_backward(*tensors)
        name, texts, options, device = ctx.call
        inputs = [_Tensor.of(tensor, device) for tensor in tensors]
        value = _Tensor()
        _check(_c.losskit_evaluate(name, ctypes.c_size_t(len(inputs)), texts, _handles(inputs), options, ctypes.byref(value.handle)))
        return value.torch()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, cotangent):
        name, texts, options, device = ctx.call
        inputs = [_Tensor.of(tensor, device) for tensor in ctx.saved_tensors]
        wanted = [position for position, needed in enumerate(ctx.needs_input_grad[4:]) if needed]
        value, slopes = _Tensor(), (ctypes.c_void_p * len(wanted))()
        weights = _Tensor.of(cotangent.contiguous(), device)
        _check(_c.losskit_differentiate(
            name, ctypes.c_size_t(len(inputs)), texts, _handles(inputs), options, weights.handle, ctypes.c_size_t(len(wanted)),
            _texts([ctx.names[position] for position in wanted]), ctypes.byref(value.handle), slopes))
        results = [None] * len(inputs)
        for position, slope in zip(wanted, slopes):
            results[position] = _Tensor(slope).torch()
        return (None, None, None, None, *results)


def loss(name, *, device="cpu", **arguments):
    """A loss by its name in the registry: tensors are its inputs, everything else its options."""
    inputs = {key: value for key, value in arguments.items() if isinstance(value, torch.Tensor)}
    options = {key: value for key, value in arguments.items() if not isinstance(value, torch.Tensor)}
    return Loss.apply(name, list(inputs), options, device, *inputs.values())


def names():
    """All registered losses."""
    return [_c.losskit_loss_name(ctypes.c_size_t(index)).decode() for index in range(_c.losskit_loss_count())]
