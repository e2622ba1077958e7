using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.Llm;
using Coach.Usage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Sessions;

/// <summary>Keys in and out of a session.</summary>
internal sealed class KeyEndpoints(
    IApiKeyValidator validator, EnteredKeys entered, KeyCheckLimit limit, KeyAudit audit,
    IOptions<CoachHostOptions> host)
{
    private static readonly string[] RefusedKey =
    [
        .. ErrorCodes.All.Where(code => code.StartsWith("ERR_KEY_", StringComparison.Ordinal)),
    ];

    public static void Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        endpoints
            .MapPost(pattern, (HttpContext context, [FromServices] KeyEndpoints handler) => handler.AddAsync(context))
            .WithTags("Session")
            .WithSummary("Checks a key without spending tokens and keeps it for the session")
            .WithMetadata(new AuditAction("key.enter"))
            .WithMetadata(new JsonBody(typeof(KeyRequest)))
            .CanFail(
            [
                .. Failures.OfASession,
                .. Failures.OfABody,
                .. Failures.Of("the session was ended meanwhile", ErrorCodes.SessionRequired),
                .. Failures.Of("there are too many sessions", ErrorCodes.SessionLimit),
                new(StatusCodes.Status409Conflict, "the server runs in mock mode", ErrorCodes.RequestInvalid),
                new(StatusCodes.Status422UnprocessableEntity, "the key is refused", RefusedKey)
                {
                    Body = typeof(KeyProblemResponse),
                },
            ]);
        endpoints
            .MapDelete(
                pattern + "/{provider}",
                (string provider, HttpContext context, [FromServices] KeyEndpoints handler) =>
                    handler.RemoveAsync(provider, context))
            .WithTags("Session")
            .WithSummary("Removes a provider's key and disposes the clients that were made with it")
            .WithMetadata(new AuditAction("key.remove"))
            .CanFail(Failures.OfASession);
    }

    public async Task<Results<Ok<KeyResponse>, CoachProblem>> AddAsync(HttpContext context)
    {
        SessionId session = context.GetCoachSession().Id;
        (KeyRequest? request, CoachProblem? problem) = await JsonRequest
            .ReadAsync<KeyRequest>(context, WrongField).ConfigureAwait(false);
        string provider = request?.Provider?.Trim().ToLowerInvariant() ?? "";
        problem ??= Check(provider);
        if (problem is not null)
        {
            return problem;
        }

        if (await limit.TryAcquireAsync(context).ConfigureAwait(false) is { } tooMany)
        {
            return tooMany;
        }

        string apiKey = request!.ApiKey?.Trim() ?? "";
        KeyValidation validation = await validator
            .ValidateAsync(provider, apiKey, session.Value, context.RequestAborted).ConfigureAwait(false);
        if (apiKey.Length == 0 || !validation.IsValid)
        {
            await audit.AppendAsync(session, AuditEventKind.KeyRefused, provider, validation.Status.ToString())
                .ConfigureAwait(false);
            return new KeyProblem(validation);
        }

        var key = new ApiKey(provider, Secret.From(apiKey));
        await audit.AppendAsync(session, AuditEventKind.KeyValidated, provider, key.Fingerprint).ConfigureAwait(false);
        if (await entered.KeepAsync(context, key, validation.Models).ConfigureAwait(false) is { } notKept)
        {
            return notKept;
        }

        return TypedResults.Ok(new KeyResponse
        {
            Provider = key.Provider,
            Fingerprint = key.Fingerprint,
            IsAuthentic = validation.IsAuthentic,
            Limits = validation.Limits,
            Models =
            [
                .. validation.Models.Select(
                    model => new KeyModelResponse { Id = model.Id, ShutdownDate = model.ShutdownDate }),
            ],
        });
    }

    public async Task<NoContent> RemoveAsync(string provider, HttpContext context)
    {
        await entered.RemoveAsync(context, provider.ToLowerInvariant()).ConfigureAwait(false);
        return TypedResults.NoContent();
    }

    private CoachProblem? Check(string provider) =>
        InMockMode() ?? (ProviderNames.All.Contains(provider) ? null : UnknownProvider());

    private CoachProblem? InMockMode() => host.Value.Mode != HostMode.Mock ? null : CoachProblem.Invalid(
        "This server runs in mock mode and takes no keys. Start it with COACH_MODE=auto or real to use one.",
        StatusCodes.Status409Conflict);

    private CoachProblem? WrongField(string field) => field switch
    {
        "provider" => InMockMode() ?? UnknownProvider(),
        "apiKey" => InMockMode() ?? NoKey(),
        _ => null,
    };

    private static KeyProblem NoKey() => new(
        new KeyValidation(
            KeyStatus.Missing, "The key is not a text. Send the key as it was copied.", IsAuthentic: false));

    private static CoachProblem UnknownProvider() => CoachProblem.Invalid(
        $"The provider is not known. Send one of: {string.Join(", ", ProviderNames.All)}.");
}
