using Coach.Rag.Analysis;

namespace Coach.Rag.Search;

/// <summary>
/// Whether a question that could stand by itself goes on from what was said: it does when the documents speak of both
/// in one place. A question about something else keeps its own words alone.
/// </summary>
internal static class FollowUpSearch
{
    private const int Examined = 5;
    private const double OwnShare = 0.6;
    private const double ContextShare = 0.2;

    /// <summary>Looks both up by words.</summary>
    public static bool BelongsToContext(
        IndexSearcher searcher, string question, FollowUp followUp, RetrievalOptions? request, CoachRagOptions options)
    {
        int alone = Find(question).Select(terms => Count(terms, followUp.Own)).DefaultIfEmpty(0).Max();
        double own = OwnShare * alone;
        double context = Math.Max(1, ContextShare * followUp.Context.Count);
        return Find(followUp.Completed).Any(
            terms => Count(terms, followUp.Own) >= own && Count(terms, followUp.Context) >= context);

        IEnumerable<HashSet<string>> Find(string text)
        {
            var lexical = new RetrievalOptions { MinCoverage = 0, MinScore = 0, Filter = request?.Filter };
            var query = new HybridQuery(QuestionWordFilter.Strip(text), Examined, lexical, null, UsesLsa: false);
            return HybridSearcher.Run(searcher, query, options).Passages
                .Select(passage => TermSet.Of($"{passage.Title} {passage.Heading} {passage.Text}"));
        }
    }

    private static int Count(HashSet<string> terms, HashSet<string> wanted) => wanted.Count(terms.Contains);
}
