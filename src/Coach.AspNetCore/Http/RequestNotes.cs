namespace Coach.AspNetCore.Http;

/// <summary>What a request to an endpoint means to an auditor: <c>key.enter</c>.</summary>
internal sealed record AuditAction(string Name);

/// <summary>Requests that come every few seconds by themselves: their line is for debugging.</summary>
internal sealed class QuietRequests
{
    public static readonly QuietRequests Instance = new();
}
