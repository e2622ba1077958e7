using Coach.Abstractions;
using Coach.AspNetCore.Diagnostics;
using Coach.Llm;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Sessions;

/// <summary>Ends a session: first it is revoked, then everything that is kept for it is removed.</summary>
/// <remarks>
/// Each step on its own: a failing store must not keep the clients alive, nor the other way round.
/// </remarks>
internal sealed class SessionEnd(
    IRevokedSessionStore revoked, IEnumerable<ISessionState> states, IOptions<CoachSessionOptions> options,
    TimeProvider time,
    ILogger<SessionEnd> logger)
{
    public async Task EndAsync(SessionId session)
    {
        // Revoked before its keys are removed: a key that is being checked meanwhile is then seen by one of the two.
        await StepAsync("end", () => RevokeAsync(session)).ConfigureAwait(false);
        foreach (ISessionState state in states)
        {
            await StepAsync(state.Name, () => state.RemoveAsync(session)).ConfigureAwait(false);
        }
    }

    // What the browser holds ends then anyway.
    private Task RevokeAsync(SessionId session) =>
        revoked.RevokeAsync(
            session, time.GetUtcNow() + options.Value.AbsoluteLifetime, CancellationToken.None).AsTask();

    private async Task StepAsync(string name, Func<Task> step)
    {
        try
        {
            await step().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            logger.SessionCleanupFailed(name, exception.GetType().Name);
        }
    }
}

/// <summary>The answers that are being streamed to it.</summary>
internal sealed class SessionStreamState(SessionStreams streams) : ISessionState
{
    public string Name => "streams";

    public Task RemoveAsync(SessionId session)
    {
        streams.End(session);
        return Task.CompletedTask;
    }
}

/// <summary>The keys that a session's person entered.</summary>
internal sealed class SessionKeyState(ISessionKeyStore keys) : ISessionState
{
    public string Name => "keys";

    public Task RemoveAsync(SessionId session) => keys.RemoveAsync(session, CancellationToken.None).AsTask();
}

/// <summary>The clients that were made with them.</summary>
internal sealed class SessionClientState(ISessionClientRegistry clients) : ISessionState
{
    public string Name => "clients";

    public Task RemoveAsync(SessionId session) => clients.RemoveAsync(session, CancellationToken.None).AsTask();
}
