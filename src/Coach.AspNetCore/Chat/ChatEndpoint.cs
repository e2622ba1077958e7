using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Coach.Abstractions;
using Coach.AspNetCore.Diagnostics;
using Coach.AspNetCore.Draining;
using Coach.AspNetCore.Http;
using Coach.AspNetCore.Sessions;
using Coach.AspNetCore.Usage;
using Coach.Llm;
using Coach.Usage;
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
internal sealed partial class ChatEndpoint(
    ChatPipelineFactory pipelines,
    ICallerResolver callers,
    ISessionKeyStore keys,
    IChatHistoryStore history,
    IOptions<CoachHostOptions> host,
    IOptions<CoachChatOptions> options,
    HostPaidKeys hostPaid,
    ChatFileSpace space,
    UsageRecorder usage,
    DrainState drain,
    RepeatedFailures repeated,
    ILogger<ChatEndpoint> logger)
{
    private const string FilesNeedAModel = "Files need a model that reads them: enter a key first.";

    private static readonly string[] ProviderCodes =
    [
        .. ErrorCodes.All.Where(code => code.StartsWith("ERR_KEY_", StringComparison.Ordinal)),
        ErrorCodes.ProviderUnreachable, ErrorCodes.ProviderTimeout, ErrorCodes.ProviderFailed,
        ErrorCodes.ContextTooLong, ErrorCodes.ModelNotFound,
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
                .. Failures.Of("a budget does not allow it until it begins anew", ErrorCodes.BudgetExceeded),
                new Failure(
                    StatusCodes.Status402PaymentRequired, "the balance does not cover it, or a budget is used up",
                    ErrorCodes.BudgetExceeded),
                .. Failures.Of("the store of the conversation is away", ErrorCodes.StoreUnavailable),
            ]);
        endpoints
            .MapGet(
                pattern,
                (string? conversation, HttpContext context, [FromServices] ChatEndpoint handler) =>
                    handler.ShowAsync(conversation, context))
            .WithTags("Chat")
            .WithSummary("Shows one conversation, the default one unless named, oldest message first")
            .CanFail(
            [
                .. Failures.OfASession,
                .. Failures.Of("the conversation's name is not well formed", ErrorCodes.RequestInvalid),
                .. Failures.Of("the store of the conversation is away", ErrorCodes.StoreUnavailable),
            ]);
        endpoints
            .MapDelete(
                pattern,
                (string? conversation, HttpContext context, [FromServices] ChatEndpoint handler) =>
                    handler.ForgetAsync(conversation, context))
            .WithTags("Chat")
            .WithSummary("Forgets one conversation, the default one unless named; keys and clients stay")
            .WithMetadata(new AuditAction("conversation.forget"))
            .CanFail(
            [
                .. Failures.OfASession,
                .. Failures.Of("the conversation's name is not well formed", ErrorCodes.RequestInvalid),
                .. Failures.Of("the store of the conversation is away", ErrorCodes.StoreUnavailable),
            ]);
    }

    public async Task<Results<EmptyHttpResult, CoachProblem>> AskAsync(HttpContext context)
    {
        (int maxBytes, IDisposable? room, CoachProblem? problem) = await RoomAsync(context).ConfigureAwait(false);
        using (room)
        {
            return problem ?? await AskAsync(context, maxBytes).ConfigureAwait(false);
        }
    }

    private async Task<Results<EmptyHttpResult, CoachProblem>> AskAsync(HttpContext context, int maxBytes)
    {
        (ChatRequest? request, CoachProblem? problem) = await JsonRequest
            .ReadAsync<ChatRequest>(context, static _ => null, maxBytes).ConfigureAwait(false);
        string message = request?.Message?.Trim() ?? "";
        string conversation = request?.Conversation ?? ChatPipelineFactory.DefaultConversation;
        problem ??= Check(message) ?? CheckConversation(conversation) ?? CheckChoices(request!);
        if (problem is not null)
        {
            return problem;
        }

        (IReadOnlyList<DataContent> files, problem) = ChatFiles.Read(request!.Files, options.Value);
        if (problem is not null)
        {
            return problem;
        }

        CallerContext caller = await CallerAsync(context).ConfigureAwait(false);
        // Built before the stream starts: a missing key is then still a problem with a status.
        var turn = new ChatTurnOptions
        {
            Provider = request.Provider,
            ReplacedTurn = request.Replaces,
            HostKeys = hostPaid.Keys(),
        };
        using ChatPipeline chat = await pipelines
            .CreateAsync(caller, conversation, turn, context.RequestAborted).ConfigureAwait(false);
        if (files.Count > 0 && chat.Context.Mode == RunMode.Mock)
        {
            return CoachProblem.Invalid(FilesNeedAModel) with { Field = "files" };
        }

        var question = new Question(message, request.Model, files);
        return await AnswerAsync(context, chat, question).ConfigureAwait(false) is { } failure
            ? failure
            : TypedResults.Empty;
    }

    public async Task<Results<Ok<ConversationResponse>, CoachProblem>> ShowAsync(
        string? conversation, HttpContext context)
    {
        conversation ??= ChatPipelineFactory.DefaultConversation;
        if (CheckConversation(conversation) is { } problem)
        {
            return problem;
        }

        CallerContext caller = await CallerAsync(context).ConfigureAwait(false);
        IReadOnlyList<ChatMessage> messages = await history
            .LoadAsync(caller, conversation, context.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(ConversationResponse.Of(messages));
    }

    public async Task<Results<NoContent, CoachProblem>> ForgetAsync(string? conversation, HttpContext context)
    {
        conversation ??= ChatPipelineFactory.DefaultConversation;
        if (CheckConversation(conversation) is { } problem)
        {
            return problem;
        }

        CallerContext caller = await CallerAsync(context).ConfigureAwait(false);
        await history.RemoveAsync(caller, conversation, context.RequestAborted).ConfigureAwait(false);
        return TypedResults.NoContent();
    }

    /// <summary>
    /// How long the body may be. Only a session that a model answers may send more than any other request: what is
    /// read costs memory, so there is so much of it for all.
    /// </summary>
    private async Task<(int MaxBytes, IDisposable? Room, CoachProblem? Problem)> RoomAsync(HttpContext context)
    {
        if (context.Request.ContentLength is not > JsonRequest.MaxJsonBytes || options.Value.MaxFiles == 0)
        {
            return (JsonRequest.MaxJsonBytes, null, null);
        }

        // In base64, with some room for names.
        int most = JsonRequest.MaxJsonBytes + (options.Value.MaxFileBytes / 3 * 4) + 4;
        if (context.Request.ContentLength > most)
        {
            return (most, null, null);
        }

        IReadOnlyList<ApiKey> stored = await keys
            .ListAsync(context.GetCoachSession().Id, context.RequestAborted).ConfigureAwait(false);
        if (host.Value.Mode == HostMode.Mock || (stored.Count == 0 && hostPaid.Keys().Count == 0))
        {
            return (0, null, CoachProblem.Invalid(
                "The request body is over 64 KiB. " + FilesNeedAModel, StatusCodes.Status413PayloadTooLarge));
        }

        IDisposable? room = space.TryTake(
            ClientNetwork.Of(context.Connection.RemoteIpAddress) ?? IPAddress.None,
            context.Request.ContentLength.Value);
        return room is not null
            ? (most, room, null)
            : (0, null, new CoachProblem(
                StatusCodes.Status503ServiceUnavailable, ErrorCodes.SessionLimit,
                "Too many questions with files are being read. Try again in a moment."));
    }

    private ValueTask<CallerContext> CallerAsync(HttpContext context) =>
        callers.ResolveAsync(context);

    /// <summary>
    /// Streams the answer; a failure before the first byte is returned, one after it ends the stream.
    /// </summary>
    private async Task<CoachProblem?> AnswerAsync(HttpContext context, ChatPipeline chat, Question question)
    {
        var stream = new ServerSentEventWriter(context);
        CancellationToken aborted = context.RequestAborted;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(aborted, drain.Cut);
        CoachProblem? failure;
        try
        {
            failure = await StreamAsync(stream, chat, question, end.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (aborted.IsCancellationRequested && exception is not OutOfMemoryException)
        {
            return null; // the reader left; the client's connection is closed by the same token
        }
        catch (Exception exception) when (
            drain.Cut.IsCancellationRequested && exception is (OperationCanceledException or CoachException))
        {
            failure = new CoachProblem(
                StatusCodes.Status503ServiceUnavailable,
                ErrorCodes.SessionLimit,
                "The server was stopped before the answer was complete. Ask again; another one answers.");
        }
        catch (CoachException exception)
        {
            failure = CoachProblem.From(exception);
        }
        catch (Exception exception) when (
            exception is not OutOfMemoryException && (stream.HasStarted || chat.Context.Mode == RunMode.Real))
        {
            // A client that the host plugged in fails in its own way, and its words may hold the key: only the type is
            // told.
            if (repeated.IsNews("chat " + exception.GetType().Name))
            {
                logger.ChatClientFailed(context.TraceIdentifier, exception.GetType().Name);
            }

            failure = Foreign(exception);
        }

        if (failure is null)
        {
            await TouchAsync(context, chat.Context.Caller.SessionId).ConfigureAwait(false);
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
        ServerSentEventWriter stream, ChatPipeline chat, Question question, CancellationToken aborted)
    {
        var answer = new ChatAnswer();
        IAsyncEnumerator<ChatResponseUpdate> updates = chat.Client.GetStreamingResponseAsync(
            [new ChatMessage(ChatRole.User, [new TextContent(question.Message), .. question.Files])],
            question.Model is { } model ? new ChatOptions { ModelId = model } : null,
            aborted).GetAsyncEnumerator(aborted);
        await using (updates.ConfigureAwait(false))
        {
            while (await stream.NextAsync(updates).ConfigureAwait(false))
            {
                answer.Add(updates.Current);
                if (updates.Current.Text is { Length: > 0 } text)
                {
                    stream.Write(DeltaEvent.Name, new DeltaEvent { Text = text });
                }
            }
        }

        if (answer.Failure is { } failure)
        {
            return failure;
        }

        stream.Write(CitationsEvent.Name, answer.Citations());
        await stream.WriteAsync(DoneEvent.Name, answer.Done(chat.Context, usage.Currency)).ConfigureAwait(false);
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
            if (repeated.IsNews(exception.GetType().Name))
            {
                logger.RequestFailed(context.TraceIdentifier, exception.GetType().Name);
            }
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

    private static CoachProblem? CheckChoices(ChatRequest request)
    {
        if (request.Provider is { } provider && !ProviderName().IsMatch(provider))
        {
            return CoachProblem.Invalid("A provider's name has 1 to 64 characters from a-z, 0-9, '-', '_' and '.'.");
        }

        if (request.Model is { } model && !ModelName().IsMatch(model))
        {
            return CoachProblem.Invalid("A model's name has 1 to 200 printable characters without spaces.");
        }

        return request.Replaces is < 1
            ? CoachProblem.Invalid("The turn that is replaced, replaces, must be a whole number from 1.")
            : null;
    }

    [GeneratedRegex(@"^[a-z0-9\-_.]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ProviderName();

    [GeneratedRegex(@"^[!-~]{1,200}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ModelName();

    // What is asked, of which model, and what came with it.
    private sealed record Question(string Message, string? Model, IReadOnlyList<DataContent> Files);

    private static CoachProblem? CheckConversation(string conversation) => SessionId.TryFrom(conversation, out _)
        ? null
        : CoachProblem.Invalid(
            $"A conversation's name has 1 to {SessionId.MaxLength} characters from A-Z, a-z, 0-9, '-', '_', '.', ':' and '~'.");

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
