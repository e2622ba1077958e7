using System.Net.WebSockets;

namespace Processor.Protocol;

/// <summary>A frame that ends its connection: what the other side is told, and the close code.</summary>
internal sealed class ProtocolFault(
    WebSocketCloseStatus status, string code, string message, Generation generation = Generation.Unknown, string runId = "")
    : Exception(message)
{
    public WebSocketCloseStatus Status { get; } = status;

    public string Code { get; } = code;

    public Generation Generation { get; } = generation;

    public string RunId { get; } = runId;

    /// <summary>The frame is of another kind than may stand here: 1002.</summary>
    public static ProtocolFault WrongKind(string message, Generation generation = Generation.Unknown, string runId = "") =>
        new(WebSocketCloseStatus.ProtocolError, RunErrors.Inputs, message, generation, runId);

    /// <summary>The frame lacks what it must have: 1008.</summary>
    public static ProtocolFault Violation(string message, Generation generation, string runId = "") =>
        new(WebSocketCloseStatus.PolicyViolation, RunErrors.Inputs, message, generation, runId);
}
