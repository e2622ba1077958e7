using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.Rag;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Knowledge;

/// <summary>One question to the documents, without a model.</summary>
internal sealed class RetrieveEndpoint(CallerKnowledge knowledge, IOptions<CoachChatOptions> options)
{
    private const int MaxTop = 50;

    public static void Map(IEndpointRouteBuilder endpoints, string pattern) => endpoints
        .MapPost(
            pattern, (HttpContext context, [FromServices] RetrieveEndpoint handler) => handler.FindAsync(context))
        .WithTags("Documents")
        .WithSummary("Finds passages of the documents, with what each method gave them")
        .WithMetadata(new JsonBody(typeof(RetrieveRequest)))
        .CanFail(
        [
            .. Failures.OfASession,
            .. Failures.OfABody,
            .. Failures.Of("the index cannot be read", ErrorCodes.IndexCorrupt, ErrorCodes.IndexUnavailable),
        ]);

    public async Task<Results<Ok<RetrieveResponse>, CoachProblem>> FindAsync(HttpContext context)
    {
        (RetrieveRequest? request, CoachProblem? problem) = await JsonRequest
            .ReadAsync<RetrieveRequest>(context, WrongField).ConfigureAwait(false);
        string query = request?.Query?.Trim() ?? "";
        problem ??= query.Length == 0 || query.Length > options.Value.MaxMessageLength ? WrongField("query")
            : request!.Top is < 1 or > MaxTop ? WrongField("top")
            : null;
        if (problem is not null)
        {
            return problem;
        }

        IRetriever retriever = await knowledge.RetrieverAsync(context).ConfigureAwait(false);
        Rag.Retrieval found = await retriever.RetrieveAsync(
            query, request!.Top is { } top ? new RetrievalOptions { Top = top } : null, context.RequestAborted)
            .ConfigureAwait(false);
        return TypedResults.Ok(new RetrieveResponse
        {
            Passages = [.. found.Passages.Select(Shown)],
            RagTier = found.Tier,
            RagReason = found.Degradation?.Message,
        });
    }

    private static RetrievedPassage Shown(Passage passage, int index) => new()
    {
        Number = index + 1,
        Source = passage.Source,
        Heading = passage.Heading,
        Text = passage.Text,
        Score = Math.Round(passage.Score, 4),
        Scores = new MethodScores
        {
            Lexical = passage.Scores.Lexical,
            Lsa = passage.Scores.Lsa,
            Vector = passage.Scores.Vector,
        },
    };

    private CoachProblem? WrongField(string field) => field switch
    {
        "query" => CoachProblem.Invalid(
            $"The query must be a text of 1 to {options.Value.MaxMessageLength} characters."),
        "top" => CoachProblem.Invalid($"The number of passages, top, must be a whole number from 1 to {MaxTop}."),
        _ => null,
    };
}
