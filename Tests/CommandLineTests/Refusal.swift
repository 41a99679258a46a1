import Testing

/// Status 2, one line that holds every given text, and nothing on standard output.
func expectRefusal(_ outcome: CommandLineTool.Outcome, naming texts: String..., sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(outcome.status == 2, "\(outcome.errors)", sourceLocation: sourceLocation)
    #expect(outcome.errorLines.count == 1, "\(outcome.errors)", sourceLocation: sourceLocation)
    #expect(outcome.bytes.isEmpty, sourceLocation: sourceLocation)
    for text in texts { #expect(outcome.errors.contains(text), "\(outcome.errors)", sourceLocation: sourceLocation) }
}
