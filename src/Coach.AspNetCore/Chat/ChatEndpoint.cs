using System.Globalization;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Llm;
using Coach.Rag;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore;

/// <summary>One question, one streamed and cited answer, with the session's own key or with none.</summary>
internal sealed class ChatEndpoint(
    ISessionKeyStore keys,
    SessionChatClients clients,
    MockChatClient mock,
    ConversationStore conversations,
    IRetriever retriever,
    IOptions<CoachHostOptions> host,
    IOptions<CoachChatOptions> options,
    ILogger<ChatEndpoint> logger)
{
    public async Task AskAsync(HttpContext context)
    {
        (string? message, CoachProblem? problem) = await ReadMessageAsync(context).ConfigureAwait(false);
        if (problem is not null)
        {
            await problem.WriteAsync(context).ConfigureAwait(false);
            return;
        }

        SessionId session = context.GetCoachSession().Id;
        IReadOnlyList<ApiKey> stored = host.Value.Mode == HostMode.Mock
            ? []
            : clients.Order(await keys.ListAsync(session, context.RequestAborted).ConfigureAwait(false));
        RunMode mode = host.Value.ModeOf(stored.Count > 0);
        if (mode == RunMode.Real && stored.Count == 0)
        {
            await new CoachProblem(StatusCodes.Status422UnprocessableEntity, ErrorCodes.KeyMissing,
                "This server answers with your own key only. Give one with POST /api/session/keys first.")
                    .WriteAsync(context)
                    .ConfigureAwait(false);
            return;
        }

        await AnswerAsync(context, session, mode, stored, message!).ConfigureAwait(false);
    }

    /// <summary>Forgets what was said; keys and clients stay.</summary>
    public Task ForgetAsync(HttpContext context)
    {
        conversations.Remove(context.GetCoachSession().Id);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private async Task AnswerAsync(
        HttpContext context, SessionId session, RunMode mode, IReadOnlyList<ApiKey> stored, string message)
    {
        var stream = new ServerSentEventWriter(context);
        CancellationToken aborted = context.RequestAborted;
        try
        {
            // Disposing the session's client ends its leases; the mock is the host's.
            using FallbackChatClient? own = mode == RunMode.Real ? clients.Open(session, stored) : null;
            var answer = new ChatAnswer();

            // A mock quotes documents and needs no history; and what it said must not come back as a model's words.
            Conversation? conversation = mode == RunMode.Real ? conversations.Get(session) : null;
            IAsyncEnumerable<ChatResponseUpdate> updates = new RagChatClient(own ?? (IChatClient)mock, retriever)
                .GetStreamingResponseAsync(Messages(conversation, message), cancellationToken: aborted);
            await foreach (ChatResponseUpdate update in updates.ConfigureAwait(false))
            {
                answer.Add(update);
                if (update.Text is { Length: > 0 } text)
                {
                    await stream.WriteAsync("delta", writer => writer.WriteString("text", text)).ConfigureAwait(false);
                }
            }

            if (answer.Failure is { } failure)
            {
                await FailAsync(context, stream, failure).ConfigureAwait(false);
                return;
            }

            await stream.WriteAsync("citations", answer.WriteCitations).ConfigureAwait(false);
            conversation?.Add(message, answer.Text);
            await stream.WriteAsync("done", answer.WriteDone).ConfigureAwait(false);
        }
        catch (Exception exception) when (aborted.IsCancellationRequested && exception is not OutOfMemoryException)
        {
            // The reader left; the client's connection is closed by the same token.
            return;
        }
        catch (CoachException exception) when (stream.HasStarted)
        {
            await FailAsync(context, stream, CoachProblem.From(exception)).ConfigureAwait(false);
            return;
        }
        catch (Exception exception) when (
            exception is not (OutOfMemoryException or CoachException) && (stream.HasStarted || mode == RunMode.Real))
        {
            // A client that the host plugged in fails in its own way, and its words may hold the key: only the type is
            // told.
            logger.ChatClientFailed(context.TraceIdentifier, exception.GetType().Name);
            await FailAsync(context, stream, Foreign(exception)).ConfigureAwait(false);
            return;
        }

        await TouchAsync(context, session).ConfigureAwait(false);
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

    private async Task FailAsync(HttpContext context, ServerSentEventWriter stream, CoachProblem problem)
    {
        if (!stream.HasStarted)
        {
            await problem.WriteAsync(context).ConfigureAwait(false);
            return;
        }

        logger.ChatCutShort(context.TraceIdentifier, problem.Code!);
        await stream.WriteAsync("error", writer =>
        {
            writer.WriteString("code", problem.Code);
            writer.WriteString("message", problem.Detail);
        }).ConfigureAwait(false);
    }

    private static CoachProblem Foreign(Exception exception) =>
        exception is TimeoutException or OperationCanceledException
        ? new(
            StatusCodes.Status504GatewayTimeout,
            ErrorCodes.ProviderTimeout,
            "The provider's client did not answer in time. Try again.")
        : new(StatusCodes.Status502BadGateway, ErrorCodes.ProviderFailed,
            "The provider's client failed. Try again; if it stays, report the request id.");

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

    private async Task<(string? Message, CoachProblem? Problem)> ReadMessageAsync(HttpContext context)
    {
        (JsonDocument? body, CoachProblem? problem) = await RequestBodies.ReadObjectAsync(context)
            .ConfigureAwait(false);
        using (body)
        {
            if (problem is not null)
            {
                return (null, problem);
            }

            string message = body!.RootElement.TryGetString("message", out string? given) ? given.Trim() : "";
            int limit = options.Value.MaxMessageLength;
            return message.Length switch
            {
                0 => (null, CoachProblem.Invalid("The message is empty. Send {\"message\": \"your question\"}.")),
                int length when length > limit =>
                    (null, CoachProblem.Invalid(string.Create(CultureInfo.InvariantCulture,
                    $"The message has {length} characters; it must have at most {limit}. Ask something shorter."))),
                _ => (message, null),
            };
        }
    }
}
