using Coach.Abstractions;
using Coach.AspNetCore.Diagnostics;
using Coach.Usage;
using Microsoft.Extensions.Logging;

namespace Coach.AspNetCore.Sessions;

/// <summary>Notes what happened to a session's keys in the audit log: of a key its fingerprint at most.</summary>
internal sealed class KeyAudit(IAuditLog audit, ILogger<KeyAudit> logger)
{
    private const int LongestName = 64;

    /// <summary>Keeps an event. A log that is away is reported, and undoes nothing.</summary>
    public async ValueTask AppendAsync(SessionId session, AuditEventKind kind, string provider, string detail)
    {
        try
        {
            await audit.AppendAsync(
                new AuditEvent
                {
                    Kind = kind,
                    Subject = session.Value,
                    Name = provider.Length > LongestName ? provider[..LongestName] : provider,
                    Detail = detail,
                },
                CancellationToken.None).ConfigureAwait(false);
        }
        catch (CoachException exception)
        {
            logger.AuditLogAway(exception.Code);
        }
    }
}
