namespace Coach.Llm;

/// <summary>
/// What a provider answered, as the exception of a client tells it that Coach did not make. It is judged by the same
/// rules as an answer to Coach's own clients; nothing of it is repeated but plain codes.
/// </summary>
/// <param name="status">The status of the answer; null, or 0, if the failure came inside a success.</param>
/// <param name="body">The body of the answer, or the error inside a success; null if it is not known.</param>
/// <param name="headers">The answer's headers, which may say how long to wait; null if they are not known.</param>
public sealed class ProviderFailure(
    int? status, string? body = null, IEnumerable<KeyValuePair<string, string>>? headers = null)
{
    /// <summary>The status of the answer.</summary>
    /// <value>Null if the failure came inside a success.</value>
    public int? Status { get; } = status is 0 ? null : status;

    // Servers echo keys in both, so neither is to be seen by what walks public properties.
    internal string? Body { get; } = body;

    internal IEnumerable<KeyValuePair<string, string>> Headers { get; } = headers ?? [];
}
