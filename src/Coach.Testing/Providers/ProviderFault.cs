namespace Coach.Testing;

/// <summary>A way in which the <see cref="ProviderFake"/> fails the next requests on demand.</summary>
public sealed class ProviderFault
{
    private ProviderFault(FaultKind kind) => Kind = kind;

    internal enum FaultKind
    {
        Status,
        Hang,
        Reset,
        Cut,
        EndEarly,
        HangAfter,
        ErrorInStream,
        SlowFirstToken,
        Garbage,
    }

    internal FaultKind Kind { get; }

    internal int StatusCode { get; private init; }

    internal string? BodyText { get; private init; }

    internal string ContentType { get; private init; } = "application/json";

    internal IReadOnlyDictionary<string, string> Headers { get; private init; } = new Dictionary<string, string>();

    internal int Events { get; private init; }

    internal TimeSpan Delay { get; private init; }

    /// <summary>Answers with a status and a body; without a body, with the provider's own error of that
    /// status.</summary>
    /// <param name="status">An HTTP status, 400 to 599.</param>
    /// <param name="body">The body, or null.</param>
    /// <param name="headers">More headers, such as <c>retry-after</c>.</param>
    /// <returns>The fault.</returns>
    public static ProviderFault Status(
        int status, string? body = null, IReadOnlyDictionary<string, string>? headers = null) =>
        new(FaultKind.Status)
        { StatusCode = status, BodyText = body, Headers = headers ?? new Dictionary<string, string>() };

    /// <summary>Answers with an HTML page, as a proxy or an edge server does.</summary>
    /// <param name="status">The HTTP status; 200 is the treacherous one.</param>
    /// <returns>The fault.</returns>
    public static ProviderFault HtmlPage(int status = 200) => new(FaultKind.Status)
    {
        StatusCode = status,
        ContentType = "text/html; charset=utf-8",
        BodyText = "<!DOCTYPE html><html><head><title>Attention</title></head><body><h1>Sorry</h1></body></html>",
    };

    /// <summary>Accepts the request and never answers, until the caller gives up or the fake stops.</summary>
    /// <returns>The fault.</returns>
    public static ProviderFault Hang() => new(FaultKind.Hang);

    /// <summary>Drops the connection instead of answering.</summary>
    /// <returns>The fault.</returns>
    public static ProviderFault Reset() => new(FaultKind.Reset);

    /// <summary>Drops the connection after some events of a stream, or half-way through a body.</summary>
    /// <param name="events">How many events arrive whole.</param>
    /// <returns>The fault.</returns>
    public static ProviderFault CutAfter(int events) => new(FaultKind.Cut) { Events = events };

    /// <summary>Ends the response properly, but after some events only: a stream that looks complete to HTTP and is
    /// not.</summary>
    /// <param name="events">How many events arrive.</param>
    /// <returns>The fault.</returns>
    public static ProviderFault EndAfter(int events) => new(FaultKind.EndEarly) { Events = events };

    /// <summary>Sends some events and then nothing more, keeping the connection open.</summary>
    /// <param name="events">How many events arrive.</param>
    /// <returns>The fault.</returns>
    public static ProviderFault HangAfter(int events) => new(FaultKind.HangAfter) { Events = events };

    /// <summary>Sends some events, then the provider's error event inside the 200 stream.</summary>
    /// <param name="events">How many events arrive before it; 0 puts the error first.</param>
    /// <returns>The fault.</returns>
    public static ProviderFault ErrorAfter(int events) => new(FaultKind.ErrorInStream) { Events = events };

    /// <summary>Waits on the fake's clock before the first byte of the body, then answers normally.</summary>
    /// <param name="delay">How long.</param>
    /// <returns>The fault.</returns>
    public static ProviderFault SlowFirstToken(TimeSpan delay) => new(FaultKind.SlowFirstToken) { Delay = delay };

    /// <summary>Answers 200 with bytes that are neither JSON nor an event stream.</summary>
    /// <returns>The fault.</returns>
    public static ProviderFault Garbage() => new(FaultKind.Garbage);
}
