extension LossDescription {
    /// A setting of the loss, under its Swift name.
    public struct Option: Sendable {
        /// What it holds, with the default.
        public enum Value: Sendable, Equatable {
            /// A number; nil where it is off by default.
            case number(Double?)
            /// Several numbers, written with commas between.
            case numbers([Double])
            /// A whole number.
            case integer(Int)
            /// On or off.
            case flag(Bool)
            /// One of the words.
            case choice(String, of: [String])
        }

        /// The label of the Swift function's parameter.
        public let name: String
        /// What it holds, with the default.
        public let value: Value

        static func number(_ name: String, _ value: Double?) -> Option { Option(name: name, value: .number(value)) }
        static func numbers(_ name: String, _ values: [Double]) -> Option { Option(name: name, value: .numbers(values)) }
        static func integer(_ name: String, _ value: Int) -> Option { Option(name: name, value: .integer(value)) }
        static func flag(_ name: String, _ value: Bool) -> Option { Option(name: name, value: .flag(value)) }
        static func choice<C: RawRepresentable<String> & CaseIterable>(_ name: String, _ value: C) -> Option {
            Option(name: name, value: .choice(value.rawValue, of: C.allCases.map(\.rawValue)))
        }

        /// What becomes of the elements; their mean by default.
        static let reduction = choice("reduction", Reduction.mean)
    }
}
