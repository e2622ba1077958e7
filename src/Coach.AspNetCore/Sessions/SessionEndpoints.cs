using Coach.Abstractions;
using Coach.Llm;
using Coach.Rag;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore;

/// <summary>Keys in, keys out, and the end of a session.</summary>
internal sealed class SessionEndpoints(
    IApiKeyValidator validator,
    ISessionKeyStore keys,
    ISessionClientRegistry clients,
    SessionChatClients chat,
    IRetriever retriever,
    RevokedSessions ended,
    ConversationStore conversations,
    IOptions<CoachHostOptions> host,
    IOptions<CoachSessionOptions> options,
    ILogger<SessionEndpoints> logger)
{
    public async Task AddKeyAsync(HttpContext context)
    {
        CoachSession session = context.GetCoachSession();
        (System.Text.Json.JsonDocument? body, CoachProblem? problem) = await RequestBodies.ReadObjectAsync(context)
            .ConfigureAwait(false);
        using (body)
        {
            problem ??= Check(body!.RootElement, out _, out _);
            if (problem is not null)
            {
                await problem.WriteAsync(context).ConfigureAwait(false);
                return;
            }

            Check(body!.RootElement, out string provider, out string apiKey);
            ApiKey? key = string.IsNullOrWhiteSpace(apiKey) ? null : new ApiKey(provider, Secret.From(apiKey.Trim()));
            KeyValidation validation = await validator.ValidateAsync(
                provider, apiKey.Trim(), session.Id.Value, context.RequestAborted)
                .ConfigureAwait(false);
            if (key is null || !validation.IsValid)
            {
                await Refused(validation).WriteAsync(context).ConfigureAwait(false);
                return;
            }

            // From here on the caller may leave: a key that is stored must not outlive a session that was ended while
            // it was checked. Whoever ends a session says so before removing its keys, so either this sees it or that
            // removes the key.
            await keys.SetAsync(session.Id, key, CancellationToken.None).ConfigureAwait(false);
            if (await ended.ContainsAsync(session.Id, CancellationToken.None).ConfigureAwait(false))
            {
                await keys.RemoveAsync(session.Id, CancellationToken.None).ConfigureAwait(false);
                await Ended().WriteAsync(context).ConfigureAwait(false);
                return;
            }

            await Json.WriteAsync(context, StatusCodes.Status200OK, writer =>
            {
                writer.WriteString("provider", key.Provider);
                writer.WriteString("status", "valid");
                writer.WriteString("fingerprint", key.Fingerprint);
            }).ConfigureAwait(false);
        }
    }

    public async Task ShowAsync(HttpContext context)
    {
        CoachSession session = context.GetCoachSession();
        IReadOnlyList<ApiKey> stored = host.Value.Mode == HostMode.Mock
            ? []
            : await keys.ListAsync(session.Id, context.RequestAborted).ConfigureAwait(false);
        RunMode mode = host.Value.ModeOf(chat.Order(stored).Count > 0);
        await Json.WriteAsync(context, StatusCodes.Status200OK, writer =>
        {
            writer.WriteString("sessionId", session.Id.Value);
            writer.WriteString("mode", mode == RunMode.Real ? "real" : "mock");
            writer.WriteStartArray("keys");
            foreach (ApiKey key in stored)
            {
                writer.WriteStartObject();
                writer.WriteString("provider", key.Provider);
                writer.WriteString("fingerprint", key.Fingerprint);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteString("ragTier", retriever.Tier.ToText());
        }).ConfigureAwait(false);
    }

    public async Task RemoveKeyAsync(HttpContext context)
    {
        SessionId session = context.GetCoachSession().Id;
        string provider = ((string?)context.Request.RouteValues["provider"] ?? "").ToLowerInvariant();
        await keys.RemoveAsync(session, provider, context.RequestAborted).ConfigureAwait(false);
        await clients.RemoveAsync(session, provider, context.RequestAborted).ConfigureAwait(false);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public async Task EndAsync(HttpContext context)
    {
        SessionId session = context.GetCoachSession().Id;

        conversations.Remove(session);

        // Each step on its own: a failing store must not keep the clients alive, nor the other way round.
        await StepAsync("end", () => ended.AddAsync(session, CancellationToken.None)).ConfigureAwait(false);
        await StepAsync("keys", () => keys.RemoveAsync(session, CancellationToken.None).AsTask()).ConfigureAwait(false);
        await StepAsync(
            "clients", () => clients.RemoveAsync(session, CancellationToken.None).AsTask()).ConfigureAwait(false);
        context.Response.Headers.Remove("Set-Cookie");
        context.Response.Cookies.Delete(options.Value.CookieName, SessionMiddleware.CookieOptions(context.Request));
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private CoachProblem? Check(System.Text.Json.JsonElement body, out string provider, out string apiKey)
    {
        apiKey = body.TryGetString("apiKey", out string? givenKey) ? givenKey : "";
        provider = body.TryGetString("provider", out string? givenProvider)
            ? givenProvider.Trim().ToLowerInvariant()
            : "";
        if (host.Value.Mode == HostMode.Mock)
        {
            return CoachProblem.Invalid(
                "This server runs in mock mode and takes no keys. Start it with COACH_MODE=auto or real to use one.",
                StatusCodes.Status409Conflict);
        }

        return ProviderNames.All.Contains(provider)
            ? null
            : CoachProblem.Invalid($"The provider is not known. Send one of: {string.Join(", ", ProviderNames.All)}.");
    }

    private static CoachProblem Ended() => new(ProblemStatus.Of(ErrorCodes.SessionRequired), ErrorCodes.SessionRequired,
        "The session was ended while the key was checked, so the key was not kept. Enter it again in a new session.");

    private static CoachProblem Refused(KeyValidation validation) =>
        new(StatusCodes.Status422UnprocessableEntity, validation.Code, validation.Message)
    {
        DescribesAKey = true,
        KeyStatus = System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(validation.Status.ToString()),
        IsAuthentic = validation.IsAuthentic,
        RetryAfter = validation.RetryAfter,
    };

    private async Task StepAsync(string name, Func<Task> step)
    {
        try
        {
            await step().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            logger.SessionCleanupFailed(name, exception.GetType().Name);
        }
    }
}
