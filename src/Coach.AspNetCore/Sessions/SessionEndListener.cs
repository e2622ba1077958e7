using Coach.Abstractions;
using Coach.AspNetCore.Diagnostics;
using Coach.Llm;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coach.AspNetCore.Sessions;

/// <summary>
/// Lets go of what this process holds for sessions that another replica ended: answers on their way, clients with
/// keys. Without a store that tells of them there is nothing to hear.
/// </summary>
internal sealed class SessionEndListener(
    IServiceProvider services, SessionStreams streams, ISessionClientRegistry clients,
    ILogger<SessionEndListener> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (services.GetService<ISessionEndEvents>() is not { } events)
        {
            return;
        }

        await foreach (SessionId session in events.ListenAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                streams.End(session);
                await clients.RemoveAsync(session, stoppingToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (
                exception is not OutOfMemoryException && !stoppingToken.IsCancellationRequested)
            {
                logger.SessionCleanupFailed("clients", exception.GetType().Name);
            }
        }
    }
}
