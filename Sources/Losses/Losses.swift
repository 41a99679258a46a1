import LossKitOps
