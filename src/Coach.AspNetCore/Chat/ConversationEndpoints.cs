using System.Text.RegularExpressions;
using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.AspNetCore.Sessions;
using Coach.Llm;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.AI;

namespace Coach.AspNetCore.Chat;

/// <summary>The conversations of one caller: listed, renamed, exported, forgotten.</summary>
internal sealed partial class ConversationEndpoints(ICallerResolver callers, IChatHistoryStore history)
{
    public static void Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        endpoints
            .MapGet(
                pattern,
                (HttpContext context, [FromServices] ConversationEndpoints handler) => handler.ListAsync(context))
            .WithTags("Chat")
            .WithSummary("Lists the caller's conversations, the latest first")
            .CanFail([.. Failures.OfASession, .. StoreAway]);
        endpoints
            .MapPatch(
                pattern + "/{id}",
                (string id, HttpContext context, [FromServices] ConversationEndpoints handler) =>
                    handler.RenameAsync(id, context))
            .WithTags("Chat")
            .WithSummary("Gives a conversation a title")
            .WithMetadata(new JsonBody(typeof(RenameRequest)))
            .CanFail([.. Failures.OfASession, .. Failures.OfABody, .. NoSuch, .. StoreAway]);
        endpoints
            .MapDelete(
                pattern + "/{id}",
                (string id, HttpContext context, [FromServices] ConversationEndpoints handler) =>
                    handler.RemoveAsync(id, context))
            .WithTags("Chat")
            .WithSummary("Forgets a conversation")
            .WithMetadata(new AuditAction("conversation.forget"))
            .CanFail([.. Failures.OfASession, .. NoSuch, .. StoreAway]);
        endpoints
            .MapGet(
                pattern + "/{id}/export",
                (string id, HttpContext context, [FromServices] ConversationEndpoints handler) =>
                    handler.ExportAsync(id, context))
            .WithTags("Chat")
            .WithSummary("Hands out a conversation whole, as a file of JSON")
            .CanFail([.. Failures.OfASession, .. NoSuch, .. StoreAway]);
    }

    private static Failure[] NoSuch =>
        [.. Failures.Of("the caller has no such conversation", ErrorCodes.NotFound)];

    private static Failure[] StoreAway =>
        [.. Failures.Of("the store of the conversations is away", ErrorCodes.StoreUnavailable)];

    public async Task<Ok<ConversationsResponse>> ListAsync(HttpContext context)
    {
        CallerContext caller = await CallerAsync(context).ConfigureAwait(false);
        IReadOnlyList<ConversationInfo> list = await history
            .ListAsync(caller, context.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(new ConversationsResponse { Conversations = [.. list.Select(ConversationSummary.Of)] });
    }

    public async Task<Results<Ok<ConversationSummary>, CoachProblem>> RenameAsync(string id, HttpContext context)
    {
        (RenameRequest? request, CoachProblem? problem) = await JsonRequest
            .ReadAsync<RenameRequest>(context, static _ => null).ConfigureAwait(false);
        if (problem is not null)
        {
            return problem;
        }

        // One line: a title stands in a list.
        string title = Gap().Replace(request!.Title ?? "", " ").Trim();
        if (title.Length is 0 or > ConversationInfo.MaxTitleLength)
        {
            return CoachProblem.Invalid(
                $"A title has 1 to {ConversationInfo.MaxTitleLength} characters. Send {{\"title\": \"...\"}}.");
        }

        CallerContext caller = await CallerAsync(context).ConfigureAwait(false);
        bool isRenamed = SessionId.TryFrom(id, out _)
            && await history.RenameAsync(caller, id, title, context.RequestAborted).ConfigureAwait(false);
        return isRenamed && await FindAsync(caller, id, context).ConfigureAwait(false) is { } found
            ? TypedResults.Ok(found)
            : NotFound();
    }

    public async Task<Results<NoContent, CoachProblem>> RemoveAsync(string id, HttpContext context)
    {
        CallerContext caller = await CallerAsync(context).ConfigureAwait(false);
        bool isRemoved = SessionId.TryFrom(id, out _)
            && await history.RemoveAsync(caller, id, context.RequestAborted).ConfigureAwait(false);
        return isRemoved ? TypedResults.NoContent() : NotFound();
    }

    public async Task<Results<Ok<ConversationExport>, CoachProblem>> ExportAsync(string id, HttpContext context)
    {
        CallerContext caller = await CallerAsync(context).ConfigureAwait(false);
        if (await FindAsync(caller, id, context).ConfigureAwait(false) is not { } found)
        {
            return NotFound();
        }

        IReadOnlyList<ChatMessage> messages = await history
            .LoadAsync(caller, id, context.RequestAborted).ConfigureAwait(false);
        // An id holds no character that a header could not.
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"conversation-{id.Replace(':', '-')}.json\"";
        return TypedResults.Ok(new ConversationExport
        {
            Id = found.Id,
            Title = found.Title,
            UpdatedAt = found.UpdatedAt,
            Messages = ConversationResponse.Of(messages).Messages,
        });
    }

    private async Task<ConversationSummary?> FindAsync(CallerContext caller, string id, HttpContext context)
    {
        IReadOnlyList<ConversationInfo> list = await history
            .ListAsync(caller, context.RequestAborted).ConfigureAwait(false);
        return list.FirstOrDefault(info => info.Id == id) is { } found ? ConversationSummary.Of(found) : null;
    }

    private static CoachProblem NotFound() => new(
        StatusCodes.Status404NotFound, ErrorCodes.NotFound, "There is no such conversation of this caller.");

    private ValueTask<CallerContext> CallerAsync(HttpContext context) =>
        callers.ResolveAsync(context);

    // Line ends, control characters and what turns the direction of text around; an emoji may be joined of several.
    [GeneratedRegex(@"[\s\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]+", RegexOptions.CultureInvariant)]
    private static partial Regex Gap();
}
