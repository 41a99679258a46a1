// Made of Sources/LossKit/LossKit.docc/Articles/Devices.md by scripts/snippets.

import LossKit

extension Articles {
    static func devices() throws {
        for device in Device.all { print(device.label, device.kind, device.computeUnits) }
        let device = Device.default
        let x = try Tensor([1, 2, 3] as [Float], on: device)
        print(try (x * x).sum().scalar())

        do {
            _ = try Device.named("opencl:no such device")
        } catch {
            print(error)
        }
        let sure = (try? Device.named("opencl")) ?? .cpu
        print(sure)

        let there = try x.to(.cpu)
        print(there.device, Device.cpu.memory.live)
        Device.cpu.trim()
    }
}
