namespace Coach;

/// <summary>
/// Lets a request through once. A host that gives every HTTP client of its own a retry
/// (<c>ConfigureHttpClientDefaults(AddStandardResilienceHandler)</c>) must not repeat a write that nobody can tell from
/// the first: what is repeated, and when, is decided above.
/// </summary>
internal sealed class SendOnceHandler : DelegatingHandler
{
    private static readonly HttpRequestOptionsKey<bool> WasSent = new("coach.was_sent");

    /// <summary>Takes the host's retries out of a client, and keeps any other handler from repeating.</summary>
    public static void Guard(IList<DelegatingHandler> handlers)
    {
        for (int i = handlers.Count - 1; i >= 0; i--)
        {
            if (handlers[i].GetType().Name.Contains("Resilience", StringComparison.Ordinal))
            {
                handlers.RemoveAt(i);
            }
        }

        // Last, and so next to the wire: whoever repeats stands above it.
        handlers.Add(new SendOnceHandler());
    }

    protected override Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Options.TryGetValue(WasSent, out bool wasSent) && wasSent)
        {
            // Nothing reaches the server: what the first sending did is as unknown as before.
            throw new HttpRequestException(
                HttpRequestError.Unknown, "A handler of the host tried to send this request a second time.");
        }

        request.Options.Set(WasSent, true);
        return base.SendAsync(request, cancellationToken);
    }
}
