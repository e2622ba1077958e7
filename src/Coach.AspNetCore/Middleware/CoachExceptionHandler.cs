using Coach.Abstractions;
using Coach.AspNetCore.Diagnostics;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Coach.AspNetCore.Middleware;

/// <summary>
/// Turns what escapes an endpoint into problem+json. A stack trace or a foreign message never leaves the process.
/// </summary>
internal sealed class CoachExceptionHandler(
    ILogger<CoachExceptionHandler> logger, RepeatedFailures repeated) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(
        HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        // Headers that were sent cannot be taken back: the server then cuts the connection, which clients notice.
        if (httpContext.Response.HasStarted
            || (exception is OperationCanceledException && httpContext.RequestAborted.IsCancellationRequested))
        {
            return false;
        }

        CoachProblem problem = exception switch
        {
            CoachException known => CoachProblem.From(known),
            BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } =>
                CoachProblem.Invalid(
                    "The request body is too large. Send at most 64 KiB.", StatusCodes.Status413PayloadTooLarge),
            BadHttpRequestException bad =>
                CoachProblem.Invalid(
                    "The request could not be read. Send a complete HTTP request with a JSON body.", bad.StatusCode),
            _ => new CoachProblem(StatusCodes.Status500InternalServerError, null,
                "Something went wrong on the server. Try again; if it stays, report the request id."),
        };
        if (problem.Status == StatusCodes.Status500InternalServerError && repeated.IsNews(exception.GetType().Name))
        {
            logger.RequestFailed(httpContext.TraceIdentifier, exception.GetType().Name);
        }

        await problem.ExecuteAsync(httpContext).ConfigureAwait(false);
        return true;
    }
}
