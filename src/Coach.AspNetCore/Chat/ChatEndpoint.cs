using System.Globalization;
using Coach.Abstractions;
using Coach.AspNetCore.Diagnostics;
using Coach.AspNetCore.Http;
using Coach.Llm;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Chat;

/// <summary>One question, one streamed and cited answer, with the session's own key or with none.</summary>
internal sealed class ChatEndpoint(
    ChatClientSelector selector,
    ISessionKeyStore keys,
    ConversationStore conversations,
    IOptions<CoachChatOptions> options,
    ILogger<ChatEndpoint> logger)
{
    private static readonly string[] ProviderCodes =
    [
        .. ErrorCodes.All.Where(code => code.StartsWith("ERR_KEY_", StringComparison.Ordinal)),
        ErrorCodes.ProviderUnreachable, ErrorCodes.ProviderTimeout, ErrorCodes.ProviderFailed,
    ];

    public static void Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        endpoints
            .MapPost(pattern, (HttpContext context, [FromServices] ChatEndpoint handler) => handler.AskAsync(context))
            .WithTags("Chat")
            .WithSummary("Answers a question from the documents, as a stream of server-sent events")
            .WithMetadata(new JsonBody(typeof(ChatRequest)))
            .Produces<ChatEvents>(StatusCodes.Status200OK, "text/event-stream")
            .CanFail(
            [
                .. Failures.OfASession,
                .. Failures.OfABody,
                .. Failures.Of("the provider refuses or fails before the first byte", ProviderCodes),
                .. Failures.Of("there are too many sessions", ErrorCodes.SessionLimit),
            ]);
        endpoints
            .MapDelete(pattern, (HttpContext context, [FromServices] ChatEndpoint handler) => handler.Forget(context))
            .WithTags("Chat")
            .WithSummary("Forgets the conversation; keys and clients stay")
            .CanFail(Failures.OfASession);
    }

    public async Task<Results<EmptyHttpResult, CoachProblem>> AskAsync(HttpContext context)
    {
        (ChatRequest? request, CoachProblem? problem) = await JsonRequest
            .ReadAsync<ChatRequest>(context, field => field == "message" ? Empty() : null).ConfigureAwait(false);
        string message = request?.Message?.Trim() ?? "";
        problem ??= Check(message);
        if (problem is not null)
        {
            return problem;
        }

        // Chosen before the stream starts: a missing key is then still a problem with a status.
        SelectedChat chat = await selector
            .SelectAsync(context.GetCoachSession().Id, context.RequestAborted).ConfigureAwait(false);
        if (chat.IsKeyMissing)
        {
            return new CoachProblem(
                ProblemStatus.Of(ErrorCodes.KeyMissing),
                ErrorCodes.KeyMissing,
                "This server answers with your own key only. Give one with POST /api/session/keys first.");
        }

        return await AnswerAsync(context, chat, message).ConfigureAwait(false) is { } failure
            ? failure
            : TypedResults.Empty;
    }

    public NoContent Forget(HttpContext context)
    {
        conversations.Remove(context.GetCoachSession().Id);
        return TypedResults.NoContent();
    }

    /// <summary>
    /// Streams the answer; a failure before the first byte is returned, one after it ends the stream.
    /// </summary>
    private async Task<CoachProblem?> AnswerAsync(HttpContext context, SelectedChat chat, string message)
    {
        var stream = new ServerSentEventWriter(context);
        CancellationToken aborted = context.RequestAborted;
        CoachProblem? failure;
        try
        {
            failure = await StreamAsync(stream, chat, message, aborted).ConfigureAwait(false);
        }
        catch (Exception exception) when (aborted.IsCancellationRequested && exception is not OutOfMemoryException)
        {
            return null; // the reader left; the client's connection is closed by the same token
        }
        catch (CoachException exception)
        {
            failure = CoachProblem.From(exception);
        }
        catch (Exception exception) when (
            exception is not OutOfMemoryException && (stream.HasStarted || chat.Mode == RunMode.Real))
        {
            // A client that the host plugged in fails in its own way, and its words may hold the key: only the type is
            // told.
            logger.ChatClientFailed(context.TraceIdentifier, exception.GetType().Name);
            failure = Foreign(exception);
        }

        if (failure is null)
        {
            await TouchAsync(context, chat.Session).ConfigureAwait(false);
        }
        else if (stream.HasStarted)
        {
            logger.ChatCutShort(context.TraceIdentifier, failure.Code!);
            var told = new ErrorEvent { Code = failure.Code!, Message = failure.Detail };
            await stream.WriteAsync(ErrorEvent.Name, told).ConfigureAwait(false);
            failure = null;
        }

        return failure;
    }

    private async Task<CoachProblem?> StreamAsync(
        ServerSentEventWriter stream, SelectedChat chat, string message, CancellationToken aborted)
    {
        using FallbackChatClient? own = selector.Open(chat);
        var answer = new ChatAnswer();

        // A mock quotes documents and needs no history; and what it said must not come back as a model's words.
        Conversation? conversation = chat.Mode == RunMode.Real ? conversations.Get(chat.Session) : null;
        IAsyncEnumerable<ChatResponseUpdate> updates = selector.WithDocuments(own)
            .GetStreamingResponseAsync(Messages(conversation, message), cancellationToken: aborted);
        await foreach (ChatResponseUpdate update in updates.ConfigureAwait(false))
        {
            answer.Add(update);
            if (update.Text is { Length: > 0 } text)
            {
                await stream.WriteAsync(DeltaEvent.Name, new DeltaEvent { Text = text }).ConfigureAwait(false);
            }
        }

        if (answer.Failure is { } failure)
        {
            return failure;
        }

        await stream.WriteAsync(CitationsEvent.Name, answer.Citations()).ConfigureAwait(false);
        conversation?.Add(message, answer.Text);
        await stream.WriteAsync(DoneEvent.Name, answer.Done()).ConfigureAwait(false);
        return null;
    }

    // The answer was told to be complete: a store that fails now must not break the connection.
    private async Task TouchAsync(HttpContext context, SessionId session)
    {
        try
        {
            await keys.TouchAsync(session, context.RequestAborted).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            logger.RequestFailed(context.TraceIdentifier, exception.GetType().Name);
        }
    }

    private static CoachProblem Foreign(Exception exception)
    {
        bool isTimeout = exception is TimeoutException or OperationCanceledException;
        return isTimeout
            ? new CoachProblem(
                StatusCodes.Status504GatewayTimeout,
                ErrorCodes.ProviderTimeout,
                "The provider's client did not answer in time. Try again.")
            : new CoachProblem(
                StatusCodes.Status502BadGateway,
                ErrorCodes.ProviderFailed,
                "The provider's client failed. Try again; if it stays, report the request id.");
    }

    private List<ChatMessage> Messages(Conversation? conversation, string message)
    {
        List<ChatMessage> messages = conversation?.Messages() ?? [];
        if (options.Value.SystemPrompt is { Length: > 0 } system)
        {
            messages.Insert(0, new ChatMessage(ChatRole.System, system));
        }

        messages.Add(new ChatMessage(ChatRole.User, message));
        return messages;
    }

    private CoachProblem? Check(string message)
    {
        if (message.Length == 0)
        {
            return Empty();
        }

        int limit = options.Value.MaxMessageLength;
        return message.Length <= limit ? null : CoachProblem.Invalid(string.Create(
            CultureInfo.InvariantCulture,
            $"The message has {message.Length} characters; it must have at most {limit}. Ask something shorter."));
    }

    private static CoachProblem Empty() =>
        CoachProblem.Invalid("The message is empty. Send {\"message\": \"your question\"}.");
}
