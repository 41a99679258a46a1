@_exported import LossKitDevice
@_exported import LossKitKernels
@_exported import LossKitLosses
@_exported import LossKitOps
