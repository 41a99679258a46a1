import Foundation

// Functions that C's library lacks, in double by other ways than the kernels go.

/// The derivative of log |gamma|: recurrence up to 40, where four terms of the asymptotic series are exact to the last bits; the reflection's
/// cotangent of the distance to the nearest whole number.
public func digammaReference(_ x: Double) -> Double {
    if x == 0 { return x.sign == .minus ? .infinity : -.infinity }
    if x < 0 {
        let nearest = x.rounded()
        if x.isInfinite || x == nearest { return .nan }
        return digammaReference(1 - x) - .pi / tan(.pi * (x - nearest))
    }
    var shifted = x
    var terms: [Double] = []
    while shifted < 40 {
        terms.append(-1 / shifted)
        shifted += 1
    }
    let square = 1 / (shifted * shifted)
    let tail = square * (1.0 / 12 - square * (1.0 / 120 - square * (1.0 / 252 - square / 240)))
    return terms.reversed().reduce(0, +) + (log(shifted) - 0.5 / shifted - tail)
}

/// The derivative of ``digammaReference(_:)``.
public func trigammaReference(_ x: Double) -> Double {
    if x <= 0 {
        let nearest = x.rounded()
        if x == nearest { return .infinity }
        let sine = sin(.pi * (x - nearest))
        return .pi * .pi / (sine * sine) - trigammaReference(1 - x)
    }
    var shifted = x
    var terms: [Double] = []
    while shifted < 40 {
        terms.append(1 / (shifted * shifted))
        shifted += 1
    }
    let inverse = 1 / shifted
    let square = inverse * inverse
    let tail = inverse + square / 2 + square * inverse * (1.0 / 6 - square * (1.0 / 30 - square * (1.0 / 42 - square / 30)))
    return terms.reversed().reduce(0, +) + tail
}

/// The inverse of erf by bisection, on the complement where erf is close to 1.
public func erfInverseReference(_ x: Double) -> Double {
    guard abs(x) < 1 else { return abs(x) == 1 ? x * .infinity : .nan }
    let size = abs(x)
    var (low, high) = (0.0, 6.0)
    while case let middle = (low + high) / 2, middle > low, middle < high {
        let isBelow = size < 0.5 ? erf(middle) < size : erfc(middle) > 1 - size
        if isBelow { low = middle } else { high = middle }
    }
    return x.sign == .minus ? -low : low
}

/// x Phi(x), Phi being the normal distribution function.
public func geluReference(_ x: Double) -> Double {
    x < -40 ? -0.0 : 0.5 * x * erfc(-x / 2.squareRoot())
}

/// log(1 + exp(x)).
public func softplusReference(_ x: Double) -> Double {
    x.isNaN ? x : max(x, 0) + log1p(exp(-abs(x)))
}

/// 1 / (1 + exp(-x)).
public func sigmoidReference(_ x: Double) -> Double {
    x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x))
}

/// A sum whose rounding errors are carried along (Neumaier).
public func compensatedSum(_ values: [Double]) -> Double {
    var (sum, lost) = (0.0, 0.0)
    for value in values {
        let next = sum + value
        lost += abs(sum) >= abs(value) ? (sum - next) + value : (value - next) + sum
        sum = next
    }
    return sum + lost
}

/// The quotient rounded down.
public func floorDivideReference(_ a: Double, _ b: Double) -> Double {
    if b == 0 || a.isNaN || b.isNaN || a.isInfinite { return b == 0 ? a / b : .nan }
    if b.isInfinite { return a != 0 && (a < 0) != (b < 0) ? -1 : 0 }
    return ((a - remainderReference(a, b)) / b).rounded()
}

/// The remainder with the divisor's sign, exact.
public func remainderReference(_ a: Double, _ b: Double) -> Double {
    let rest = fmod(a, b)
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
}
