using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.Llm;
using Coach.Rag;
using Coach.Usage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Sessions;

/// <summary>Shows a session and ends it.</summary>
internal sealed class SessionEndpoints(
    ISessionKeyStore keys,
    SessionChatClients chat,
    SessionKeyWatch watch,
    ISessionTier documents,
    IPriceSource prices,
    TimeProvider time,
    SessionEnd end,
    IOptions<CoachHostOptions> host,
    IOptions<CoachSessionOptions> options)
{
    public static void Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        endpoints
            .MapGet(
                pattern, (HttpContext context, [FromServices] SessionEndpoints handler) => handler.ShowAsync(context))
            .WithTags("Session")
            .WithSummary("Shows the session, its keys and how it is answered")
            .CanFail(Failures.OfASession);
        endpoints
            .MapDelete(
                pattern, (HttpContext context, [FromServices] SessionEndpoints handler) => handler.EndAsync(context))
            .WithTags("Session")
            .WithSummary("Ends the session: its keys, clients and conversation are gone")
            .WithMetadata(new AuditAction("session.end"))
            .CanFail(Failures.OfASession);
        KeyEndpoints.Map(endpoints, pattern + "/keys");
    }

    public async Task<Ok<SessionResponse>> ShowAsync(HttpContext context)
    {
        SessionId session = context.GetCoachSession().Id;
        IReadOnlyList<ApiKey> stored = host.Value.Mode == HostMode.Mock
            ? []
            : await keys.ListAsync(session, context.RequestAborted).ConfigureAwait(false);
        (RagTier tier, Degradation? why) = await documents.TierAsync(context).ConfigureAwait(false);
        return TypedResults.Ok(new SessionResponse
        {
            SessionId = session.Value,
            Mode = host.Value.ModeOf(chat.Order(stored).Count > 0),
            Keys =
            [
                .. stored.Select(key => Shown(key, watch.Find(session, key), watch.Models(session, key))),
            ],
            RagTier = tier,
            RagReason = why?.Message,
        });
    }

    private SessionKeyResponse Shown(
        ApiKey key, KeyValidation? refused, IReadOnlyList<KeyModel> models) => new()
        {
            Provider = key.Provider,
            Fingerprint = key.Fingerprint,
            Status = refused?.Status ?? KeyStatus.Valid,
            Message = refused?.Message,
            Models = models.Count == 0
            ? null
            : [.. models.Select(model => new SessionKeyModel
            {
                Id = model.Id,
                ShutdownDate = model.ShutdownDate,
                Price = PriceOf(key.Provider, model.Id),
            })],
        };

    private SessionModelPrice? PriceOf(string provider, string model)
    {
        ModelPrice? price = prices.Current.Find(provider, model, time.GetUtcNow());
        return price is null
            ? null
            : new SessionModelPrice
            {
                InputMicro = price.Input,
                OutputMicro = price.Output,
                Currency = price.Currency,
            };
    }

    public async Task<NoContent> EndAsync(HttpContext context)
    {
        // A session that began with this very request is told to nobody: nothing of it has to be remembered.
        CoachSession session = context.GetCoachSession();
        if (!session.IsNew)
        {
            await end.EndAsync(session.Id).ConfigureAwait(false);
        }

        SessionCookie.Delete(context, options.Value.CookieName);
        return TypedResults.NoContent();
    }
}
