import Testing

/// Expects each call to throw one line that says what was expected and names the culprit.
public func expectRefusals(_ calls: [(culprit: String, call: () throws -> Any)], sourceLocation: SourceLocation = #_sourceLocation) {
    for (culprit, call) in calls {
        do {
            _ = try call()
            Issue.record("\(culprit): no error", sourceLocation: sourceLocation)
        } catch {
            let line = "\(error)"
            #expect(
                line.contains(culprit) && line.contains("expected ") && !line.contains("\n"), "\(line)", sourceLocation: sourceLocation)
        }
    }
}
