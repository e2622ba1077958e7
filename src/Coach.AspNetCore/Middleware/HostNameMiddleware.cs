using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Middleware;

/// <summary>Refuses every request whose <c>Host</c> is not the server's: 421 (RFC 9110 §15.5.20).</summary>
/// <param name="next">The rest of the pipeline.</param>
/// <param name="names">The server's names.</param>
/// <param name="isBeforeRouting">Whether it is not known yet which endpoint the request is for.</param>
internal sealed class HostNameMiddleware(RequestDelegate next, HostNames names, bool isBeforeRouting)
{
    public Task InvokeAsync(HttpContext context)
    {
        bool mayBeProbe = isBeforeRouting
            || context.GetEndpoint()?.Metadata.GetMetadata<OperationsMetadata>() is not null;
        return names.Contains(context) || (mayBeProbe && HostNames.IsOwnAddress(context))
            ? next(context)
            : new CoachProblem(
                StatusCodes.Status421MisdirectedRequest,
                ErrorCodes.RequestInvalid,
                $"This server does not answer under the name in the Host header. Add the name to {HostNames.Key} "
                + "(several are separated by semicolons) if it should.").ExecuteAsync(context);
    }
}
