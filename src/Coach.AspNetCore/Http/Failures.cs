using Coach.Abstractions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace Coach.AspNetCore.Http;

/// <summary>One way in which an endpoint can fail, for the OpenAPI document.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="When">What went wrong, in a few words.</param>
/// <param name="Codes">The codes of the problem.</param>
internal sealed record Failure(int Status, string When, params string[] Codes)
{
    /// <summary>What the problem's body holds.</summary>
    public Type Body { get; init; } = typeof(ProblemResponse);
}

/// <summary>Tells the OpenAPI document how endpoints fail: a response a status, with its codes.</summary>
internal static class Failures
{
    /// <summary>What every endpoint that Coach maps can answer.</summary>
    public static readonly Failure[] OfEveryCall =
    [
        new(StatusCodes.Status429TooManyRequests, "the session or the address calls too often", ErrorCodes.RateLimited),
        new(StatusCodes.Status500InternalServerError, "something unexpected; the problem has no code"),
    ];

    /// <summary>What an endpoint with a session can answer besides.</summary>
    public static readonly Failure[] OfASession =
    [
        .. OfEveryCall,
        new(StatusCodes.Status400BadRequest, "there are two session cookies", ErrorCodes.RequestInvalid),
        new(StatusCodes.Status401Unauthorized, "the session's cookie was just replaced", ErrorCodes.SessionRequired),
        new(StatusCodes.Status403Forbidden, "the page is of another origin", ErrorCodes.RequestInvalid),
    ];

    /// <summary>What reading a JSON body can answer besides.</summary>
    public static readonly Failure[] OfABody =
    [
        new(StatusCodes.Status400BadRequest, "the body is not a JSON object", ErrorCodes.RequestInvalid),
        new(StatusCodes.Status413PayloadTooLarge, "the body is over 64 KiB", ErrorCodes.TooLarge),
        new(StatusCodes.Status415UnsupportedMediaType, "the body is said to be no JSON", ErrorCodes.MediaType),
        new(StatusCodes.Status422UnprocessableEntity, "a value is wrong", ErrorCodes.RequestInvalid),
    ];

    /// <summary>The codes' failures, each at the status that its code has.</summary>
    public static IEnumerable<Failure> Of(string when, params string[] codes) =>
        codes.GroupBy(ProblemStatus.Of, (status, same) => new Failure(status, when, [.. same]));

    /// <summary>Adds a response a status to the endpoint's description.</summary>
    public static TBuilder CanFail<TBuilder>(this TBuilder builder, IEnumerable<Failure> failures)
        where TBuilder : IEndpointConventionBuilder
    {
        foreach (IGrouping<int, Failure> same in failures.GroupBy(failure => failure.Status))
        {
            // The attribute, not the metadata type of minimal APIs: of the two only this one's description is shown.
            // A body that says more than every problem does is the schema of its status.
            Type body = same.Select(failure => failure.Body).FirstOrDefault(type => type != typeof(ProblemResponse))
                ?? typeof(ProblemResponse);
            var response = new ProducesResponseTypeAttribute(body, same.Key, "application/problem+json")
            {
                Description = string.Join("; ", same.Select(Describe)),
            };
            builder.WithMetadata(response);
        }

        return builder;
    }

    private static string Describe(Failure failure) =>
        failure.Codes.Length == 0 ? failure.When : $"{failure.When}: {string.Join(", ", failure.Codes)}";
}
