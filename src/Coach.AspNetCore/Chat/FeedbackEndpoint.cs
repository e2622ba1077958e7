using System.Text.Json;
using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.AspNetCore.Sessions;
using Coach.Llm;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.AspNetCore.Chat;

/// <summary>Whether an answer was good.</summary>
internal sealed class FeedbackEndpoint(ICallerResolver callers, IFeedbackStore store, TimeProvider time)
{
    private const int MaxNoteLength = 2_000;
    private const int MaxTurnLength = 64;

    public static void Map(IEndpointRouteBuilder endpoints, string pattern) => endpoints
        .MapPost(
            pattern, (HttpContext context, [FromServices] FeedbackEndpoint handler) => handler.AddAsync(context))
        .WithTags("Chat")
        .WithSummary("Keeps whether an answer was good, with a note")
        .WithMetadata(new JsonBody(typeof(FeedbackBody)))
        .CanFail(
        [
            .. Failures.OfASession,
            .. Failures.OfABody,
            .. Failures.Of("the feedback cannot be kept", ErrorCodes.StoreUnavailable),
        ]);

    public async Task<Results<NoContent, CoachProblem>> AddAsync(HttpContext context)
    {
        (FeedbackRequest? request, CoachProblem? problem) = await JsonRequest
            .ReadAsync<FeedbackRequest>(context, static _ => null).ConfigureAwait(false);
        string conversation = request?.Conversation ?? ChatPipelineFactory.DefaultConversation;
        string? turn = Turn(request?.Turn);
        FeedbackRating? rating = Rating(request?.Rating);
        problem ??= Check(request!, conversation, turn, rating);
        if (problem is not null)
        {
            return problem;
        }

        CallerContext caller = await callers.ResolveAsync(context).ConfigureAwait(false);
        var feedback = new Feedback(conversation, turn!, rating!.Value, request!.Note?.Trim() ?? "", time.GetUtcNow());
        await store.AddAsync(caller, feedback, context.RequestAborted).ConfigureAwait(false);
        return TypedResults.NoContent();
    }

    private static CoachProblem? Check(
        FeedbackRequest request, string conversation, string? turn, FeedbackRating? rating)
    {
        if (turn is null)
        {
            return CoachProblem.Invalid("The turn must be its number in the conversation, from 1.") with
            {
                Field = "turn",
            };
        }

        if (rating is null)
        {
            return CoachProblem.Invalid("The rating must be \"up\" or \"down\".") with { Field = "rating" };
        }

        if (request.Note?.Length > MaxNoteLength)
        {
            return CoachProblem.Invalid($"The note must have at most {MaxNoteLength} characters.") with
            {
                Field = "note",
            };
        }

        return SessionId.TryFrom(conversation, out _)
            ? null
            : CoachProblem.Invalid("There is no such conversation.") with { Field = "conversation" };
    }

    // A page that names its turns itself may go on doing so.
    private static string? Turn(JsonElement? turn) => turn switch
    {
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt32(out int index) && index > 0 =>
            number.GetRawText(),
        { ValueKind: JsonValueKind.String } text when text.GetString() is { Length: > 0 and <= MaxTurnLength } name
            && SessionId.TryFrom(name, out _) => name,
        _ => null,
    };

    private static FeedbackRating? Rating(JsonElement? rating) => rating switch
    {
        // Generated clients write words as their languages do.
        { ValueKind: JsonValueKind.String } text => text.GetString()?.ToLowerInvariant() switch
        {
            "up" => FeedbackRating.Up,
            "down" => FeedbackRating.Down,
            _ => null,
        },
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt32(out int sign) => sign switch
        {
            1 => FeedbackRating.Up,
            -1 or 0 => FeedbackRating.Down,
            _ => null,
        },
        _ => null,
    };
}
