// Tests see the oracles where they see what compares with them.
@_exported import LossKitOracles
