import CLossKitOpenCL
import Synchronization
import Testing

@testable import LossKitDevice

/// OpenCL functions that fail once when told to, and otherwise do what they always do.
private enum Faulty {
    enum Call: Int, CaseIterable {
        case createBuffer = 1, write, createProgram, build, createKernel, setArgument, launch, launchWithoutMemory, read
    }

    static let armed = Atomic(0)
    static let real = losskit_opencl_load()?.pointee

    static func fails(_ call: Call) -> Bool {
        armed.compareExchange(expected: call.rawValue, desired: 0, ordering: .relaxed).exchanged
    }

    static let table: losskit_opencl? = {
        guard var table = real else { return nil }
        table.clCreateBuffer = { context, flags, size, host, status in
            guard !fails(.createBuffer) else {
                status?.pointee = CL_MEM_OBJECT_ALLOCATION_FAILURE
                return nil
            }
            return real?.clCreateBuffer(context, flags, size, host, status)
        }
        table.clEnqueueWriteBuffer = { queue, object, blocks, offset, size, source, count, events, event in
            guard !fails(.write), let real else { return CL_INVALID_COMMAND_QUEUE }
            return real.clEnqueueWriteBuffer(queue, object, blocks, offset, size, source, count, events, event)
        }
        table.clEnqueueReadBuffer = { queue, object, blocks, offset, size, target, count, events, event in
            guard !fails(.read), let real else { return CL_OUT_OF_RESOURCES }
            return real.clEnqueueReadBuffer(queue, object, blocks, offset, size, target, count, events, event)
        }
        table.clCreateProgramWithSource = { context, count, texts, lengths, status in
            guard !fails(.createProgram) else {
                status?.pointee = CL_OUT_OF_HOST_MEMORY
                return nil
            }
            return real?.clCreateProgramWithSource(context, count, texts, lengths, status)
        }
        table.clBuildProgram = { program, count, devices, options, notify, data in
            guard !fails(.build), let real else { return CL_OUT_OF_HOST_MEMORY }
            return real.clBuildProgram(program, count, devices, options, notify, data)
        }
        table.clCreateKernel = { program, name, status in
            guard !fails(.createKernel) else {
                status?.pointee = CL_OUT_OF_HOST_MEMORY
                return nil
            }
            return real?.clCreateKernel(program, name, status)
        }
        table.clSetKernelArg = { kernel, index, size, value in
            guard !fails(.setArgument), let real else { return CL_OUT_OF_RESOURCES }
            return real.clSetKernelArg(kernel, index, size, value)
        }
        table.clEnqueueNDRangeKernel = { queue, kernel, rank, offset, global, local, count, events, event in
            guard !fails(.launch), let real else { return CL_INVALID_COMMAND_QUEUE }
            guard !fails(.launchWithoutMemory) else { return CL_MEM_OBJECT_ALLOCATION_FAILURE }
            return real.clEnqueueNDRangeKernel(queue, kernel, rank, offset, global, local, count, events, event)
        }
        return table
    }()
}

@Suite(.serialized, .enabled(if: Device.all.contains(where: \.isOpenCL)))
struct FaultTests {
    /// Every call fails once: memory that runs out is found elsewhere, everything else is thrown; then all goes on, and no memory is lost.
    @Test func everyCallMayFailOnce() throws {
        for call in Faulty.Call.allCases {
            // A device of its own for each call: its programs and its pool start empty.
            let device = try #require(Device.devices(Device.discover(Faulty.table)).first)
            #expect(device.memory.live == 0)

            func work() throws -> [Float] {
                let one = try Buffer([1, 2, 3], on: device)
                let sum = try Buffer([10, 20, 30], on: device)
                try Accumulate.run(one, into: sum, on: device)
                return try sum.floats()
            }

            Faulty.armed.store(call.rawValue, ordering: .relaxed)
            switch call {
            case .createBuffer, .launchWithoutMemory: #expect(try work() == [11, 22, 33])
            default: #expect(throws: DeviceError.self) { try work() }
            }
            #expect(Faulty.armed.load(ordering: .relaxed) == 0, "\(call) was not reached")
            device.reset()
            #expect(try work() == [11, 22, 33])
            #expect(device.memory.live == 0)
        }
    }
}
