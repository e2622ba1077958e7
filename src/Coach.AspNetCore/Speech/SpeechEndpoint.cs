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
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Speech;

/// <summary>A text in, its sound out, paid with the session's own key; or the reason why there is none.</summary>
internal sealed class SpeechEndpoint(
    ISessionKeyStore keys,
    ISessionClientRegistry clients,
    IOptions<CoachHostOptions> host,
    IOptions<CoachSpeechOptions> options,
    ILogger<SpeechEndpoint> logger)
{
    private const string NotSpoken = "The text cannot be spoken: ";

    private static readonly string[] Reasons =
    [
        .. ErrorCodes.All.Where(code => code.StartsWith("ERR_KEY_", StringComparison.Ordinal)),
        ErrorCodes.ProviderUnreachable, ErrorCodes.ProviderTimeout, ErrorCodes.ProviderFailed, ErrorCodes.RateLimited,
        ErrorCodes.SessionLimit, ErrorCodes.MissingSecret,
    ];

    public static void Map(IEndpointRouteBuilder endpoints, string pattern) => endpoints
        .MapPost(pattern, (HttpContext context, [FromServices] SpeechEndpoint handler) => handler.SpeakAsync(context))
        .WithTags("Speech")
        .WithSummary("Speaks a text with the session's key of the speech provider")
        .WithMetadata(new JsonBody(typeof(SpeechRequest)))
        .Produces<Stream>(StatusCodes.Status200OK, "audio/wav")
        .CanFail(
        [
            .. Failures.OfASession,
            .. Failures.OfABody,
            new(StatusCodes.Status503ServiceUnavailable, "there is no sound, only the text", Reasons)
            {
                Body = typeof(SpeechProblemResponse),
            },
        ]);

    public async Task<Results<FileContentHttpResult, CoachProblem>> SpeakAsync(HttpContext context)
    {
        (SpeechRequest? request, CoachProblem? problem) = await JsonRequest
            .ReadAsync<SpeechRequest>(context, static _ => null).ConfigureAwait(false);
        string text = request?.Text?.Trim() ?? "";
        problem ??= Check(text);
        if (problem is not null)
        {
            return problem;
        }

        try
        {
            return await SpeakAsync(context.GetCoachSession().Id, text, context.RequestAborted).ConfigureAwait(false);
        }
        catch (CoachException failure)
        {
            return Silent(failure);
        }
        catch (Exception failure) when (
            failure is not OutOfMemoryException && !context.RequestAborted.IsCancellationRequested)
        {
            // No voice is set, or a client that the host plugged in fails in its own way. Its words may hold the key.
            logger.SpeechFailed(context.TraceIdentifier, failure.GetType().Name);
            return new SpeechProblem(
                ErrorCodes.ProviderFailed,
                NotSpoken + "the speech client failed. Check Coach:Llm:Cartesia:Voice; if it stays, report the request id.");
        }
    }

    private async Task<Results<FileContentHttpResult, CoachProblem>> SpeakAsync(
        SessionId session, string text, CancellationToken cancellationToken)
    {
        if (host.Value.Mode == HostMode.Mock)
        {
            return new SpeechProblem(
                ErrorCodes.MissingSecret,
                NotSpoken + "this server runs in mock mode and calls no provider. Start it with COACH_MODE=auto or real.");
        }

        string provider = options.Value.Provider.ToLowerInvariant();
        ApiKey? key = await keys.GetAsync(session, provider, cancellationToken).ConfigureAwait(false);
        if (key is null)
        {
            return new SpeechProblem(
                ErrorCodes.KeyMissing,
                NotSpoken + $"the session has no key of provider '{provider}'. Give one with POST /api/session/keys.");
        }

        using ClientLease<ISpeechSynthesizer> lease = await clients
            .AcquireAsync<ISpeechSynthesizer>(session, key, cancellationToken).ConfigureAwait(false);
        SpeechAnswer answer = await lease.Client.SynthesizeAsync(text, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        return answer.Failure is { } failure
            ? Silent(failure)
            : TypedResults.Bytes(answer.Audio.ToArray(), answer.ContentType);
    }

    private static SpeechProblem Silent(CoachException failure) =>
        new(failure.Code, failure.Message) { RetryAfter = failure.RetryAfter };

    private CoachProblem? Check(string text)
    {
        if (text.Length == 0)
        {
            return Empty();
        }

        int limit = options.Value.MaxTextLength;
        return text.Length <= limit ? null : CoachProblem.Invalid(string.Create(
            CultureInfo.InvariantCulture,
            $"The text has {text.Length} characters; it must have at most {limit}. Speak it in parts."));
    }

    private static CoachProblem Empty() =>
        CoachProblem.Invalid("The text is empty. Send {\"text\": \"what to speak\"}.");
}
