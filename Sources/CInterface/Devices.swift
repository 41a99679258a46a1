import LossKit

/// The text of the thread's last failure.
@_cdecl("losskit_last_error")
public func lastError() -> UnsafePointer<CChar> { LastError.text }

/// How many devices there are.
@_cdecl("losskit_device_count")
public func deviceCount() -> Int { Device.all.count }

/// The text that stands for a device.
@_cdecl("losskit_device_label")
public func deviceLabel(_ index: Int) -> UnsafePointer<CChar>? { Texts.deviceLabel(index) }

/// What a device's driver calls it.
@_cdecl("losskit_device_name")
public func deviceName(_ index: Int) -> UnsafePointer<CChar>? { Texts.deviceName(index) }
