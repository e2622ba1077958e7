using Coach.Abstractions;
using Coach.AspNetCore.Draining;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Middleware;

/// <summary>Counts what runs of the endpoints that Coach maps, and refuses more of it while the host stops.</summary>
internal sealed class DrainMiddleware(RequestDelegate next, DrainState state)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<CoachApiMetadata>() is null)
        {
            await next(context).ConfigureAwait(false);
            return;
        }

        if (state.IsClosed)
        {
            context.Response.Headers.Connection = "close";
            await new CoachProblem(
                StatusCodes.Status503ServiceUnavailable,
                ErrorCodes.SessionLimit,
                "The server is stopping and takes no new work. Try again; another one answers.")
            {
                RetryAfter = TimeSpan.FromSeconds(1),
            }.ExecuteAsync(context).ConfigureAwait(false);
            return;
        }

        state.Enter();
        try
        {
            await next(context).ConfigureAwait(false);
        }
        finally
        {
            state.Leave();
        }
    }
}
