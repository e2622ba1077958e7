using System.Text.Json.Serialization;
using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.AspNetCore.Sessions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Coach.AspNetCore.Callers;

/// <summary>Hands a caller what is kept of it, and erases it.</summary>
internal sealed class CallerDataEndpoints(CallerDataService data, ICallerResolver callers)
{
    public static void Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        Failure[] away = [.. Failures.Of("a store of the caller's data is away", ErrorCodes.StoreUnavailable)];
        endpoints
            .MapGet(
                pattern + "/export",
                (HttpContext context, [FromServices] CallerDataEndpoints handler) => handler.ExportAsync(context))
            .WithTags("Session")
            .WithSummary("Hands out all that is kept of the caller, as a file of JSON")
            .WithMetadata(new AuditAction("caller.export"))
            .Produces<object>(StatusCodes.Status200OK, "application/json")
            .CanFail([.. Failures.OfASession, .. away]);
        endpoints
            .MapDelete(
                pattern,
                (HttpContext context, [FromServices] CallerDataEndpoints handler) => handler.EraseAsync(context))
            .WithTags("Session")
            .WithSummary("Erases what is kept of the caller, but for payments, which the law has a seller keep")
            .WithMetadata(new AuditAction("caller.erase"))
            .CanFail([.. Failures.OfASession, .. away]);
    }

    public async Task<Results<FileContentHttpResult, CoachProblem>> ExportAsync(HttpContext context)
    {
        // Written whole before the first byte goes out: half an export must not look like one.
        using var file = new MemoryStream();
        CallerContext caller = await CallerAsync(context).ConfigureAwait(false);
        await data.ExportAsync(caller, file, context.RequestAborted).ConfigureAwait(false);
        return TypedResults.File(file.ToArray(), "application/json", "my-data.json");
    }

    public async Task<Results<Ok<ErasedResponse>, CoachProblem>> EraseAsync(HttpContext context)
    {
        CallerContext caller = await CallerAsync(context).ConfigureAwait(false);
        return TypedResults.Ok(new ErasedResponse
        {
            Erased = await data.EraseAsync(caller, context.RequestAborted).ConfigureAwait(false),
        });
    }

    private ValueTask<CallerContext> CallerAsync(HttpContext context) =>
        callers.ResolveAsync(context);
}

/// <summary><c>DELETE /api/caller</c>: how many entries went, by kind of data.</summary>
internal sealed record ErasedResponse
{
    [JsonPropertyName("erased")]
    public required IReadOnlyDictionary<string, int> Erased { get; init; }
}
